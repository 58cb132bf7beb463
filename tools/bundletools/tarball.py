# SPDX-License-Identifier: Apache-2.0
"""Archives: a .tar.gz that is written the same way every time, and one that is read without trusting it.

POSIX.1-2017 pax, "ustar Interchange Format"; RFC 1952. What is read stays in memory: no name of an archive
becomes a path.
"""

from __future__ import annotations

import os
import stat
import tarfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from bundlefmt.bundle import MAX_COPIED, map_file
from bundlefmt.cli import given_file
from bundlefmt.cli.files import UNFINISHED
from bundlefmt.errors import Code, MalformedError
from bundlefmt.frozen import frozen
from bundlefmt.wire import Buffer

BLOCK: Final = 512
MAX_UNPACKED: Final = 2**28  # bytes of an archive when unpacked; what is larger is given as a directory
MAX_FILES: Final = 4096  # files in one archive or directory
MAX_NAME: Final = 255  # bytes of a member's name
MAX_TIME: Final = 0o77777777777  # eleven octal digits, in the year 2242
_LEVEL: Final = 9
_GZIP: Final = 31  # zlib: a gzip header without name and time around the largest window
_PIECE: Final = 2**16
_FILE: Final = (b"0", b"\0")
_DIRECTORY: Final = b"5"


def write(files: Mapping[str, Buffer], *, mtime: int, executable: Iterable[str] = ()) -> Iterator[bytes]:
    """The archive piece by piece: names in order, no owner, one time. Equal input gives equal output.

    The archive within is the same everywhere; its compression is the same with the same zlib.
    """
    squeeze = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    runnable = frozenset(executable)
    for name in sorted(files):
        header = tarfile.TarInfo(name)
        header.size, header.mtime = len(files[name]), min(mtime, MAX_TIME)
        header.mode = 0o755 if name in runnable else 0o644
        yield squeeze.compress(header.tobuf(tarfile.USTAR_FORMAT))
        for at in range(0, len(files[name]), _PIECE):
            yield squeeze.compress(files[name][at : at + _PIECE])
        yield squeeze.compress(bytes(-len(files[name]) % BLOCK))
    yield squeeze.compress(bytes(2 * BLOCK))
    yield squeeze.flush()


@frozen
class Member:
    """A file that was found: its bytes, and when it says it was written, in seconds since the epoch."""

    data: Buffer
    mtime: int


class _Stream:
    """The unpacked bytes of a gzip file, in order; more than MAX_UNPACKED are refused unseen."""

    def __init__(self, path: Path) -> None:
        self.offset = 0
        self._pieces = self._unpack(path)
        self._held = bytearray()

    def _unpack(self, path: Path) -> Iterator[bytes]:
        total = 0
        with given_file.opened(path) as file:
            pending = file.read(_PIECE)
            while pending:
                unpacker = zlib.decompressobj(_GZIP)
                while not unpacker.eof:
                    if not pending:
                        raise self.error(Code.TRUNCATED, "the gzip file ends early")
                    try:
                        piece = unpacker.decompress(pending, _PIECE)
                    except zlib.error as error:
                        raise self.error(Code.BAD_VALUE, f"not gzip: {error}") from None
                    total += len(piece)
                    if total > MAX_UNPACKED:
                        raise self.error(Code.SIZE_LIMIT, f"more than {MAX_UNPACKED} bytes when unpacked")
                    yield piece
                    pending = unpacker.unconsumed_tail or file.read(_PIECE) if not unpacker.eof else b""
                pending = unpacker.unused_data or file.read(_PIECE)

    def error(self, code: Code, message: str) -> MalformedError:
        return MalformedError(code, message, offset=self.offset, path="archive")

    def read(self, size: int) -> bytes:
        """Raises truncated, size-limit. The size is looked at before anything is kept."""
        if size > MAX_UNPACKED:
            raise self.error(Code.SIZE_LIMIT, f"a member of {size} bytes")
        while len(self._held) < size:
            piece = next(self._pieces, None)
            if piece is None:
                raise self.error(Code.TRUNCATED, "the archive ends early")
            self._held += piece
        found = bytes(self._held[:size])
        del self._held[:size]
        self.offset += size
        return found

    def finish(self) -> None:
        """Behind the end stand zeros at most. Raises trailing-bytes."""
        while True:
            if self._held.strip(b"\0"):
                raise self.error(Code.TRAILING_BYTES, "something stands behind the end of the archive")
            self.offset += len(self._held)
            self._held.clear()
            piece = next(self._pieces, None)
            if piece is None:
                return
            self._held += piece


def read(path: Path) -> dict[str, Member]:
    """The files of a .tar.gz by name, in memory. Raises MalformedError, OSError.

    Refused are links, devices, names that lead elsewhere, names that differ in case only, and forms of
    header beyond ustar and GNU's plain one.
    """
    stream = _Stream(path)
    found: dict[str, Member] = {}
    folded: set[str] = set()
    while any(header := stream.read(BLOCK)):
        name, size, kind, mtime = _header(stream, header)
        if kind == _DIRECTORY and not size:
            continue
        if kind not in _FILE:
            raise stream.error(Code.BAD_VALUE, f"{name!r} is no plain file (type {kind!r})")
        if len(found) >= MAX_FILES:
            raise stream.error(Code.COUNT_LIMIT, f"more than {MAX_FILES} files")
        if name.casefold() in folded:
            raise stream.error(Code.DUPLICATE_KEY, f"{name!r} is there twice, or in another case")
        folded.add(name.casefold())
        found[name] = Member(data=stream.read(size), mtime=mtime)
        stream.read(-size % BLOCK)
    stream.finish()
    return found


def _header(stream: _Stream, block: bytes) -> tuple[str, int, bytes, int]:
    """Name, size, type and time of a member."""
    fields = block[:148] + b" " * 8 + block[156:]
    if _octal(stream, block[148:156]) != sum(fields):
        raise stream.error(Code.BAD_VALUE, "a header with a wrong checksum: not a tar archive")
    prefix = block[345:500] if block[257:263] == b"ustar\0" else b""
    parts = [part.partition(b"\0")[0] for part in (prefix, block[:100])]
    raw, kind = b"/".join(part for part in parts if part), block[156:157]
    try:
        name = check_name(raw.decode().rstrip("/") if kind == _DIRECTORY else raw.decode())
    except (UnicodeDecodeError, ValueError):
        raise stream.error(Code.BAD_VALUE, f"{raw[:80]!r} is no name for a file") from None
    return name, _octal(stream, block[124:136]), kind, _octal(stream, block[136:148])


def _octal(stream: _Stream, digits: bytes) -> int:
    text = digits.strip(b"\0 ")
    if not text or set(text) - set(b"01234567"):
        raise stream.error(Code.BAD_VALUE, f"{digits!r} is no octal number")
    return int(text, 8)


def check_name(name: str) -> str:
    """`name` without `./` in front. Raises ValueError where it leads elsewhere or does not show."""
    while name.startswith("./"):
        name = name[2:]
    parts = name.split("/")
    if name == ".":
        return name
    if (
        any(part in ("", ".", "..") for part in parts)
        or not name.isprintable()
        or set(name) & set("\\:")
        or len(name.encode()) > MAX_NAME
    ):
        raise ValueError(name)
    return name


def read_directory(directory: Path) -> tuple[dict[str, Member], list[str]]:
    """The plain files below `directory` by relative name, large ones memory-mapped; and what was passed over.

    Links are not followed and devices not opened. Raises MalformedError, OSError.
    """
    found: dict[str, Member] = {}
    passed: list[str] = []
    left = MAX_COPIED
    for parent, directories, names in os.walk(directory, onerror=_raise):
        aside = [name for name in directories if name.endswith(UNFINISHED) or Path(parent, name).is_symlink()]
        directories[:] = sorted(set(directories) - set(aside))
        for name in (*sorted(aside), *sorted(names)):
            path = Path(parent, name)
            relative, status = path.relative_to(directory).as_posix(), path.lstat()
            if not _is_text(relative):
                passed.append(f"{relative!a}: the name is no text")
                continue
            if name.endswith(UNFINISHED):
                passed.append(f"{relative}: left by a command that was broken off")
                continue
            if not stat.S_ISREG(status.st_mode):
                passed.append(f"{relative}: no plain file")
                continue
            if len(found) >= MAX_FILES:
                raise MalformedError(Code.COUNT_LIMIT, f"more than {MAX_FILES} files", offset=0)
            data = map_file(path, left)
            left -= len(data) if len(data) <= left else 0
            found[relative] = Member(data=data, mtime=max(0, int(status.st_mtime)))
    return found, passed


def _is_text(name: str) -> bool:
    """Whether a name is UTF-8; of one that is not, the system gives surrogates."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _raise(error: OSError) -> None:
    raise error
