# SPDX-License-Identifier: Apache-2.0
"""Facts from certificates as other rooms want them: loading, splitting, the key, what one says of itself.

RFC 5280; PEM by RFC 7468.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from bundlefmt.errors import MalformedError
from bundlefmt.evidence import der
from bundlefmt.evidence.certificate import Certificate, CertificateError
from bundlefmt.evidence.x509_signature import key_spki, load_key
from bundlefmt.wire import Buffer, Reader

__all__ = [
    "Certificate",
    "CertificateError",
    "CertificateFacts",
    "certificate_spki",
    "facts",
    "key_spki",
    "load",
    "public_key",
    "split_der",
    "split_pem",
]
_PADDING: Final = b"\x00\xff"
_PEM: Final = re.compile(rb"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----")


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFacts:
    """What one certificate says; nothing of it is judged here. Times are seconds since the epoch.

    `spki` is its key in the form of `key_spki`, or as it stands where the key is of no kind known here.
    """

    subject: str
    issuer: str
    serial: int
    not_before: int
    not_after: int
    sha256: bytes
    spki: bytes


def load(data: Buffer) -> Certificate:
    """Exactly one DER certificate. Raises CertificateError."""
    try:
        return Certificate.decode(data)
    except MalformedError as error:
        raise CertificateError(f"not one DER certificate: {error}") from None


def split_der(row: bytes) -> list[bytes]:
    """The DER certificates in a row, as TPMs keep them: padding of 00 or ff behind the last is left out.

    Only the outer framing is looked at. Raises CertificateError where something else stands there.
    """
    found, reader = [], Reader(row, path="certificates")
    while reader.offset < len(row.rstrip(_PADDING)):
        try:
            element = der.expect(der.read_element(reader), der.SEQUENCE, reader.path)
        except MalformedError as error:
            raise CertificateError(f"not a row of DER certificates: {error}") from None
        found.append(element.raw)
    if not found:
        raise CertificateError("no certificate")
    return found


def split_pem(text: bytes) -> list[bytes]:
    """The DER in each PEM block, in order; text around is let be. Raises CertificateError if none is."""
    try:
        found = [binascii.a2b_base64(block) for block in _PEM.findall(text)]
    except binascii.Error as error:
        raise CertificateError(f"PEM that is not base64: {error}") from None
    if not found or len(found) != text.count(b"-----BEGIN CERTIFICATE-----"):
        raise CertificateError("no PEM certificates, or one that is cut short")
    return found


def public_key(data: Buffer) -> PublicKeyTypes:
    """The certificate's key as cryptography has it. Raises CertificateError."""
    return load_key(load(data).spki)


def certificate_spki(certificate: Certificate) -> bytes:
    """The certificate's key in the form of `key_spki`; as it stands where it is of no kind known here."""
    try:
        return key_spki(load_key(certificate.spki))
    except CertificateError:
        return certificate.spki


def facts(data: Buffer) -> CertificateFacts:
    """Raises CertificateError."""
    certificate = load(data)
    return CertificateFacts(
        subject=str(certificate.subject),
        issuer=str(certificate.issuer),
        serial=certificate.serial,
        not_before=certificate.not_before,
        not_after=certificate.not_after,
        sha256=hashlib.sha256(data).digest(),
        spki=certificate_spki(certificate),
    )
