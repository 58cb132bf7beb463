# SPDX-License-Identifier: Apache-2.0
"""An event with what its digest covers and what its data says; and how firmly a fact drawn from it stands.

Whom a reader must reckon with: whoever controls the operating system writes the log as they please and can
extend any PCR afterwards, but cannot undo an extend nor make one in the past. So, where a PCR replays to a
quoted value, the sequence of digests in that PCR is certain. Types, data that no digest covers and the order
between PCRs stay the log's word, and events after the separator may be the attacker's own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import Final, Generic, TypeVar

from bundlefmt.frozen import frozen
from bundlefmt.logs.content import Content, decode_content
from bundlefmt.logs.coverage import SEPARATORS, WINDOWS_END, Coverage, Covered, Part, cover
from bundlefmt.logs.event import Event
from bundlefmt.logs.replay import Outcome, PcrReplay

T = TypeVar("T")
# what firmware measures where: PFP 3.3.4 "PCR usage"
FIRMWARE_PCR: Final = 0
CONFIGURATION_PCR: Final = 1
DRIVER_PCR: Final = 2
BOOT_PCR: Final = 4
EVENTS_PCR: Final = 5
POLICY_PCR: Final = 7
STATIC_PCRS: Final = range(8)


class Standing(StrEnum):
    """What a fact rests on, the firmest first."""

    MEASURED = "measured"  # bytes that a digest covers, in a PCR that replays to the quoted value
    LOGGED = "logged"  # bytes that a digest covers, in a PCR that was not compared or does not replay
    CLAIMED = "claimed"  # the log's word


@frozen
class Fact(Generic[T]):
    """A value with its standing, the events (by number) and the PCR it rests on, and the reason in words."""

    value: T
    standing: Standing
    index: int | None
    events: tuple[int, ...]
    because: str


@frozen
class Reading:
    """`untrusted_content` is read by the event's type; `fully_covered` says that the digest binds all of the
    data.

    `before_separator`: no separator came before it in its PCR, so only firmware can have measured it.
    """

    event: Event
    covered: Covered
    untrusted_content: Content
    before_separator: bool

    @property
    def fully_covered(self) -> bool:
        return self.covered.coverage is Coverage.COVERED and self.covered.part is Part.DATA


@frozen
class ReadLog:
    """The readings of a log for one bank; `replayed` are the PCRs whose quoted value the whole log
    explains.
    """

    bank: int
    readings: tuple[Reading, ...]
    replayed: frozenset[int]

    def of(self, *indices: int) -> tuple[Reading, ...]:
        """The extended events of these PCRs, in order."""
        return tuple(
            reading for reading in self.readings if reading.event.extended and reading.event.index in indices
        )

    def separated(self, index: int) -> bool:
        """Whether a separator ends the firmware's part of a PCR."""
        return any(is_separator(reading) for reading in self.of(index))

    def standing(self, readings: Collection[Reading], *, covered: bool = True) -> Standing:
        """Of a fact about the digests of `readings` (or, if `covered` is False, about data that none
        covers).
        """
        if not covered:
            return Standing.CLAIMED
        replayed = all(reading.event.index in self.replayed for reading in readings)
        return Standing.MEASURED if replayed and readings else Standing.LOGGED


def read_log(events: Iterable[Event], bank: int, replays: Iterable[PcrReplay] = ()) -> ReadLog:
    """Read every event for `bank`; `replays` of other banks are no evidence and are passed over.

    Raises UnsupportedAlgorithmError.
    """
    readings: list[Reading] = []
    separated: set[int] = set()
    for event in events:
        reading = Reading(
            event=event,
            covered=cover(event, bank),
            untrusted_content=decode_content(event),
            before_separator=event.index not in separated,
        )
        if is_separator(reading):
            separated.add(event.index)
        readings.append(reading)
    replayed = {found.index for found in replays if found.bank == bank and found.outcome is Outcome.MATCH}
    return ReadLog(bank=bank, readings=tuple(readings), replayed=frozenset(replayed))


def is_separator(reading: Reading) -> bool:
    """By its digest, whatever the log calls it; PCR 12 to 14 end with one of Windows' own."""
    if reading.event.index in STATIC_PCRS:
        return reading.covered.known in SEPARATORS
    return reading.covered.known == WINDOWS_END


def numbers(readings: Iterable[Reading]) -> tuple[int, ...]:
    """The events' numbers."""
    return tuple(reading.event.number for reading in readings)
