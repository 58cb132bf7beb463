# SPDX-License-Identifier: Apache-2.0
"""How two works are compared: run in turns, so that what else a machine does falls on both alike."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

REPETITIONS: Final = 9
Work = Callable[[], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """`values` over `bases`, in the same `unit`: pairs of runs, or one count.

    What else a machine does only ever adds, so that the least of each is what is compared. `limit` is the
    ratio that must hold, `goal` the one to get to; None where none is set.
    """

    name: str
    area: str
    values: tuple[float, ...]
    bases: tuple[float, ...]
    unit: str
    limit: float | None = None
    goal: float | None = None

    @property
    def value(self) -> float:
        return min(self.values)

    @property
    def base(self) -> float:
        return min(self.bases)

    @property
    def ratio(self) -> float:
        return self.value / self.base

    @property
    def spread(self) -> tuple[float, float]:
        """Between these lies the middle half of the ratios of the pairs."""
        ratios = [value / base for value, base in zip(self.values, self.bases, strict=True)]
        if len(ratios) < 2:
            return self.ratio, self.ratio
        low, _, high = statistics.quantiles(ratios, n=4, method="inclusive")
        return low, high

    @property
    def broken(self) -> bool:
        return self.limit is not None and self.ratio > self.limit


def seconds(work: Work) -> float:
    """What one run takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def paired(
    name: str,
    work: Work,
    base: Work,
    *,
    area: str,
    limit: float | None = None,
    goal: float | None = None,
    repetitions: int = REPETITIONS,
    inner: int = 1,
    less: Work | None = None,
) -> Measure:
    """`work` beside `base`, in turns, after one run of each that does not count.

    Each run is the fastest of `inner`, so that a short work is not one interruption of the machine; what
    `less` takes is taken off that of `work`.
    """
    works = [work, base] if less is None else [work, base, less]
    for each in works:
        each()
    pairs = []
    # what the benchmarks themselves hold is not looked through again in each run
    gc.collect()
    gc.freeze()
    for _ in range(repetitions):
        found = [min(seconds(each) for _ in range(inner)) for each in works]
        pairs.append((max(found[0] - sum(found[2:]), 0.0) * 1000, found[1] * 1000))
    gc.unfreeze()
    values, bases = zip(*pairs, strict=True)
    return Measure(
        name=name,
        area=area,
        values=values,
        bases=bases,
        unit="ms",
        limit=limit,
        goal=goal,
    )


def counted(
    name: str,
    value: float,
    base: float,
    unit: str,
    *,
    area: str,
    limit: float | None = None,
    goal: float | None = None,
) -> Measure:
    """What does not vary from run to run: bytes, peaks of memory."""
    return Measure(
        name=name,
        area=area,
        values=(value,),
        bases=(base,),
        unit=unit,
        limit=limit,
        goal=goal,
    )
