# SPDX-License-Identifier: Apache-2.0
"""The file of results: one line appended for each bundle, read again where a run is gone on with."""

from __future__ import annotations

import fcntl
import os
import stat
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

from bundlefmt.errors import BundleError, MalformedError
from bundlefmt.many.work import Done
from bundlefmt.render import result
from bundlefmt.render.result_reading import decode

MAX_LINE: Final = 2**20  # bytes: a line has some thousand
Recorded = dict[str, tuple[bytes, str]]


class ResultsError(BundleError):
    """A file of results that cannot be read or gone on with."""


class Results:
    """The open file. `recorded` is, of what was judged under the same policy, the digest and how it ended.

    `counts` is how bundles ended, those included that were skipped since their line is there.
    """

    def __init__(self, file: BinaryIO, recorded: Recorded) -> None:
        self.counts: Counter[str] = Counter()
        self.skipped = 0
        self._recorded = recorded
        self._file = file

    def known(self, name: str) -> bytes | None:
        """The digest of the bytes that there is a line of."""
        return self._recorded[name][0] if name in self._recorded else None

    def take(self, done: Done) -> None:
        """Its line is out of this process when this ends."""
        if done.line is None:
            self.skipped += 1
            self.counts[self._recorded[done.name][1]] += 1
            return
        self.counts[done.ended] += 1
        self._file.write(done.line)
        self._file.flush()


@contextmanager
def appended(path: Path, policy: bytes | None, *, anew: bool) -> Iterator[Results]:
    """The file to append to; made where there is none, emptied if `anew`. A torn last line is taken away.

    Raises OSError; ResultsError where another run is writing, or lines are not such.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o644)
    try:
        _require_own(path, os.fstat(descriptor), anew=anew)
    except ResultsError:
        os.close(descriptor)
        raise
    with os.fdopen(descriptor, "r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ResultsError(f"{path}: another run is writing it") from None
        recorded, end = ({}, 0) if anew else _recorded(path, file, policy)
        file.truncate(end)
        file.seek(end)
        try:
            yield Results(file, recorded)
        finally:
            file.flush()
            os.fsync(file.fileno())


def _require_own(path: Path, status: os.stat_result, *, anew: bool) -> None:
    """What others can write they can have passed: it is judged again."""
    if not stat.S_ISREG(status.st_mode):
        raise ResultsError(f"{path} is not an ordinary file")
    shared = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) or status.st_uid not in (0, os.geteuid())
    if shared and not anew:
        raise ResultsError(f"{path} can be written by others: its verdicts are not your own")


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """The last line of each bundle, in their order; one that was torn off is none.

    The file is read twice, so that it need not be kept. Raises OSError, ResultsError.
    """
    with path.open("rb") as file:
        last = {line["path"]: end for line, end in _whole(path, file)}
        file.seek(0)
        yield from (line for line, end in _whole(path, file) if last.get(line["path"]) == end)


def _recorded(path: Path, file: BinaryIO, policy: bytes | None) -> tuple[Recorded, int]:
    found: Recorded = {}
    end = 0
    for line, place in _whole(path, file):
        end = place
        # of several lines of one bundle the last counts
        found.pop(line["path"], None)
        # what timestamps show depends on the day
        alike = policy is not None and line["policy_sha256"] == policy.hex()
        if alike and not line["timed"] and line["sha256"] is not None:
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
            line = decode(data)
        except MalformedError as error:
            raise ResultsError(f"{path}:{number}: {error.message}") from None
        end += len(data)
        yield line, end
