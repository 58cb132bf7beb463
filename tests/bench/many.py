# SPDX-License-Identifier: Apache-2.0
"""What many bundles cost: two processes beside one, one bundle beside stock programs, memory beside fewer."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from tests import snapshots
from tests.bench.installed import Installed
from tests.bench.measure import Measure, childrens_time, counted, paired
from tests.bench.programs import missing, options, prepare, reference_file, stock

AREA: Final = "many"
COUNT: Final = 2000
MACHINES: Final = 4
_COPIES: Final = 200
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


def judge(installed: Installed, output: Path, place: Path, jobs: int, *terms: str) -> float:
    """Judges all bundles in a place; the peak memory in MiB of the process that was started."""
    words = ("batch", "verify", place, *terms, "--jobs", str(jobs), "-o", output, "--force")
    return float(installed.script(_BUNDLE, *words).splitlines()[-1])


def measures(installed: Installed, folder: Path, count: int = COUNT) -> Iterator[Measure]:
    few, many, output = folder / "few", folder / "many", folder / "results.ndjson"
    write(few, count // 10)
    write(many, count)
    known = ("--no-trust", "--pin-piv", snapshots.PIN)
    yield paired(
        f"judge {count} snapshots, 2 jobs : 1 job, time on the clock",
        partial(judge, installed, output, many, 2, *known),
        partial(judge, installed, output, many, 1, *known),
        clock=time.perf_counter,
        repetitions=3,
        area=AREA,
        limit=1 / 1.8,
        goal=0.5,
    )
    peaks = [judge(installed, output, place, 2, *known) for place in (many, few)]
    yield counted(
        f"peak memory, {count} : {count // 10} snapshots", *peaks, "MiB", area=AREA, limit=1.2, goal=1
    )
    yield paired(
        "history of their results : judging them",
        partial(installed.script, _BUNDLE, "batch", "history", output),
        partial(judge, installed, output, many, 1, *known),
        clock=childrens_time,
        repetitions=3,
        area=AREA,
        limit=1,
    )
    yield from _beside_programs(installed, folder, output)


def _beside_programs(installed: Installed, folder: Path, output: Path) -> Iterator[Measure]:
    """One whole ceremony among many, beside the programs that check one."""
    if missing():
        print(f"not measured, for want of {', '.join(missing())}: many bundles beside stock programs")
        return
    place, copies = folder / "beside", folder / "copies"
    place.mkdir()
    copies.mkdir()
    found = prepare(installed, place)
    for number in range(_COPIES):
        shutil.copy(reference_file(), copies / f"{number:03}.evb")
    yield paired(
        f"judge {_COPIES} whole ceremonies : stock programs on {_COPIES // 20} of them, one core",
        partial(judge, installed, output, copies, 1, *options()),
        lambda: [stock(installed, found, place) for _ in range(_COPIES // 20)],
        clock=childrens_time,
        repetitions=3,
        area=AREA,
        limit=1,
    )
