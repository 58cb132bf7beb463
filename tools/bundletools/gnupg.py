# SPDX-License-Identifier: Apache-2.0
"""GnuPG: detached signatures and certificates from gpg itself, which knows card, PIN and touch.

Only its status lines are believed, never its exit code alone.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bundletools.devices import DeviceError

_STATUS = "[GNUPG:] "
_AWAIT_TRIES = 50
_AWAIT_SECONDS = 0.2


def _gpg(what: str, arguments: list[str], data: bytes, homedir: Path | None) -> tuple[bytes, list[list[str]]]:
    """stdout and the status lines of one gpg run. Raises DeviceError where gpg is missing or fails."""
    command = ["gpg", "--batch", "--no-tty", "--status-fd", "2", "--display-charset", "utf-8"]
    if homedir is not None:
        command += ["--homedir", str(homedir)]
    try:
        done = subprocess.run(
            [*command, *arguments],
            input=data,
            capture_output=True,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
        )
    except FileNotFoundError:
        raise DeviceError("gpg is not installed", hint="install the package gnupg") from None
    lines = done.stderr.decode("utf-8", "replace").splitlines()
    status = [line.removeprefix(_STATUS).split(" ") for line in lines if line.startswith(_STATUS)]
    if done.returncode:
        said = [line for line in lines if not line.startswith(_STATUS)]
        raise DeviceError(
            f"{what}: {said[-1] if said else 'gpg failed'}", hint="gpg --list-secret-keys lists the keys"
        )
    return done.stdout, status


def sign(key: str, message: bytes, *, homedir: Path | None = None) -> bytes:
    """A binary detached signature over `message` by the key that gpg calls `key`. Raises DeviceError."""
    signature, status = _gpg(
        f"sign as {key}", ["--detach-sign", "--local-user", key, "--output", "-"], message, homedir
    )
    if not any(words[0] == "SIG_CREATED" and words[1] == "D" for words in status):
        raise DeviceError("gpg does not say that it made a signature")
    return signature


@contextmanager
def card_released() -> Iterator[None]:
    """Within, gpg does not hold the card. Raises DeviceError.

    The daemon that holds it takes a moment to end, and the agent some seconds to find that it has ended;
    until then every use of a card fails.
    """
    try:
        subprocess.run(["gpgconf", "--kill", "scdaemon"], check=False, capture_output=True)
        _await_scdaemon(there=False)
        yield
        _await_scdaemon(there=True)
    except FileNotFoundError:
        raise DeviceError("gpgconf is not installed", hint="install the package gnupg") from None


def _await_scdaemon(*, there: bool) -> None:
    ask = ["gpg-connect-agent", "--no-autostart", "SCD GETINFO pid", "/bye"]
    for _ in range(_AWAIT_TRIES):
        answer = subprocess.run(ask, check=False, capture_output=True).stdout
        if (b"ERR" not in answer) is there:
            return
        time.sleep(_AWAIT_SECONDS)


def export(key: str, *, homedir: Path | None = None) -> bytes:
    """The binary certificate of `key`, without the signatures of others. Raises DeviceError."""
    certificate, _ = _gpg(
        f"export {key}", ["--export-options", "export-minimal", "--export", "--", key], b"", homedir
    )
    if not certificate:
        raise DeviceError(f"gpg knows no key {key!r}", hint="gpg --list-keys lists the keys")
    return certificate
