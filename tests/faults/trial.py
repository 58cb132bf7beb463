# SPDX-License-Identifier: Apache-2.0
"""One command with one fault, in a process and a folder of its own, and whether what is left may be left."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from itertools import count
from pathlib import Path
from pkgutil import walk_packages
from typing import Final

import bundletools
from bundletools.cli import main

import bundlefmt
from bundlefmt.cli.files import UNFINISHED
from bundlefmt.cli.run import Exit
from tests.faults.calls import KILLED, TIDYING, Calls, Fault
from tests.faults.commands import NOW, Command

# children find all modules loaded
for _module in (
    *walk_packages(bundlefmt.__path__, "bundlefmt."),
    *walk_packages(bundletools.__path__, "bundletools."),
):
    import_module(_module.name)

CRASHED: Final = 99
_SAID: Final = re.compile(r"((warning|note): [^\n]+\n)*error: [^\n]+\n(hint: [^\n]+\n)?")
Files = Mapping[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a process ended: exit code, or minus the signal; what it said; the calls that it made."""

    code: int
    err: str
    made: tuple[str, ...]


def run(
    words: tuple[str, ...],
    folder: Path,
    fault: Fault | None = None,
    environment: Mapping[str, str] | None = None,
    begin: Callable[[], int] = main,
) -> Ended:
    """`begin`, by default the command line, in a child that types `words` in `folder`."""
    with tempfile.TemporaryDirectory() as aside:
        child = os.fork()
        if not child:
            code = CRASHED
            try:
                code = _child(words, folder, Path(aside), fault, environment or {}, begin)
            finally:
                os._exit(code)
        try:
            _, status = os.waitpid(child, 0)
        except BaseException:  # the time of a test is over
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise
        err = Path(aside, "err").read_bytes().decode(errors="backslashreplace")
        made = Path(aside, "made").read_text(encoding="utf-8")
        calls = tuple(json.loads(made)) if made else ()
        return Ended(code=os.waitstatus_to_exitcode(status), err=err, made=calls)


def _child(
    words: tuple[str, ...],
    folder: Path,
    aside: Path,
    fault: Fault | None,
    environment: Mapping[str, str],
    begin: Callable[[], int],
) -> int:
    for descriptor, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(aside / name, os.O_WRONLY | os.O_CREAT, 0o600), descriptor)
    sys.stdout, sys.stderr = (os.fdopen(each, "w", closefd=False) for each in (1, 2))
    sys.stdin = os.fdopen(os.open(os.devnull, os.O_RDONLY))
    os.chdir(folder)
    os.environ.update({"XDG_CONFIG_HOME": str(folder / "config"), **environment})
    chance = count()
    time.time = lambda: float(NOW)
    secrets.token_bytes = lambda size=32: next(chance).to_bytes(size or 32, "big")
    sys.argv = ["bundle", *words]
    calls = Calls(fault)
    made = os.open(aside / "made", os.O_WRONLY | os.O_CREAT, 0o600)
    calls.install()
    try:
        code = int(begin())
    except BaseException:
        traceback.print_exc()
        code = CRASHED
    sys.stdout.flush()
    sys.stderr.flush()
    os.write(made, json.dumps(calls.made).encode())
    return code


def files(folder: Path) -> dict[str, bytes]:
    """All files below `folder` by relative name."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


class Bench:
    """A command, the folder that it finds and what it writes when nothing goes wrong."""

    def __init__(self, command: Command, place: Path, environment: Mapping[str, str] | None = None) -> None:
        self.command, self._place, self._environment = command, place, environment
        self._template = place / "template"
        self._template.mkdir()
        command.prepare(self._template)
        self.before = files(self._template)
        folder = self._fresh()
        ended = self._run(folder)
        if ended.code:
            raise AssertionError(f"{command.words}: {ended}")
        self.after = files(folder)
        self.calls = ended.made

    def _fresh(self) -> Path:
        folder = self._place / "trial"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self._template, folder)
        return folder

    def _run(self, folder: Path, *more: str, fault: Fault | None = None) -> Ended:
        words = (*self.command.words, *more)
        return run(words, folder, fault, environment=self._environment, begin=self.command.begin)

    def tried(self, fault: Fault) -> list[str]:
        """What is wrong with the end of a run with this fault, and of the run after it."""
        folder = self._fresh()
        ended = run(
            self.command.words, folder, fault, environment=self._environment, begin=self.command.begin
        )
        left = files(folder)
        wrong = [*self._wrong_end(fault, ended, left), *self._wrong_files(left)]
        tidied = fault.kind != KILLED and self._name_of(fault, ended) not in TIDYING
        allowed = 0 if tidied else len(self.command.outputs)
        behind = left_behind(folder)
        if len(behind) > allowed:
            wrong.append(f"left behind: {', '.join(behind)}")
        return [*wrong, *self._wrong_again(folder)]

    def _name_of(self, fault: Fault, ended: Ended) -> str:
        return ended.made[fault.at - 1] if fault.at <= len(ended.made) else ""

    def _wrong_end(self, fault: Fault, ended: Ended, left: Files) -> Iterator[str]:
        if fault.kind == KILLED:
            if ended.code != -9:
                yield f"not killed: {ended.code}: {ended.err}"
        elif ended.code == Exit.PASSED:
            if not self._is_done(left):
                yield "passed, and the files are not there"
        elif ended.code != Exit.DEVICE or not _SAID.fullmatch(ended.err):
            yield f"exit code {ended.code}: {ended.err}"

    def _wrong_files(self, left: Files) -> Iterator[str]:
        for name in sorted({*left, *self.before} - unfinished(left)):
            if left.get(name) != self.before.get(name) and not self._is_new(name, left.get(name)):
                yield f"{name}: neither as it was nor as it is to be"
        for output in self.command.outputs:
            inside = {name for name in self.after if name.startswith(f"{output}/")}
            if 0 < len(inside & set(left)) < len(inside):
                yield f"{output}: a part of a folder"

    def _is_new(self, name: str, data: bytes | None) -> bool:
        if data is None or not any(
            name == each or name.startswith(f"{each}/") for each in self.command.outputs
        ):
            return False
        if self.command.decode is None:
            return data == self.after.get(name)
        try:
            self.command.decode(name, data)
        except Exception:
            return False
        return name in self.after

    def _is_done(self, left: Files) -> bool:
        return all(
            self._is_new(name, left.get(name))
            for name in self.after
            if self.after[name] != self.before.get(name)
        )

    def _wrong_again(self, folder: Path) -> Iterator[str]:
        """Typed again, the command does its work, or says that it is done."""
        done = self._is_done(files(folder))
        ended = self._run(folder)
        if ended.code == Exit.USAGE and " exists\n" in ended.err and self.command.force:
            ended = run(
                (*self.command.words, *self.command.force),
                folder,
                environment=self._environment,
                begin=self.command.begin,
            )
        if done and ended.code == Exit.USAGE and _SAID.fullmatch(ended.err):
            return
        if ended.code != Exit.PASSED:
            yield f"typed again: exit code {ended.code}: {ended.err}"
        elif not self._is_done(files(folder)) and not done:
            yield "typed again: the files are not there"


def unfinished(left: Files) -> set[str]:
    """The files with a name that says that they are not finished, or in such a folder."""
    return {name for name in left if any(part.endswith(UNFINISHED) for part in Path(name).parts)}


def left_behind(folder: Path) -> list[str]:
    """Unfinished files, and folders with all that is in them."""
    found = (path.relative_to(folder) for path in folder.rglob(f"*{UNFINISHED}"))
    return sorted(
        str(path) for path in found if not any(above.name.endswith(UNFINISHED) for above in path.parents)
    )
