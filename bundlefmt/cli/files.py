# SPDX-License-Identifier: Apache-2.0
"""Files, written whole or not at all, and never over another unless asked.

Commands that write none do without `tempfile`, which is loaded where a name is made.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import shutil
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, TypedDict

from bundlefmt.wire import Buffer

UNFINISHED: Final = ".unfinished"  # how temporary names end: what a power cut leaves is known by it
_PREFIX: Final = 32  # characters of a name that its temporary name repeats: file systems allow 255 bytes
# what link says where a file system has no hard links, or allows no more to this file
_NO_LINKS: Final = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
_AT_FDCWD: Final = -100
_RENAME_NOREPLACE: Final = 1


class FileExistsRefusal(Exception):
    """The target is there and overwriting was not asked for, or is nothing that a file can replace."""

    def __init__(self, path: Path, *, why: str = "exists", hint: str = "or give --force") -> None:
        super().__init__(f"{path} {why}")
        self.hint = f"choose another name{', ' * bool(hint)}{hint}"


def refuse_existing(path: Path, *, force: bool) -> None:
    """Raises FileExistsRefusal or OSError where `write_atomic` would: to be asked before long work."""
    if not force and (path.exists() or path.is_symlink()):
        raise FileExistsRefusal(path)
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISREG(path.stat().st_mode):
            raise FileExistsRefusal(path, why="is not an ordinary file", hint="")


def write_atomic(path: Path, chunks: Iterable[Buffer], *, force: bool = False, private: bool = False) -> None:
    """Write `chunks` to `path` by way of a synced temporary file. Raises OSError, FileExistsRefusal.

    A file that is replaced keeps its mode and owner, and links to it stay links. `private` is for the
    owner's eyes alone.
    """
    import tempfile

    refuse_existing(path, force=force)
    target = path.resolve() if path.is_symlink() else path
    with _named(path):
        descriptor, name = tempfile.mkstemp(**_temporary(target.parent, path.name))
        try:
            with os.fdopen(descriptor, "wb") as file:
                for chunk in chunks:
                    file.write(chunk)
                file.flush()
                _dress(file.fileno(), target, private=private)
                os.fsync(file.fileno())
            if force:
                Path(name).replace(target)
            else:
                _link_new(name, target)
            sync_directory(target.parent)
        finally:
            with contextlib.suppress(FileNotFoundError):
                Path(name).unlink()


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    """Errors name the file that was to be written, not the temporary one."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None


def _dress(descriptor: int, target: Path, *, private: bool) -> None:
    """Mode and owner of a new file: those of the file it replaces, else what is usual here."""
    try:
        old = target.stat()
    except FileNotFoundError:
        os.fchmod(descriptor, 0o600 if private else 0o666 & ~_umask())
        return
    # only root may give files away; without that right the writer is the owner
    with contextlib.suppress(PermissionError):
        os.fchown(descriptor, old.st_uid, old.st_gid)
    os.fchmod(descriptor, 0o600 if private else stat.S_IMODE(old.st_mode))


class _Temporary(TypedDict):
    prefix: str
    suffix: str
    dir: Path


def _temporary(folder: Path, name: str) -> _Temporary:
    return {"prefix": f".{name[:_PREFIX]}.", "suffix": UNFINISHED, "dir": folder}


def _link_new(name: str, path: Path) -> None:
    """Give the file its name, atomically failing if the name was taken meanwhile."""
    try:
        os.link(name, path)
    except FileExistsError:
        raise FileExistsRefusal(path) from None
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        _rename_new(name, path)


def _rename_new(name: str, path: Path) -> None:
    """The same without hard links, as on FAT: the kernel's rename that replaces nothing."""
    import ctypes

    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is not None:
        if not rename(_AT_FDCWD, os.fsencode(name), _AT_FDCWD, os.fsencode(path), _RENAME_NOREPLACE):
            return
        number = ctypes.get_errno()
        if number == errno.EEXIST:
            raise FileExistsRefusal(path)
        if number not in (errno.EINVAL, errno.ENOSYS):
            raise OSError(number, os.strerror(number))
    # neither is there: between this look and the rename another writer can come
    if path.exists():
        raise FileExistsRefusal(path)
    Path(name).replace(path)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def sync_directory(directory: Path) -> None:
    """The names in `directory` are on disk when this returns. Raises OSError."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_tree(directory: Path, files: Mapping[str, Buffer]) -> None:
    """Write `files` by relative name into the new `directory`, which appears complete or not at all."""
    import tempfile

    if directory.exists() or directory.is_symlink():
        raise FileExistsRefusal(directory, hint="")
    with _named(directory):
        building = Path(tempfile.mkdtemp(**_temporary(directory.parent, directory.name)))
        try:
            for name, data in files.items():
                target = building / name
                target.parent.mkdir(parents=True, exist_ok=True)
                write_atomic(target, [data])
            building.chmod(0o777 & ~_umask())
            sync_directory(building)
            building.rename(directory)
            sync_directory(directory.parent)
        except BaseException:
            shutil.rmtree(building, ignore_errors=True)
            raise


def write_stdout(data: Buffer) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


@contextlib.contextmanager
def standard_output() -> Iterator[None]:
    """Everything that was printed has been written when this ends: a full disk is an error, not a surprise.

    Characters that the terminal's encoding lacks are printed as escapes. Raises OSError; BrokenPipeError
    where the reader went away.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        yield
        if sys.stdout is not None:  # a process may be started with it closed
            sys.stdout.flush()
    except OSError:
        # what could not be written is not tried again when the interpreter ends
        with contextlib.suppress(OSError, AttributeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise
