# SPDX-License-Identifier: Apache-2.0
"""What the command line reads from its arguments: pins, times, certificates."""

from __future__ import annotations

import datetime
from pathlib import Path

from bundlefmt.cli.run import UsageError
from bundlefmt.evidence.x509 import CertificateError, load, split_pem

_MAX_DIGITS = 12  # seconds far beyond the calendar
_PEM = b"-----BEGIN CERTIFICATE-----"


def fingerprint(text: str) -> str:
    """An OpenPGP fingerprint (v4 or v6) as lower-case hexadecimal; spaces are allowed."""
    cleaned = text.replace(" ", "").lower().removeprefix("0x")
    if len(cleaned) not in (40, 64) or not _is_hex(cleaned):
        raise UsageError(f"{text!r} is not an OpenPGP fingerprint", hint="40 or 64 hexadecimal digits")
    return cleaned


def sha256(text: str) -> bytes:
    """A SHA-256 digest in hexadecimal; colons are allowed."""
    cleaned = text.replace(":", "").lower()
    if len(cleaned) != 64 or not _is_hex(cleaned):
        raise UsageError(
            f"{text!r} is not a SHA-256 digest",
            hint="openssl x509 -in CERT -outform DER | sha256sum prints it",
        )
    return bytes.fromhex(cleaned)


def _is_hex(text: str) -> bool:
    return all(char in "0123456789abcdef" for char in text)


def moment(text: str) -> int:
    """A time: seconds since the epoch, or ISO 8601 (UTC where no zone is given)."""
    if text.isascii() and text.isdigit() and 4 < len(text) <= _MAX_DIGITS:
        return int(text)
    try:
        parsed = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{text!r} is not a time", hint="2026-11-24, 2026-11-24T12:00:00Z or seconds"
        ) from None
    return int((parsed if parsed.tzinfo else parsed.replace(tzinfo=datetime.UTC)).timestamp())


def certificates(path: Path) -> list[bytes]:
    """The DER certificates in a PEM or DER file."""
    data = path.read_bytes()
    try:
        found = split_pem(data) if _PEM in data else [data]
        for each in found:
            load(each)
    except CertificateError as error:
        raise UsageError(f"{path} holds no certificate that can be read: {error}") from None
    return found
