# SPDX-License-Identifier: Apache-2.0
"""What it costs to open a bundle and look into it: CBOR beside cbor2, large files beside small ones."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

import cbor2

from bundlefmt import cbor
from tests.bench import samples
from tests.bench.installed import Installed
from tests.bench.measure import REPETITIONS, Measure, counted, paired

AREA: Final = "opening"
MEGABYTE: Final = 10**6
_ALONE: Final = """
import sys, time
from pathlib import Path
from bundlefmt.bundle import Bundle
from bundlefmt.render import certificate_facts, creation_facts, log_facts, openpgp_facts, tpm_facts
from bundlefmt.render import inspection, text
start = time.perf_counter()
list(text.tree(inspection.inspection(Bundle.open(sys.argv[1]))))
spent = time.perf_counter() - start
# of this process alone, while getrusage also counts what its parent held before exec
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(spent * 1000, int(peak.split()[1]) / 1024)
"""


def scanning() -> Iterator[Measure]:
    for name, data, limit in (
        ("a text of 65,000 data items", samples.structured(), 30),
        ("a byte string of 50 MB", cbor.head(cbor.BYTES, 50 * MEGABYTE) + bytes(50 * MEGABYTE), 1),
    ):
        scan, loads = partial(cbor.scan, data), partial(cbor2.loads, data)
        yield paired(f"scan : cbor2.loads, {name}", scan, loads, area=AREA, limit=limit)


def _inspected(installed: Installed, file: Path) -> tuple[float, float]:
    """Milliseconds to open and inspect `file`, and the process's peak memory in MiB: medians."""
    runs = [installed.script(_ALONE, file).split() for _ in range(REPETITIONS)]
    return statistics.median(float(run[0]) for run in runs), statistics.median(float(run[1]) for run in runs)


def large(installed: Installed, folder: Path) -> Iterator[Measure]:
    found = []
    for size in (500, 1):
        file = folder / f"{size}.evb"
        samples.write_sparse(file, size * MEGABYTE)
        found.append(_inspected(installed, file))
    (big_time, big_peak), (small_time, small_peak) = found
    name = "open and inspect, 500 MB : 1 MB"
    yield counted(f"{name}, time", big_time, small_time, "ms", area=AREA, limit=1.5, goal=1)
    yield counted(f"{name}, peak memory", big_peak, small_peak, "MiB", area=AREA, limit=1.2, goal=1)


def measures(installed: Installed, folder: Path) -> Iterator[Measure]:
    yield from scanning()
    yield from large(installed, folder)
