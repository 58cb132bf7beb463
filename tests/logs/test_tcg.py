# SPDX-License-Identifier: Apache-2.0
"""Firmware logs as byte strings."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundlefmt.errors import Code, MalformedError
from bundlefmt.evidence.tpm_algorithm import TpmAlg
from bundlefmt.logs.tcg import MAX_BANKS, FirmwareLog, SpecId, startup_localities
from tests.logs.firmware import firmware_logs, log_cases, read, refused_cases
from tests.provenance import Provenance
from tests.strategies import mutated


def agile(*banks: tuple[int, int], events: bytes = b"") -> bytes:
    spec = b"Spec ID Event03\0" + struct.pack("<IBBBBI", 0, 0, 2, 0, 2, len(banks))
    spec += b"".join(struct.pack("<HH", *bank) for bank in banks) + b"\0"
    return struct.pack("<II20sI", 0, 3, bytes(20), len(spec)) + spec + events


def event2(*digests: tuple[int, bytes], index: int = 0, kind: int = 4, data: bytes = b"data") -> bytes:
    body = b"".join(struct.pack("<H", alg) + value for alg, value in digests)
    return struct.pack("<III", index, kind, len(digests)) + body + struct.pack("<I", len(data)) + data


@pytest.mark.parametrize("case", log_cases(), ids=str)
def test_logs_of_others_decode_to_the_same_bytes(corpus: Path, case: Provenance) -> None:
    data = (corpus / "eventlogs" / case.file).read_bytes()
    log = FirmwareLog.decode(data)
    assert log.encode() == data
    # the collector counts without the Spec ID event
    counted = re.search(r"(\d+) events", case.checked)
    assert counted is not None
    assert len(log.events) - (log.spec_id is not None) == int(counted[1])
    assert bool(log.padding) == ("padding after" in case.checked)
    assert (log.spec_id is None) == case.checked.startswith("legacy")
    locality = re.search(r"StartupLocality (\d)", case.checked)
    assert startup_localities(log.events) == ((int(locality[1]),) if locality else ())


@pytest.mark.parametrize("case", refused_cases(), ids=str)
def test_what_others_refuse_is_refused(corpus: Path, case: Provenance) -> None:
    with pytest.raises(MalformedError):
        read(corpus, case)


@given(firmware_logs())
def test_symmetry(log: FirmwareLog) -> None:
    data = log.encode()
    decoded = FirmwareLog.decode(data)
    assert decoded.encode() == data
    assert [(e.index, e.untrusted_type, e.digests, e.untrusted_data) for e in decoded.events] == [
        (e.index, e.untrusted_type, e.digests, e.untrusted_data) for e in log.events
    ]
    assert decoded.spec_id == log.spec_id
    assert decoded.padding == log.padding


@given(mutated(firmware_logs().map(FirmwareLog.encode)) | st.binary(max_size=200))
def test_any_bytes_decode_or_are_malformed(data: bytes) -> None:
    try:
        log = FirmwareLog.decode(data)
    except MalformedError:
        return
    assert log.encode() == data


SHA256 = (TpmAlg.SHA256, 32)
GOOD = event2((TpmAlg.SHA256, b"d" * 32))


@pytest.mark.parametrize(
    ("data", "code", "offset"),
    [
        (b"", Code.TRUNCATED, 0),
        (agile(SHA256)[:-1], Code.TRUNCATED, 28),
        (agile(), Code.COUNT_LIMIT, 56),
        (agile(*((alg, 32) for alg in range(0x100, 0x101 + MAX_BANKS))), Code.COUNT_LIMIT, 56),
        (agile(SHA256, SHA256), Code.DUPLICATE_KEY, 64),
        (agile((TpmAlg.SHA256, 20)), Code.WRONG_LENGTH, 60),
        (agile((0x7777, 0)), Code.WRONG_LENGTH, 60),
        (agile(SHA256, events=event2((TpmAlg.SHA1, b"d" * 20))), Code.BAD_VALUE, 77),
        (agile(SHA256, events=event2()), Code.COUNT_LIMIT, 73),
        (agile(SHA256, events=GOOD[:-1]), Code.TRUNCATED, 111),
        (agile(SHA256, events=GOOD + b"\1"), Code.TRUNCATED, 119),
        (agile(SHA256, events=b"\xff" * 8 + b"\0"), Code.TRUNCATED, 73),
        (
            agile(
                SHA256,
                (TpmAlg.SHA1, 20),
                events=event2((TpmAlg.SHA256, b"d" * 32), (TpmAlg.SHA256, b"e" * 32)),
            ),
            Code.DUPLICATE_KEY,
            115,
        ),
    ],
)
def test_malformed(data: bytes, code: Code, offset: int) -> None:
    with pytest.raises(MalformedError) as found:
        FirmwareLog.decode(data)
    assert (found.value.code, found.value.offset) == (code, offset)


def test_the_most_banks() -> None:
    banks = [(alg, 32) for alg in range(0x100, 0x100 + MAX_BANKS)]
    assert FirmwareLog.decode(agile(*banks)).banks == tuple(alg for alg, _ in banks)


def test_a_huge_declared_size_allocates_nothing() -> None:
    with pytest.raises(MalformedError, match="truncated"):
        FirmwareLog.decode(struct.pack("<II20sI", 0, 4, bytes(20), 2**32 - 1))


@pytest.mark.parametrize("padding", [b"\xff" * 1000, bytes(1000), b"\0", b"\xff\xff"])
def test_padding(padding: bytes) -> None:
    log = FirmwareLog.decode(agile(SHA256, events=GOOD) + padding)
    assert (len(log.events), log.padding) == (2, padding)


@pytest.mark.parametrize("padding", [b"\xff" * 20 + b"\1", bytes(40) + b"\xff" * 40])
def test_what_is_neither_event_nor_padding(padding: bytes) -> None:
    with pytest.raises(MalformedError):
        FirmwareLog.decode(agile(SHA256, events=GOOD) + padding)


def test_a_last_event_of_zeros_is_no_padding() -> None:
    separator = event2((TpmAlg.SHA256, bytes(32)), data=bytes(40))
    log = FirmwareLog.decode(agile(SHA256, events=separator))
    assert (len(log.events), log.padding) == (2, b"")


def test_unknown_algorithms_and_types_are_kept() -> None:
    log = FirmwareLog.decode(agile((0x7777, 5), events=event2((0x7777, b"12345"), kind=0x12345678)))
    assert log.events[1].digests == {0x7777: b"12345"}
    assert log.events[1].untrusted_type_name == "0x12345678"


def test_spec_id_with_trailing_bytes() -> None:
    good = agile(SHA256)[32:]
    assert SpecId.decode(good).encode() == good
    with pytest.raises(MalformedError, match="trailing-bytes"):
        SpecId.decode(good + b"\0")


def test_time_is_linear_in_padding_and_events() -> None:
    # a quadratic search for the padding would take minutes
    many = GOOD * 20_000
    log = FirmwareLog.decode(agile(SHA256, events=many) + bytes(2**20))
    assert len(log.events) == 20_001
