# SPDX-License-Identifier: Apache-2.0
"""TPM structures as read here and by libtss2: same bytes, same fields; each difference has its reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from bundlefmt.errors import Code, MalformedError
from bundlefmt.evidence.attested import TpmsNvDigestCertifyInfo
from bundlefmt.evidence.tpm import TpmtPublic
from bundlefmt.evidence.tpm_algorithm import TpmAlg
from bundlefmt.evidence.tpm_parameters import (
    Opaque,
    TpmsEccParms,
    TpmsKeyedhashParms,
    TpmsRsaParms,
    TpmsSymcipherParms,
)
from tests.evidence.libtss2 import STRUCTURES, Structure
from tests.evidence.tpm_strategies import publics
from tests.strategies import mutated

NAME_HASHES: Final = (TpmAlg.SHA1, TpmAlg.SHA256, TpmAlg.SHA384, TpmAlg.SHA512)
ATTEST_HEAD: Final = "ff544347{kind}0000{extra}" + "00" * 8 + "00" * 8 + "{safe}" + "00" * 8


def _opaque(ours: Any) -> bool:
    parts = (getattr(ours, part, None) for part in ("parameters", "attested", "signature"))
    return any(isinstance(part, Opaque) for part in parts)


def _algorithms(ours: Any) -> set[int]:
    """The ciphers and key derivation functions that a public area names."""
    match getattr(ours, "parameters", None):
        case TpmsRsaParms() | TpmsSymcipherParms() as parameters:
            return {parameters.symmetric.algorithm}
        case TpmsEccParms() as parameters:
            return {parameters.symmetric.algorithm, parameters.kdf.scheme}
        case TpmsKeyedhashParms() as parameters:
            return {parameters.scheme.scheme}
    return set()


@dataclass(frozen=True, slots=True)
class Theirs:
    """We refuse with `code` what libtss2 reads; with the repair of (bytes, offset) we read on."""

    reason: str
    structures: tuple[str, ...]
    code: Code
    repair: Callable[[bytes, int], bytes]
    example: str


@dataclass(frozen=True, slots=True)
class Ours:
    """We read what libtss2 refuses, or reads as something else; `of` holds of our value."""

    reason: str
    structures: tuple[str, ...]
    of: Callable[[Any], bool]
    example: str


DIVERGENCES: Final[dict[str, Theirs | Ours]] = {
    "unknown kinds are kept": Ours(
        "what has an unknown type or scheme is evidence still; libtss2 cannot hold it",
        ("TPMT_PUBLIC", "TPMS_ATTEST", "TPMT_SIGNATURE"),
        _opaque,
        "00a1000b0000000000000001",
    ),
    "an NV digest is read": Ours(
        "libtss2 3.2 has the structure but not as a member of TPMU_ATTEST (Part 2, 10.12.11 has)",
        ("TPMS_ATTEST",),
        lambda ours: isinstance(ours.attested, TpmsNvDigestCertifyInfo),
        ATTEST_HEAD.format(kind="801c", extra="0000", safe="00") + "0000" + "0000",
    ),
    "TPM2B_DATA holds a TPMT_HA": Ours(
        "Part 2, 10.4.3 counts the algorithm number too, 66 bytes; libtss2 stops at 64",
        ("TPMS_ATTEST", "TPMS_CREATION_DATA"),
        lambda ours: len(getattr(ours, "extra_data", b"") or getattr(ours, "outside_info", b"")) > 64,
        ATTEST_HEAD.format(kind="8017", extra="0042" + "aa" * 66, safe="00") + "0000" + "0000",
    ),
    "TDES and KDF2 are read": Ours(
        "they are in the Algorithm Registry; libtss2 3.2 has no members for them",
        ("TPMT_PUBLIC",),
        lambda ours: bool(_algorithms(ours) & {TpmAlg.TDES, TpmAlg.KDF2}),
        "0025000b00000000" + "0000" + "000300a80043" + "0000",
    ),
    "an algorithm in its place": Theirs(
        "an RSA key has no ECC scheme (TPMI_ALG_RSA_SCHEME); libtss2 shares one union among all",
        ("TPMT_PUBLIC",),
        Code.BAD_VALUE,
        # with an algorithm that nobody knows the rest is kept
        lambda data, at: data[:at] + b"\xff\xff" + data[at + 2 :],
        "0001000b00000000" + "0000" + "0010" + "0018000b" + "0800" + "00000000" + "0000",
    ),
    "no empty bit map": Theirs(
        "sizeofSelect has a minimum (Part 2, 10.6.1); a selection of no octets has a shorter twin",
        ("TPML_PCR_SELECTION", "TPMS_ATTEST", "TPMS_CREATION_DATA"),
        Code.WRONG_LENGTH,
        lambda data, at: data[:at] + b"\1\0" + data[at + 1 :],
        "00000001000b00",
    ),
    "yes is 1": Theirs(
        "TPMI_YES_NO is 0 or 1 (Part 2, 9.2); libtss2 takes any octet",
        ("TPMS_ATTEST",),
        Code.BAD_VALUE,
        lambda data, at: data[:at] + b"\1" + data[at + 1 :],
        ATTEST_HEAD.format(kind="8017", extra="0000", safe="02") + "0000" + "0000",
    ),
    "a statement has the magic value": Theirs(
        "without it no TPM made the statement (Part 2, 10.12.12); libtss2 takes any",
        ("TPMS_ATTEST",),
        Code.BAD_VALUE,
        lambda data, at: bytes.fromhex("ff544347") + data[4:],
        "fe" + ATTEST_HEAD.format(kind="8017", extra="0000", safe="00")[2:] + "0000" + "0000",
    ),
    "a creation ticket has its tag": Theirs(
        "Part 2, 10.7.3 fixes the tag; libtss2 takes any",
        ("TPMT_TK_CREATION",),
        Code.BAD_VALUE,
        lambda data, at: bytes.fromhex("8021") + data[2:],
        "8022400000010000",
    ),
    "a Name is a TPMT_HA": Theirs(
        "66 bytes (Part 2, 10.5.3); libtss2's union is padded to 68",
        ("TPMS_ATTEST", "TPMS_CREATION_DATA"),
        Code.WRONG_LENGTH,
        lambda data, at: data[:at] + b"\0\x42" + data[at + 2 : at + 68] + data[at + 2 + data[at + 1] :],
        ATTEST_HEAD.format(kind="8017", extra="0000", safe="00") + "0044" + "aa" * 68 + "0000",
    ),
}


def read(structure: Structure, data: bytes) -> Any:
    """Our value, or the error."""
    try:
        return structure.decode(data)
    except MalformedError as error:
        return error


def explains(each: Theirs | Ours, structure: Structure, data: bytes, ours: Any) -> bool:
    """Whether `each` is the reason why libtss2 and we, with outcome `ours`, do not agree on `data`."""
    if structure.name not in each.structures or isinstance(each, Ours) == isinstance(ours, MalformedError):
        return False
    if isinstance(each, Ours):
        return each.of(ours)
    if ours.code is not each.code:
        return False
    again = read(structure, each.repair(data, ours.offset))
    return not isinstance(again, MalformedError) or again.offset > ours.offset


def compare(structure: Structure, data: bytes) -> str:
    """What happened: `both read`, `both refuse` or the name of a divergence; anything else is a failure."""
    theirs = structure.theirs(data)
    if theirs is not None and theirs[1] < len(data):
        # libtss2 leaves the rest to its caller; we refuse it, unless it is the content of an unknown kind
        whole = read(structure, data)
        assert isinstance(whole, MalformedError) or _opaque(whole), "trailing bytes were read"
        data = data[: theirs[1]]
    ours = read(structure, data)
    if theirs is None and isinstance(ours, MalformedError):
        return "both refuse"
    if theirs is not None and not isinstance(ours, MalformedError) and not _opaque(ours):
        assert structure.project(theirs[0]) == ours
        return "both read"
    for name, each in DIVERGENCES.items():
        if explains(each, structure, data, ours):
            return name
    pytest.fail(f"an unexplained difference at {structure.name}: {ours}")


@pytest.mark.parametrize("structure", STRUCTURES.values(), ids=STRUCTURES)
@given(st.data())
def test_what_we_encode(structure: Structure, data: st.DataObject) -> None:
    outcome = compare(structure, data.draw(structure.encodings))
    event(outcome)
    assert outcome != "both refuse"


@pytest.mark.parametrize("structure", STRUCTURES.values(), ids=STRUCTURES)
@given(st.data())
def test_what_is_mutated(structure: Structure, data: st.DataObject) -> None:
    event(compare(structure, data.draw(mutated(structure.encodings))))


@pytest.mark.parametrize("structure", STRUCTURES.values(), ids=STRUCTURES)
@given(octets=st.binary(max_size=80))
def test_what_is_random(structure: Structure, octets: bytes) -> None:
    event(compare(structure, octets))


@given(public=publics(), alg=st.sampled_from(NAME_HASHES))
def test_names(public: TpmtPublic, alg: TpmAlg) -> None:
    named = replace(public, name_alg=alg)
    theirs = STRUCTURES["TPMT_PUBLIC"].theirs(named.encode())
    if theirs is not None:
        assert bytes(theirs[0].get_name()) == named.name()


@pytest.mark.parametrize("name", DIVERGENCES)
def test_divergences_are_real(name: str) -> None:
    each = DIVERGENCES[name]
    octets = bytes.fromhex(each.example)
    outcomes = {compare(STRUCTURES[structure], octets) for structure in each.structures}
    assert name in outcomes


@pytest.mark.parametrize(
    ("name", "octets"),
    [
        ("TPML_PCR_SELECTION", "00000000"),
        ("TPML_PCR_SELECTION", "00000002000b03810000000401ff"),
        ("TPMT_SIGNATURE", "0018000b0001aa0002bbcc"),
        ("TPMT_TK_CREATION", "80214000000b0000"),
        ("TPMS_CREATION_DATA", "00000000" + "0000" + "01" + "0010" + "000440000007" * 2 + "0000"),
        ("TPMS_ATTEST", ATTEST_HEAD.format(kind="8017", extra="0001aa", safe="01") + "0000" + "0000"),
        ("TPMT_PUBLIC", "0008000b00040472" + "0000" + "0005000b" + "0000"),
        ("TPMT_PUBLIC", "0008000b00040472" + "0000" + "000a000b0022" + "0001aa"),
        ("TPMT_PUBLIC", "0025000b00030072" + "0000" + "000600800043" + "0000"),
    ],
)
def test_both_read(name: str, octets: str) -> None:
    assert compare(STRUCTURES[name], bytes.fromhex(octets)) == "both read"


@pytest.mark.parametrize(
    ("name", "octets"),
    [
        ("TPML_PCR_SELECTION", "00000011" + "000b03000000" * 17),
        ("TPML_PCR_SELECTION", "00000001000b050000000000"),
        ("TPMT_SIGNATURE", "0014000b0201" + "aa" * 513),
        ("TPMT_SIGNATURE", "0018000b0081" + "aa" * 129 + "0000"),
        ("TPMT_TK_CREATION", "80214000000b0041" + "aa" * 65),
        ("TPMT_PUBLIC", "0001000b000000000041" + "aa" * 65 + "00100010080000000000" + "0000"),
        (
            "TPMS_ATTEST",
            ATTEST_HEAD.format(kind="8017", extra="0000", safe="00") + "0045" + "aa" * 69 + "0000",
        ),
        ("TPMS_ATTEST", ATTEST_HEAD.format(kind="8017", extra="0000", safe="00") + "0000"),
    ],
)
def test_both_refuse(name: str, octets: str) -> None:
    assert compare(STRUCTURES[name], bytes.fromhex(octets)) == "both refuse"
