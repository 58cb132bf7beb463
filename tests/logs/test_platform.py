# SPDX-License-Identifier: Apache-2.0
"""Summaries of platforms, and what someone who rewrites the log can and cannot make them say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from bundlefmt.evidence.tpm_algorithm import TpmAlg
from bundlefmt.logs.coverage import (
    CALLING_APPLICATION,
    DMA_DISABLED,
    EXIT_BOOT_SERVICES,
    EXIT_RETURNED,
    UEFI_DEBUG,
)
from bundlefmt.logs.efi import IMAGE_SECURITY_DATABASE
from bundlefmt.logs.event import Event, EventType
from bundlefmt.logs.platform import Platform, summarise
from bundlefmt.logs.reading import Standing
from bundlefmt.logs.replay import declared_locality, final_values, replay
from bundlefmt.logs.tcg import FirmwareLog
from tests.logs.firmware import SEPARATOR, SHA256, log_cases, measured, read, sequence, variable
from tests.provenance import Provenance

CONFIG: Final = EventType.EV_EFI_VARIABLE_DRIVER_CONFIG
ACTION: Final = EventType.EV_EFI_ACTION
OFF, ON = (CONFIG, variable("SecureBoot", b"\0")), (CONFIG, variable("SecureBoot", b"\1"))
PK = (CONFIG, variable("PK", b""))
DBX = (CONFIG, variable("dbx", b"", IMAGE_SECURITY_DATABASE))


def judged(events: Sequence[Event], *, quoted: dict[int, bytes] | None = None) -> Platform:
    """The summary of a log that replays to the values the machine has (those of `events` unless given)."""
    values = final_values(events, SHA256) if quoted is None else quoted
    return summarise(events, SHA256, replay(events, SHA256, values))


def policy(*steps: tuple[int, bytes]) -> list[Event]:
    return sequence(*((7, step) for step in steps))


@pytest.mark.parametrize(
    ("steps", "enabled", "standing"),
    [
        ((ON, PK, SEPARATOR), True, Standing.MEASURED),
        ((OFF, PK, SEPARATOR), False, Standing.MEASURED),
        (((CONFIG, variable("SecureBoot", b"")), SEPARATOR), False, Standing.MEASURED),
        (((CONFIG, variable("SecureBoot", b"\2")), SEPARATOR), None, Standing.MEASURED),
        ((PK, SEPARATOR), None, Standing.CLAIMED),
        ((SEPARATOR,), None, Standing.CLAIMED),
        ((), None, Standing.CLAIMED),
        ((ON, PK), True, Standing.CLAIMED),
        ((OFF, ON, SEPARATOR), None, Standing.MEASURED),
        ((ON, ON, SEPARATOR), True, Standing.MEASURED),
        (
            ((CONFIG, variable("SecureBoot", b"\1", IMAGE_SECURITY_DATABASE)), SEPARATOR),
            None,
            Standing.CLAIMED,
        ),
    ],
)
def test_secure_boot(steps: tuple[tuple[int, bytes], ...], enabled: bool | None, standing: Standing) -> None:
    fact = judged(policy(*steps)).secure_boot.enabled
    assert (fact.value, fact.standing) == (enabled, standing)


def test_without_a_quote_nothing_is_measured() -> None:
    fact = summarise(policy(ON, PK, SEPARATOR), SHA256).secure_boot.enabled
    assert (fact.value, fact.standing) == (True, Standing.LOGGED)


def test_a_quote_of_another_bank_is_no_evidence() -> None:
    both = (TpmAlg.SHA1, TpmAlg.SHA256)
    steps = (ON, PK, SEPARATOR)
    events = [measured(n, 7, kind, data, banks=both) for n, (kind, data) in enumerate(steps)]
    sha1 = replay(events, TpmAlg.SHA1, final_values(events, TpmAlg.SHA1))
    assert summarise(events, TpmAlg.SHA1, sha1).secure_boot.enabled.standing is Standing.MEASURED
    assert summarise(events, SHA256, sha1).secure_boot.enabled.standing is Standing.LOGGED


HONEST: Final = policy(OFF, PK, DBX, SEPARATOR)


def test_appending_the_wanted_event_does_not_turn_it_on() -> None:
    # the operating system extends PCR 7 with what firmware would have measured
    forged = [*HONEST, measured(4, 7, *ON), measured(5, 7, *SEPARATOR)]
    fact = judged(forged).secure_boot.enabled
    assert (fact.value, fact.standing) == (False, Standing.MEASURED)


@pytest.mark.parametrize("kind", [EventType.EV_POST_CODE, EventType.EV_IPL, 0x1234])
def test_retyping_the_true_event_does_not_hide_it(kind: int) -> None:
    forged = [replace(HONEST[0], untrusted_type=kind), *HONEST[1:], measured(4, 7, *ON)]
    fact = judged(forged).secure_boot.enabled
    assert (fact.value, fact.standing) == (False, Standing.MEASURED)


@pytest.mark.parametrize("data", [b"", b"anything", ON[1], PK[1]])
def test_exchanging_the_data_of_the_true_event_leaves_nothing_certain(data: bytes) -> None:
    forged = [replace(HONEST[0], untrusted_data=data), *HONEST[1:], measured(4, 7, *ON)]
    fact = judged(forged).secure_boot.enabled
    assert fact.value is not True
    assert fact.standing is not Standing.MEASURED


def test_a_driver_that_measures_too_does_not_turn_it_on() -> None:
    # something that ran before the separator extends a second SecureBoot; the first one's data is exchanged
    forged = policy(OFF, PK, ON, SEPARATOR)
    forged[0] = replace(forged[0], untrusted_data=b"nothing to see")
    fact = judged(forged).secure_boot.enabled
    assert fact.standing is Standing.CLAIMED


def test_retyping_the_separator_does_not_move_it() -> None:
    forged = [*HONEST[:3], replace(HONEST[3], untrusted_type=EventType.EV_IPL, untrusted_data=b"x")]
    forged += [measured(4, 7, *ON), measured(5, 7, *SEPARATOR)]
    fact = judged(forged).secure_boot.enabled
    assert (fact.value, fact.standing) == (False, Standing.MEASURED)


@pytest.mark.parametrize("number", [0, 3])
def test_hiding_an_event_as_no_action_breaks_the_replay(number: int) -> None:
    forged = [replace(e, untrusted_type=EventType.EV_NO_ACTION) if e.number == number else e for e in HONEST]
    forged.append(measured(4, 7, *ON))
    found = judged(forged, quoted=final_values([*HONEST, measured(4, 7, *ON)], SHA256))
    assert found.secure_boot.enabled.standing is not Standing.MEASURED


def test_debug_and_dma_are_known_by_digest() -> None:
    quiet = judged(policy(ON, SEPARATOR)).secure_boot
    assert (quiet.debug_mode.value, quiet.debug_mode.standing) == (False, Standing.MEASURED)
    loud = policy((ACTION, UEFI_DEBUG.encode()), (ACTION, DMA_DISABLED.encode()), ON, SEPARATOR)
    forged = [replace(e, untrusted_type=0x1234, untrusted_data=b"x") if e.number < 2 else e for e in loud]
    for events in (loud, forged):
        found = judged(events).secure_boot
        assert (found.debug_mode.value, found.debug_mode.standing) == (True, Standing.MEASURED)
        assert (found.dma_protection_disabled.value, found.dma_protection_disabled.events) == (True, (1,))
    open_ended = judged(policy(ON)).secure_boot
    assert open_ended.debug_mode.standing is Standing.CLAIMED


def image(path: bytes = b"") -> bytes:
    return bytes(24) + len(path).to_bytes(8, "little") + path


def test_an_image_does_not_hide_behind_another_type() -> None:
    application = EventType.EV_EFI_BOOT_SERVICES_APPLICATION
    events = [
        measured(0, 4, ACTION, CALLING_APPLICATION.encode()),
        measured(1, 4, *SEPARATOR),
        measured(2, 4, application, image(), hashed=b"loader"),
        measured(3, 4, EventType.EV_IPL, b"innocent", hashed=b"evil loader"),
    ]
    facts = judged(events).boot.images
    assert [fact.events for fact in facts] == [(2,), (3,)]
    assert [fact.value.digest for fact in facts] == [events[2].digests[SHA256], events[3].digests[SHA256]]
    assert {fact.standing for fact in facts} == {Standing.MEASURED}


def test_command_lines() -> None:
    events = [
        measured(0, 8, EventType.EV_IPL, b"grub_cmd: linux /vmlinuz ro\0", hashed=b"linux /vmlinuz ro"),
        measured(1, 8, EventType.EV_IPL, b"kernel_cmdline: /vmlinuz ro\0", hashed=b"/vmlinuz ro"),
        measured(2, 12, EventType.EV_IPL, "quiet\0".encode("utf-16-le")),
        measured(3, 8, EventType.EV_IPL, b"kernel_cmdline: /vmlinuz lies\0", hashed=b"/vmlinuz rw"),
    ]
    facts = judged(events).boot.command_lines
    assert [(fact.value.text, fact.standing) for fact in facts] == [
        ("/vmlinuz ro", Standing.MEASURED),
        ("quiet", Standing.MEASURED),
        ("/vmlinuz lies", Standing.CLAIMED),
    ]


def test_exit_boot_services() -> None:
    events = [
        measured(0, 5, *SEPARATOR),
        measured(1, 5, ACTION, EXIT_BOOT_SERVICES.encode()),
        measured(2, 5, ACTION, EXIT_RETURNED.encode()),
        measured(3, 5, EventType.EV_IPL, b"late"),
        measured(4, 9, EventType.EV_IPL, b"later, says the log"),
    ]
    fact = judged(events).exit_boot_services
    assert fact.standing is Standing.MEASURED
    assert fact.value is not None
    assert (fact.value.succeeded, fact.value.failed) == (True, False)
    assert (fact.value.after_in_pcr, fact.value.untrusted_after) == ((3,), (4,))
    assert judged(events[:1]).exit_boot_services.value is None


def test_boot_order_and_separators() -> None:
    order = variable("BootOrder", bytes.fromhex("020000000100"))
    events = [
        measured(0, 1, EventType.EV_EFI_VARIABLE_BOOT, order, hashed=bytes.fromhex("020000000100")),
        measured(1, 1, *SEPARATOR),
        measured(2, 1, EventType.EV_EFI_VARIABLE_BOOT, variable("BootOrder", b"\5\0")),
    ]
    found = judged(events)
    assert found.boot.order is not None
    assert (found.boot.order.value, found.boot.order.events) == ((2, 0, 1), (0,))
    assert "not the name" in found.boot.order.because
    assert found.separators.value == {1: 1}


def test_settings_of_windows_end_with_its_own_separator() -> None:
    setting = bytes.fromhex("010005000100000000")  # OsKernelDebug
    tag, end = EventType.EV_EVENT_TAG, (EventType.EV_SEPARATOR, b"WBCL")
    events = sequence((13, (tag, setting)), (13, end), (13, (tag, setting)), (12, (tag, setting)))
    facts = judged(events).protections
    assert [(f.value, f.events, f.standing) for f in facts] == [
        (("OsKernelDebug", "00"), (0,), Standing.MEASURED),
        (("OsKernelDebug", "00"), (2,), Standing.CLAIMED),
        (("OsKernelDebug", "00"), (3,), Standing.CLAIMED),
    ]


def test_firmware_version() -> None:
    version = "Firmware 1.2".encode("utf-16-le") + b"\0\0"
    (fact,) = judged([measured(0, 0, EventType.EV_S_CRTM_VERSION, version)]).firmware_versions
    assert (fact.value, fact.standing) == ("Firmware 1.2", Standing.MEASURED)


@pytest.mark.parametrize("case", log_cases(), ids=str)
def test_real_logs_have_standing(corpus: Path, case: Provenance) -> None:
    log = read(corpus, case)
    for bank in log.banks:
        locality = declared_locality(log.events)
        values = final_values(log.events, bank, locality=locality)
        found = summarise(log.events, bank, replay(log.events, bank, values, locality=locality))
        secure_boot = found.secure_boot
        # what was read from bytes before a separator is measured; nothing else claims to be
        if 7 in found.separators.value and secure_boot.enabled.value is not None:
            assert secure_boot.enabled.standing is Standing.MEASURED
            assert {fact.standing for fact in secure_boot.databases} == {Standing.MEASURED}
            assert {"PK", "KEK", "db", "dbx"} <= {fact.value.name for fact in secure_boot.databases}
        without = summarise(log.events, bank)
        assert without.secure_boot.enabled.standing is not Standing.MEASURED


def test_keys_that_a_source_names(corpus: Path) -> None:
    # the source's own test wants these in db and KEK
    log = FirmwareLog.decode((corpus / "eventlogs/go-tpm-tools/ubuntu-1804-amd-sev.bin").read_bytes())
    found = {f.value.name: f.value for f in summarise(log.events, SHA256).secure_boot.databases}
    subjects = " ".join(found["db"].subjects)
    assert "Microsoft Corporation UEFI CA 2011" in subjects
    assert "Microsoft Windows Production PCA 2011" in subjects
    assert "Microsoft Corporation KEK CA 2011" in " ".join(found["KEK"].subjects)
    assert found["PK"].counts == {"x509": 1}
    assert set(found["dbx"].counts) == {"sha256"}
