# SPDX-License-Identifier: Apache-2.0
"""A test PKI: keys from numbers, certificates from arguments, and DER by hand where a library refuses."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from functools import cache
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID, ObjectIdentifier

AT: Final = 1_767_225_600  # 2026-01-01
DAY: Final = 86_400
VALIDITY: Final = (AT - 30 * DAY, AT + 30 * DAY)
EK: Final = ObjectIdentifier("2.23.133.8.1")
AK: Final = ObjectIdentifier("2.23.133.8.3")

Private = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | mldsa.MLDSA65PrivateKey
Hash = hashes.SHA224 | hashes.SHA256 | hashes.SHA384 | hashes.SHA512
Extensions = Sequence[tuple[x509.ExtensionType, bool]]


@cache
def key(number: int) -> ec.EllipticCurvePrivateKey:
    """A test key on P-256."""
    return ec.derive_private_key(number, ec.SECP256R1())


@cache
def rsa_key(number: int, bits: int = 2048) -> rsa.RSAPrivateKey:
    """A test key; another one for each number."""
    return rsa.generate_private_key(65537, bits)


def name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)] if common else [])


def usage(*bits: str) -> x509.KeyUsage:
    """Key usage by the names of cryptography."""
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


def constraints(path_length: int | None = None, *, ca: bool = True) -> tuple[x509.ExtensionType, bool]:
    return (x509.BasicConstraints(ca=ca, path_length=path_length), True)


SIGNS: Final[tuple[x509.ExtensionType, bool]] = (usage("key_cert_sign", "crl_sign"), True)
AUTHORITY: Final[Extensions] = (constraints(), SIGNS)
LEAF: Final[Extensions] = (constraints(ca=False),)


def tpm_name(*attributes: tuple[str, str]) -> x509.SubjectAlternativeName:
    """subjectAltName with a directory name of TPM attributes; without arguments, a sound one."""
    given = attributes or (("1", "id:54455354"), ("2", "Test TPM"), ("3", "id:00010000"))
    parts = [x509.NameAttribute(ObjectIdentifier(f"2.23.133.2.{last}"), value) for last, value in given]
    return x509.SubjectAlternativeName([x509.DirectoryName(x509.Name(parts))])


def ek_extensions(**changes: tuple[x509.ExtensionType, bool] | None) -> Extensions:
    """The extensions of a sound EK certificate for an EC key; a change replaces one, None leaves it out."""
    sound: dict[str, tuple[x509.ExtensionType, bool] | None] = {
        "constraints": constraints(ca=False),
        "usage": (usage("key_agreement"), True),
        "extended": (x509.ExtendedKeyUsage([EK]), False),
        "names": (tpm_name(), True),
    }
    return [each for each in (sound | changes).values() if each is not None]


def moment(seconds: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)


def certificate(
    subject: str,
    issuer: str,
    subject_key: Private,
    issuer_key: Private,
    *,
    extensions: Extensions = AUTHORITY,
    validity: tuple[int, int] = VALIDITY,
    digest: Hash | None = None,
    serial: int = 1,
    pss: bool = False,
) -> bytes:
    """DER, signed with SHA-256 unless `digest` is another."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(subject_key.public_key())
        .serial_number(serial)
        .not_valid_before(moment(validity[0]))
        .not_valid_after(moment(validity[1]))
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    plain = isinstance(issuer_key, ed25519.Ed25519PrivateKey | mldsa.MLDSA65PrivateKey)
    chosen = None if plain else digest or hashes.SHA256()
    mask = padding.PSS(padding.MGF1(hashes.SHA256()), 32) if pss else None
    steady = True if isinstance(issuer_key, ec.EllipticCurvePrivateKey) else None
    made = builder.sign(issuer_key, chosen, rsa_padding=mask, ecdsa_deterministic=steady)
    return made.public_bytes(Encoding.DER)


def crl(
    issuer: str,
    issuer_key: Private,
    *entries: tuple[int, int, x509.ReasonFlags | None],
    updates: tuple[int, int] = (AT - DAY, AT + DAY),
    extensions: Extensions = (),
    digest: Hash | None = None,
    entry_extensions: Extensions = (),
) -> bytes:
    """DER; each entry is a serial number, the time of revocation, and the reason."""
    builder = x509.CertificateRevocationListBuilder().issuer_name(name(issuer))
    builder = builder.last_update(moment(updates[0])).next_update(moment(updates[1]))
    for serial, since, reason in entries:
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(moment(since))
        if reason is not None:
            entry = entry.add_extension(x509.CRLReason(reason), critical=False)
        for extension, critical in entry_extensions:
            entry = entry.add_extension(extension, critical)
        builder = builder.add_revoked_certificate(entry.build())
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(issuer_key, digest or hashes.SHA256()).public_bytes(Encoding.DER)


def spki(private: Private) -> bytes:
    return private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


# --- DER by hand ------------------------------------------------------------------------------------


def tlv(tag: int, *parts: bytes) -> bytes:
    """An element with the shortest length."""
    content = b"".join(parts)
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def resigned(data: bytes, issuer_key: ec.EllipticCurvePrivateKey, edit: Callable[[bytes], bytes]) -> bytes:
    """A certificate whose signed bytes went through `edit`, signed again by ECDSA with SHA-256."""
    loaded = x509.load_der_x509_certificate(data)
    before = loaded.tbs_certificate_bytes
    tbs = edit(before)
    if tbs == before:
        raise LookupError("the edit changed nothing")
    return signed(tbs, ECDSA_SHA256, issuer_key)


ECDSA_SHA256: Final = bytes.fromhex("300a06082a8648ce3d040302")


def signed(tbs: bytes, algorithm: bytes, issuer_key: ec.EllipticCurvePrivateKey) -> bytes:
    signature = issuer_key.sign(tbs, ec.ECDSA(hashes.SHA256()))
    return tlv(0x30, tbs, algorithm, tlv(0x03, b"\x00", signature))
