# SPDX-License-Identifier: Apache-2.0
"""Runs the benchmarks: a table, bench-output/record.json and plot.svg; exits 1 where a limit is broken."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from tests.bench import growth, logs, many, opening, plot, programs, record, starting, verifying
from tests.bench.installed import ROOT, Installed
from tests.bench.measure import Measure

OUTPUT: Final = ROOT / "bench-output"
# an area of the table is a module with `AREA` and `measures`; a new one is added here
AREAS: Final[dict[str, Callable[[Installed, Path], Iterator[Measure]]]] = {
    verifying.AREA: lambda installed, folder: verifying.measures(),
    programs.AREA: programs.measures,
    starting.AREA: lambda installed, folder: starting.measures(installed),
    opening.AREA: opening.measures,
    logs.AREA: logs.measures,
    many.AREA: many.measures,
    growth.AREA: lambda installed, folder: growth.measures(),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("areas", nargs="*", metavar="AREA", help=f"default: all of {', '.join(AREAS)}")
    wanted = parser.parse_args().areas or list(AREAS)
    if unknown := set(wanted) - set(AREAS):
        parser.error(f"there is no area {', '.join(sorted(unknown))}")
    found, before = [], os.getloadavg()[0]
    print(record.HEAD)
    with tempfile.TemporaryDirectory() as folder:
        installed = Installed.make(Path(folder))
        for area in wanted:
            for measure in AREAS[area](installed, Path(folder)):
                print(record.line(measure), flush=True)
                found.append(measure)
    OUTPUT.mkdir(exist_ok=True)
    whole = record.record(found, (before, os.getloadavg()[0]))
    (OUTPUT / "record.json").write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")
    (OUTPUT / "plot.svg").write_text(plot.svg(found), encoding="utf-8")
    faults = list(record.broken(found))
    for fault in faults:
        print(f"error: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
