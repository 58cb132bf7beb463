# SPDX-License-Identifier: Apache-2.0
"""Tries each mutant of the planned modules in a process of its own and counts those that no test noticed."""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import os
import pickle
import random
import re
import resource
import signal
import sys
import time
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate, takewhile
from pathlib import Path
from typing import Any, Final

from tests.mutation import reach, swap
from tests.mutation.mutants import Mutant, mutants
from tests.mutation.plan import PLAN
from tests.mutation.reach import QUIET, ROOT, Loader, Reach, file_of

KNOWN: Final = Path(__file__).with_name("survivors.json")
# what stands below the verifier: of a change there the vectors are decoded anew
DECODERS: Final = ("bundlefmt.cbor", "bundlefmt.cose", "bundlefmt.manifest", "bundlefmt.bundle")
# of processor time, what is tried may take so many times what it takes without a change, and so much more
TIMES, SECONDS, LONGEST = 4, 20, 1800
ROUND: Final = 5.0  # seconds of vectors, then of tests, are tried before the others
QUICK: Final = 4.0  # seconds; a fault that only longer tests notice counts as not noticed
KILLED, SURVIVED = 1, 0
_SAID: Final = re.compile(r"^(\S+):\d+: (.*)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trying:
    """One module, and the functions that it has."""

    module: str
    source: str
    reached: Reach
    live: list[types.FunctionType]

    def noticed(self, mutant: Mutant) -> bool:
        """Whether a vector or a quick test that runs the changed statement fails, in a process of its own."""
        module, line = self.module, mutant.statement
        on_import = line is None or self.reached.on_import((module, line))
        if line is None:
            where = reach.places(module, self.source, mutant.line)
        else:  # what is made while modules are imported shows wherever the module is used
            where = reach.every_place(module, self.source) if on_import else [(module, line)]
        items = [each for each in self.reached.reaching(where) if self.planned(each)]
        if line is None:  # before them those that look at a table, which no statement shows
            items = [*filter(self.planned, self.reached.of_data()), *items]
        anew = on_import or module in DECODERS
        limit = int(TIMES * sum(map(self.reached.seconds.__getitem__, items)) + SECONDS)

        def child() -> int:
            resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
            if anew or not swap.swapped(module, mutant.tree, self.live):
                reach.forget()
                sys.meta_path.insert(0, Loader({module: mutant.tree}))
                importlib.import_module(module)
            return SURVIVED if all(_hold(some) for some in self.rounds(items)) else KILLED

        return _in_child(child) != SURVIVED

    def planned(self, item: str) -> bool:
        """Vectors, and the quick ones of the tests that are planned."""
        planned = "::" not in item or item.partition("::")[0] in PLAN[self.module]
        return planned and self.reached.seconds[item] <= QUICK

    def rounds(self, items: Sequence[str]) -> Iterator[list[str]]:
        """Some vectors, some tests, the other vectors, the other tests."""
        kinds = [[each for each in items if ("::" in each) is test] for test in (False, True)]
        some = []
        for kind in kinds:
            spent = accumulate(map(self.reached.seconds.__getitem__, kind))
            some.append(sum(1 for _ in takewhile(lambda so_far: so_far <= ROUND, spent)))
        yield from (kind[:count] for kind, count in zip(kinds, some, strict=True))
        yield from (kind[count:] for kind, count in zip(kinds, some, strict=True))


def _hold(items: Sequence[str]) -> bool:
    """Whether all of them hold: vectors, or tests."""
    if not items or "::" in items[0]:
        return not items or _pass(items)
    vectors = importlib.import_module("tests.mutation.vectors")
    return all(map(vectors.holds, items))


def _pass(chosen: Sequence[str]) -> bool:
    """Whether the tests with these node ids pass, and none of them is missing."""
    pytest: Any = importlib.import_module("pytest")
    order = {name: number for number, name in enumerate(chosen)}

    class Choosing:
        def pytest_collection_modifyitems(self, items: list[Any]) -> None:
            items[:] = sorted(
                (each for each in items if each.nodeid in order), key=lambda each: order[each.nodeid]
            )

    files = sorted({each.partition("::")[0] for each in chosen})
    return bool(pytest.main(["-x", *QUIET, *files], plugins=[Choosing()]) == 0)


def _in_child(work: Callable[[], int]) -> int:
    """What `work` gives in a process of its own; KILLED where it does not end, or ends otherwise."""
    child = os.fork()
    if child == 0:
        os.setsid()
        with open(os.devnull, "w") as nothing:  # noqa: PTH123 - a device
            os.dup2(nothing.fileno(), 1)
            os.dup2(nothing.fileno(), 2)
        verdict = KILLED
        with suppress(BaseException):  # whatever ends it is noticed
            verdict = work()
        os._exit(verdict)
    end = time.monotonic() + LONGEST
    while time.monotonic() < end:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return KILLED


def reasons() -> dict[str, dict[str, str]]:
    """Module to survivors that are known, by their keys, with the reason."""
    return dict(json.loads(KNOWN.read_text("utf-8"))) if KNOWN.exists() else {}


def said_of(module: str, mutant: Mutant) -> str:
    return f"{module}:{mutant.line}: {mutant.key}"


def run(
    module: str,
    reached: Reach,
    live: list[types.FunctionType],
    until: float,
    given: argparse.Namespace,
) -> tuple[int, int, list[Mutant]]:
    """(tried, noticed, survivors without a reason) of a module, as far as the time goes."""
    source = file_of(module).read_text("utf-8")
    found = list(mutants(source))
    total = len(found)
    if given.again is not None:
        again = {tuple(_SAID.findall(line)[0]) for line in given.again.read_text("utf-8").splitlines()}
        found = [each for each in found if (module, each.key) in again]
    random.Random(module).shuffle(found)  # what the time allows is a sample too
    known, count, survivors = reasons().get(module, {}), 0, []
    explained = 0
    trying = Trying(module=module, source=source, reached=reached, live=live)
    for mutant in found[: given.sample]:
        if time.monotonic() > until:
            break
        count += 1
        if trying.noticed(mutant):
            continue
        if mutant.key in known:
            explained += 1
            continue
        survivors.append(mutant)
        print(f"  survives: {said_of(module, mutant)}", flush=True)
        if given.log is not None:
            with given.log.open("a", encoding="utf-8") as file:
                file.write(said_of(module, mutant) + "\n")
    killed = count - len(survivors) - explained
    if count:
        print(
            f"{module}: {count} of {total} tried, {killed} noticed ({100 * killed / count:.1f} %), "
            f"{explained} known to survive, {len(survivors)} not",
            flush=True,
        )
    return count, killed, survivors


def reached_by(modules: Sequence[str], keep: Path | None) -> Reach:
    """What runs what; of `keep` what still holds. Raises SystemExit where something fails unchanged."""
    file = keep or ROOT / "build" / "reach.pickle"
    file.parent.mkdir(exist_ok=True)
    known = _load(keep) if keep is not None and keep.exists() else Reach()
    if not known.is_of(PLAN):
        known = Reach()
    tests = sorted({name for module in modules for name in PLAN[module]})

    def child() -> int:
        file.write_bytes(pickle.dumps(reach.record(PLAN, tests, known)))
        return 0

    if _in_child(child) != 0:
        raise SystemExit("what runs what could not be recorded")
    return _load(file)


def _load(file: Path) -> Reach:
    found: Reach = pickle.loads(file.read_bytes())  # noqa: S301 - written above
    if found.failing:
        raise SystemExit(f"fails without any change: {', '.join(found.failing)}")
    return found


def main() -> int:
    """0, or 1 where a mutant survives that survivors.json does not explain."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="by default all of the plan")
    parser.add_argument("--minutes", type=float, default=60, help="the most that is spent")
    parser.add_argument("--sample", type=int, help="so many mutants of each module, chosen once for all")
    parser.add_argument("--log", type=Path, help="survivors are also written here")
    parser.add_argument("--again", type=Path, help="only those that an earlier --log names")
    parser.add_argument("--reach", type=Path, help="what runs what: kept here from one run to the next")
    given = parser.parse_args()
    if unknown := set(given.modules) - set(PLAN):
        parser.error(f"there is no plan for {', '.join(sorted(unknown))}")
    os.chdir(ROOT)
    until = time.monotonic() + 60 * given.minutes
    chosen = given.modules or list(PLAN)
    reached = reached_by(chosen, given.reach)
    importlib.import_module("pytest")
    importlib.import_module("tests.mutation.vectors").prepare()
    tests = sorted({name for module in chosen for name in PLAN[module]})
    # a module that only a verb imports has no functions before
    for name in (*chosen, *(each.removesuffix(".py").replace("/", ".") for each in tests)):
        importlib.import_module(name)
    live = {module: swap.functions(module) for module in chosen}
    gc.freeze()  # hides them from the collector, and from whoever asks it
    tried_, killed, left = 0, 0, 0
    for module in chosen:
        of_module = run(module, reached, live[module], until, given)
        tried_, killed, left = tried_ + of_module[0], killed + of_module[1], left + len(of_module[2])
    if tried_:
        print(f"all: {tried_} tried, {killed} noticed ({100 * killed / tried_:.1f} %), {left} unexplained")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
