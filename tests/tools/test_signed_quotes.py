# SPDX-License-Identifier: Apache-2.0
"""Quotes that are signed and wrong, as whoever has a key may write them, judged beside tpm2_checkquote.

A changed byte breaks a signature; here it is made anew, so that only what the statement says can tell. It is
a test key outside any TPM. tpm2_checkquote of Debian 12 (tpm2-tools 5.4) is older than the corrections of
CVE-2024-29038 and CVE-2024-29039: where it accepts what we refuse, the table has the reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from bundlefmt.evidence.pcr import PcrValues
from tests.conftest import Need
from tests.tools.test_judges import Evidence
from tests.vectorgen import certificates
from tests.vectorgen import software_tpm as tpm
from tests.vectorgen.software_tpm import Key, Statement

PCRS: Final = {tpm.SHA256: {index: bytes([index]) * 32 for index in (0, 7, 16)}}
OTHERS: Final = {tpm.SHA256: {index + 1: value for index, value in PCRS[tpm.SHA256].items()}}
TWO_BANKS: Final = {**PCRS, tpm.SHA384: {0: bytes(48)}}
KINDS: Final = ("ecdsa-sha256", "rsassa-sha256")


@cache
def signing(kind: str) -> Key:
    if kind == KINDS[0]:
        return tpm.ecc_key("signed quotes", tpm.ATTESTING)
    return tpm.rsa_key("tpm-ak-rsa2048", tpm.ATTESTING, scheme=(tpm.RSASSA, tpm.SHA256))


def made(
    key: Key,
    *,
    values: PcrValues = PCRS,
    given: PcrValues | None = None,
    tail: bytes = b"",
    **changes: object,
) -> Evidence:
    """A quote of `values` with other fields, beside the values `given`; signed all the same."""
    blank = Evidence(
        operator=certificates.operator("p256").certificate,
        ak=key.area,
        attest=b"",
        signature=b"",
        values=values if given is None else given,
    )
    fields = {
        "type": tpm.QUOTE,
        "signer": key.qualified_name,
        "extra": blank.binding,
        "attested": tpm.quote_info(values),
        **changes,
    }
    attest = Statement(**fields).encode() + tail  # type: ignore[arg-type] # the fields of Statement
    return replace(blank, attest=attest, signature=key.sign(attest))


def _info(selection: bytes, digest: bytes) -> bytes:
    """TPMS_QUOTE_INFO."""
    return selection + tpm.tpm2b(digest)


def _twice(key: Key) -> Evidence:
    """One PCR in two selections of its bank; the digest is over the value twice."""
    row = PCRS[tpm.SHA256][0]
    selection = tpm.selection(((tpm.SHA256, (0,)), (tpm.SHA256, (0,))))
    digest = tpm.pcr_digest({tpm.SHA256: {0: row, 1: row}})
    return made(key, given={tpm.SHA256: {0: row}}, attested=_info(selection, digest))


def _certify(key: Key) -> Evidence:
    """A statement of another type, whole."""
    attested = tpm.tpm2b(key.name) + tpm.tpm2b(key.qualified_name)
    return made(key, type=tpm.CERTIFY, attested=attested)


_ALL: Final = tpm.selection(tpm.selected(PCRS))
_NONE: Final = tpm.pcr_digest({})
FAULTS: Final[dict[str, Callable[[Key], Evidence]]] = {
    "magic of no TPM": lambda key: made(key, magic=0xFF544348),
    "magic in the other order": lambda key: made(key, magic=0x474354FF),
    "type certify": lambda key: made(key, type=tpm.CERTIFY),
    "type time": lambda key: made(key, type=0x8019),
    "type of no statement": lambda key: made(key, type=0x8021),
    "a certify statement": _certify,
    "signer is the Name": lambda key: made(key, signer=key.name),
    "signer is empty": lambda key: made(key, signer=b""),
    "signer is another key": lambda key: made(key, signer=b"\x00\x0b" + bytes(32)),
    "extraData of another ceremony": lambda key: made(key, extra=bytes(32)),
    "extraData is empty": lambda key: made(key, extra=b""),
    "extraData is cut": lambda key: made(key, extra=made(key).binding[:-1]),
    "extraData is longer": lambda key: made(key, extra=made(key).binding + b"\x00"),
    "safe is two": lambda key: made(key, safe=2),
    "trailing byte": lambda key: made(key, tail=b"\x00"),
    "no PCR": lambda key: made(key, attested=_info(tpm.selection({}), _NONE)),
    "no PCR of a bank": lambda key: made(key, attested=_info(tpm.selection({tpm.SHA256: ()}), _NONE)),
    "a PCR twice": _twice,
    "digest of other values": lambda key: made(key, attested=_info(_ALL, bytes(32))),
    "digest is empty": lambda key: made(key, attested=_info(_ALL, b"")),
    "digest by another hash": lambda key: made(key, attested=tpm.quote_info(PCRS, tpm.SHA384)),
    "values said to be of other PCRs": lambda key: made(key, given=OTHERS),
    "values of a bank beside": lambda key: made(key, given=TWO_BANKS),
    "values of a bank missing": lambda key: made(key, values=TWO_BANKS, given=PCRS),
}
_SIGNER: Final = "it does not compute the qualified name of the key"
MORE_LENIENT: Final = {
    "magic of no TPM": "CVE-2024-29038: it does not look at the magic value",
    "magic in the other order": "CVE-2024-29038: it does not look at the magic value",
    "values said to be of other PCRs": "CVE-2024-29039: it takes the selection from the file of the values",
    "signer is the Name": _SIGNER,
    "signer is empty": _SIGNER,
    "signer is another key": _SIGNER,
    "safe is two": "it reads what it needs, and does not need the clock",
    "trailing byte": "it reads what it needs and does not look whether anything follows",
}
# what a quote may say without being wrong: other checks judge the clock
HARMLESS: Final[dict[str, dict[str, int]]] = {
    "as it should be": {},
    "clock not safe": {"safe": 0},
    "another boot": {"resets": 2**32 - 1, "restarts": 2**32 - 1},
    "a late clock": {"clock": 2**64 - 1},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("said", HARMLESS)
def test_signed_and_right(said: str, kind: str, part: Need, tmp_path: Path) -> None:
    part("tpm2_checkquote")
    evidence = made(signing(kind), **HARMLESS[said])  # type: ignore[arg-type] # fields of Statement
    assert evidence.ours()
    assert evidence.theirs(tmp_path)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", FAULTS)
def test_signed_and_wrong(fault: str, kind: str, part: Need, tmp_path: Path) -> None:
    part("tpm2_checkquote")
    evidence = FAULTS[fault](signing(kind))
    assert not evidence.ours()
    assert evidence.theirs(tmp_path) is (fault in MORE_LENIENT)
