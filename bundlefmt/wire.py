# SPDX-License-Identifier: Apache-2.0
"""The one way binary structures are read: a bounded cursor that leaves nothing over.

Used for what is neither CBOR nor DER: TPM wire structures (big-endian) and firmware logs (little-endian).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, TypeVar

from bundlefmt.errors import Code, MalformedError

T = TypeVar("T")
Buffer = bytes | memoryview


class Reader:
    """A cursor over `data`; every read is bounded, every error carries its absolute offset.

    `base` is the offset of `data` inside the input the caller knows; `path` names the structure.
    """

    __slots__ = ("_base", "_data", "_end", "_pos", "path")

    def __init__(self, data: Buffer, *, base: int = 0, path: str = "") -> None:
        self._data = memoryview(data)
        self._end = len(self._data)
        self._base = base
        self._pos = 0
        self.path = path

    @property
    def offset(self) -> int:
        """Absolute offset of the next byte."""
        return self._base + self._pos

    @property
    def remaining(self) -> int:
        return self._end - self._pos

    def error(self, code: Code, message: str, *, offset: int | None = None) -> MalformedError:
        """An error at `offset` (default: the next byte), to be raised by the caller."""
        return MalformedError(code, message, offset=self.offset if offset is None else offset, path=self.path)

    def view(self, size: int) -> memoryview:
        """The next `size` bytes, not copied. Raises truncated."""
        start = self._pos
        if size > self._end - start:
            raise self.error(Code.TRUNCATED, f"{size} bytes wanted, {self.remaining} left")
        self._pos = stop = start + size
        return self._data[start:stop]

    def unpack_ahead(self, form: struct.Struct) -> tuple[Any, ...] | None:
        """What the next bytes are by `form`, None where they are too few; the cursor stays where it is."""
        return form.unpack_from(self._data, self._pos) if form.size <= self._end - self._pos else None

    def read_behind(self, skipped: int, size: int) -> bytes | None:
        """`size` bytes behind `skipped` others, None where they are too few."""
        start = self._pos + skipped
        if size > self._end - start:
            return None
        self._pos = stop = start + size
        return bytes(self._data[start:stop])

    def read(self, size: int) -> bytes:
        return bytes(self.view(size))

    def uint(self, size: int) -> int:
        """A big-endian unsigned integer of `size` bytes."""
        return int.from_bytes(self.view(size), "big")

    def uint_le(self, size: int) -> int:
        """A little-endian unsigned integer of `size` bytes."""
        return int.from_bytes(self.view(size), "little")

    def sized(self, size: int = 2) -> bytes:
        """A byte string behind a big-endian length of `size` bytes (a TPM2B when `size` is 2)."""
        start = self.offset
        length = self.uint(size)
        if length > self.remaining:
            raise self.error(Code.TRUNCATED, f"length {length}, {self.remaining} bytes left", offset=start)
        return self.read(length)

    def within(self, size: int, parse: Callable[[Reader], T], *, path: str = "") -> T:
        """Parse exactly the next `size` bytes with `parse`. Raises trailing-bytes if it leaves any."""
        inner = Reader(self.view(size), base=self.offset - size, path=path or self.path)
        value = parse(inner)
        inner.finish()
        return value

    def finish(self) -> None:
        """Raises trailing-bytes unless everything was read."""
        if self._pos != self._end:
            raise self.error(Code.TRAILING_BYTES, f"{self.remaining} bytes after the end")


def read_all(data: Buffer, parse: Callable[[Reader], T], *, path: str = "", base: int = 0) -> T:
    """Parse all of `data` with `parse`; trailing bytes are an error."""
    reader = Reader(data, base=base, path=path)
    value = parse(reader)
    reader.finish()
    return value
