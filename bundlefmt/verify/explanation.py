# SPDX-License-Identifier: Apache-2.0
"""Logs beside the quoted values: which events each value came of, and which values nothing explains.

Whoever controls the operating system chooses what stands in a log and in which log it stands. So PCR 0 to 7
are explained by firmware logs alone, and wholly: an event that is moved to another log or left out is missed.
Spec: "Measurement logs".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Final

from bundlefmt.evidence.pcr import PcrValues
from bundlefmt.evidence.tpm import TpmAlg, UnsupportedAlgorithmError
from bundlefmt.frozen import frozen
from bundlefmt.logs.event import Measured
from bundlefmt.logs.platform import Platform, summarise
from bundlefmt.logs.reading import STATIC_PCRS
from bundlefmt.logs.replay import Outcome, PcrReplay, declared_locality, replay
from bundlefmt.logs.systemd import SystemdRecord
from bundlefmt.verify.context import Area, Context, Judgement, Once, Skip, Unsure

FIRMWARE: Final = "firmware-log"
USERSPACE: Final = "userspace-log"
IMA: Final = "ima-log"


@frozen
class Compared:
    """One quoted value and the events that are to give it.

    `events` are those of its PCR up to the quote; `later` counts the userspace records after it, which a log
    read after the quote may have.
    """

    replay: PcrReplay
    events: tuple[Measured, ...]
    later: int

    @property
    def explained(self) -> bool:
        """The events give the value, and all of them are in its bank."""
        return self.replay.outcome is Outcome.MATCH and not self.replay.incomplete


class Logs(Area):
    """What the logs of a bundle explain."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.compared: Once[str, tuple[Compared, ...]] = Once(self._all_compared)
        self._summaries: Once[tuple[str, bool], Platform] = Once(lambda key: self._summary(*key))

    def values(self, label: str) -> tuple[PcrValues, ...]:
        """The PCR values that a log is to explain: those it names, else all that are quoted."""
        named = self.context.item(label).ref("pcrs") or self.context.labels("pcr-values")
        return tuple(self.context.pcr_values(one) for one in named)

    @cached_property
    def records(self) -> tuple[SystemdRecord, ...]:
        """What userspace measured, of all its logs, in PCRs that are not firmware's."""
        logs = [self.context.userspace_logs(one) for one in self.context.labels(USERSPACE)]
        records = (record for one in logs for record in one.records)
        return tuple(record for record in records if record.extended and record.index not in STATIC_PCRS)

    def _all_compared(self, label: str) -> tuple[Compared, ...]:
        """A firmware log, and the userspace logs after it, beside every quoted value that they are to give.

        Of a userspace log its records alone: for PCRs in which nothing came before.
        """
        if self.context.item(label).role == USERSPACE:
            banks = {bank for record in self.records for bank in record.digests}
            return tuple(self._compared(label, (), banks, 0))
        log = self.context.firmware_logs(label)
        return tuple(self._compared(label, log.events, log.banks, declared_locality(log.events)))

    def _compared(
        self, label: str, events: Sequence[Measured], banks: Iterable[int], locality: int
    ) -> Iterator[Compared]:
        first = _by_index(events)
        later = _by_index(self.records)
        for values in self.values(label):
            for bank in sorted(values.keys() & set(banks)):
                for index, quoted in sorted(values[bank].items()):
                    own, more = first.get(index, []), later.get(index, [])
                    if own or more or (events and index in STATIC_PCRS):
                        yield _beside(bank, index, quoted, own, more, locality)

    def unexplained(self, label: str) -> tuple[int, ...]:
        """Quoted PCRs that no log of the bundle extends and that are not as they start."""
        extended = {one.replay.index for one in self.compared(label)}
        for one in self.context.labels(IMA):
            with suppress(Judgement):  # of a list that cannot be read, log.form says so
                extended |= self.context.ima_logs(one).counts.keys()
        rows = [row for values in self.values(label) for row in values.values()]
        found = {index for row in rows for index, value in row.items() if set(value) not in ({0}, {0xFF})}
        return tuple(sorted(found - extended))

    def unquoted(self, label: str) -> tuple[int, ...]:
        """PCRs that a firmware log extends and that no quote has in one of its banks."""
        events = self.context.firmware_logs(label).events
        quoted = {one.replay.index for one in self.compared(label)}
        return tuple(sorted({event.index for event in events if event.extended} - quoted))

    def measured(self, label: str) -> set[int]:
        """PCRs whose quoted value comes of events; the others have none and are as they start."""
        return {one.replay.index for one in self.compared(label) if one.events}

    def weak(self, label: str) -> tuple[int, ...]:
        """PCRs that nothing but SHA-1 ties to a quote, where the policy does not let that pass."""
        if self.context.policy.allow_sha1:
            return ()
        replays = [one.replay for one in self.compared(label)]
        strong = {found.index for found in replays if found.bank != TpmAlg.SHA1}
        return tuple(sorted({found.index for found in replays} - strong))

    def summary(self, label: str, *, attested: bool = True) -> Platform:
        """What a firmware log tells, in the strongest bank that is quoted. Raises Skip without one.

        No fact stands as measured where a quoted value is not explained, or where the quotes themselves are
        not (`attested`).
        """
        return self._summaries((label, attested))

    def _summary(self, label: str, attested: bool) -> Platform:
        compared = self.compared(label)
        if not compared:
            raise Skip("no bank of this log is quoted")
        bank = max((one.replay for one in compared), key=lambda found: len(found.quoted)).bank
        mine = [one for one in compared if one.replay.bank == bank]
        wrong = {one.replay.index for one in mine if not one.explained}
        firm = [one.replay for one in mine if one.replay.index not in wrong]
        weak = self.weak(label)
        stand = [found for found in firm if attested and found.index not in weak]
        return summarise(self.context.firmware_logs(label).events, bank, stand)


def _by_index(events: Iterable[Measured]) -> Mapping[int, list[Measured]]:
    found: dict[int, list[Measured]] = {}
    for event in events:
        if event.extended:
            found.setdefault(event.index, []).append(event)
    return found


def _beside(
    bank: int, index: int, quoted: bytes, own: list[Measured], more: list[Measured], locality: int
) -> Compared:
    """The value beside all events; where only userspace's last ones are too many, without those."""

    def run(events: list[Measured]) -> PcrReplay:
        try:
            return replay(events, bank, {index: quoted}, locality=locality)[0]
        except UnsupportedAlgorithmError as error:
            raise Unsure(str(error)) from None

    events = [*own, *more]
    found = run(events)
    if found.outcome is Outcome.PREFIX and not found.incomplete and (found.reached_after or 0) >= len(own):
        events = events[: found.reached_after]
        return Compared(replay=run(events), events=tuple(events), later=found.beyond)
    return Compared(replay=found, events=tuple(events), later=0)


def told(context: Context, *, attested: bool) -> tuple[tuple[str, Platform], ...]:
    """What each firmware log tells beside the quoted values; a log that cannot be compared tells nothing."""
    found = []
    for label in context.labels(FIRMWARE):
        try:
            found.append((label, context.area(Logs).summary(label, attested=attested)))
        except (Judgement, UnsupportedAlgorithmError):
            continue
    return tuple(found)
