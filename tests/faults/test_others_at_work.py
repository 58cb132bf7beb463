# SPDX-License-Identifier: Apache-2.0
"""Others write at the same time: the file that is read, the file that is to be written, the folder."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from bundletools.cli import main

from bundlefmt import bundle
from bundlefmt.bundle import MAX_COPIED, Bundle, map_file
from bundlefmt.cli.files import UNFINISHED
from bundlefmt.verify import Policy, verify
from tests.cli.conftest import vector
from tests.faults.commands import GOOD
from tests.faults.trial import left_behind, run

WRITERS = 8


def without_links() -> int:
    """As on FAT."""

    def refused(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    os.link = refused
    return main()


@pytest.mark.parametrize("begin", [main, without_links])
def test_of_many_writers_one_wins(begin: Callable[[], int], tmp_path: Path) -> None:
    shutil.copy(vector(GOOD), tmp_path / "b.evb")
    codes = []
    ready, start = os.pipe()

    def racing() -> int:
        os.read(ready, 1)  # all begin when the other end is closed
        return begin()

    children = []
    for _ in range(WRITERS):
        child = os.fork()
        if not child:
            os.close(start)
            words = ("redact", "b.evb", "--item", "minutes", "-o", "r.evb")
            ended = run(words, tmp_path, begin=racing)
            plain = ended.err == "" or ended.err.startswith("error: r.evb exists\n")
            os._exit(ended.code if plain else 99)
        children.append(child)
    os.close(start)
    os.close(ready)
    codes = sorted(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children)
    assert codes == [0] + [2] * (WRITERS - 1)
    assert Bundle.open(tmp_path / "r.evb").manifest_raw == Bundle.open(vector(GOOD)).manifest_raw
    assert left_behind(tmp_path) == []


def test_the_kernel_renames_without_replacing(tmp_path: Path) -> None:
    """The way without hard links, by itself: also a file that came after everything was looked at."""
    from bundlefmt.cli import files

    (tmp_path / "new").write_bytes(b"new")
    (tmp_path / "there").write_bytes(b"there")
    with pytest.raises(files.FileExistsRefusal):
        files._rename_new(str(tmp_path / "new"), tmp_path / "there")
    files._rename_new(str(tmp_path / "new"), tmp_path / "free")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "there": b"there",
        "free": b"new",
    }


def test_what_was_opened_cannot_be_changed(tmp_path: Path) -> None:
    """Also where the file is cut short in place, which ends a program that has it mapped."""
    file = tmp_path / "b.evb"
    shutil.copy(vector(GOOD), file)
    opened = Bundle.open(file)
    before = verify(opened, Policy())
    for change in (lambda: os.truncate(file, 100), lambda: file.write_bytes(bytes(100_000))):
        change()
        assert verify(opened, Policy()) == before


@pytest.mark.parametrize("change", [-1, 0, 1])
def test_a_file_that_changes_while_it_is_read_is_refused(
    change: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "b.evb"
    shutil.copy(vector(GOOD), file)
    looked, statuses = os.fstat, []

    def looking(descriptor: int) -> os.stat_result:
        statuses.append(looked(descriptor))
        if len(statuses) == 1:
            os.truncate(file, file.stat().st_size + change)
            os.utime(file, (0, 0))
        return statuses[-1]

    monkeypatch.setattr(bundle.os, "fstat", looking)
    with pytest.raises(OSError, match="changed while it was read") as raised:
        map_file(file)
    assert raised.value.filename == str(file)


def test_large_files_are_mapped(tmp_path: Path) -> None:
    for size in (MAX_COPIED, MAX_COPIED + 1):
        with (tmp_path / "x").open("wb") as file:
            file.truncate(size)
        held = map_file(tmp_path / "x")
        assert (len(held), isinstance(held.obj, bytes)) == (size, size <= MAX_COPIED)
        del held


def test_files_of_the_kernel_say_that_they_are_empty() -> None:
    assert Path("/proc/version").stat().st_size == 0
    assert bytes(map_file("/proc/version")) == Path("/proc/version").read_bytes() != b""


def test_what_is_not_finished_is_nobodys_input(tmp_path: Path) -> None:
    """An import passes it over, and says so; `--previous-latest` looks for bundles by their whole name."""
    here = tmp_path / "here"
    here.mkdir()
    run(("export", str(vector(GOOD)), "-o", "e.tar.gz"), tmp_path)
    shutil.unpack_archive(tmp_path / "e.tar.gz", here, filter="data")
    export = next(here.iterdir())
    (export / f".quote.abc{UNFINISHED}").write_bytes(b"half a quote")
    (export / f".all.abc{UNFINISHED}").mkdir()
    (export / f".all.abc{UNFINISHED}" / "quote").write_bytes(b"whole")
    ended = run(("import", str(here), "-o", "i.evb"), tmp_path)
    assert ended.code == 0
    assert ended.err.count("left by a command that was broken off") == 2
    assert (tmp_path / "i.evb").read_bytes() == vector(GOOD).read_bytes()
