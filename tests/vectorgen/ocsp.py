# SPDX-License-Identifier: Apache-2.0
"""OCSP responses, written field by field, so that they are the same each time (RFC 6960 4.2.1)."""

from __future__ import annotations

import datetime
import hashlib
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.vectorgen import keys
from tests.vectorgen.certificates import tlv
from tests.vectorgen.plain import CREATED

DAY: Final = 86400
_SHA1: Final = bytes.fromhex("300906052b0e03021a0500")
_ECDSA_SHA256: Final = bytes.fromhex("300a06082a8648ce3d040302")
_BASIC: Final = bytes.fromhex("06092b0601050507300101")
GOOD: Final = b"\x80\x00"


def moment(seconds: int) -> bytes:
    text = datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y%m%d%H%M%SZ")
    return tlv(0x18, text.encode())


def revoked(since: int) -> bytes:
    """A certificate's status: revoked, for no reason that is given."""
    return tlv(0xA1, moment(since))


def response(
    certificate: bytes,
    issuer: bytes,
    signer: ec.EllipticCurvePrivateKey,
    *,
    status: bytes = GOOD,
    updates: tuple[int, int] = (CREATED - DAY, CREATED + DAY),
    delegate: bytes | None = None,
) -> bytes:
    """What `signer` says of a certificate; `delegate` is the certificate that the response brings along."""
    above = x509.load_der_x509_certificate(issuer)
    spki = above.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    name = hashlib.sha1(above.subject.public_bytes(), usedforsecurity=False).digest()
    key = hashlib.sha1(spki, usedforsecurity=False).digest()
    number = x509.load_der_x509_certificate(certificate).serial_number
    serial = tlv(2, number.to_bytes(number.bit_length() // 8 + 1, "big"))
    named = tlv(0x30, _SHA1 + tlv(4, name) + tlv(4, key) + serial)
    answer = tlv(0x30, named + status + moment(updates[0]) + tlv(0xA0, moment(updates[1])))
    said = tlv(0x30, tlv(0xA2, tlv(4, key)) + moment(updates[0]) + tlv(0x30, answer))
    signature = tlv(0x03, b"\x00" + keys.ecdsa_der(signer, said))
    brought = b"" if delegate is None else tlv(0xA0, tlv(0x30, delegate))
    basic = tlv(0x30, said + _ECDSA_SHA256 + signature + brought)
    return tlv(0x30, b"\x0a\x01\x00" + tlv(0xA0, tlv(0x30, _BASIC + tlv(4, basic))))
