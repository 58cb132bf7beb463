# SPDX-License-Identifier: Apache-2.0
"""The history of machines as results of their snapshots tell it: chains, gaps, forks, boots, PCR changes.

Nothing is judged here: each snapshot has its verdict beside it. Spec: "History of machines".
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

from bundlefmt.frozen import frozen
from bundlefmt.render.history_changes import Boot, Change, Kind, Pcrs, between, boots, pcrs, same

SCHEMA: Final = "evidence-bundle-history/1"
_HASHES: Final = ("sha256", "sha384", "sha512")
Named = tuple[str, bytes]  # hash algorithm and digest of a manifest


@frozen
class Snapshot:
    """What a line says of one manifest; `copies` are the other files that have it."""

    path: str
    verdict: str | None
    created: int
    manifest: tuple[bytes, ...]
    previous: Named | None
    ak_names: tuple[str, ...]
    ek_sha256: tuple[str, ...]
    boots: tuple[Boot, ...]
    pcrs: Pcrs
    copies: tuple[str, ...] = ()

    def named_in(self, wanted: Container[Named | None]) -> Iterator[Named]:
        """By what others name it, of all the names that it could have."""
        return (name for name in zip(_HASHES, self.manifest, strict=True) if name in wanted)


@frozen
class Step:
    """A snapshot, the one it is compared with, and what happened between them."""

    snapshot: Snapshot
    after: Snapshot | None
    changes: tuple[Change, ...]


@frozen
class Platform:
    """Snapshots that a key or `previous` connects, in the order of the time that they claim."""

    steps: tuple[Step, ...]

    @property
    def ak_names(self) -> list[str]:
        return sorted({name for step in self.steps for name in step.snapshot.ak_names})

    @property
    def ek_sha256(self) -> list[str]:
        return sorted({name for step in self.steps for name in step.snapshot.ek_sha256})

    @property
    def faults(self) -> int:
        return sum(change.kind.is_fault for step in self.steps for change in step.changes)


@frozen
class History:
    """All platforms, by the time of their first snapshot; `unread` are (path, code) of lines without one."""

    interval: int
    platforms: tuple[Platform, ...]
    unread: tuple[tuple[str, str], ...]

    @property
    def faults(self) -> int:
        return sum(platform.faults for platform in self.platforms)


def history(lines: Iterable[Mapping[str, Any]], interval: int) -> History:
    """`interval`: seconds that a snapshot may be later than the one before."""
    found: dict[bytes, Snapshot] = {}
    copies: dict[bytes, list[str]] = {}
    unread = []
    for line in lines:
        if line["error"] is not None:
            unread.append((line["path"], line["error"]["code"]))
            continue
        snapshot = _snapshot(line)
        if snapshot.manifest[0] in found:
            copies.setdefault(snapshot.manifest[0], []).append(snapshot.path)
        else:
            found[snapshot.manifest[0]] = snapshot
    whole = [replace(each, copies=tuple(copies.get(key, ()))) for key, each in found.items()]
    platforms = [_platform(group, interval) for group in _groups(whole)]
    platforms.sort(key=lambda each: (each.steps[0].snapshot.created, each.steps[0].snapshot.path))
    return History(interval=interval, platforms=tuple(platforms), unread=tuple(unread))


def _snapshot(line: Mapping[str, Any]) -> Snapshot:
    previous = line["previous"]
    return Snapshot(
        path=line["path"],
        verdict=None if line["verdict"] is None else same(line["verdict"]),
        created=line["created"],
        manifest=tuple(bytes.fromhex(line[f"manifest_{name}"]) for name in _HASHES),
        previous=None if previous is None else (same(previous["alg"]), bytes.fromhex(previous["value"])),
        ak_names=tuple(map(same, line["ak_names"])),
        ek_sha256=tuple(map(same, line["ek_sha256"])),
        boots=tuple(map(Boot.of, line["boots"])),
        pcrs={same(row["bank"]): same(_bank(row)) for row in line["pcrs"]},
    )


def _bank(row: Mapping[str, Any]) -> tuple[bytes, tuple[tuple[int, str], ...]]:
    return bytes.fromhex(row["sha256"]), tuple((each["pcr"], each["tag"]) for each in row["tags"])


def _groups(snapshots: Sequence[Snapshot]) -> Iterator[list[Snapshot]]:
    """Those that one key, one endorsement key or one chain connects."""
    above: dict[object, object] = {}

    def top(name: object) -> object:
        path = []
        while (next_ := above.setdefault(name, name)) != name:
            path.append(name)
            name = next_
        for each in path:
            above[each] = name
        return name

    wanted = {each.previous for each in snapshots}
    for snapshot in snapshots:
        keys = (*(("ak", name) for name in snapshot.ak_names), *(("ek", name) for name in snapshot.ek_sha256))
        chained = () if snapshot.previous is None else (snapshot.previous,)
        named: list[object] = [snapshot.manifest[0], *snapshot.named_in(wanted), *keys, *chained]
        for one, other in pairwise(named):
            above[top(other)] = top(one)
    groups: dict[object, list[Snapshot]] = {}
    for snapshot in snapshots:
        groups.setdefault(top(snapshot.manifest[0]), []).append(snapshot)
    yield from groups.values()


def _platform(group: list[Snapshot], interval: int) -> Platform:
    group.sort(key=lambda each: (each.created, each.path))
    wanted = {each.previous for each in group}
    known = {name: each for each in group for name in each.named_in(wanted)}
    successors: dict[bytes, list[Snapshot]] = {}
    for each in group:
        if each.previous is not None:
            # by whichever hash it is named, a manifest has one list
            before = known.get(each.previous)
            successors.setdefault(before.manifest[0] if before else each.previous[1], []).append(each)
    steps = []
    for earlier, each in zip([None, *group], group, strict=False):
        before = None if each.previous is None else known.get(each.previous)
        after = before or earlier
        changes = [*_chain(each, before, earlier, successors)]
        if after is not None:
            changes += [*between(after.created, each.created, interval), *_differences(after, each)]
        steps.append(Step(snapshot=each, after=after, changes=tuple(changes)))
    return Platform(steps=tuple(steps))


def _chain(
    each: Snapshot,
    before: Snapshot | None,
    earlier: Snapshot | None,
    successors: Mapping[bytes, Sequence[Snapshot]],
) -> Iterator[Change]:
    """How it is chained: `before` is the one that it names, `earlier` the last in time."""
    if each.copies:
        yield Change(Kind.COPY, f"the same manifest in {_some(each.copies)}")
    if each.previous is not None:
        named = each.previous[1] if before is None else before.manifest[0]
        if before is None:
            yield Change(Kind.MISSING, f"names one before it that is not here, manifest {named.hex()}")
        others = [other.path for other in successors[named] if other is not each]
        if others:
            yield Change(Kind.FORK, f"the one before it has another after it: {_some(others)}")
    elif earlier is None:
        yield Change(Kind.FIRST, "names none before it")
    else:
        yield Change(Kind.UNCHAINED, "names none before it")


def _differences(after: Snapshot, each: Snapshot) -> Iterator[Change]:
    if after.ak_names and each.ak_names and not set(after.ak_names) & set(each.ak_names):
        yield Change(Kind.KEY, "another attestation key quotes")
    yield from boots(after.boots, each.boots)
    yield from pcrs(after.pcrs, each.pcrs)


def _some(paths: Sequence[str], keep: int = 3) -> str:
    more = len(paths) - keep
    return ", ".join(paths[:keep]) + (f" and {more} more" if more > 0 else "")
