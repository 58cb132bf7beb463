# SPDX-License-Identifier: Apache-2.0
"""What the command line reads from its arguments: pins, times, certificates."""

from __future__ import annotations

import datetime
import stat
import string
from pathlib import Path
from typing import TYPE_CHECKING

from bundlefmt.bundle import Bundle, map_file
from bundlefmt.challenge import Kept
from bundlefmt.cli import given_file
from bundlefmt.cli.run import UsageError
from bundlefmt.evidence.pcr import decode_pcr_values
from bundlefmt.evidence.x509 import CertificateError, load, public_spki, split_pem
from bundlefmt.labels import MAGIC

if TYPE_CHECKING:
    from bundlefmt.evidence.reference import Reference

_SECONDS = range(9, 13)  # digits; eight are a date, and so short a time is none of a certificate
_PEM = b"-----BEGIN CERTIFICATE-----"


def fingerprint(text: str) -> str:
    """An OpenPGP fingerprint (v4 or v6) as lower-case hexadecimal; spaces and colons are allowed."""
    cleaned = _hex(text)
    if len(cleaned) not in (40, 64):
        raise UsageError(f"{text!r} is not an OpenPGP fingerprint", hint="40 or 64 hexadecimal digits")
    return cleaned


def sha256(text: str) -> bytes:
    """The SHA-256 of a certificate in hexadecimal; spaces and colons are allowed."""
    cleaned = _hex(text)
    if len(cleaned) != 64:
        raise UsageError(
            f"{text!r} is not a SHA-256 digest",
            hint="openssl x509 -in CERT -outform DER | sha256sum prints it",
        )
    return bytes.fromhex(cleaned)


def block(text: str) -> bytes:
    """The hash of a block of Bitcoin as people write it, the greatest byte first."""
    cleaned = _hex(text)
    if len(cleaned) != 64:
        raise UsageError(
            f"{text!r} is not the hash of a block", hint="bitcoin-cli getblockhash HEIGHT prints it"
        )
    return bytes.fromhex(cleaned)


def _hex(text: str) -> str:
    """The hexadecimal digits of `text` in lower case; empty where there is anything else."""
    cleaned = "".join(text.split()).replace(":", "").lower().removeprefix("0x")
    return cleaned if all(char in string.hexdigits for char in cleaned) else ""


def moment(text: str) -> int:
    """A time: seconds since the epoch, or ISO 8601 (UTC where no zone is given)."""
    try:
        if text.isascii() and text.isdigit() and len(text) in _SECONDS:
            return int(text)
        parsed = datetime.datetime.fromisoformat(text)
        found = int((parsed if parsed.tzinfo else parsed.replace(tzinfo=datetime.UTC)).timestamp())
    except (ValueError, OverflowError):
        found = -1
    if found < 0:
        raise UsageError(f"{text!r} is not a time", hint="2026-11-24, 2026-11-24T12:00:00Z or seconds")
    return found


def certificates(path: Path) -> list[bytes]:
    """The DER certificates in a PEM or DER file."""
    return certificates_in(given_file.read(path), path)


def certificates_in(data: bytes, path: Path, *, what: str = "certificate") -> list[bytes]:
    """The same of what was read from it; `what` was asked for, in words."""
    try:
        found = split_pem(data) if in_pem(data) else [data]
        for each in found:
            load(each)
    except CertificateError as error:
        raise UsageError(f"{path} holds no {what} that can be read: {error}") from None
    return found


def in_pem(data: bytes) -> bool:
    """Whether it holds certificates in PEM, perhaps beside other things."""
    return _PEM in data


def log_keys(path: Path) -> list[bytes]:
    """The DER certificates of logs in a file, or the one public key in it (SubjectPublicKeyInfo, DER)."""
    data = given_file.read(path)
    try:
        return [public_spki(data)]
    except CertificateError:
        return certificates_in(data, path, what="certificate or public key")


def certificate(path: Path) -> bytes:
    """The one DER certificate in a PEM or DER file."""
    found = certificates(path)
    if len(found) != 1:
        raise UsageError(f"{path} holds {len(found)} certificates, one is wanted")
    return found[0]


def kept(path: Path) -> Kept:
    """What the verifier kept of a challenge. Raises UsageError where somebody else could have written it."""
    if path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise UsageError(
            f"{path} can be written by others: it is not your own knowledge", hint=f"chmod 600 {path}"
        )
    return Kept.decode(map_file(path))


def reference(path: Path) -> Reference:
    """Reference values in a file of any kind; of a bundle, the PCR values that it quotes."""
    from bundlefmt.evidence.reference import Reference

    data = map_file(path)
    if bytes(data[: len(MAGIC)]) != MAGIC:
        return Reference.decode(data, path.name)
    return quoted(Bundle.decode(data), path.name)


def quoted(bundle: Bundle, name: str) -> Reference:
    """All PCR values in a bundle, of artifacts with the digest that was sealed. Raises MalformedError."""
    items = ((bundle.content.get(label), item) for label, item in bundle.manifest.items.items())
    sealed = [
        record.value
        for record, item in items
        if item.role == "pcr-values" and record is not None and item.digest.matches(record.value)
    ]
    from bundlefmt.evidence.reference import Reference

    return Reference.of(map(decode_pcr_values, sealed), name)
