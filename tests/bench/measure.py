# SPDX-License-Identifier: Apache-2.0
"""How time and memory are measured: medians over repeats, and processes of their own where memory counts."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
REPEATS: Final = 9


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` over `base`, both in the same `unit`."""

    name: str
    value: float
    base: float
    unit: str

    def __str__(self) -> str:
        pair = f"{self.value:.2f} / {self.base:.2f} {self.unit}"
        return f"{self.name:62} {self.value / self.base:9.2f}   {pair}"


def milliseconds(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """The median of so many runs, after one that does not count."""
    work()
    found = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return statistics.median(found) * 1000


def python(*arguments: str) -> str:
    """What a new interpreter prints."""
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


_ALONE: Final = """
import sys, time
from pathlib import Path
from bundlefmt.bundle import Bundle
from bundlefmt.render import inspection, text
start = time.perf_counter()
list(text.tree(inspection.inspection(Bundle.open(sys.argv[1]))))
spent = time.perf_counter() - start
# of this process alone, while getrusage also counts what its parent held before exec
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(spent * 1000, int(peak.split()[1]) / 1024)
"""


def inspected_alone(file: Path, repeats: int = REPEATS) -> tuple[float, float]:
    """Milliseconds to open and inspect `file`, and the process's peak memory in MiB: medians."""
    runs = [python("-c", _ALONE, str(file)).split() for _ in range(repeats)]
    return statistics.median(float(run[0]) for run in runs), statistics.median(float(run[1]) for run in runs)
