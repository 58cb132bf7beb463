# SPDX-License-Identifier: Apache-2.0
"""Where bundles are: files, folders, patterns, URLs; found one after the other, read whole.

Local paths need nothing else; URLs (`s3://`, `zip://…::file://…`) go through fsspec.
"""

from __future__ import annotations

import errno
import glob
import os
import re
import stat
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, Final

from bundlefmt.errors import BundleError, Code, MalformedError
from bundlefmt.frozen import frozen
from bundlefmt.many.extra import extra
from bundlefmt.render.result import Trouble

SUFFIX: Final = ".evb"
MAX_FILE: Final = 2**30  # bytes: a file is read whole, so that what was hashed is what was judged
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|[A-Za-z][A-Za-z0-9+.-]*::")
_SECRETS: Final = re.compile(r"(?<=://)[^/@:]*:[^/@]*@")


class NothingThereError(BundleError):
    """An argument that names no bundle at all."""


class UnreadError(BundleError):
    """The bytes could not be had; `code` says why."""

    def __init__(self, code: Trouble, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@frozen(kw_only=False)
class Place:
    """One bundle: `name` as results have it; of a URL, the `root` of its file system and the path there."""

    name: str
    root: str | None = None
    path: str = ""


def places(arguments: Iterable[str]) -> Iterator[Place]:
    """All bundles of all arguments; in folders and patterns sorted, of folders every `.evb` below them.

    Before the first bundle of any, raises NothingThereError, MissingExtraError, OSError.
    """
    return chain.from_iterable([_remote(each) if is_url(each) else _local(each) for each in arguments])


def is_url(argument: str) -> bool:
    return _URL.match(argument) is not None


def _local(argument: str) -> Iterator[Place]:
    path = Path(argument)
    if path.is_dir():
        return _nonempty(_below(path), f"{argument} has no {SUFFIX} file in it")
    if glob.has_magic(argument) and not os.path.lexists(path):
        named = glob.iglob(argument, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute pattern
        found = sorted(each for each in named if not Path(each).is_dir())
        return _nonempty(map(Place, found), f"nothing is called {argument}")
    path.lstat()
    return iter([Place(str(path))])


def _below(folder: Path) -> Iterator[Place]:
    """Links to folders are not followed; a folder that cannot be listed is a place that cannot be read."""
    try:
        with os.scandir(folder) as entries:
            found = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
    except OSError:
        yield Place(str(folder))
        return
    for name, is_folder in found:
        if is_folder:
            yield from _below(folder / name)
        elif name.endswith(SUFFIX):
            yield Place(str(folder / name))


def _nonempty(found: Iterator[Place], otherwise: str) -> Iterator[Place]:
    first = next(found, None)
    if first is None:
        raise NothingThereError(f"nothing-there: {otherwise}")
    return chain((first,), found)


def _remote(url: str) -> Iterator[Place]:
    system, path = _opened(url)
    shown = _SECRETS.sub("", url)
    behind = "::" + shown.partition("::")[2] if "::" in shown else ""
    try:
        if glob.has_magic(path):
            found = sorted(system.glob(path))
        elif system.isdir(path):
            found = [each for each in system.find(path) if each.endswith(SUFFIX)]
        else:
            system.info(path)
            found = [path]
    except Exception as error:  # each file system has errors of its own
        raise _foreign(shown, error) from None
    made = (Place(f"{system.unstrip_protocol(each)}{behind}", url, each) for each in found)
    return _nonempty(made, f"{shown} has no {SUFFIX} file in it")


@lru_cache(maxsize=16)
def _opened(url: str) -> tuple[Any, str]:
    """The file system of a URL and the path in it. Archives are opened once in each process."""
    core = extra("fsspec.core", "batch", f"{url.partition(':')[0]}: as a place of bundles")
    try:
        system, path = core.url_to_fs(url)
    except Exception as error:  # as above
        raise _foreign(_SECRETS.sub("", url), error) from None
    return system, path


def _foreign(url: str, error: Exception) -> Exception:
    """What another library raised, as an error in one line."""
    if isinstance(error, ImportError | ValueError):
        return NothingThereError(f"unusable-url: {url}: {_line(error)}")
    if isinstance(error, FileNotFoundError):
        return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), url)
    number = error.errno if isinstance(error, OSError) and error.errno else errno.EIO
    return OSError(number, _line(error), url)


def _line(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split()) or type(error).__name__


def read(place: Place) -> bytes:
    """The bytes. Raises UnreadError; MalformedError where they are more than any bundle has."""
    if place.root is None:
        return _read_local(place.name)
    try:
        system, _ = _opened(place.root)
        with system.open(place.path, "rb") as file:
            data = bytes(file.read(MAX_FILE + 1))
    except Exception as error:  # each file system has errors of its own
        raise UnreadError(Trouble.UNREADABLE, _line(error)) from None
    return _limited(data)


def _read_local(name: str) -> bytes:
    """An ordinary file that is the same when it has been read."""
    try:
        # a pipe without a writer must not hold the run up
        descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            before = os.fstat(descriptor)
            if not stat.S_ISREG(before.st_mode):
                raise UnreadError(Trouble.NOT_A_FILE, "not an ordinary file")
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                data = file.read(MAX_FILE + 1)
            after = os.fstat(descriptor)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:
        raise UnreadError(Trouble.UNREADABLE, _line(error)) from None
    _limited(data)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or len(
        data
    ) != after.st_size:
        raise UnreadError(Trouble.CHANGED, "changed while it was read")
    return data


def _limited(data: bytes) -> bytes:
    if len(data) > MAX_FILE:
        raise MalformedError(Code.SIZE_LIMIT, f"more than {MAX_FILE} bytes", offset=MAX_FILE)
    return data
