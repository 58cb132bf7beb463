# SPDX-License-Identifier: Apache-2.0
"""The file of results: one line appended for each bundle, read again where a run is gone on with."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

from bundlefmt.errors import BundleError, MalformedError
from bundlefmt.render import result

MAX_LINE: Final = 2**20  # bytes: a line has some thousand
_SYNC: Final = 1000  # lines
Recorded = dict[str, tuple[bytes, str]]


class ResultsError(BundleError):
    """A file of results that cannot be read or gone on with."""


class Results:
    """The open file. `recorded` is, of what was judged under the same policy, the digest and how it ended."""

    def __init__(self, file: BinaryIO, recorded: Recorded) -> None:
        self.recorded = recorded
        self._file = file
        self._lines = 0

    def append(self, line: bytes) -> None:
        """A whole line, out of this process when this ends."""
        self._file.write(line)
        self._file.flush()
        self._lines += 1
        if self._lines % _SYNC == 0:
            os.fsync(self._file.fileno())


@contextmanager
def appended(path: Path, policy: bytes) -> Iterator[Results]:
    """The file to append to; made where there is none. A last line that was torn off is taken away.

    Raises OSError; ResultsError where another run is writing, or lines are not such.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK, 0o666)
    with os.fdopen(descriptor, "r+b") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ResultsError(f"{path} is not an ordinary file")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ResultsError(f"{path}: another run is writing it") from None
        recorded, end = _recorded(path, file, policy)
        file.truncate(end)
        file.seek(end)
        yield Results(file, recorded)
        file.flush()
        os.fsync(file.fileno())


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """All lines that are whole, in their order. Raises OSError, ResultsError."""
    with path.open("rb") as file:
        yield from (line for line, _ in _whole(path, file))


def _recorded(path: Path, file: BinaryIO, policy: bytes) -> tuple[Recorded, int]:
    found: Recorded = {}
    end = 0
    for line, end in _whole(path, file):
        # of several lines of one bundle the last counts
        found.pop(line["path"], None)
        if line["policy_sha256"] == policy.hex() and line["sha256"] is not None:
            found[line["path"]] = (bytes.fromhex(line["sha256"]), result.ended(line))
    return found, end


def _whole(path: Path, file: BinaryIO) -> Iterator[tuple[dict[str, Any], int]]:
    """Each line and where it ends. What was written when the power went is no line."""
    end = number = 0
    while data := file.readline(MAX_LINE + 1):
        number += 1
        if not data.endswith(b"\n") and len(data) <= MAX_LINE:
            return
        try:
            line = result.decode(data)
        except MalformedError as error:
            raise ResultsError(f"{path}:{number}: {error.message}") from None
        end += len(data)
        yield line, end
