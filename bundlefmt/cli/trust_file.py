# SPDX-License-Identifier: Apache-2.0
"""The file that keeps a verifier's trust: where it is, that nobody else can write it, how it changes."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from bundlefmt.cli import own_file
from bundlefmt.cli.files import write_atomic
from bundlefmt.cli.run import UsageError
from bundlefmt.errors import MalformedError
from bundlefmt.frozen import frozen

if TYPE_CHECKING:
    from bundlefmt.verify.trust import Trust


@frozen
class TrustFile:
    """A trust document and the file that it was read from."""

    path: Path
    sha256: bytes
    trust: Trust


def place() -> Path | None:
    """Where a user's trust file is, by the XDG Base Directory Specification; None where nothing says it."""
    for variable, below in (("XDG_CONFIG_HOME", ""), ("HOME", ".config")):
        folder = Path(os.environ.get(variable, ""))
        if folder.is_absolute():
            return folder / below / "evidence-bundle" / "trust.toml"
    return None


def find(given: Path | None, *, none: bool = False) -> TrustFile | None:
    """The trust file that was named, else the user's own if there is one. Raises OSError, UsageError."""
    if none:
        if given is not None:
            raise UsageError("--trust and --no-trust exclude each other")
        return None
    path = given or place()
    if path is None or (given is None and not path.exists() and not path.is_symlink()):
        return None
    return load(path)


def load(path: Path) -> TrustFile:
    """Raises OSError; UsageError where others can write the file, or it holds what is not understood."""
    from bundlefmt.verify.trust import MAX_TRUST, Trust

    data = own_file.read(path, MAX_TRUST)
    try:
        trust = Trust.decode(data)
    except MalformedError as error:
        raise UsageError(f"{path}: {error.message}", hint="--no-trust judges without it") from None
    return TrustFile(path=path, sha256=hashlib.sha256(data).digest(), trust=trust)


def change(given: Path | None, edit: Callable[[Trust], Trust]) -> tuple[Path, Trust, Trust]:
    """The file, what was in it and what is in it now. It is made where there is none.

    Whoever changes it at the same time waits. Raises OSError, UsageError; the file is then as it was.
    """
    from bundlefmt.verify.trust import MAX_TRUST, Trust

    path = given or place()
    if path is None:
        raise UsageError("neither XDG_CONFIG_HOME nor HOME says where to keep trust", hint="--trust FILE")
    if given is None:
        for folder in (path.parent.parent, path.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.is_symlink() and not path.exists():
        raise UsageError(f"{path} is a link that leads nowhere")
    with _alone(path.resolve().parent):
        own_file.refuse_shared_folders(path)
        before = load(path).trust if path.exists() else Trust()
        after = edit(before)
        data = after.encode()
        if len(data) > MAX_TRUST:
            raise UsageError(f"that is more than fits into a trust file: {MAX_TRUST} bytes")
        if after != before or not path.exists():
            write_atomic(path, [data], force=True, private=True)
    return path, before, after


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """A lock on the folder: files in it are replaced, and a lock on one of them would go with it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
