# SPDX-License-Identifier: Apache-2.0
"""Files that a command is given, opened without waiting and read whole, never without end."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO, Final

MAX_GIVEN: Final = 16 * 2**20  # bytes; certificates, signatures, templates and passwords are far below
MAX_LARGE: Final = 2**30  # bytes of a log or of minutes; who never restarts a machine measures for years


def read(path: Path, limit: int = MAX_GIVEN) -> bytes:
    """What is in a file or comes through a pipe. Raises OSError, also above `limit` bytes."""
    with opened(path) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"more than {limit} bytes", str(path))
    return data


def read_answer(path: Path, limit: int = MAX_GIVEN) -> bytes:
    """What somebody was asked for: as `read`, and OSError too where there is nothing in it."""
    data = read(path, limit)
    if not data:
        raise OSError(errno.ENODATA, "nothing is in it", str(path))
    return data


def opened(path: Path) -> BinaryIO:
    """An ordinary file or a pipe, for reading. Raises OSError for anything else.

    A pipe that nobody writes to is empty: it is not waited for.
    """
    file = open(path, "rb", opener=_at_once)  # noqa: SIM115 # the caller's to close
    mode = os.fstat(file.fileno()).st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISFIFO(mode):
        file.close()
        raise OSError(errno.EINVAL, "neither an ordinary file nor a pipe", str(path))
    os.set_blocking(file.fileno(), True)
    return file


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)
