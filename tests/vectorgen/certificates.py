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
AK_USAGE: Final = ObjectIdentifier("2.23.133.8.3")
AK_SUBJECT: Final = "Evidence Bundle Test Attestation Key (test key)"
_MANUFACTURER, _MODEL, _FIRMWARE = (ObjectIdentifier(f"2.23.133.2.{number}") for number in (1, 2, 3))
IssuerKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
DIGESTS: Final = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384()}


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
    digest: str = "sha256",
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
        None if isinstance(issuer_key, ed25519.Ed25519PrivateKey) else DIGESTS[digest],
        ecdsa_deterministic=True if is_ec else None,
    )
    return signed.public_bytes(Encoding.DER)


def usages(*bits: str) -> x509.KeyUsage:
    every = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{bit: bit in bits for bit in every})


def authority(path_length: int | None = None) -> tuple[tuple[x509.ExtensionType, bool], ...]:
    usage = usages("digital_signature", "key_cert_sign", "crl_sign")
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
def manufacturer_issuer(
    *, is_authority: bool = True, kind: str | None = None, digest: str = "sha256"
) -> bytes:
    """The intermediate certificate, issued by the root; `kind` is the name of a kept RSA key."""
    key: IssuerKey = keys.ec_key(ISSUER) if kind is None else keys.rsa_key(kind)
    root = keys.ec_key(ROOT)
    extensions = authority(0) if is_authority else (NO_AUTHORITY,)
    return certificate(
        ISSUER,
        key.public_key(),
        ROOT,
        root,
        extensions=(*extensions, *_identifiers(key, root)),
        digest=digest,
    )


def _identifiers(key: IssuerKey, issuer_key: IssuerKey) -> tuple[tuple[x509.ExtensionType, bool], ...]:
    subject = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    return ((subject, False), (issuer, False))


def ek_certificate(
    key: CertificatePublicKeyTypes,
    *,
    usage: ObjectIdentifier | None = EK_USAGE,
    key_usage: str | None = "key_agreement",
    named: bool = True,
    validity: tuple[int, int] = VALIDITY,
    issuer_key: IssuerKey | None = None,
) -> bytes:
    """TCG EK Credential Profile: empty subject, critical alternative name with the TPM's maker and model.

    None leaves an extension out, and so does `named`.
    """
    issuer_key = issuer_key or keys.ec_key(ISSUER)
    tpm = x509.Name(
        [
            x509.NameAttribute(_MANUFACTURER, "id:54455354"),
            x509.NameAttribute(_MODEL, "Test TPM"),
            x509.NameAttribute(_FIRMWARE, "id:00010000"),
        ]
    )
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    extensions: list[tuple[x509.ExtensionType, bool]] = [NO_AUTHORITY, (identifier, False)]
    if named:
        extensions.append((x509.SubjectAlternativeName([x509.DirectoryName(tpm)]), True))
    if usage is not None:
        extensions.append((x509.ExtendedKeyUsage([usage]), False))
    if key_usage is not None:
        extensions.append((usages(key_usage), True))
    return certificate("", key, ISSUER, issuer_key, validity=validity, extensions=tuple(extensions))


def ak_certificate(
    key: CertificatePublicKeyTypes,
    *,
    usage: ObjectIdentifier | None = AK_USAGE,
    constraints: tuple[x509.ExtensionType, bool] = NO_AUTHORITY,
    key_usage: x509.ExtensionType | None = None,
) -> bytes:
    """The manufacturer's authority says that an attestation key is in a TPM."""
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        constraints,
        (key_usage or usages("digital_signature"), True),
    ]
    if usage is not None:
        extensions.append((x509.ExtendedKeyUsage([usage]), False))
    return certificate(AK_SUBJECT, key, ISSUER, keys.ec_key(ISSUER), extensions=tuple(extensions))


def serial_number(der: bytes) -> int:
    return x509.load_der_x509_certificate(der).serial_number


def revocation_list(
    *revoked: bytes,
    name: str = ISSUER,
    key: ec.EllipticCurvePrivateKey | None = None,
    at: int = CREATED,
    digest: str = "sha256",
) -> bytes:
    """The list of an issuer, current at the capture or `at`; `revoked` are certificates (DER)."""
    start, end = (datetime.datetime.fromtimestamp(at + offset, datetime.UTC) for offset in (-86400, 86400))
    builder = x509.CertificateRevocationListBuilder().issuer_name(_name(name))
    builder = builder.last_update(start).next_update(end)
    for der in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(serial_number(der)).revocation_date(start)
        builder = builder.add_revoked_certificate(entry.build())
    signed = builder.sign(key or keys.ec_key(name), DIGESTS[digest], ecdsa_deterministic=True)
    return signed.public_bytes(Encoding.DER)


def with_sha1(der: bytes, key: ec.EllipticCurvePrivateKey | None = None) -> bytes:
    """The certificate signed by its issuer with SHA-1, by hand: no library signs so any more."""
    sha256, sha1 = bytes.fromhex("300a06082a8648ce3d040302"), bytes.fromhex("300906072a8648ce3d0401")
    fields = x509.load_der_x509_certificate(der).tbs_certificate_bytes
    head = 2 + (fields[1] & 0x7F if fields[1] & 0x80 else 0)
    tbs = tlv(0x30, fields[head:].replace(sha256, sha1, 1))
    algorithm = ec.ECDSA(hashes.SHA1(), deterministic_signing=True)  # noqa: S303 - what is to be refused
    signature = (key or keys.ec_key(ISSUER)).sign(tbs, algorithm)
    return tlv(0x30, tbs + sha1 + tlv(0x03, b"\x00" + signature))


def tlv(tag: int, content: bytes) -> bytes:
    """An element of DER."""
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content
