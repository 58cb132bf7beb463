# SPDX-License-Identifier: Apache-2.0
"""Tries each mutant of the planned modules in a process of its own and counts those that no test noticed."""

from __future__ import annotations

import argparse
import importlib
import importlib.abc
import importlib.util
import json
import os
import random
import signal
import sys
import time
import types
from collections.abc import Sequence
from contextlib import suppress
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Final

from tests.mutation.mutants import Mutant, mutants
from tests.mutation.plan import PLAN, Tested

ROOT: Final = Path(__file__).resolve().parents[2]
KNOWN: Final = Path(__file__).with_name("survivors.json")
# imported once; everything of the project itself is imported anew for each mutant
LIBRARIES: Final = (
    "cbor2",
    "cryptography.x509",
    "hypothesis",
    "pysequoia",
    "pytest",
    "typer",
    "rich.console",
)
SLOW: Final = 90  # seconds; a mutant that takes longer runs in circles, which a test would notice
KILLED, SURVIVED = 1, 0


class Loader(importlib.abc.Loader, importlib.abc.MetaPathFinder):
    """Gives one module its mutant's code."""

    def __init__(self, module: str, mutant: Mutant) -> None:
        self.module, self.mutant = module, mutant

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != self.module:
            return None
        return importlib.util.spec_from_file_location(name, file_of(name), loader=self)

    def exec_module(self, module: types.ModuleType) -> None:
        code = compile(self.mutant.tree, str(file_of(self.module)), "exec")
        exec(code, module.__dict__)  # noqa: S102 - a module's own code, with one thing wrong


def file_of(module: str) -> Path:
    return ROOT / f"{module.replace('.', '/')}.py"


def noticed(tested: Tested) -> bool:
    """Whether a test fails: the vectors of the areas, the tests, and all vectors where that is planned."""
    vectors = importlib.import_module("tests.mutation.vectors")
    if not vectors.hold(tested.areas, refused=tested.refused):
        return True
    pytest = importlib.import_module("pytest")
    files = [name for name in tested.tests if (ROOT / name).exists()]
    if pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *files]) != 0:
        return True
    return tested.every and not vectors.hold(None, refused=True)


def tried(module: str, mutant: Mutant, tested: Tested) -> bool:
    """Whether the mutant is noticed, in a process that has it from the start."""
    child = os.fork()
    if child == 0:
        os.setsid()
        with open(os.devnull, "w") as nothing:  # noqa: PTH123 - a device
            os.dup2(nothing.fileno(), 1)
            os.dup2(nothing.fileno(), 2)
        sys.meta_path.insert(0, Loader(module, mutant))
        verdict = KILLED
        with suppress(BaseException):  # whatever ends it is noticed
            verdict = KILLED if noticed(tested) else SURVIVED
        os._exit(verdict)
    end = time.monotonic() + SLOW
    while time.monotonic() < end:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status) != SURVIVED
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def reasons() -> dict[str, dict[str, str]]:
    """Module to survivors that are known, by their keys, with the reason."""
    return dict(json.loads(KNOWN.read_text("utf-8"))) if KNOWN.exists() else {}


def run(module: str, until: float, sample: int | None, log: Path | None) -> tuple[int, int, list[Mutant]]:
    """(tried, killed, survivors without a reason) of a module, as far as the time goes."""
    found = list(mutants(file_of(module).read_text("utf-8")))
    if sample is not None and sample < len(found):
        found = sorted(random.Random(module).sample(found, sample), key=lambda each: each.line)
    known, count, survivors = reasons().get(module, {}), 0, []
    explained = 0
    for mutant in found:
        if time.monotonic() > until:
            break
        count += 1
        if tried(module, mutant, PLAN[module]):
            continue
        if mutant.key in known:
            explained += 1
            continue
        survivors.append(mutant)
        said = f"{module}:{mutant.line}: {mutant.key}"
        print(f"  survives: {said}", flush=True)
        if log is not None:
            with log.open("a", encoding="utf-8") as file:
                file.write(said + "\n")
    killed = count - len(survivors) - explained
    if count:
        print(
            f"{module}: {count} of {len(found)} tried, {killed} noticed ({100 * killed / count:.1f} %), "
            f"{explained} known to survive, {len(survivors)} not",
            flush=True,
        )
    return count, killed, survivors


def main() -> int:
    """0, or 1 where a mutant survives that survivors.json does not explain."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="by default all of the plan")
    parser.add_argument("--minutes", type=float, default=60, help="the most that is spent")
    parser.add_argument("--sample", type=int, help="so many mutants of each module, chosen once for all")
    parser.add_argument("--log", type=Path, help="survivors are also written here")
    given = parser.parse_args()
    if unknown := set(given.modules) - set(PLAN):
        parser.error(f"there is no plan for {', '.join(sorted(unknown))}")
    for library in LIBRARIES:
        importlib.import_module(library)
    os.chdir(ROOT)
    until = time.monotonic() + 60 * given.minutes
    tried_, killed, left = 0, 0, 0
    for module in given.modules or PLAN:
        of_module = run(module, until, given.sample, given.log)
        tried_, killed, left = tried_ + of_module[0], killed + of_module[1], left + len(of_module[2])
    if tried_:
        print(f"all: {tried_} tried, {killed} noticed ({100 * killed / tried_:.1f} %), {left} unexplained")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
