# SPDX-License-Identifier: Apache-2.0
"""Changes vectors, and has both verifiers judge them; what they do not say alike is kept, to be asked again.

The same seed makes the same cases, however long it runs.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from random import Random
from typing import Final

from tests.fuzz import seeds
from tests.interop import changes
from tests.interop.case import Case, kept
from tests.interop.disagreement import differences, every_difference, other_fault
from tests.interop.judges import Second, answers
from tests.interop.run_vectors import Json

KEPT: Final = Path(__file__).parent / "disagreements"
BATCH: Final = 40  # cases asked at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A case, how it is made again, and what the package and the second verifier say of it."""

    name: str
    start: str
    changes: tuple[str, ...]
    case: Case
    said: tuple[Json, Json]

    @property
    def differences(self) -> dict[str, str]:
        return differences(*self.said)

    def keep(self) -> None:
        """All that is needed to ask again, and what was said."""
        told = {
            "start": self.start,
            "done": self.case.done,
            "changes": self.changes,
            "words": self.case.write(KEPT / self.name),
            "differences": self.differences,
            "package": self.said[0],
            "second": self.said[1],
        }
        (KEPT / self.name / "said.json").write_text(json.dumps(told, indent=1) + "\n", "utf-8")

    def __str__(self) -> str:
        told = ", ".join(f"{kind}: {said}" for kind, said in self.differences.items())
        return f"{self.name} ({self.start}; {', '.join(self.case.done)}): {told}"


@dataclass(slots=True)
class Figures:
    """What came of a run."""

    outcomes: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    different: int = 0

    def add(self, judged: Judged) -> None:
        ours = judged.said[0]
        self.outcomes[ours.get("verdict", "refused" if "error" in ours else "raised")] += 1
        if other_fault(*judged.said):
            self.kinds["(another fault of form)"] += 1
        if every_difference(*judged.said) != judged.differences:
            self.kinds["(left open)"] += 1
        self.kinds.update(list(judged.differences))
        self.different += bool(judged.differences)

    def __str__(self) -> str:
        outcomes, kinds = (
            ", ".join(f"{count} {name}" for name, count in counted.most_common())
            for counted in (self.outcomes, self.kinds)
        )
        return (
            f"{self.outcomes.total()} cases: {outcomes}; {self.different} judged differently; {kinds or '-'}"
        )


def planned(seed: int, number: int, vectors: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The vector that the case of this number begins with, and its changes."""
    chance = Random(f"{seed} {number}")
    start, steps = chance.choice(vectors), chance.choice((1, 1, 2, 3))
    return start, tuple(f"{seed} {number} {step}" for step in range(steps))


def judged(second: Second, plans: dict[str, tuple[str, tuple[str, ...]]]) -> Iterator[Judged]:
    """The cases by name, and what both say of each."""
    cases = [changes.changed(start, steps) for start, steps in plans.values()]
    folder = Path(tempfile.mkdtemp(prefix="differing-"))
    try:
        said = answers(second, cases, folder)
    finally:
        shutil.rmtree(folder)
    for (name, (start, steps)), case, both in zip(plans.items(), cases, said, strict=True):
        yield Judged(name=name, start=start, changes=steps, case=case, said=both)


def smallest(second: Second, found: Judged) -> Judged:
    """The case with as few of its changes as give the same differences."""
    for size in range(1, len(found.changes)):
        for steps in combinations(found.changes, size):
            (tried,) = judged(second, {found.name: (found.start, steps)})
            if tried.differences.keys() == found.differences.keys():
                return tried
    return found


def run(seed: int, vectors: Sequence[str], *, until: float, count: int | None = None) -> Iterator[Judged]:
    """Cases one after the other, until a time of the monotonic clock; of what differs, the smallest."""
    number = 0
    with Second() as second:
        while time.monotonic() < until and (count is None or number < count):
            size = BATCH if count is None else min(BATCH, count - number)
            plans = {f"{seed}-{n}": planned(seed, n, vectors) for n in range(number, number + size)}
            for each in judged(second, plans):
                yield smallest(second, each) if each.differences else each
            number += size


def again(folders: Sequence[Path]) -> Iterator[Judged]:
    """Cases that were kept, asked anew."""
    with Second() as second, tempfile.TemporaryDirectory(prefix="differing-") as place:
        cases = [kept(folder) for folder in folders]
        for case, said in zip(cases, answers(second, cases, Path(place)), strict=True):
            yield Judged(name=case.start, start="kept", changes=(), case=case, said=said)


def main() -> int:
    """0, or 1 where something was judged differently."""
    parser = argparse.ArgumentParser(prog="python -m tests.interop.differing", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, help="cases at most")
    parser.add_argument("--vector", action="append", metavar="NAME", help="begin with these alone")
    parser.add_argument("--again", action="append", type=Path, metavar="FOLDER", help="ask what was kept")
    given = parser.parse_args()
    vectors, until = given.vector or sorted(seeds.files()), time.monotonic() + 60 * given.minutes
    figures = Figures()
    for each in (
        again(given.again) if given.again else run(given.seed, vectors, until=until, count=given.count)
    ):
        figures.add(each)
        if each.differences:
            print(each, flush=True)
            if not given.again:
                each.keep()
    print(figures, file=sys.stderr)
    return 1 if figures.different else 0


if __name__ == "__main__":
    sys.exit(main())
