# SPDX-License-Identifier: Apache-2.0
"""Facts from one X.509 certificate, and whether a chain leads to given anchors.

RFC 5280; EK certificates by the TCG EK Credential Profile 2.x (critical SAN, EKU 2.23.133.8.1).
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from asn1crypto import parser
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import verification

from bundlefmt.wire import Buffer

EKU_EK_CERTIFICATE: Final = x509.ObjectIdentifier("2.23.133.8.1")
MAX_CHAIN: Final = 8
_DER_SEQUENCE: Final = 0x30


class CertificateError(ValueError):
    """A certificate or chain that cannot be used; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFacts:
    """What one certificate says; nothing of it is judged here. Times are seconds since the epoch."""

    subject: str
    issuer: str
    serial: int
    not_before: int
    not_after: int
    sha256: bytes
    spki: bytes


def load(data: Buffer) -> x509.Certificate:
    """Exactly one DER certificate. Raises CertificateError."""
    try:
        return x509.load_der_x509_certificate(bytes(data))
    except (ValueError, x509.InvalidVersion) as error:
        raise CertificateError(f"not one DER certificate that can be read: {str(error)[:120]}") from None


def split_der(row: bytes) -> list[bytes]:
    """The DER certificates in a row, as TPMs keep them: padding of 00 or ff behind the last is left out.

    Only the outer framing is looked at. Raises CertificateError where something else stands there.
    """
    found, rest = [], row
    while rest.strip(b"\x00\xff"):
        try:
            _, _, _, header, content, trailer = parser.parse(rest)
        except ValueError as error:
            raise CertificateError(f"not a row of DER certificates: {error}") from None
        if header[0] != _DER_SEQUENCE:
            raise CertificateError("not a row of DER certificates")
        size = len(header) + len(content) + len(trailer)
        found.append(rest[:size])
        rest = rest[size:]
    if not found:
        raise CertificateError("no certificate")
    return found


def public_key(data: Buffer) -> CertificatePublicKeyTypes:
    """The certificate's key as cryptography loads it. Raises CertificateError."""
    try:
        return load(data).public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise CertificateError(f"the certificate's key cannot be read: {error}") from None


def key_spki(key: CertificatePublicKeyTypes) -> bytes:
    """SubjectPublicKeyInfo of a public key, the form in which keys are compared."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def facts(data: Buffer) -> CertificateFacts:
    """Raises CertificateError."""
    certificate = load(data)
    try:
        return CertificateFacts(
            subject=certificate.subject.rfc4514_string(),
            issuer=certificate.issuer.rfc4514_string(),
            serial=certificate.serial_number,
            not_before=int(certificate.not_valid_before_utc.timestamp()),
            not_after=int(certificate.not_valid_after_utc.timestamp()),
            sha256=hashlib.sha256(data).digest(),
            spki=key_spki(public_key(data)),
        )
    except ValueError as error:
        raise CertificateError(f"the certificate cannot be read: {error}") from None


def check_ek_chain(leaf: Buffer, issuers: Sequence[Buffer], anchors: Sequence[Buffer], at: int) -> None:
    """Raises CertificateError unless EK certificate `leaf` leads to `anchors`, all valid at `at`."""
    permit = verification.ExtensionPolicy.permit_all()
    ca = permit.require_present(x509.BasicConstraints, verification.Criticality.AGNOSTIC, None)
    ee = permit.require_present(x509.ExtendedKeyUsage, verification.Criticality.AGNOSTIC, _has_ek_usage)
    try:
        verifier = (
            verification.PolicyBuilder()
            .store(verification.Store([load(anchor) for anchor in anchors]))
            .time(datetime.datetime.fromtimestamp(at, datetime.UTC))
            .max_chain_depth(MAX_CHAIN)
            .extension_policies(ca_policy=ca, ee_policy=ee)
            .build_client_verifier()
        )
        chain = verifier.verify(load(leaf), [load(issuer) for issuer in issuers]).chain
    except (verification.VerificationError, OverflowError, ValueError, OSError) as error:
        raise CertificateError(f"no chain to an anchor: {error}") from None
    if len(chain) < 2:
        raise CertificateError("the EK certificate is itself the anchor")


def _has_ek_usage(
    _policy: verification.Policy, _certificate: x509.Certificate, usage: x509.ExtendedKeyUsage
) -> None:
    if EKU_EK_CERTIFICATE not in usage:
        raise ValueError("extended key usage 2.23.133.8.1 is missing")
