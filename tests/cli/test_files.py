# SPDX-License-Identifier: Apache-2.0
"""Files that are replaced, refused or named strangely; `test_extract.py` has the failing disks."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from bundlefmt.cli import files


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_replaced_file_keeps_its_mode_and_owner(tmp_path: Path) -> None:
    target = tmp_path / "x"
    target.write_bytes(b"old")
    target.chmod(0o600)
    if os.geteuid() == 0:
        os.chown(target, 1234, 1235)
    before = target.stat()
    files.write_atomic(target, [b"new"], force=True)
    after = target.stat()
    assert target.read_bytes() == b"new"
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert after.st_ino != before.st_ino


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "elsewhere" / "x", tmp_path / "x"
    real.parent.mkdir()
    real.write_bytes(b"old")
    link.symlink_to(real)
    with pytest.raises(files.FileExistsRefusal):
        files.write_atomic(link, [b"new"])
    files.write_atomic(link, [b"new"], force=True)
    assert link.is_symlink()
    assert real.read_bytes() == b"new"
    assert (names(tmp_path), names(real.parent)) == (["elsewhere", "x"], ["x"])


def test_a_link_that_leads_nowhere_is_not_overwritten(tmp_path: Path) -> None:
    link = tmp_path / "x"
    link.symlink_to(tmp_path / "nowhere")
    with pytest.raises(files.FileExistsRefusal):
        files.write_atomic(link, [b"new"])
    with pytest.raises(files.FileExistsRefusal):
        files.write_tree(link, {"a": b"new"})
    assert names(tmp_path) == ["x"]


def test_what_is_private_is_for_the_owner(tmp_path: Path) -> None:
    files.write_atomic(tmp_path / "x", [b"secret"], private=True)
    assert mode(tmp_path / "x") == 0o600
    (tmp_path / "y").write_bytes(b"")
    (tmp_path / "y").chmod(0o644)
    files.write_atomic(tmp_path / "y", [b"secret"], private=True, force=True)
    assert mode(tmp_path / "y") == 0o600


def test_only_files_are_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "directory").mkdir()
    for name in ("pipe", "directory"):
        with pytest.raises(files.FileExistsRefusal, match="is not an ordinary file"):
            files.write_atomic(tmp_path / name, [b"new"], force=True)
    assert names(tmp_path) == ["directory", "pipe"]
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize("name", ["x" * 255, "ü" * 127, "-", " ", "a\nb"])
def test_any_name_that_the_file_system_takes(name: str, tmp_path: Path) -> None:
    files.write_atomic(tmp_path / name, [b"x"])
    assert (names(tmp_path), (tmp_path / name).read_bytes()) == ([name], b"x")
    (tmp_path / name).unlink()
    files.write_tree(tmp_path / name, {"a": b"x"})
    assert (names(tmp_path), names(tmp_path / name)) == ([name], ["a"])


def test_errors_name_what_was_to_be_written(tmp_path: Path) -> None:
    for write in (lambda to: files.write_atomic(to, [b""]), lambda to: files.write_tree(to, {})):
        with pytest.raises(FileNotFoundError) as raised:
            write(tmp_path / "no" / "x")
        assert raised.value.filename == str(tmp_path / "no" / "x")


def test_a_tree_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        files.write_tree(tmp_path / "tree", {"a/b": b"x"})
    assert names(tmp_path) == []


def test_without_hard_links_files_are_still_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", unknown)
    files.write_atomic(tmp_path / "x", [b"first"])
    with pytest.raises(files.FileExistsRefusal):
        files.write_atomic(tmp_path / "x", [b"second"])
    assert (names(tmp_path), (tmp_path / "x").read_bytes()) == (["x"], b"first")
