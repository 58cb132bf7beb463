# SPDX-License-Identifier: Apache-2.0
"""How two works are compared: by processor time and in turns, so that what else a machine does counts little.

The processor time of a work that has one thread is the time that it takes on a machine that does nothing
else; on one that does, the time on the clock is longer the longer a work is, and a ratio of two is no ratio.
"""

from __future__ import annotations

import gc
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

REPETITIONS: Final = 9
Work = Callable[[], object]
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """`values` over `bases`, in the same `unit`: pairs of runs, or one count.

    `limit` is the ratio that must hold, `goal` the one to get to; None where none is set.
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
        return statistics.median(self.values)

    @property
    def base(self) -> float:
        return statistics.median(self.bases)

    @property
    def ratios(self) -> tuple[float, ...]:
        """Of each pair: its runs are next to one another."""
        return tuple(value / base for value, base in zip(self.values, self.bases, strict=True))

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)

    @property
    def spread(self) -> tuple[float, float]:
        """Between these lies the middle half of the ratios."""
        if len(self.ratios) < 2:
            return self.ratio, self.ratio
        low, _, high = statistics.quantiles(self.ratios, n=4, method="inclusive")
        return low, high

    @property
    def broken(self) -> bool:
        return self.limit is not None and self.ratio > self.limit


def own_time() -> float:
    """Seconds of processor time of this process."""
    return time.process_time()


def childrens_time() -> float:
    """The same of all processes that it has started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def seconds(work: Work, clock: Clock) -> float:
    """What one run takes."""
    start = clock()
    work()
    return clock() - start


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
    clock: Clock = own_time,
) -> Measure:
    """`work` beside `base`, in turns, after one run of each that does not count.

    Each run is the fastest of `inner`. `clock` is `childrens_time` where the works are processes.
    """
    for each in (work, base):
        each()
    pairs = []
    # what the benchmarks themselves hold is not looked through again in each run
    gc.collect()
    gc.freeze()
    for _ in range(repetitions):
        found = [min(seconds(each, clock) for _ in range(inner)) for each in (work, base)]
        pairs.append((found[0] * 1000, found[1] * 1000))
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
