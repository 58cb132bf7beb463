# SPDX-License-Identifier: Apache-2.0
"""Keys and certificates in files, as the producing verbs are given them by name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bundlefmt.cli import given_file, reading
from bundlefmt.cli.key_file import private_key
from bundlefmt.cli.run import UsageError
from bundlefmt.errors import MalformedError
from bundlefmt.evidence import openpgp, x509
from bundletools import secret_keys
from bundletools.capture import Identity

__all__ = ["identities", "identity", "private_key"]


def identity(path: Path, part: str, *, at: int) -> Identity:
    """The certificate in `path`, recognised by its content: OpenPGP binary, or X.509 PEM or DER.

    Raises UsageError, also where the certificate cannot seal `at` that time: a capture that nobody can
    seal is found out before it is made.
    """
    data = given_file.read(path)
    secret_keys.refuse(data, str(path))
    try:
        facts = openpgp.certificate_facts(data)
    except (openpgp.OpenPgpError, MalformedError) as error:
        return Identity(data=_x509(path, str(error), at), role="piv-certificate", part=part)
    if facts.revoked or (facts.expires is not None and facts.expires <= at):
        raise UsageError(f"{path}: this key is {'revoked' if facts.revoked else 'expired'}")
    return Identity(data=data, role="openpgp-certificate", part=part)


def _x509(path: Path, why_not_openpgp: str, at: int) -> bytes:
    try:
        reading.certificates(path)
    except UsageError:
        raise UsageError(
            f"{path} is neither a binary OpenPGP nor an X.509 certificate: {why_not_openpgp}",
            hint="gpg --export KEY writes a binary OpenPGP certificate",
        ) from None
    found = reading.certificate(path)
    facts = x509.facts(found)
    if not facts.not_before <= at <= facts.not_after:
        raise UsageError(f"{path}: this certificate is not valid now")
    return found


def identities(operators: Sequence[Path], witnesses: Sequence[Path], *, at: int) -> list[Identity]:
    """Who is to seal. Raises UsageError where there is nobody, or one who plays two parts."""
    found = [identity(path, "operator", at=at) for path in operators]
    found += [identity(path, "witness", at=at) for path in witnesses]
    if not found:
        raise UsageError("no identity is to seal this", hint="name a certificate with --operator")
    if len({each.data for each in found}) < len(found):
        raise UsageError("a certificate is named twice", hint="operators and witnesses are different people")
    return found
