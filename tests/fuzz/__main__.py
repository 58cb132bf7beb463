# SPDX-License-Identifier: Apache-2.0
"""Fuzzes targets one after the other, each in a process of its own, or runs one on given files."""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS

HERE: Final = Path(__file__).parent
CORPUS, CRASHES = HERE / "corpus", HERE / "crashes"
SLOW: Final = 10  # seconds for one input, which count as a crash
MEMORY: Final = 2048  # megabytes, likewise
_STATISTIC: Final = re.compile(r"^stat::(\w+): +(\d+)$", re.MULTILINE)


def grow_from_seeds(name: str, target: Target) -> Path:
    """The folder of the target's corpus, with its seeds in it; what earlier runs found is kept."""
    folder = CORPUS / name
    folder.mkdir(parents=True, exist_ok=True)
    for seed in target.seeds():
        (folder / hashlib.sha256(seed).hexdigest()[:40]).write_bytes(seed)
    return folder


def fuzz(name: str, seconds: int) -> list[Path]:
    """Runs one target for so long; the crashes that it left."""
    folder, crashes = grow_from_seeds(name, TARGETS[name]), CRASHES / name
    crashes.mkdir(parents=True, exist_ok=True)
    before = set(crashes.iterdir())
    options = [f"-max_total_time={seconds}", f"-timeout={SLOW}", f"-rss_limit_mb={MEMORY}"]
    options += [f"-artifact_prefix={crashes}/", "-verbosity=0", "-print_final_stats=1", str(folder)]
    command = [sys.executable, "-m", "tests.fuzz.engine", name, *options]
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    found = sorted(set(crashes.iterdir()) - before)
    if ended.returncode or found:
        print(ended.stdout)
    if ended.returncode and not found:
        raise SystemExit(f"{name}: the fuzzer ended with {ended.returncode} and left nothing to reproduce")
    counted = dict(_STATISTIC.findall(ended.stdout))
    print(
        f"{name}: {counted['number_of_executed_units']} inputs, {counted['new_units_added']} kept", flush=True
    )
    return found


def replay(name: str, files: list[Path]) -> None:
    """Runs the target on each file, without the fuzzer; what it raises is not caught."""
    for file in files:
        TARGETS[name].run(file.read_bytes())
        print(f"{file}: holds")


def main() -> int:
    """0, or 1 where a target did not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", metavar="TARGET", nargs="*", help="by default all: " + ", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--file", type=Path, action="append", default=[], help="run one target on this file")
    given = parser.parse_args()
    if unknown := set(given.targets) - set(TARGETS):
        parser.error(f"there is no target {', '.join(sorted(unknown))}")
    if given.file:
        if len(given.targets) != 1:
            parser.error("--file goes with one target")
        replay(given.targets[0], given.file)
        return 0
    crashes = {}
    for name in given.targets or TARGETS:
        crashes[name] = fuzz(name, given.seconds)
    for name, files in crashes.items():
        for file in files:
            print(f"{name} does not hold: python -m tests.fuzz {name} --file {file}", file=sys.stderr)
    return 1 if any(crashes.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
