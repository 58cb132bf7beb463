# SPDX-License-Identifier: Apache-2.0
"""Every writing command with every fault at every call."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from demo.swtpm import Manufacturer, Swtpm
from tests.faults.calls import KINDS, Fault
from tests.faults.commands import FILES
from tests.faults.machine import JOURNAL, asking
from tests.faults.trial import Bench


def tried(name: str, bench: Bench) -> tuple[int, int]:
    """How many trials and how many faults, after these were printed."""
    start, found = time.monotonic(), 0
    for kind in KINDS:
        for at in range(1, len(bench.calls) + 1):
            for wrong in bench.tried(Fault(kind=kind, at=at)):
                found += 1
                print(f"{name}: {kind} at call {at}, {bench.calls[at - 1]}: {wrong}", flush=True)
    points = len(bench.calls) * len(KINDS)
    print(f"{name}: {points} trials, {found} faults, {time.monotonic() - start:.1f} s", flush=True)
    return points, found


@contextmanager
def machine(place: Path) -> Iterator[dict[str, str]]:
    """A software TPM of a test manufacturer; the environment that names it."""
    (place / "manufacturer").mkdir()
    manufacturer = Manufacturer(place / "manufacturer")
    manufacturer.make(place / "tpm", p256=True)
    with Swtpm(place / "tpm") as tpm:
        yield {"TPM2TOOLS_TCTI": tpm.tcti, "TSS2_LOG": "all+none"}


def main() -> int:
    """0, or 1 where something is left that must not be."""
    known = [*FILES, "journal", *asking({})]
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("commands", nargs="*", metavar="COMMAND", help="by default all: " + ", ".join(known))
    given = parser.parse_args().commands or known
    if unknown := set(given) - set(known):
        parser.error(f"there is no command {', '.join(sorted(unknown))}")
    counts: list[tuple[int, int]] = []
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        environment = {} if not set(given) & set(asking({})) else stack.enter_context(machine(place))
        commands = {**FILES, "journal": JOURNAL, **asking(environment)}
        for name in given:
            folder = place / name
            folder.mkdir()
            counts.append(tried(name, Bench(commands[name], folder, environment)))
    faults = sum(found for _, found in counts)
    print(f"{len(given)} commands, {sum(points for points, _ in counts)} trials, {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
