# SPDX-License-Identifier: Apache-2.0
"""Every writing command with every fault at every call."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.calls import KINDS, Fault
from tests.faults.commands import FILES
from tests.faults.trial import Bench


def main() -> int:
    """0, or 1 where something is left that must not be."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("commands", nargs="*", metavar="COMMAND", help="by default all: " + ", ".join(FILES))
    given = parser.parse_args()
    tried = faults = 0
    for name in given.commands or FILES:
        start = time.monotonic()
        with tempfile.TemporaryDirectory() as place:
            bench, found = Bench(FILES[name], Path(place)), 0
            for kind in KINDS:
                for at in range(1, len(bench.calls) + 1):
                    for wrong in bench.tried(Fault(kind=kind, at=at)):
                        found += 1
                        print(f"{name}: {kind} at call {at}, {bench.calls[at - 1]}: {wrong}", flush=True)
        points = len(bench.calls) * len(KINDS)
        tried, faults = tried + points, faults + found
        print(f"{name}: {points} trials, {found} faults, {time.monotonic() - start:.1f} s", flush=True)
    print(f"{len(given.commands or FILES)} commands, {tried} trials, {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
