# SPDX-License-Identifier: Apache-2.0
"""What installed programs say of an OpenPGP signature: gpg by its status lines, sqv by its exit status."""

from __future__ import annotations

import subprocess
from pathlib import Path


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, errors="replace")


def written(folder: Path, certificate: bytes, signature: bytes, message: bytes) -> tuple[Path, Path, Path]:
    """The three as files."""
    paths = (folder / "certificate.pgp", folder / "signature.sig", folder / "message")
    for path, data in zip(paths, (certificate, signature, message), strict=True):
        path.write_bytes(data)
    return paths


def gpg_status(folder: Path, at: int) -> set[str]:
    """The first words of gpg's status lines for files that were `written`, with its clock at `at`.

    Its exit status is 0 for revoked and expired keys, too.
    """
    home = folder / "home"
    home.mkdir(mode=0o700)
    gpg = ("gpg", "--homedir", home, "--batch", "--no-autostart", "--status-fd", "1")
    run(*gpg, "--import", folder / "certificate.pgp")
    verify = ("--faked-system-time", str(at), "--verify", folder / "signature.sig", folder / "message")
    lines = run(*gpg, *verify).stdout.splitlines()
    return {line.split(" ")[1] for line in lines if line.startswith("[GNUPG:] ")}


def gpg_accepts(folder: Path, at: int) -> bool:
    return {"GOODSIG", "VALIDSIG"} <= gpg_status(folder, at)


def sqv_accepts(folder: Path) -> bool:
    """sqv judges a key at the time of the signature."""
    keyring = folder / "certificate.pgp"
    return run("sqv", "--keyring", keyring, folder / "signature.sig", folder / "message").returncode == 0
