# SPDX-License-Identifier: Apache-2.0
"""What a run found: as lines for people, as JSON for programs. README.md has the schema."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Sequence
from typing import Any, Final

from tests.bench.measure import Measure

SCHEMA: Final = "evidence-bundle-benchmark/1"
HEAD: Final = f"{'':66} {'ratio':>8} {'limit':>6} {'goal':>5}   {'spread':13}   medians"


def line(measure: Measure) -> str:
    low, high = measure.spread
    limit, goal = (f"{each:g}" if each is not None else "" for each in (measure.limit, measure.goal))
    spread = f"{low:.2f}-{high:.2f}" if len(measure.values) > 1 else ""
    pair = f"{measure.value:.2f} / {measure.base:.2f} {measure.unit}"
    mark = "  BROKEN" if measure.broken else ""
    return f"{measure.name:66} {measure.ratio:8.2f} {limit:>6} {goal:>5}   {spread:13}   {pair}{mark}"


def record(measures: Sequence[Measure], loads: Sequence[float]) -> dict[str, Any]:
    """`loads`: the load of the machine before and after."""
    return {
        "schema": SCHEMA,
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "load": [round(load, 2) for load in loads],
        "measures": [_measure(each) for each in measures],
    }


def _measure(measure: Measure) -> dict[str, Any]:
    return {
        "name": measure.name,
        "area": measure.area,
        "ratio": _rounded(measure.ratio),
        "limit": measure.limit,
        "goal": measure.goal,
        "holds": not measure.broken,
        "repetitions": len(measure.values),
        "spread": [_rounded(each) for each in measure.spread],
        "value": _rounded(measure.value),
        "base": _rounded(measure.base),
        "unit": measure.unit,
    }


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def broken(measures: Sequence[Measure]) -> Iterator[str]:
    """A sentence for each limit that does not hold."""
    for each in measures:
        if each.broken:
            yield f"{each.name}: {each.ratio:.2f}, and {each.limit:g} is the limit"
