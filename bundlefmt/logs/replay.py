# SPDX-License-Identifier: Apache-2.0
"""Replay of a log's digests, bank by bank, to PCR values that a quote covers.

States facts; never mends a log.

TPM 2.0 Library, Part 1, 17 "PCR operations"; start values by the PC Client Platform TPM Profile 1.05, table
"PCR attributes": PCR 0-16 and 23 start at zero (PCR 0 with the locality of TPM2_Startup in its last byte),
17-22 at all ones until a dynamic launch sets them to zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final

from bundlefmt.evidence.tpm_algorithm import digest as hash_of
from bundlefmt.evidence.tpm_algorithm import hash_constructor, hash_size
from bundlefmt.frozen import frozen
from bundlefmt.logs.event import Event, Measured
from bundlefmt.logs.tcg import STARTUP_LOCALITIES, startup_localities

DYNAMIC_PCRS: Final = range(17, 23)


class Outcome(StrEnum):
    """How a quoted value relates to the log. Only MATCH means that the log explains the value."""

    MATCH = "match"
    PREFIX = "prefix"  # a first part of the log gives the value: what follows is not in the quote
    OTHER_LOCALITY = (
        "other-locality"  # the whole log gives it, with another startup locality than it declares
    )
    MISMATCH = "mismatch"


@frozen
class PcrReplay:
    """One PCR of one bank compared with its quoted value.

    `events` counts the log's extends of this PCR, `computed` is the value after all of them from the declared
    start. `reached_after` is how many of them give the quoted value first (0: the start value itself), None
    if no number does, and `last` the event after which it does; `locality` is the startup locality for which
    that holds, where it is not the declared one (PCR 0 only). `incomplete` numbers the events that carry no
    digest for this bank.
    """

    bank: int
    index: int
    outcome: Outcome
    quoted: bytes
    computed: bytes
    start: bytes
    events: int
    reached_after: int | None
    last: Measured | None
    locality: int | None
    incomplete: tuple[int, ...]

    @property
    def beyond(self) -> int:
        """How many events of this PCR lie after the quoted state; all of them if it is never reached."""
        return self.events - (self.reached_after or 0)


def extend(bank: int, value: bytes, digest: bytes) -> bytes:
    """H(value || digest) (Part 1, 17.2). Raises UnsupportedAlgorithmError."""
    return hash_of(bank, value + digest)


def start_value(bank: int, index: int, *, locality: int = 0, launched: bool = False) -> bytes:
    """The value before the first extend.

    `launched`: a dynamic launch happened. Raises UnsupportedAlgorithmError.
    """
    size = hash_size(bank)
    if index in DYNAMIC_PCRS and not launched:
        return b"\xff" * size
    return bytes(size - 1) + bytes((locality if index == 0 else 0,))


def declared_locality(events: Iterable[Event]) -> int:
    """The first startup locality that the log declares and the profile knows; 0 if there is none."""
    return next((found for found in startup_localities(events) if found in STARTUP_LOCALITIES), 0)


def final_values(events: Iterable[Measured], bank: int, *, locality: int = 0) -> dict[int, bytes]:
    """{PCR: value after the whole log} for every PCR that the log extends in `bank`.

    A log with events in PCR 17-22 implies a dynamic launch. Raises UnsupportedAlgorithmError.
    """
    made = hash_constructor(bank)
    values: dict[int, bytes] = {}
    for event in events:
        digest = event.digests.get(bank)
        if digest is None or not event.extended:
            continue
        index = event.index
        value = values.get(index)
        if value is None:
            value = start_value(bank, index, locality=locality, launched=True)
        values[index] = made(value + digest).digest()
    return values


def replay(
    events: Iterable[Measured], bank: int, quoted: Mapping[int, bytes], *, locality: int = 0
) -> tuple[PcrReplay, ...]:
    """Compare each quoted PCR with the log, in order of index.

    `events` may chain several logs that extend the same PCRs one after the other (firmware, then userspace).
    `locality` is `declared_locality` of the firmware log. Time is linear in the log, for each possible start
    value. Raises UnsupportedAlgorithmError.
    """
    hash_size(bank)  # before any work: an unknown bank is refused even where no event is
    by_index: dict[int, list[Measured]] = {index: [] for index in quoted}
    for event in events:
        if event.extended and event.index in by_index:
            by_index[event.index].append(event)
    return tuple(
        _replay_one(bank, index, quoted[index], by_index[index], locality) for index in sorted(by_index)
    )


def _replay_one(bank: int, index: int, quoted: bytes, events: Sequence[Measured], declared: int) -> PcrReplay:
    complete = [event for event in events if bank in event.digests]
    start, values = _run(bank, start_value(bank, index, locality=declared, launched=bool(events)), complete)
    outcome, reached, locality = _judge(values, quoted), _first(values, quoted), None
    if outcome is not Outcome.MATCH:
        for other, other_start in _other_starts(bank, index, declared, launched=bool(events)):
            other_values = _run(bank, other_start, complete)[1]
            found = _judge(other_values, quoted)
            if found is Outcome.MATCH and other is None:
                start, values, outcome, reached = other_start, other_values, found, len(complete)
            elif found is Outcome.MATCH:
                outcome, reached, locality = Outcome.OTHER_LOCALITY, len(complete), other
            elif found is Outcome.PREFIX and reached is None:
                outcome, reached, locality = found, _first(other_values, quoted), other
    return PcrReplay(
        bank=bank,
        index=index,
        outcome=outcome,
        quoted=quoted,
        computed=values[-1],
        start=start,
        events=len(complete),
        reached_after=reached,
        last=complete[reached - 1] if reached else None,
        locality=locality,
        incomplete=tuple(event.number for event in events if bank not in event.digests),
    )


def _other_starts(bank: int, index: int, declared: int, *, launched: bool) -> list[tuple[int | None, bytes]]:
    """Start values other than the one the log implies: localities for PCR 0, no dynamic launch for 17-22.

    Whether a launch happened no log event declares, so either start of PCR 17-22 is as good as the other
    (locality None).
    """
    if index == 0:
        return [
            (locality, start_value(bank, 0, locality=locality))
            for locality in STARTUP_LOCALITIES
            if locality != declared
        ]
    if index in DYNAMIC_PCRS:
        return [(None, start_value(bank, index, launched=not launched))]
    return []


def _run(bank: int, start: bytes, events: Sequence[Measured]) -> tuple[bytes, list[bytes]]:
    """`start`, and every value of the PCR from it on."""
    made, values = hash_constructor(bank), [start]
    for event in events:
        values.append(made(values[-1] + event.digests[bank]).digest())
    return start, values


def _first(values: Sequence[bytes], quoted: bytes) -> int | None:
    return next((count for count, value in enumerate(values) if value == quoted), None)


def _judge(values: Sequence[bytes], quoted: bytes) -> Outcome:
    if values[-1] == quoted:
        return Outcome.MATCH
    return Outcome.MISMATCH if _first(values, quoted) is None else Outcome.PREFIX
