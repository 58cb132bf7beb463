# SPDX-License-Identifier: Apache-2.0
"""Changed evidence signed again, by the test key that had signed it: certificates, lists, TPM statements."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cache
from random import Random
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from bundlefmt.errors import MalformedError
from bundlefmt.evidence import der
from bundlefmt.evidence.tpm import TpmtPublic
from bundlefmt.evidence.tpm_parameters import TpmsEccParms
from tests.fuzz import mutators
from tests.fuzz.trees import Havoc
from tests.interop.case import KEYS
from tests.vectorgen import certificates, judged_piv, keys, timestamps
from tests.vectorgen.certificates import tlv
from tests.vectorgen.software_tpm import tpm2b

_ISSUERS: Final = (
    certificates.ROOT,
    certificates.ISSUER,
    timestamps.ROOT,
    timestamps.OTHER_ROOT,
    timestamps.ISSUER,
    judged_piv.AUTHORITY,
    "timestamps 2026",
    "operator p256",
    "other p256",
    "second p256",
    "intruder p256",
    "attested p256",
)
_IN_TPM: Final = (
    "attestation key",
    "another attestation key",
    "second attestation key",
    "other attestation key",
    "session attestation key",
    "attestation key of another TPM",
    "signing key",
    "second signing key",
    "primary signing key",
)
_SHA256: Final = {
    bytes.fromhex("300a06082a8648ce3d040302"): "ecdsa",
    bytes.fromhex("300d06092a864886f70d01010b0500"): "rsa",
}


@cache
def issuers() -> tuple[keys.PrivateKey, ...]:
    """Keys that sign certificates and lists in the vectors."""
    return (*(keys.ec_key(name) for name in _ISSUERS), *_kept("operator-rsa2048.pem"))


@cache
def in_tpm() -> tuple[keys.PrivateKey, ...]:
    """Keys of the TPM in software."""
    return (
        *(keys.ec_key(f"tpm {name}") for name in _IN_TPM),
        keys.ec_key("tpm attestation key", "p384"),
        *_kept("tpm-ak-rsa2048.pem", "tpm-key-rsa2048.pem"),
    )


@cache
def sealers() -> tuple[keys.PrivateKey, ...]:
    """Keys of people that seal."""
    own = (certificates.operator(kind).key for kind in ("p256", "p384", "p521", "ed25519", "rsa2048"))
    return (*own, certificates.operator("p384", who="witness").key, *issuers())


def _kept(*files: str) -> Iterator[Any]:
    return (load_pem_private_key((KEYS / file).read_bytes(), None) for file in files)


def spki(key: keys.PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def changed_x509(data: bytes, chance: Random, havoc: Havoc) -> bytes:
    """A certificate or list with other fields under a signature that fits; as it is where no key is known."""
    try:
        fields, algorithm, signature = der.children(der.decode_element(data, path="signed"), 0x30, "signed")
    except (MalformedError, ValueError):
        return data
    kind = _SHA256.get(algorithm.raw)
    for key in issuers():
        if kind is not None and _fits(key, kind, signature.content[1:], fields.raw):
            tbs = mutators.der_tree(fields.raw, chance, havoc)
            return tlv(0x30, tbs + algorithm.raw + tlv(3, b"\x00" + _signed(key, tbs)))
    return data


def _fits(key: keys.PrivateKey, kind: str, signature: bytes, message: bytes) -> bool:
    try:
        if kind == "ecdsa" and isinstance(key, ec.EllipticCurvePrivateKey):
            key.public_key().verify(signature, message, ec.ECDSA(hashes.SHA256()))
        elif kind == "rsa" and isinstance(key, rsa.RSAPrivateKey):
            key.public_key().verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _signed(key: keys.PrivateKey, message: bytes) -> bytes:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return keys.ecdsa_der(key, message)
    assert isinstance(key, rsa.RSAPrivateKey)
    return keys.rsa_pkcs1(key, message)


def tpm_signature(public: bytes, statement: bytes, old: bytes) -> bytes:
    """TPMT_SIGNATURE by the key of a public area in the scheme of `old`; `old` itself where none is known."""
    try:
        area = TpmtPublic.decode(public)
        key = next(each for each in in_tpm() if _is(each, area))
    except (MalformedError, StopIteration, ValueError):
        return old
    scheme, digest = struct.unpack(">HH", old[:4])
    algorithm = {4: hashes.SHA1(), 11: hashes.SHA256(), 12: hashes.SHA384()}.get(digest)  # noqa: S303 # refused
    if algorithm is None:
        return old
    if isinstance(key, ec.EllipticCurvePrivateKey) and scheme == 0x18:
        size = (key.key_size + 7) // 8
        numbers = keys.ecdsa_numbers(key, statement, algorithm)
        return old[:4] + b"".join(tpm2b(number.to_bytes(size, "big")) for number in numbers)
    if isinstance(key, rsa.RSAPrivateKey) and digest == 11 and scheme in (0x14, 0x16):
        sign = keys.rsa_pss if scheme == 0x16 else keys.rsa_pkcs1
        return old[:4] + tpm2b(sign(key, statement))
    return old


def _is(key: keys.PrivateKey, area: TpmtPublic) -> bool:
    """Whether the public area is of this key."""
    if isinstance(key, rsa.RSAPrivateKey):
        return area.unique == key.public_key().public_numbers().n.to_bytes(256, "big")
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(area.parameters, TpmsEccParms):
        return False
    point = key.public_key().public_numbers()
    return bytes(getattr(area.unique, "x", b"")) == point.x.to_bytes((key.key_size + 7) // 8, "big")


def cose_signature(certificate: bytes, alg: object, message: bytes) -> bytes | None:
    """A COSE signature by the key of a certificate; None where it is not known, or is randomised."""
    for key in sealers():
        if isinstance(alg, int) and spki(key) in certificate:
            return keys.cose_signature(alg, key, message)
    return None
