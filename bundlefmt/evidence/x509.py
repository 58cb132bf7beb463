# SPDX-License-Identifier: Apache-2.0
"""Facts from certificates as other rooms want them: loading, splitting, the key, what one says of itself.

RFC 5280; PEM by RFC 7468.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from typing import Final

from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from bundlefmt.errors import MalformedError
from bundlefmt.evidence import der
from bundlefmt.evidence.certificate import Certificate, CertificateError
from bundlefmt.evidence.x509_signature import key_spki, load_key
from bundlefmt.frozen import frozen
from bundlefmt.wire import Buffer

__all__ = [
    "Certificate",
    "CertificateError",
    "CertificateFacts",
    "certificate_spki",
    "facts",
    "holds_secret_key",
    "key_spki",
    "load",
    "public_key",
    "public_spki",
    "split_der",
    "split_pem",
]
# PEM, or DER of PKCS #8, SEC 1 and PKCS #1: a sequence that begins with a version and what only keys have
_SECRET: Final = re.compile(
    rb"-----BEGIN [A-Z ]*PRIVATE KEY-----"
    rb"|\A\x30(?:[\x00-\x7f]|\x81.|\x82..)\x02\x01(?:\x00\x30|\x01\x04|\x00\x02\x82)",
    re.DOTALL,
)
_ROW: Final = "certificates"
_PADDING: Final = b"\x00\xff"
_PUBLIC: Final = re.compile(rb"-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----")
_PEM: Final = re.compile(rb"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----")


@frozen
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
    """Exactly one DER certificate. Raises CertificateError, which says what stands there instead."""
    try:
        return Certificate.decode(data)
    except MalformedError as error:
        raise CertificateError(_instead(bytes(data)) or f"not one DER certificate: {error}") from None


def holds_secret_key(data: bytes) -> bool:
    """Whether a secret key stands somewhere in PEM, or is all that there is in DER."""
    return _SECRET.search(data) is not None


def _instead(data: bytes) -> str | None:
    """What was taken for one DER certificate, as far as it can be told."""
    if holds_secret_key(data):
        return "this holds a SECRET key, which has no place in a bundle"
    if b"-----BEGIN CERTIFICATE-----" in data:
        return "PEM, not DER: openssl x509 -in FILE -outform DER writes the certificate"
    try:
        return f"{count} certificates, where one is due" if (count := len(split_der(data))) > 1 else None
    except CertificateError:
        return None


def split_der(row: bytes) -> list[bytes]:
    """The DER certificates in a row, as TPMs keep them: padding of 00 or ff behind the last is left out.

    Only the outer framing is looked at. Raises CertificateError where something else stands there.
    """
    found, start, end = list[bytes](), 0, len(row.rstrip(_PADDING))
    while start < end:
        try:
            element = der.expect(der.read_element(row, start, path=_ROW), der.SEQUENCE, _ROW)
        except MalformedError as error:
            raise CertificateError(f"not a row of DER certificates: {error}") from None
        found.append(element.raw)
        start += len(element.raw)
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


def public_spki(data: bytes) -> bytes:
    """The one SubjectPublicKeyInfo in PEM or DER, in the form of `key_spki`. Raises CertificateError."""
    found = _PUBLIC.findall(data)
    try:
        raw = binascii.a2b_base64(found[0]) if len(found) == 1 else data
    except binascii.Error as error:
        raise CertificateError(f"PEM that is not base64: {error}") from None
    return key_spki(load_key(raw))


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
