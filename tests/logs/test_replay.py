# SPDX-License-Identifier: Apache-2.0
"""Replay of firmware logs: values of others, prefixes, start values, and what must not match."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundlefmt.evidence.tpm_algorithm import TpmAlg, UnsupportedAlgorithmError
from bundlefmt.logs.event import Event, EventType
from bundlefmt.logs.replay import Outcome, declared_locality, extend, final_values, replay, start_value
from bundlefmt.logs.tcg import FirmwareLog
from tests.logs.firmware import SHA256, log_cases, measured, read
from tests.provenance import Provenance, cases

BANKS: Final = {
    "sha1": TpmAlg.SHA1,
    "sha256": TpmAlg.SHA256,
    "sha384": TpmAlg.SHA384,
    "sha512": TpmAlg.SHA512,
}


def log_of(corpus: Path, name: str) -> FirmwareLog:
    return FirmwareLog.decode((corpus / "eventlogs" / name).read_bytes())


def assert_matches(log: FirmwareLog, bank: int, quoted: dict[int, bytes]) -> None:
    locality = declared_locality(log.events)
    found = replay(log.events, bank, quoted, locality=locality)
    assert {one.index: one.outcome for one in found} == dict.fromkeys(quoted, Outcome.MATCH)
    values = final_values(log.events, bank, locality=locality)
    assert {index: values[index] for index in quoted if index in values} == {
        index: quoted[index] for index in quoted if index in values
    }


@pytest.mark.parametrize("case", cases("eventlogs", "go-tpm-tools/*.expected.json"), ids=str)
def test_values_of_real_machines(corpus: Path, case: Provenance) -> None:
    assert case.basis == "source-test"
    expected = json.loads((corpus / "eventlogs" / case.file).read_text())
    log = log_of(corpus, f"go-tpm-tools/{expected['log']}")
    for bank, values in expected["pcrs"].items():
        quoted = {int(index): bytes.fromhex(value) for index, value in values.items()}
        assert quoted
        assert_matches(log, BANKS[bank], quoted)


@pytest.mark.parametrize("case", cases("eventlogs", "*.bin.yaml"), ids=str)
def test_values_that_another_tool_replayed(corpus: Path, case: Provenance) -> None:
    assert case.basis == "in-data"
    text = (corpus / "eventlogs" / case.file).read_text()
    name = Path(case.file).name.removesuffix(".yaml")
    log = log_of(corpus, f"tpm2-tools/{name}")
    compared = 0
    for bank, lines in re.findall(r"^  (\w+):\n((?:    \d+ *: 0x\w+\n)+)", text.split("\npcrs:")[1], re.M):
        quoted = {int(index): bytes.fromhex(value) for index, value in re.findall(r"(\d+) *: 0x(\w+)", lines)}
        compared += len(quoted)
        assert_matches(log, BANKS[bank], quoted)
    counted = re.search(r"(\d+) PCR values, 0 mismatch", case.checked)
    assert counted is not None
    assert compared == int(counted[1])


def hirs_values(corpus: Path) -> dict[int, bytes]:
    lines = (corpus / "eventlogs/hirs/TpmLogExpectedPcrs.txt").read_text().split()
    return {index: bytes.fromhex(line) for index, line in enumerate(lines)}


def test_values_with_the_dynamic_pcrs(corpus: Path) -> None:
    quoted = hirs_values(corpus)
    assert sorted(quoted) == list(range(24))
    assert_matches(log_of(corpus, "hirs/TpmLog.bin"), SHA256, quoted)


def test_an_altered_log_does_not_match(corpus: Path) -> None:
    good, altered = log_of(corpus, "hirs/TpmLog.bin"), log_of(corpus, "hirs/TPMLog_Altered.bin")
    changed = [
        (event.index, event.number)
        for event, other in zip(good.events, altered.events, strict=True)
        if event.digests != other.digests
    ]
    found = replay(altered.events, SHA256, hirs_values(corpus))
    mismatches = [one for one in found if one.outcome is not Outcome.MATCH]
    assert changed
    assert [one.index for one in mismatches] == [index for index, _ in changed]
    assert {one.outcome for one in mismatches} == {Outcome.MISMATCH}


def test_boot_values_up_to_pcr_9(corpus: Path) -> None:
    text = (corpus / "eventlogs/ima-evm-utils/sample-tpm-2.0-pcrs-8-9").read_text()
    log = log_of(corpus, "ima-evm-utils/sample-binary_bios_measurements-pcrs-8-9")
    sections = re.split(r"pcrread: tsspcrread -halg (\w+)\n", text)[1:]
    assert sections[::2]
    for bank, lines in zip(sections[::2], sections[1::2], strict=True):
        quoted = {int(i): bytes.fromhex(value) for i, value in re.findall(r"^ *(\d+): (\w+)$", lines, re.M)}
        if bank in BANKS:
            assert_matches(log, BANKS[bank], {index: quoted[index] for index in range(10)})


@pytest.mark.parametrize("case", log_cases(), ids=str)
def test_every_change_of_a_digest_is_seen(corpus: Path, case: Provenance) -> None:
    log = read(corpus, case)
    for bank in log.banks:
        locality = declared_locality(log.events)
        quoted = final_values(log.events, bank, locality=locality)
        for position, event in enumerate(log.events):
            if not event.extended or bank not in event.digests or position % 7:
                continue
            digest = bytes([event.digests[bank][0] ^ 1]) + event.digests[bank][1:]
            changed = replace(event, digests={**event.digests, bank: digest})
            events = (*log.events[:position], changed, *log.events[position + 1 :])
            found = {one.index: one for one in replay(events, bank, quoted, locality=locality)}
            assert found[event.index].outcome is Outcome.MISMATCH
            assert all(one.outcome is Outcome.MATCH for index, one in found.items() if index != event.index)


def events(count: int, index: int = 0) -> list[Event]:
    return [measured(number, index, EventType.EV_ACTION, b"%d" % number) for number in range(count)]


def value(start: bytes, *data: bytes) -> bytes:
    for one in data:
        start = hashlib.sha256(start + hashlib.sha256(one).digest()).digest()
    return start


def test_a_prefix_says_where_it_ends() -> None:
    (found,) = replay(events(5, index=4), SHA256, {4: value(bytes(32), b"0", b"1", b"2")})
    assert (found.outcome, found.reached_after, found.beyond, found.events) == (Outcome.PREFIX, 3, 2, 5)
    assert found.last is not None
    assert found.last.number == 2


def test_the_start_value_is_a_prefix_of_nothing() -> None:
    (found,) = replay(events(2, index=4), SHA256, {4: bytes(32)})
    assert (found.outcome, found.reached_after, found.last, found.beyond) == (Outcome.PREFIX, 0, None, 2)


@pytest.mark.parametrize(("declared", "true"), [(0, 3), (0, 4), (3, 0), (3, 4)])
def test_another_locality(declared: int, true: int) -> None:
    quoted = value(bytes(31) + bytes([true]), b"0", b"1")
    (found,) = replay(events(2), SHA256, {0: quoted}, locality=declared)
    assert (found.outcome, found.locality, found.beyond) == (Outcome.OTHER_LOCALITY, true, 0)
    assert found.computed == value(bytes(31) + bytes([declared]), b"0", b"1")
    (found,) = replay(events(2), SHA256, {0: quoted}, locality=true)
    assert (found.outcome, found.locality) == (Outcome.MATCH, None)


def test_another_locality_and_a_prefix() -> None:
    (found,) = replay(events(3), SHA256, {0: value(bytes(31) + b"\3", b"0")})
    assert (found.outcome, found.locality, found.reached_after) == (Outcome.PREFIX, 3, 1)


def test_a_locality_matters_to_pcr_0_only() -> None:
    (found,) = replay(events(1, index=1), SHA256, {1: value(bytes(31) + b"\3", b"0")}, locality=3)
    assert found.outcome is Outcome.MISMATCH


@pytest.mark.parametrize("start", [bytes(32), b"\xff" * 32])
def test_dynamic_pcrs_start_with_or_without_a_launch(start: bytes) -> None:
    (found,) = replay(events(2, index=17), SHA256, {17: value(start, b"0", b"1")})
    assert (found.outcome, found.start) == (Outcome.MATCH, start)


@pytest.mark.parametrize(
    ("index", "quoted", "outcome"),
    [
        (4, bytes(32), Outcome.MATCH),
        (4, b"\xff" * 32, Outcome.MISMATCH),
        (17, b"\xff" * 32, Outcome.MATCH),
        (23, bytes(32), Outcome.MATCH),
        (4, b"x" * 32, Outcome.MISMATCH),
    ],
)
def test_a_pcr_without_events(index: int, quoted: bytes, outcome: Outcome) -> None:
    (found,) = replay([], SHA256, {index: quoted})
    assert found.outcome is outcome


def test_no_action_is_not_extended() -> None:
    informs = measured(1, 4, EventType.EV_NO_ACTION, b"1")
    first, last = events(3, index=4)[::2]
    (found,) = replay([first, informs, last], SHA256, {4: value(bytes(32), b"0", b"2")})
    assert (found.outcome, found.events) == (Outcome.MATCH, 2)


def test_hiding_an_event_as_no_action_breaks_the_replay() -> None:
    log = events(3, index=4)
    quoted = final_values(log, SHA256)
    log[1] = replace(log[1], untrusted_type=EventType.EV_NO_ACTION)
    (found,) = replay(log, SHA256, quoted)
    assert found.outcome is Outcome.MISMATCH


def test_an_event_without_this_bank_is_named() -> None:
    log = events(3, index=4)
    log[1] = measured(1, 4, EventType.EV_ACTION, b"1", banks=(TpmAlg.SHA1,))
    (found,) = replay(log, SHA256, {4: value(bytes(32), b"0", b"2")})
    assert (found.outcome, found.incomplete) == (Outcome.MATCH, (1,))


def test_a_bank_that_is_not_computed() -> None:
    with pytest.raises(UnsupportedAlgorithmError):
        replay([], 0x7777, {0: bytes(32)})


@pytest.mark.parametrize(("localities", "found"), [((), 0), ((3,), 3), ((4, 3), 4), ((9, 3), 3), ((0,), 0)])
def test_declared_locality(localities: tuple[int, ...], found: int) -> None:
    log = [
        measured(number, 0, EventType.EV_NO_ACTION, b"StartupLocality\0" + bytes([locality]))
        for number, locality in enumerate(localities)
    ]
    assert declared_locality(log) == found


@given(st.lists(st.tuples(st.integers(0, 23), st.binary(max_size=8)), max_size=20), st.integers(0, 20))
def test_order_between_pcrs_does_not_count(measurements: list[tuple[int, bytes]], locality: int) -> None:
    log = [measured(n, index, 5, data) for n, (index, data) in enumerate(measurements)]
    by_pcr = sorted(log, key=lambda event: event.index)
    assert final_values(log, SHA256, locality=locality) == final_values(by_pcr, SHA256, locality=locality)


def test_extend_and_start() -> None:
    assert extend(SHA256, bytes(32), b"d" * 32) == hashlib.sha256(bytes(32) + b"d" * 32).digest()
    assert start_value(TpmAlg.SHA1, 0, locality=3) == bytes(19) + b"\3"
    assert start_value(TpmAlg.SHA1, 20) == b"\xff" * 20
    assert start_value(TpmAlg.SHA1, 20, launched=True) == bytes(20)
