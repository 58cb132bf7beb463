# SPDX-License-Identifier: Apache-2.0
"""Fuzzes targets one after the other, each in a process of its own, or runs one on given files."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from tests.fuzz import dictionary, record
from tests.fuzz.lines import Reached
from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS

HERE: Final = Path(__file__).parent
CORPUS, CRASHES = HERE / "corpus", HERE / "crashes"
WORDS, OUTPUT = HERE / "words", HERE / "output"
SLOW: Final = 1  # seconds of the processor for one input, which count as a finding
STUCK: Final = 10  # seconds, which count as a crash
MEMORY: Final = 2048  # megabytes, likewise
REPLAY: Final = 3.0  # seconds for the lines that the seeds reach, and again for the corpus


def folder(path: Path) -> Path:
    """The folder at this path, made if there is none."""
    path.mkdir(parents=True, exist_ok=True)
    return path


def grow_from_seeds(name: str, target: Target) -> Path:
    """The folder of the target's corpus, with its seeds in it; what earlier runs found is kept."""
    corpus = folder(CORPUS / name)
    for seed in target.seeds():
        (corpus / hashlib.sha256(seed).hexdigest()[:40]).write_bytes(seed)
    return corpus


def write_words(family: str) -> Path:
    """The file of a dictionary."""
    file = folder(WORDS) / family
    file.write_text(dictionary.lines(family), "ascii")
    return file


class Engine:
    """The process that has the instrumented targets, and forks one for each run."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.fuzz.engine"]
        self._log = (folder(OUTPUT) / "engine").open("w")
        # a trace at each refusal by the OpenPGP library takes a hundred times as long as the refusal
        environment = {**os.environ, "RUST_BACKTRACE": "0"}
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=environment,
        )

    def run(self, name: str, options: Sequence[str]) -> tuple[int, str]:
        """(exit code, what the fuzzer printed)."""
        output = folder(OUTPUT) / name
        assert self._process.stdin is not None and self._process.stdout is not None
        print(json.dumps([name, str(output), *options]), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            raise SystemExit("the engine did not start")
        return int(answer), output.read_text("utf-8", "replace")


def fuzz(engine: Engine, name: str, limits: Sequence[str]) -> tuple[list[Path], record.Figures]:
    """Runs one target within these limits of libFuzzer; what it left to reproduce, and its figures."""
    target = TARGETS[name]
    corpus, crashes = grow_from_seeds(name, target), folder(CRASHES / name)
    before = set(crashes.iterdir())
    options = [f"-timeout={STUCK}", f"-report_slow_units={SLOW}", f"-rss_limit_mb={MEMORY}"]
    options += [f"-artifact_prefix={crashes}/", f"-dict={write_words(target.words)}", "-print_final_stats=1"]
    code, printed = engine.run(name, [*options, *limits, str(corpus)])
    found = [file for file in sorted(set(crashes.iterdir()) - before) if not quick(name, file)]
    if code or found:
        print(printed[-4000:])
    if code and not found:
        raise SystemExit(f"{name}: the fuzzer ended with {code} and left nothing to reproduce")
    figures = record.figures(printed, found=len(found))
    print(f"{name}: {figures.executions} inputs in {figures.seconds} s, {figures.edges} edges", flush=True)
    return found, figures


def quick(name: str, file: Path) -> bool:
    """Whether an input was slow only because the machine was busy or the code instrumented; deletes it."""
    if not file.name.startswith("slow-unit-"):
        return False
    start = time.process_time()
    TARGETS[name].run(file.read_bytes())
    if time.process_time() - start >= SLOW:
        return False
    file.unlink()
    return True


def with_lines(name: str, figures: record.Figures) -> record.Figures:
    """The figures with the lines that the corpus reaches."""
    reached = Reached()
    files = sorted((CORPUS / name).iterdir(), key=lambda file: file.stat().st_size)
    reached.replay(TARGETS[name].run, TARGETS[name].seeds(), REPLAY)
    reached.replay(TARGETS[name].run, (file.read_bytes() for file in files), REPLAY)
    lines, of_lines = reached.share()
    return replace(figures, lines=lines, of_lines=of_lines)


def replay(name: str, files: list[Path]) -> None:
    """Runs the target on each file, without the fuzzer; what it raises is not caught."""
    for file in files:
        start = time.process_time()
        TARGETS[name].run(file.read_bytes())
        print(f"{file}: holds, {time.process_time() - start:.2f} s")


def limits(given: argparse.Namespace) -> list[str]:
    """What ends a run, and how long its inputs become, as options of libFuzzer."""
    seconds = given.seconds if given.minutes is None else round(60 * given.minutes)
    options = [f"-max_total_time={seconds}"]
    options += [] if given.executions is None else [f"-runs={given.executions}"]
    return options + ([] if given.longest is None else [f"-max_len={given.longest}"])


def main() -> int:
    """0, or 1 where a target did not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", metavar="TARGET", nargs="*", help="by default all: " + ", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--minutes", type=float, help="the same in minutes")
    parser.add_argument("--executions", type=int, help="for each target at most")
    parser.add_argument("--longest", type=int, help="bytes that an input may have")
    parser.add_argument("--record", action="store_true", help="add the figures to record.json and the README")
    parser.add_argument("--file", type=Path, action="append", default=[], help="run one target on this file")
    given = parser.parse_args()
    if unknown := set(given.targets) - set(TARGETS):
        parser.error(f"there is no target {', '.join(sorted(unknown))}")
    if given.file:
        if len(given.targets) != 1:
            parser.error("--file goes with one target")
        replay(given.targets[0], given.file)
        return 0
    crashes, engine = {}, Engine()
    for name in given.targets or TARGETS:
        crashes[name], figures = fuzz(engine, name, limits(given))
        if given.record:
            record.add(name, with_lines(name, figures))
    for name, files in crashes.items():
        for file in files:
            print(f"{name} does not hold: python -m tests.fuzz {name} --file {file}", file=sys.stderr)
    return 1 if any(crashes.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
