# SPDX-License-Identifier: Apache-2.0
"""A sample of what `make faults` tries: after any fault a file is as it was or as it is to be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from bundletools.cli import VERBS

from bundlefmt.cli.run import run
from bundlefmt.cli.verbs import Verb, program
from tests.faults.calls import FAILING, FULL, KILLED, KINDS, Fault
from tests.faults.commands import FILES, Command, nothing
from tests.faults.machine import JOURNAL, asking
from tests.faults.trial import Bench
from tests.swtpm import Swtpm, quiet_tss


def sample(bench: Bench, every: int) -> list[str]:
    """What is wrong after a fault of each kind at each so-manieth call, in turn."""
    points = range(1, len(bench.calls) + 1)
    return [
        wrong
        for turn, kind in enumerate(KINDS)
        for at in points
        if at % every == turn % every
        for wrong in bench.tried(Fault(kind=kind, at=at))
    ]


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_command_on_files(name: str, tmp_path: Path) -> None:
    bench = Bench(FILES[name], tmp_path)
    assert len(bench.calls) >= 6  # of lines that are appended; a file that is replaced takes eight
    assert {"write", "half", "fsync"} <= set(bench.calls)
    assert unsynced(bench.calls) == []
    assert sample(bench, max(4, len(bench.calls) // 2)) == []


_NAMING: Final = ("link", "rename", "replace")


def unsynced(calls: Sequence[str]) -> list[str]:
    """Power cuts in words: a name for bytes that were not synced, or one that is itself not synced."""
    wrong, written, named = [], False, False
    for call in calls:
        if call == "half":
            written = True
        elif call == "fsync":
            written = named = False
        elif call in _NAMING:
            if written:
                wrong.append(f"{call} before fsync")
            named = True
    return [*wrong, *(["no fsync after the last name"] if named else [])]


def test_what_a_power_cut_would_lose_is_found() -> None:
    assert unsynced(["open", "half", "replace", "fsync"]) == ["replace before fsync"]
    assert unsynced(["open", "half", "fsync", "link"]) == ["no fsync after the last name"]
    assert unsynced(["open", "half", "fsync", "link", "fsync", "unlink"]) == []


def test_the_journal_of_a_ceremony(tmp_path: Path) -> None:
    assert sample(Bench(JOURNAL, tmp_path), 3) == []


@pytest.mark.parametrize("name", sorted(asking({})))
def test_a_command_that_asks_a_tpm(name: str, swtpm: Swtpm, tmp_path: Path) -> None:
    quiet_tss()
    place = tmp_path / "place"
    place.mkdir()
    environment = {"TPM2TOOLS_TCTI": swtpm.tcti, "TSS2_LOG": "all+none"}
    bench = Bench(asking(environment)[name], place, environment)
    assert sample(bench, max(5, len(bench.calls) // 2)) == []


def careless(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b"the whole of it")


def forgetful(path: Path) -> None:
    """Takes a name of its own, and leaves it there."""
    careless(path.with_name(".x"))
    path.with_name(".x").replace(path)


def boastful(path: Path) -> None:
    try:
        forgetful(path)
    except OSError:
        return


@pytest.mark.parametrize(
    ("write", "kind", "call", "said"),
    [
        (careless, KILLED, "half", "x: neither as it was nor as it is to be"),
        (careless, FULL, "half", "x: neither as it was nor as it is to be"),
        (forgetful, KILLED, "replace", ".x: neither as it was nor as it is to be"),
        (boastful, FAILING, "replace", "passed, and the files are not there"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_command_that_does_it_wrong_is_found_out(
    write: Callable[[Path], None], kind: str, call: str, said: str, tmp_path: Path
) -> None:
    def begin(*_: object, **__: object) -> int:
        write(Path("x"))
        return 0

    wrong = Command(words=(), outputs=("x",), prepare=nothing, force=(), begin=lambda: run(begin))
    bench = Bench(wrong, tmp_path)
    assert said in bench.tried(Fault(kind=kind, at=bench.calls.index(call) + 1))


def test_a_crash_is_found_out(tmp_path: Path) -> None:
    bench = Bench(FILES["policy init"], tmp_path)
    bench.command = replace(bench.command, begin=lambda: 1 // 0)
    assert "ZeroDivisionError" in bench.tried(Fault(kind=FULL, at=1))[0]


_OUTPUTS: Final = {"--output", "--in-place", "--secret", "--ear"}


def writing(command: Any, name: str = "") -> Iterator[str]:
    """The commands with an option that names a file to be written."""
    if isinstance(command, Verb):
        command = command.load()
    for each, under in getattr(command, "commands", {}).items():
        yield from writing(under, f"{name} {each}".strip())
    if _OUTPUTS & {option for parameter in command.params for option in parameter.opts}:
        yield name


def test_every_command_that_writes_is_tried() -> None:
    """Trust has its own place, and `ceremony run` writes by its journal."""
    tried = [" ".join(command.words) for command in (*FILES.values(), *asking({}).values())]
    wanted = {*writing(program(VERBS)), "trust add", "trust remove"}
    assert len(wanted) == 24
    assert {name for name in wanted if not any(words.startswith(f"{name} ") for words in tried)} == set()
