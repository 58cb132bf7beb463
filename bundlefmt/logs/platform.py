# SPDX-License-Identifier: Apache-2.0
"""A summary of what a firmware log tells about a platform: facts, each with the events it rests on and its
standing.

Built for logs that an attacker may have rewritten (`reading` says what such a one can do): constants such as
separators are known by digest, never by type. Of confidential-computing logs, whose registers are not PCRs,
nothing here is to be believed. TCG PC Client Platform Firmware Profile 1.06, 3.3.4 "PCR usage".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from bundlefmt.frozen import frozen
from bundlefmt.logs.boot import Boot, known_events, read_boot
from bundlefmt.logs.content import Text
from bundlefmt.logs.coverage import (
    EXIT_BOOT_SERVICES,
    EXIT_FAILED,
    EXIT_RETURNED,
    Coverage,
)
from bundlefmt.logs.event import Event, EventType
from bundlefmt.logs.reading import (
    EVENTS_PCR,
    FIRMWARE_PCR,
    STATIC_PCRS,
    Fact,
    Reading,
    ReadLog,
    is_separator,
    numbers,
    read_log,
)
from bundlefmt.logs.replay import PcrReplay
from bundlefmt.logs.secure_boot import SecureBoot, read_secure_boot
from bundlefmt.logs.tagged_event import TaggedEvent, walk

# settings of an operating system's boot loader that say what is debugged or protected
PROTECTION_TAGS: Final = frozenset(
    (
        "BootDebugging",
        "OsKernelDebug",
        "HypervisorDebug",
        "CodeIntegrity",
        "TestSigning",
        "FlightSigning",
        "SafeMode",
        "WinPe",
        "VsmLaunchType",
        "HypervisorLaunchType",
        "HypervisorIommuPolicy",
        "HypervisorBootDmaProtection",
        "DumpsDisabled",
        "VbsIommuRequired",
        "VbsSecureBootRequired",
        "VbsHvciPolicy",
    )
)


@frozen
class ExitBootServices:
    """`after` numbers the log's later events; only those of PCR 5 (`after_in_pcr`) are certain to be
    later.
    """

    succeeded: bool
    failed: bool
    after_in_pcr: tuple[int, ...]
    untrusted_after: tuple[int, ...]


@frozen
class Platform:
    """`separators` maps each of PCR 0-7 to the number of its first separator; a PCR that is missing
    has none.
    """

    bank: int
    secure_boot: SecureBoot
    firmware_versions: tuple[Fact[str], ...]
    boot: Boot
    separators: Fact[dict[int, int]]
    error_separators: Fact[tuple[int, ...]]
    exit_boot_services: Fact[ExitBootServices | None]
    protections: tuple[Fact[tuple[str, str]], ...]


def summarise(events: Iterable[Event], bank: int, replays: Iterable[PcrReplay] = ()) -> Platform:
    """The facts in a firmware log, judged by the digests of `bank`.

    `replays` are those of `replay` for the quoted PCRs; without them no fact stands higher than LOGGED.
    Raises UnsupportedAlgorithmError.
    """
    log = read_log(events, bank, replays)
    return Platform(
        bank=bank,
        secure_boot=read_secure_boot(log),
        firmware_versions=_firmware_versions(log),
        boot=read_boot(log),
        separators=_separators(log),
        error_separators=_error_separators(log),
        exit_boot_services=_exit_boot_services(log),
        protections=_protections(log),
    )


def _fact_of(log: ReadLog, reading: Reading, value: str, because: str) -> Fact[str]:
    covered = reading.covered.coverage is Coverage.COVERED
    return Fact(
        value=value,
        standing=log.standing((reading,), covered=covered),
        index=reading.event.index,
        events=(reading.event.number,),
        because=because if covered else "no digest covers the data",
    )


def _firmware_versions(log: ReadLog) -> tuple[Fact[str], ...]:
    found = []
    for reading in log.of(FIRMWARE_PCR):
        content = reading.untrusted_content
        if reading.event.untrusted_type == EventType.EV_S_CRTM_VERSION and reading.before_separator:
            text = content.text if isinstance(content, Text) else reading.event.untrusted_data.hex()
            found.append(_fact_of(log, reading, text, "measured by firmware; its digest covers the bytes"))
    return tuple(found)


def _separators(log: ReadLog) -> Fact[dict[int, int]]:
    first: dict[int, Reading] = {}
    for reading in log.of(*STATIC_PCRS):
        if is_separator(reading):
            first.setdefault(reading.event.index, reading)
    return Fact(
        value={index: reading.event.number for index, reading in sorted(first.items())},
        standing=log.standing(tuple(first.values())),
        index=None,
        events=numbers(first[index] for index in sorted(first)),
        because="separators are known by digest",
    )


def _error_separators(log: ReadLog) -> Fact[tuple[int, ...]]:
    """By digest alone a firmware error cannot be told from the measurement of a number 1."""
    found = known_events(log, STATIC_PCRS, "error separator")
    return replace(found, because="the digest of 01000000: a firmware error, or a setting with that content")


def _exit_boot_services(log: ReadLog) -> Fact[ExitBootServices | None]:
    exits = tuple(r for r in log.of(EVENTS_PCR) if r.covered.known == EXIT_BOOT_SERVICES)
    if not exits:
        return Fact(
            value=None,
            standing=log.standing(log.of(EVENTS_PCR)),
            index=EVENTS_PCR,
            events=(),
            because="no event of PCR 5 has the digest of the call",
        )
    exit_number = exits[0].event.number
    ends = (EXIT_RETURNED, EXIT_FAILED)
    after = [
        reading for reading in log.readings if reading.event.number > exit_number and reading.event.extended
    ]
    return Fact(
        value=ExitBootServices(
            succeeded=any(r.covered.known == EXIT_RETURNED for r in log.of(EVENTS_PCR)),
            failed=any(r.covered.known == EXIT_FAILED for r in log.of(EVENTS_PCR)),
            after_in_pcr=numbers(
                r for r in after if r.event.index == EVENTS_PCR and r.covered.known not in ends
            ),
            untrusted_after=numbers(
                r for r in after if r.event.index != EVENTS_PCR and r.covered.known not in ends
            ),
        ),
        standing=log.standing(exits),
        index=EVENTS_PCR,
        events=numbers(exits),
        because="an event of PCR 5 has the digest of the call",
    )


def _protections(log: ReadLog) -> tuple[Fact[tuple[str, str]], ...]:
    """Settings in tagged events whose data a digest covers: (name, content in hexadecimal).

    Only what came before the boot manager ended its PCR is its own; the rest anyone may have measured.
    """
    found = []
    for reading in log.readings:
        content = reading.untrusted_content
        if not isinstance(content, tuple) or not reading.fully_covered:
            continue
        tagged: tuple[TaggedEvent, ...] = content
        found += [
            Fact(
                value=(event.name, event.data.hex()),
                standing=log.standing(
                    (reading,), covered=reading.before_separator and log.separated(reading.event.index)
                ),
                index=reading.event.index,
                events=(reading.event.number,),
                because="its digest covers the tagged event; the boot manager's part of the PCR ends later"
                if reading.before_separator and log.separated(reading.event.index)
                else "its digest covers the tagged event; the operating system may have measured it",
            )
            for event in walk(tagged)
            if event.name in PROTECTION_TAGS
        ]
    return tuple(found)
