# SPDX-License-Identifier: Apache-2.0
"""Files, written whole or not at all, and never over another unless asked."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from bundlefmt.wire import Buffer


class FileExistsRefusal(Exception):
    """The target is there and overwriting was not asked for."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} exists")
        self.hint = "choose another name, or give --force"


def write_atomic(path: Path, chunks: Iterable[Buffer], *, force: bool = False) -> None:
    """Write `chunks` to `path` by way of a synced temporary file. Raises OSError, FileExistsRefusal."""
    if path.exists() and not force:
        raise FileExistsRefusal(path)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            for chunk in chunks:
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o666 & ~_umask())
        if force:
            Path(name).replace(path)
        else:
            _link_new(name, path)
        _sync_directory(path.parent)
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()


def _link_new(name: str, path: Path) -> None:
    """Give the file its name, atomically failing if the name was taken meanwhile."""
    try:
        os.link(name, path)
    except FileExistsError:
        raise FileExistsRefusal(path) from None
    except OSError:
        # file systems without hard links: the check above is then not atomic
        if path.exists():
            raise FileExistsRefusal(path) from None
        Path(name).replace(path)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_tree(directory: Path, files: Mapping[str, Buffer]) -> None:
    """Write `files` by relative name into the new `directory`, which appears complete or not at all."""
    if directory.exists():
        raise FileExistsRefusal(directory)
    building = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
    try:
        for name, data in files.items():
            target = building / name
            target.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(target, [data])
        building.chmod(0o777 & ~_umask())
        building.rename(directory)
        _sync_directory(directory.parent)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise


def write_stdout(data: Buffer) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


@contextlib.contextmanager
def quiet_pipe() -> Iterator[None]:
    """A reader that goes away (`| head`) ends the program quietly."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
