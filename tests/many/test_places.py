# SPDX-License-Identifier: Apache-2.0
"""Where bundles are found, and what is hostile about files: pipes, loops, locks, files that change."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from bundlefmt.errors import MalformedError
from bundlefmt.many import places
from bundlefmt.many.extra import MissingExtraError
from bundlefmt.many.places import NothingThereError, Place, UnreadError, read
from bundlefmt.render.result import Trouble

BYTES = b"some bytes"


def names(*arguments: object) -> list[str]:
    return [place.name for place in places.places(map(str, arguments))]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.evb", "a.evb", "below/c.evb", "below/deeper/d.evb", "notes.txt", "below/x.evb.bak"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(BYTES)
    return tmp_path


def test_a_folder(folder: Path) -> None:
    found = names(folder)
    assert found == [f"{folder}/{name}" for name in ("a.evb", "b.evb", "below/c.evb", "below/deeper/d.evb")]


def test_patterns_and_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert names("*.evb") == ["a.evb", "b.evb"]
    assert names("**/*.evb") == ["a.evb", "b.evb", "below/c.evb", "below/deeper/d.evb"]
    assert names(folder / "*.txt", "b.evb") == [f"{folder}/notes.txt", "b.evb"]
    # a file whose name looks like a pattern is that file
    (folder / "[b].evb").write_bytes(BYTES)
    assert names("[b].evb") == ["[b].evb"]


@pytest.mark.parametrize(
    ("argument", "error"), [("absent", FileNotFoundError), ("*.absent", NothingThereError)]
)
def test_what_is_not_there_is_said_before_anything_is_read(
    argument: str, error: type[Exception], folder: Path
) -> None:
    with pytest.raises(error):
        places.places([str(folder), str(folder / argument)])
    (folder / "empty").mkdir()
    with pytest.raises(NothingThereError, match=r"^nothing-there: .* has no \.evb file in it$"):
        places.places([str(folder / "empty")])


def test_links(folder: Path) -> None:
    """A link to a file is that file; one to a folder, which may lead in a circle, is not followed."""
    (folder / "again").symlink_to(folder, target_is_directory=True)
    (folder / "link.evb").symlink_to("a.evb")
    (folder / "loop.evb").symlink_to("loop.evb")
    found = names(folder)
    assert [name for name in found if "again" in name] == []
    assert read(Place(f"{folder}/link.evb")) == BYTES
    assert f"{folder}/loop.evb" in found
    with pytest.raises(UnreadError, match="symbolic links") as loop:
        read(Place(f"{folder}/loop.evb"))
    assert loop.value.code is Trouble.UNREADABLE


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _folder(path: Path) -> None:
    path.mkdir()


def _gone(_: Path) -> None:
    """It was there when the folder was listed."""


def _zero(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (_pipe, Trouble.NOT_A_FILE),
        (_folder, Trouble.NOT_A_FILE),
        (_zero, Trouble.NOT_A_FILE),
        (_gone, Trouble.UNREADABLE),
    ],
)
def test_what_is_no_file_holds_nobody_up(make: Callable[[Path], None], code: Trouble, tmp_path: Path) -> None:
    make(tmp_path / "x.evb")
    with pytest.raises(UnreadError) as error:
        read(Place(str(tmp_path / "x.evb")))
    assert error.value.code is code


def test_a_name_that_no_file_can_have() -> None:
    with pytest.raises(UnreadError, match="null"):
        read(Place("a\0b.evb"))


def test_a_folder_that_cannot_be_listed_is_a_place_that_cannot_be_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tests may run as root, whom no mode of a folder stops."""
    scandir = os.scandir

    def refuse(path: Path) -> Any:
        if Path(path).name == "below":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert names(folder) == [f"{folder}/a.evb", f"{folder}/b.evb", f"{folder}/below"]


def test_a_file_that_changes_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "x.evb"
    file.write_bytes(BYTES)
    fstat, seen = os.fstat, []

    def growing(descriptor: int) -> os.stat_result:
        """Between the two looks at the file it gets longer."""
        if seen:
            with file.open("ab") as more:
                more.write(b"more")
        seen.append(fstat(descriptor))
        return seen[-1]

    monkeypatch.setattr(os, "fstat", growing)
    with pytest.raises(UnreadError) as error:
        read(Place(str(file)))
    assert error.value.code is Trouble.CHANGED


def test_a_file_larger_than_any(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.evb").write_bytes(BYTES)
    monkeypatch.setattr(places, "MAX_FILE", len(BYTES))
    assert read(Place(f"{tmp_path}/x.evb")) == BYTES
    monkeypatch.setattr(places, "MAX_FILE", len(BYTES) - 1)
    with pytest.raises(MalformedError, match=r"^size-limit"):
        read(Place(f"{tmp_path}/x.evb"))


@pytest.fixture
def memory() -> Iterator[Any]:
    system = fsspec.filesystem("memory")
    for name in ("/snapshots/b.evb", "/snapshots/below/a.evb", "/snapshots/notes.txt"):
        system.pipe(name, BYTES)
    yield system
    system.rm("/snapshots", recursive=True)


def test_urls(memory: Any, folder: Path) -> None:
    found = list(places.places(["memory://snapshots"]))
    assert [place.name for place in found] == ["memory:///snapshots/b.evb", "memory:///snapshots/below/a.evb"]
    assert [read(place) for place in found] == [BYTES, BYTES]
    assert names("memory://snapshots/*.evb") == ["memory:///snapshots/b.evb"]
    assert names("memory://snapshots/notes.txt") == ["memory:///snapshots/notes.txt"]
    (one,) = places.places([f"file://{folder}/a.evb"])
    assert (one.name, read(one)) == (f"file://{folder}/a.evb", BYTES)


def test_an_archive(folder: Path) -> None:
    archive = folder / "year.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("2026/a.evb", BYTES)
        file.writestr("2026/b.evb", b"other bytes")
        file.writestr("readme", b"")
    found = list(places.places([f"zip://::file://{archive}"]))
    assert [place.name for place in found] == [
        f"zip://2026/a.evb::file://{archive}",
        f"zip://2026/b.evb::file://{archive}",
    ]
    assert [read(place) for place in found] == [BYTES, b"other bytes"]
    # a result's name is an argument again
    (again,) = places.places([found[1].name])
    assert read(again) == b"other bytes"


def test_an_archive_that_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "year.zip").write_bytes(b"PK no archive")
    with pytest.raises(OSError, match="not a zip file"):
        places.places([f"zip://::file://{tmp_path}/year.zip"])


def test_a_url_that_names_nothing(memory: Any) -> None:
    with pytest.raises(FileNotFoundError):
        places.places(["memory://snapshots/absent.evb"])
    with pytest.raises(NothingThereError, match=r"^unusable-url: .*nonesuch"):
        places.places(["nonesuch://bucket/x"])


def test_a_file_that_went_away_behind_a_url(memory: Any) -> None:
    first, *_ = places.places(["memory://snapshots"])
    memory.rm("/snapshots/b.evb")
    with pytest.raises(UnreadError) as error:
        read(first)
    assert error.value.code is Trouble.UNREADABLE


def test_passwords_in_urls_do_not_get_into_results(tmp_path: Path) -> None:
    with pytest.raises((NothingThereError, OSError)) as error:
        places.places(["nonesuch://someone:secret@example.invalid/x"])
    assert "secret" not in str(error.value)
    assert "example.invalid" in str(error.value)


def test_without_fsspec_only_urls_are_missed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places._opened.cache_clear()

    def without(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr("bundlefmt.many.extra.import_module", without)
    assert len(names(folder)) == 4
    with pytest.raises(MissingExtraError, match=r"^missing-extra: memory: .* needs the extra 'batch'$"):
        places.places(["memory://snapshots"])
