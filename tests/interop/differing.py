# SPDX-License-Identifier: Apache-2.0
"""Changes vectors and has both verifiers judge them; what they do not say alike is kept, to be asked again.

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
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from tests.fuzz import seeds
from tests.interop import changes, judges
from tests.interop.case import Case
from tests.interop.disagreement import differences, every_difference, other_fault
from tests.interop.run_vectors import Json

KEPT: Final = Path(__file__).parent / "disagreements"
BATCH: Final = 40  # cases asked at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A case of which not the same is said."""

    number: int
    case: Case
    said: tuple[Json, Json]

    @property
    def differences(self) -> dict[str, str]:
        return differences(*self.said)

    def keep(self, folder: Path) -> None:
        """All that is needed to ask again, and what was said."""
        words = self.case.write(folder)
        told = {
            "start": self.case.start,
            "done": self.case.done,
            "words": words,
            "differences": self.differences,
            "package": self.said[0],
            "second": self.said[1],
        }
        (folder / "said.json").write_text(json.dumps(told, indent=1) + "\n", "utf-8")


def case(seed: int, number: int, vectors: Sequence[str]) -> Case:
    """The case of this number."""
    chance = Random(f"{seed} {number}")
    return changes.changed(chance.choice(vectors), chance)


def judged(second: judges.Second, cases: Sequence[Case], first_number: int) -> Iterator[Found]:
    """What both say of each."""
    folder = Path(tempfile.mkdtemp(prefix="differing-"))
    try:
        for number, (each, said) in enumerate(
            zip(cases, judges.answers(second, cases, folder), strict=True), first_number
        ):
            yield Found(number=number, case=each, said=said)
    finally:
        shutil.rmtree(folder)


def run(seed: int, vectors: Sequence[str], *, until: float, count: int | None = None) -> Iterator[Found]:
    """Cases one after the other, until a time of the monotonic clock or a number of cases."""
    number = 0
    with judges.Second() as second:
        while time.monotonic() < until and (count is None or number < count):
            size = BATCH if count is None else min(BATCH, count - number)
            cases = [case(seed, each, vectors) for each in range(number, number + size)]
            yield from judged(second, cases, number)
            number += size


def main() -> int:
    """0, or 1 where something was not said alike."""
    parser = argparse.ArgumentParser(prog="python -m tests.interop.differing", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, help="cases at most")
    parser.add_argument(
        "--vector", action="append", default=[], metavar="NAME", help="begin with these alone"
    )
    given = parser.parse_args()
    vectors = given.vector or sorted(seeds.files())
    total, different, verdicts, kinds = 0, 0, Counter[str](), Counter[str]()
    for found in run(given.seed, vectors, until=time.monotonic() + 60 * given.minutes, count=given.count):
        total += 1
        verdicts[found.said[0].get("verdict", "malformed")] += 1
        verdicts["another fault told"] += other_fault(*found.said)
        verdicts["left open"] += every_difference(*found.said) != found.differences
        differing = found.differences
        if not differing:
            continue
        different += 1
        kinds.update(list(differing))
        found.keep(KEPT / f"{given.seed}-{found.number}")
        print(
            f"{given.seed}-{found.number} {found.case.start} {found.case.done}: {differing}",
            flush=True,
        )
    print(
        f"{total} cases: {dict(verdicts)}; {different} differ: {dict(kinds.most_common())}", file=sys.stderr
    )
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
