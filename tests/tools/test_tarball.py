# SPDX-License-Identifier: Apache-2.0
"""Archives are read without trusting them: what is refused, and by which code."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from bundletools import tarball
from hypothesis import given
from hypothesis import strategies as st

from bundlefmt.errors import Code, MalformedError

Add = Callable[[tarfile.TarFile], None]


def plain(name: str, data: bytes = b"x", **fields: object) -> Add:
    """A member with these fields of its header."""

    def add(tar: tarfile.TarFile) -> None:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        for field, value in fields.items():
            setattr(info, field, value)
        tar.addfile(info, io.BytesIO(data))

    return add


def packed(*members: Add, form: int = tarfile.USTAR_FORMAT) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=form) as tar:
        for add in members:
            add(tar)
    return stream.getvalue()


def read(archive: bytes, folder: Path) -> dict[str, bytes]:
    """The members of a tar archive, gzipped; the folder stays as it was."""
    (folder / "x.tar.gz").write_bytes(gzip.compress(archive))
    found = tarball.read(folder / "x.tar.gz")
    assert [each.name for each in folder.iterdir()] == ["x.tar.gz"]
    return {name: bytes(member.data) for name, member in found.items()}


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT])
def test_ordinary_archives(form: int, tmp_path: Path) -> None:
    directory = plain("./d", b"", type=tarfile.DIRTYPE)
    archive = packed(directory, plain("./d/a", b"a" * 513, mtime=77), plain("b", b""), form=form)
    assert read(archive, tmp_path) == {"d/a": b"a" * 513, "b": b""}
    assert tarball.read(tmp_path / "x.tar.gz")["d/a"].mtime == 77


@pytest.mark.parametrize(
    "name",
    [
        *("../a", "a/../../b", "/etc/passwd", "a//b", "a/./b", "..", "a\\b", "c:d", "a\x1bb", "a\nb", ""),
        *("a/..", "\u202ea", "a\u2028b"),
    ],
)
def test_names_that_lead_elsewhere(name: str, tmp_path: Path) -> None:
    with pytest.raises(MalformedError) as raised:
        read(packed(plain(name)), tmp_path)
    assert raised.value.code is Code.BAD_VALUE


@pytest.mark.parametrize(
    "kind",
    [
        *(tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE),
        *(tarfile.CONTTYPE, tarfile.GNUTYPE_SPARSE, tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, b"Z"),
    ],
)
def test_only_plain_files(kind: bytes, tmp_path: Path) -> None:
    with pytest.raises(MalformedError, match="is no plain file") as raised:
        read(packed(plain("a", b"", type=kind, linkname="/etc/passwd")), tmp_path)
    assert raised.value.code is Code.BAD_VALUE


@pytest.mark.parametrize("names", [("a", "a"), ("a", "A"), ("d/Stra\u00dfe", "d/STRASSE")])
def test_names_that_are_one_somewhere(names: tuple[str, str], tmp_path: Path) -> None:
    with pytest.raises(MalformedError) as raised:
        read(packed(*map(plain, names)), tmp_path)
    assert raised.value.code is Code.DUPLICATE_KEY


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tarball, "MAX_UNPACKED", 2**20)
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    header = tarfile.TarInfo("a")
    header.size = 2**20
    zeros = squeeze.compress(header.tobuf(tarfile.USTAR_FORMAT))
    zeros += b"".join(squeeze.compress(bytes(2**20)) for _ in range(64)) + squeeze.flush()
    (tmp_path / "bomb").write_bytes(zeros)
    with pytest.raises(MalformedError) as raised:
        tarball.read(tmp_path / "bomb")
    assert raised.value.code is Code.SIZE_LIMIT


def test_a_size_that_is_only_declared(tmp_path: Path) -> None:
    header = tarfile.TarInfo("a")
    header.size = 2**32
    started = time.monotonic()
    with pytest.raises(MalformedError) as raised:
        read(header.tobuf(tarfile.USTAR_FORMAT), tmp_path)
    assert raised.value.code is Code.SIZE_LIMIT
    assert time.monotonic() - started < 5


def test_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tarball, "MAX_FILES", 3)
    archive = [plain(str(number)) for number in range(4)]
    assert len(read(packed(*archive[:3]), tmp_path)) == 3
    with pytest.raises(MalformedError) as raised:
        read(packed(*archive), tmp_path)
    assert raised.value.code is Code.COUNT_LIMIT


def test_what_stands_behind_the_end(tmp_path: Path) -> None:
    archive = packed(plain("a"))
    assert read(archive + bytes(10240), tmp_path) == {"a": b"x"}
    with pytest.raises(MalformedError) as raised:
        read(archive + b"more", tmp_path)
    assert raised.value.code is Code.TRAILING_BYTES


def test_several_gzip_members_are_one(tmp_path: Path) -> None:
    archive = packed(plain("a", b"y" * 3000))
    (tmp_path / "x").write_bytes(gzip.compress(archive[:700]) + gzip.compress(archive[700:]))
    assert bytes(tarball.read(tmp_path / "x")["a"].data) == b"y" * 3000


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda data: data[: len(data) // 2], Code.TRUNCATED),
        (lambda data: b"", Code.TRUNCATED),
        (lambda data: b"PK\3\4" + data, Code.BAD_VALUE),
        (lambda data: data[:60] + bytes([data[60] ^ 1]) + data[61:], Code.BAD_VALUE),
        (lambda data: gzip.compress(b"not tar" * 100), Code.BAD_VALUE),
        (lambda data: gzip.compress(bytes(100)), Code.TRUNCATED),
    ],
)
def test_damage(change: Callable[[bytes], bytes], code: Code, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(change(gzip.compress(packed(plain("a", os.urandom(4000))), mtime=0)))
    with pytest.raises(MalformedError) as raised:
        tarball.read(tmp_path / "x")
    assert raised.value.code is code


NAMES = st.from_regex(r"\A[a-z0-9]{1,20}(/[a-z0-9_.-]{1,20}x)?\Z")


@given(st.dictionaries(NAMES, st.binary(max_size=1500), max_size=6), st.integers(0, 2**40))
def test_what_is_written_is_read(files: dict[str, bytes], mtime: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x.tar.gz")
        path.write_bytes(b"".join(tarball.write(files, mtime=mtime)))
        found = tarball.read(path)
        with tarfile.open(path) as tar:
            theirs = {each.name: (each.size, each.mtime) for each in tar.getmembers()}
    assert {name: bytes(member.data) for name, member in found.items()} == files
    assert theirs == {name: (len(data), min(mtime, tarball.MAX_TIME)) for name, data in files.items()}


def test_a_directory_with_links_and_devices(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "a").write_bytes(b"a")
    (tmp_path / "secret").write_bytes(b"secret")
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "up").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe")
    Path(os.fsdecode(bytes(folder) + b"/\xff")).write_bytes(b"")
    found, passed = tarball.read_directory(folder)
    assert {name: bytes(member.data) for name, member in found.items()} == {"sub/a": b"a"}
    assert sorted(passed) == [
        "'\\udcff': the name is no text",
        *("link: no plain file", "pipe: no plain file", "up: no plain file"),
    ]
