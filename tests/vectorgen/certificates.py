# SPDX-License-Identifier: Apache-2.0
"""X.509 test certificates: the operators' and witnesses', and those of a manufacturer that there is not."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from functools import cache
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID, ObjectIdentifier

from tests.vectorgen import keys
from tests.vectorgen.plain import CREATED

YEAR: Final = 365 * 86400
VALIDITY: Final = (CREATED - YEAR, CREATED + 20 * YEAR)
NO_AUTHORITY: Final = (x509.BasicConstraints(ca=False, path_length=None), True)
EK_USAGE: Final = ObjectIdentifier("2.23.133.8.1")
_MANUFACTURER, _MODEL, _FIRMWARE = (ObjectIdentifier(f"2.23.133.2.{number}") for number in (1, 2, 3))
IssuerKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A key, the COSE algorithm it seals with, and its certificate (DER)."""

    alg: int
    key: keys.PrivateKey
    certificate: bytes


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def certificate(
    subject: str,
    key: CertificatePublicKeyTypes,
    issuer: str,
    issuer_key: IssuerKey,
    *,
    validity: tuple[int, int] = VALIDITY,
    extensions: tuple[tuple[x509.ExtensionType, bool], ...] = (),
) -> bytes:
    """DER; `validity` in seconds since the epoch, `extensions` each with whether it is critical."""
    start, end = (datetime.datetime.fromtimestamp(moment, datetime.UTC) for moment in validity)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject) if subject else x509.Name([]))
        .issuer_name(_name(issuer))
        .public_key(key)
        .serial_number(int.from_bytes(keys.seed(f"{subject} by {issuer}")[:15], "big"))
        .not_valid_before(start)
        .not_valid_after(end)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    is_ec = isinstance(issuer_key, ec.EllipticCurvePrivateKey)
    signed = builder.sign(
        issuer_key,
        None if isinstance(issuer_key, ed25519.Ed25519PrivateKey) else hashes.SHA256(),
        ecdsa_deterministic=True if is_ec else None,
    )
    return signed.public_bytes(Encoding.DER)


def authority(path_length: int | None = None) -> tuple[tuple[x509.ExtensionType, bool], ...]:
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    return ((x509.BasicConstraints(ca=True, path_length=path_length), True), (usage, True))


@cache
def operator(kind: str = "p256", *, validity: tuple[int, int] = VALIDITY, who: str = "operator") -> Identity:
    """A self-signed authority as on a PIV card; the one of ML-DSA is issued by an Ed25519 key."""
    key, alg = _operator_key(kind, who)
    subject = f"Evidence Bundle Test {who.title()} {kind} (test key)"
    issuer_key = keys.ed25519_key("ml-dsa issuer") if isinstance(key, mldsa.MLDSA65PrivateKey) else key
    issuer = "Evidence Bundle Test Issuer (test key)" if issuer_key is not key else subject
    der = certificate(
        subject, key.public_key(), issuer, issuer_key, validity=validity, extensions=authority()
    )
    return Identity(alg=alg, key=key, certificate=der)


def _operator_key(kind: str, who: str) -> tuple[keys.PrivateKey, int]:
    match kind:
        case "p256" | "p384" | "p521":
            alg = {"p256": keys.ESP256, "p384": keys.ESP384, "p521": keys.ESP512}[kind]
            return keys.ec_key(f"{who} {kind}", kind), alg
        case "k256":
            return keys.ec_key(f"{who} {kind}", kind), keys.ESP256
        case "ed25519":
            return keys.ed25519_key(who), keys.ED25519
        case "ml-dsa-65":
            return keys.ml_dsa_key(who), keys.ML_DSA_65
        case "rsa1024":
            return keys.rsa_key(f"{who}-rsa1024", 1024), keys.PS256
        case _:
            return keys.rsa_key(f"{who}-rsa2048"), keys.PS256


ROOT: Final = "Evidence Bundle Test TPM Root (test key)"
ISSUER: Final = "Evidence Bundle Test TPM Issuer (test key)"


@cache
def manufacturer_root(name: str = ROOT) -> bytes:
    """The anchor: what a verifier would have from a manufacturer."""
    key = keys.ec_key(name)
    return certificate(name, key.public_key(), name, key, extensions=(*authority(), *_identifiers(key, key)))


@cache
def manufacturer_issuer(*, is_authority: bool = True) -> bytes:
    """The intermediate certificate, issued by the root."""
    key, root = keys.ec_key(ISSUER), keys.ec_key(ROOT)
    extensions = authority(0) if is_authority else (NO_AUTHORITY,)
    return certificate(
        ISSUER, key.public_key(), ROOT, root, extensions=(*extensions, *_identifiers(key, root))
    )


def _identifiers(key: IssuerKey, issuer_key: IssuerKey) -> tuple[tuple[x509.ExtensionType, bool], ...]:
    subject = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    return ((subject, False), (issuer, False))


def ek_certificate(
    key: CertificatePublicKeyTypes,
    *,
    usage: ObjectIdentifier = EK_USAGE,
    validity: tuple[int, int] = VALIDITY,
) -> bytes:
    """TCG EK Credential Profile: empty subject, critical alternative name with the TPM's maker and model."""
    issuer_key = keys.ec_key(ISSUER)
    tpm = x509.Name(
        [
            x509.NameAttribute(_MANUFACTURER, "id:54455354"),
            x509.NameAttribute(_MODEL, "Test TPM"),
            x509.NameAttribute(_FIRMWARE, "id:00010000"),
        ]
    )
    extensions: tuple[tuple[x509.ExtensionType, bool], ...] = (
        (x509.SubjectAlternativeName([x509.DirectoryName(tpm)]), True),
        NO_AUTHORITY,
        (x509.ExtendedKeyUsage([usage]), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), False),
    )
    return certificate("", key, ISSUER, issuer_key, validity=validity, extensions=extensions)
