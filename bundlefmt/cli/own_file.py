# SPDX-License-Identifier: Apache-2.0
"""Files that decide what is trusted: read only where nobody else can write them."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from bundlefmt.cli.run import UsageError

_OTHERS: Final = stat.S_IWGRP | stat.S_IWOTH


def read(path: Path, limit: int) -> bytes:
    """At most `limit` bytes and one. Raises OSError; UsageError where others can write file or folder."""
    # a pipe without a writer must not hold the program up
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise UsageError(f"{path} is not an ordinary file")
        _refuse_shared(path, status)
        refuse_shared_folders(path)
        return file.read(limit + 1)


def refuse_shared_folders(path: Path) -> None:
    """Who can write the folder can put another file there; a link has two."""
    for folder in {path.parent, path.resolve().parent}:
        status = folder.stat()
        # in a sticky folder only their owners replace files
        if not status.st_mode & stat.S_ISVTX:
            _refuse_shared(folder, status)


def _refuse_shared(path: Path, status: os.stat_result) -> None:
    if status.st_uid not in (0, os.geteuid()):
        raise UsageError(f"{path} belongs to another user (uid {status.st_uid}): no place for your trust")
    if status.st_mode & _OTHERS:
        raise UsageError(
            f"{path} can be written by others: no place for your trust",
            hint=f"look at what is in it, then: chmod go-w {path}",
        )
