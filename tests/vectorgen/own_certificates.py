# SPDX-License-Identifier: Apache-2.0
"""The two kinds of certificate that this format defines, and their extensions, written by hand.

Spec: "Certificates of this format".
"""

from __future__ import annotations

from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.vectorgen import certificates, keys
from tests.vectorgen.certificates import VALIDITY, tlv

_ARC: Final = "2.25.301811018989160515094759140174596903577"
OPERATOR: Final = "Evidence Bundle Test Operator p256 (test key)"
CROSS: Final = "Evidence Bundle Test Operator OpenPGP (test key)"
BINDING: Final = "Evidence Bundle Test TPM Signing Key (test key)"
_VERSION: Final = b"\x02\x01\x01"
Extension = tuple[x509.ExtensionType, bool]
# a sequence that says it is longer than it is
CONSTRAINTS_CUT_SHORT: Final[Extension] = (
    x509.UnrecognizedExtension(x509.ExtensionOID.BASIC_CONSTRAINTS, b"\x30\x03\x01"),
    True,
)


def _extension(number: int, value: bytes, *, critical: bool = False) -> Extension:
    return x509.UnrecognizedExtension(x509.ObjectIdentifier(f"{_ARC}.{number}"), value), critical


def openpgp_key(fingerprint: bytes) -> Extension:
    return _extension(2, tlv(0x30, _VERSION + tlv(4, fingerprint)))


def tpm_binding(
    ek: CertificatePublicKeyTypes,
    ak_name: bytes,
    key_name: bytes,
    *,
    version: bytes = _VERSION,
    critical: bool = False,
) -> Extension:
    spki = ek.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    value = tlv(0x30, version + spki + tlv(4, ak_name) + tlv(4, key_name))
    return _extension(1, value, critical=critical)


def issued(
    subject: str,
    key: CertificatePublicKeyTypes,
    *extensions: Extension,
    issuer: str = OPERATOR,
    signer: ec.EllipticCurvePrivateKey | None = None,
    validity: tuple[int, int] = VALIDITY,
    is_authority: bool = False,
    constraints: Extension = certificates.NO_AUTHORITY,
    usage: tuple[str, ...] = ("digital_signature",),
) -> bytes:
    """A certificate by a PIV key, the operator's unless another is given."""
    said = (certificates.usages(*usage), True)
    given = certificates.authority() if is_authority else (constraints, said)
    return certificates.certificate(
        subject,
        key,
        issuer,
        signer or keys.ec_key("operator p256"),
        validity=validity,
        extensions=(*given, *extensions),
    )


def revocation_list(*revoked: bytes) -> bytes:
    """The list of the operator's PIV key."""
    return certificates.revocation_list(*revoked, name=OPERATOR, key=keys.ec_key("operator p256"))
