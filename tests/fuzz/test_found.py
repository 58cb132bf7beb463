# SPDX-License-Identifier: Apache-2.0
"""What fuzzing found, each made again from its cause."""

from __future__ import annotations

import pytest

from bundlefmt.errors import Code, MalformedError
from bundlefmt.evidence import der, openpgp, x509
from bundlefmt.evidence.timestamp_exchange import TimeStampReq
from bundlefmt.evidence.timestamp_info import MessageImprint
from tests.fuzz import verification
from tests.fuzz.resealing import OPERATOR, places, value_at


def exchanged(place: str, value: bytes) -> None:
    """Judges and shows the ceremony with `value` at `place`."""
    verification.resealed(bytes([places().index(place)]) + value)


def test_a_certificate_without_a_self_signature_is_shown_by_its_fingerprint_alone() -> None:
    """Inspecting a bundle with one ended in a RuntimeError; nothing is told of it but what it is."""
    whole = value_at("operator.openpgp")
    tags = openpgp.packet_tags(whole)
    assert tags == (6, 13, 2)
    end = next(size for size in range(len(whole)) if _tags(whole[:size]) == tags[:2])
    facts = openpgp.certificate_facts(whole[:end])
    assert facts.fingerprint == openpgp.load_certificate(whole).fingerprint
    assert (facts.user_ids, facts.keys[0].bound) == ((), False)
    exchanged("operator.openpgp", whole[:end])


def _tags(data: bytes) -> tuple[int, ...]:
    try:
        return openpgp.packet_tags(data)
    except MalformedError:
        return ()


def test_a_name_that_is_a_bit_string_is_shown_as_it_stands() -> None:
    """Reading such a name raised TypeError. A value may have any type (RFC 5280 4.1.2.4)."""
    whole = value_at(OPERATOR)
    start = whole.index(b"Evidence Bundle Test Operator")
    tag = start - 2
    assert whole[tag] == 0x0C  # UTF8String
    changed = whole[:tag] + bytes([0x03, whole[tag + 1], 0]) + whole[start + 1 :]
    assert x509.facts(changed).issuer.startswith("CN=#03")
    exchanged(OPERATOR, changed)


@pytest.mark.parametrize(
    "change",
    [
        (der.written_oid("2.16.840.1.101.3.4.2.1"), der.written_oid("2.16.840.1.101.3.4.2.9")),
        (der.written_integer(77), der.written(der.INTEGER, b"\xb3")),
        (der.written_integer(1), der.written_integer(2)),
        (der.written(der.BOOLEAN, b"\xff"), der.written(der.BOOLEAN, b"\x00")),
    ],
    ids=["an unknown hash", "a negative nonce", "another version", "without certificates"],
)
def test_a_request_for_a_timestamp_that_is_not_written_so_is_refused(change: tuple[bytes, bytes]) -> None:
    """One with an unknown hash was read and then could not be written: StopIteration."""
    data = TimeStampReq(imprint=MessageImprint(hash="sha256", digest=bytes(32)), nonce=77).encode()
    assert data.count(change[0]) == 1
    with pytest.raises(MalformedError) as raised:
        TimeStampReq.decode(data.replace(*change))
    assert raised.value.code is Code.BAD_VALUE
