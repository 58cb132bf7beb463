# SPDX-License-Identifier: Apache-2.0
"""What many bundles cost: how far a second process halves the time, and whether memory grows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests import snapshots
from tests.bench.measure import Figure, python

MACHINES: Final = 4
_RESET: Final = 30  # days
_BUNDLE: Final = """
import sys
from pathlib import Path
from bundletools.cli import main
if __name__ == "__main__":
    sys.argv[0] = "bundle"
    assert main() == 0
    status = Path("/proc/self/status").read_text().splitlines()
    print(int(next(line for line in status if line.startswith("VmHWM")).split()[1]) / 1024)
"""


def write(folder: Path, count: int) -> None:
    """So many snapshots of a few machines, which are reset once a month."""
    for number in range(MACHINES):
        events = {day: {"resets": 7 + day // _RESET} for day in range(_RESET, count, _RESET)}
        snapshots.written(folder, f"machine-{number}", count // MACHINES, events)


def judged(folder: Path, output: Path, jobs: int) -> tuple[float, float]:
    """Seconds, and the peak memory in MiB of the process that was started."""
    begun = time.perf_counter()
    said = python(
        *("-c", _BUNDLE, "batch", "verify", str(folder), "--no-trust", "--pin-piv", snapshots.PIN),
        *("--jobs", str(jobs), "-o", str(output), "--force"),
    )
    return time.perf_counter() - begun, float(said.splitlines()[-1])


def told(results: Path) -> tuple[float, float]:
    """The same of a history."""
    begun = time.perf_counter()
    said = python("-c", _BUNDLE, "batch", "history", str(results))
    return time.perf_counter() - begun, float(said.splitlines()[-1])


def figures(folder: Path, count: int) -> Iterator[Figure]:
    few, many, output = folder / "few", folder / "many", folder / "results.ndjson"
    write(few, count // 10)
    write(many, count)
    _, small = judged(few, output, 2)
    two, peak = judged(many, output, 2)
    one, _ = judged(many, output, 1)
    yield Figure(f"judge {count} snapshots, 1 job : 2 jobs", one, two, "s")
    yield Figure("bundles in a second, 2 jobs : 1 job", count / two, count / one, "/s")
    yield Figure(f"peak memory, {count} : {count // 10} snapshots", peak, small, "MiB")
    seconds, memory = told(output)
    yield Figure("history of their results : judging them, 2 jobs", seconds, two, "s")
    yield Figure(
        "peak memory of the history : the results' size", memory, output.stat().st_size / 2**20, "MiB"
    )
