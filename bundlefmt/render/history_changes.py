# SPDX-License-Identifier: Apache-2.0
"""What can happen between two snapshots of one machine, by kind and in words; and how it is found.

Spec: "History of machines".
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

from bundlefmt.frozen import frozen
from bundlefmt.moment import when
from bundlefmt.render.words import plural

Pcrs = Mapping[
    str, tuple[bytes, tuple[tuple[int, str], ...]]
]  # {bank: (digest, (PCR, how its value begins))}
_KEPT: Final = 2**16  # different values; names, and what a bank holds, are the same day after day
_UNITS: Final = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


class Kind(StrEnum):
    """The stable names of what can happen."""

    FIRST = "first"
    UNCHAINED = "unchained"
    COPY = "copy"
    MISSING = "missing-predecessor"
    GAP = "gap"
    FORK = "fork"
    CREATED = "created-back"
    RESET = "reset"
    RESTART = "restart"
    COUNTERS = "counters-back"
    CLOCK = "clock-back"
    FIRMWARE = "firmware"
    KEY = "other-key"
    PCRS = "pcrs"

    @property
    def is_fault(self) -> bool:
        """Whether a machine that is snapshot as it should be never shows it."""
        return self in _FAULTS


_FAULTS: Final = frozenset({Kind.MISSING, Kind.GAP, Kind.FORK, Kind.CREATED, Kind.COUNTERS, Kind.CLOCK})


@lru_cache(maxsize=_KEPT)
def same(value: Hashable) -> Any:
    """The object that was equal to it before: of a hundred thousand lines few need one of their own."""
    return value


@frozen(kw_only=False)
class Change:
    """`message` is for people."""

    kind: Kind
    message: str


@frozen
class Boot:
    """What one attestation key says of the TPM's counters."""

    ak_name: str | None
    obfuscated: bool
    reset_count: int
    restart_count: int
    clock: int
    safe: bool
    firmware_version: str

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Boot:
        name = row["ak_name"]
        return cls(
            ak_name=None if name is None else same(name),
            obfuscated=row["obfuscated"],
            reset_count=row["reset_count"],
            restart_count=row["restart_count"],
            clock=row["clock"],
            safe=row["safe"],
            firmware_version=same(row["firmware_version"]),
        )

    def comparable(self, other: Boot) -> bool:
        """Part 1, "Attestation": obfuscated counters are shifted alike for one key, and for no two."""
        one_key = self.ak_name is not None and self.ak_name == other.ak_name
        return one_key or not (self.obfuscated or other.obfuscated)


def between(before: int, now: int, interval: int) -> Iterator[Change]:
    """What the times say that two snapshots claim."""
    if now < before:
        yield Change(Kind.CREATED, f"claims an earlier time than the one before it, {when(before)}")
    elif now - before > interval:
        yield Change(Kind.GAP, f"{duration(now - before)} after the one before it")


def boots(before: Sequence[Boot], now: Sequence[Boot]) -> Iterator[Change]:
    """By the first key whose counters can be compared: its latest statement of each snapshot."""
    pair = next(
        (
            (old, new)
            for new in reversed(_by_time(now))
            for old in reversed(_by_time(before))
            if new.comparable(old)
        ),
        None,
    )
    if pair is None:
        return
    old, new = pair
    if new.reset_count < old.reset_count:
        message = f"resets {old.reset_count} to {new.reset_count}: the TPM was cleared, or it is another"
        yield Change(Kind.COUNTERS, message)
    elif new.reset_count > old.reset_count:
        yield Change(Kind.RESET, f"{new.reset_count - old.reset_count} more, {new.reset_count} in all")
    elif new.restart_count < old.restart_count:
        message = f"restarts {old.restart_count} to {new.restart_count} without a reset"
        yield Change(Kind.COUNTERS, message)
    elif new.restart_count > old.restart_count:
        more = new.restart_count - old.restart_count
        yield Change(Kind.RESTART, f"{more} more, {new.restart_count} since the last reset")
    # a loss of power may set the clock back a little, which it then says of itself
    if new.clock < old.clock and (new.safe or new.reset_count == old.reset_count):
        yield Change(Kind.CLOCK, f"the TPM's clock went from {old.clock} ms to {new.clock} ms")
    if new.firmware_version != old.firmware_version:
        yield Change(Kind.FIRMWARE, f"TPM firmware {old.firmware_version} to {new.firmware_version}")


def _by_time(found: Sequence[Boot]) -> list[Boot]:
    return sorted(found, key=lambda each: (each.reset_count, each.restart_count, each.clock))


def pcrs(before: Pcrs, now: Pcrs) -> Iterator[Change]:
    """Each bank that both have and that differs, with the PCRs where that shows."""
    for bank in sorted(before.keys() & now.keys()):
        (old, old_tags), (new, new_tags) = before[bank], now[bank]
        if old == new:
            continue
        then, there = dict(old_tags), dict(new_tags)
        differing = sorted(pcr for pcr in then.keys() | there.keys() if then.get(pcr) != there.get(pcr))
        which = ", ".join(map(str, differing)) or "which ones is not told"
        yield Change(Kind.PCRS, f"{bank}: {which}")


def duration(seconds: int) -> str:
    """In the two largest units that are not zero."""
    parts, rest = [], seconds
    for name, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(plural(count, name))
    return " ".join(parts[:2]) or "0 seconds"
