# SPDX-License-Identifier: Apache-2.0
"""Steps of the archive: its ML-DSA-65 key in a file, and its seal beside those of the people (RFC 9964)."""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bundlefmt.bundle import Bundle
from bundlefmt.cli import reading
from bundlefmt.cli.files import refuse_existing, write_atomic
from bundlefmt.cli.run import UsageError
from bundlefmt.cose import KeySigner
from bundlefmt.evidence import x509
from bundletools import keyfiles, sealing
from bundletools.ceremony.desk import Desk
from bundletools.ceremony.machine import whole
from bundletools.ceremony.plan import YEAR, ArchivePart
from bundletools.token_certificate import Validity, self_signed

CERTIFICATE: Final = "archive.certificate"
SEAL: Final = "seal.archive"
_PART: Final = "archive.der"


def prepare(desk: Desk, part: ArchivePart) -> dict[str, bytes]:
    """The archive's certificate, which fits its key: those that are there, or new ones."""
    now = desk.clock()
    if part.certificate is None:
        key = _made(desk, part)
        validity = Validity(start=now, end=now + part.years * YEAR)
        certificate = self_signed(KeySigner(key), key.public_key(), part.subject, validity)
    else:
        key, certificate = _read(part), reading.certificate(part.certificate)
    facts = x509.facts(certificate)
    if x509.key_spki(x509.public_key(certificate)) != x509.key_spki(key.public_key()):
        raise UsageError(f"{part.certificate} is the certificate of another key than that in {part.key}")
    if not facts.not_before <= now <= facts.not_after:
        raise UsageError(f"{part.certificate}: this certificate is not valid now")
    return {_PART: certificate}


def _made(desk: Desk, part: ArchivePart) -> MLDSA65PrivateKey:
    """A new key in a file that was not there; one that a broken ceremony has made is taken."""
    if desk.journal.begun(CERTIFICATE) and part.key.exists():
        return _read(part)
    refuse_existing(part.key, force=False)
    try:
        key = MLDSA65PrivateKey.generate()
    except UnsupportedAlgorithm:
        raise UsageError(
            "no ML-DSA-65 key can be made here", hint="key and certificate from elsewhere"
        ) from None
    desk.journal.begin(CERTIFICATE, desk.clock())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_atomic(part.key, [pem], private=True)
    return key


def _read(part: ArchivePart) -> MLDSA65PrivateKey:
    key = keyfiles.private_key(part.key)
    if not isinstance(key, MLDSA65PrivateKey):
        raise UsageError(f"{part.key}: the archive's key is one of ML-DSA-65")
    return key


def seal(desk: Desk, part: ArchivePart, before: tuple[str, str]) -> dict[str, bytes]:
    """A seal as a later witness: whom the manifest names is not changed by it."""
    bundle = Bundle.decode(desk.journal.part(*before))
    certificate = desk.journal.part(CERTIFICATE, _PART)
    sealed = sealing.seal_cose(bundle, KeySigner(_read(part)), certificate, issued_at=desk.clock())
    return {f"{SEAL}.evb": whole(sealed)}
