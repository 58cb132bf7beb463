# SPDX-License-Identifier: Apache-2.0
"""What digests cover, whatever the log calls its events."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundlefmt.evidence.tpm_algorithm import TpmAlg
from bundlefmt.logs.coverage import (
    CALLING_APPLICATION,
    DATA_HASHED,
    EXIT_BOOT_SERVICES,
    Coverage,
    Part,
    cover,
)
from bundlefmt.logs.event import EventType
from bundlefmt.logs.tcg import FirmwareLog
from tests.logs.firmware import SHA256, log_cases, measured, read, variable
from tests.provenance import Provenance

VARIABLE = variable("SecureBoot", b"\1")
WIDE = "root=/dev/sda ro\0".encode("utf-16-le")


@pytest.mark.parametrize(
    ("data", "hashed", "part"),
    [
        (b"data", b"data", Part.DATA),
        (b"text\0", b"text\0", Part.DATA),
        (b"text\0", b"text", Part.TEXT),
        (b"text\xaf", b"text", Part.BUT_LAST),
        (b"grub_cmd: set x\0", b"set x", Part.LABELLED_TEXT),
        (b"grub_cmd: set x", b"set x", Part.LABELLED_TEXT),
        (b"grub_cmd set x\0", b"set x", Part.LABELLED_TEXT),
        (b"kernel_cmdline: /vmlinuz ro\0", b"/vmlinuz ro", Part.LABELLED_TEXT),
        (b"kernel_cmdline: /vmlinuz ro\0", b"/vmlinuz ro\0", Part.LABELLED_TEXT),
        (WIDE, WIDE[:-2], Part.TEXT),
        (".linux\0".encode("utf-16-le"), b".linux\0", Part.ASCII_TEXT),
        (VARIABLE, VARIABLE, Part.DATA),
        (VARIABLE, b"\1", Part.VARIABLE_DATA),
        (b"data", b"other", None),
        (b"grub_cmd: set x\0", b"grub_cmd: set y", None),
    ],
)
@pytest.mark.parametrize("event_type", [EventType.EV_IPL, EventType.EV_SEPARATOR, 0x1234])
def test_parts(data: bytes, hashed: bytes, part: Part | None, event_type: int) -> None:
    found = cover(measured(0, 8, event_type, data, hashed=hashed), SHA256)
    assert found.part is part
    if part is not None:
        assert found.coverage is Coverage.COVERED
    elif event_type in DATA_HASHED:
        assert found.coverage is Coverage.NOT_COVERED
    else:
        assert found.coverage is Coverage.OPAQUE


def test_no_action_is_not_extended() -> None:
    found = cover(measured(0, 0, EventType.EV_NO_ACTION, bytes(4)), SHA256)
    assert (found.coverage, found.known) == (Coverage.NOT_EXTENDED, None)


def test_only_the_asked_bank_counts() -> None:
    event = measured(0, 7, EventType.EV_ACTION, b"true", banks=(TpmAlg.SHA1, TpmAlg.SHA256))
    other = measured(0, 7, EventType.EV_ACTION, b"false")
    mixed = replace(event, digests={**event.digests, SHA256: other.digests[SHA256]})
    assert cover(mixed, TpmAlg.SHA1).coverage is Coverage.COVERED
    assert cover(mixed, SHA256).coverage is Coverage.NOT_COVERED
    assert cover(event, TpmAlg.SHA384).coverage is Coverage.OPAQUE


@pytest.mark.parametrize("bank", [TpmAlg.SHA1, TpmAlg.SHA256, TpmAlg.SHA384])
@pytest.mark.parametrize(
    ("hashed", "known"),
    [
        (bytes(4), "separator"),
        (b"\xff" * 4, "separator (ones)"),
        (CALLING_APPLICATION.encode(), CALLING_APPLICATION),
        (EXIT_BOOT_SERVICES.encode() + b"\0", EXIT_BOOT_SERVICES),
        (b"anything", None),
    ],
)
def test_constants_are_known_by_digest(bank: int, hashed: bytes, known: str | None) -> None:
    event = measured(0, 5, 0x1234, b"a lie", hashed=hashed, banks=(bank,))
    assert cover(event, bank).known == known


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_nothing_covers_what_was_not_hashed(data: bytes, hashed: bytes) -> None:
    found = cover(measured(0, 8, EventType.EV_IPL, data, hashed=hashed), SHA256)
    # whatever part is said to be covered is found in the data
    if found.coverage is Coverage.COVERED:
        assert hashed.removesuffix(b"\0") in data or found.part is Part.ASCII_TEXT


@pytest.mark.parametrize("case", log_cases(), ids=str)
def test_retyping_changes_nothing_that_is_covered(corpus: Path, case: Provenance) -> None:
    log = read(corpus, case)
    bank = log.banks[-1]
    for event in log.events:
        if event.extended:
            retyped = cover(replace(event, untrusted_type=EventType.EV_POST_CODE), bank)
            assert retyped.part is cover(event, bank).part
            assert retyped.known == cover(event, bank).known


def test_an_altered_digest_of_a_variable_is_seen(corpus: Path) -> None:
    log = FirmwareLog.decode((corpus / "eventlogs/hirs/TPMLog_Altered.bin").read_bytes())
    good = FirmwareLog.decode((corpus / "eventlogs/hirs/TpmLog.bin").read_bytes())
    wrong = [e.number for e in log.events if cover(e, SHA256).coverage is Coverage.NOT_COVERED]
    assert [e.number for e in good.events if cover(e, SHA256).coverage is Coverage.NOT_COVERED] == []
    assert len(wrong) == 1
    assert log.events[wrong[0]].digests != good.events[wrong[0]].digests


@pytest.mark.parametrize("case", log_cases(), ids=str)
def test_separators_of_real_logs_are_covered(corpus: Path, case: Provenance) -> None:
    log = read(corpus, case)
    for event in log.events:
        if event.untrusted_type == EventType.EV_SEPARATOR:
            known = ("separator", "separator (ones)") if event.index < 8 else ("end of Windows boot",)
            assert cover(event, log.banks[-1]).known in known
