# SPDX-License-Identifier: Apache-2.0
"""Test keys: from seeds; RSA and DSA keys are made once and kept, as are randomised signatures."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, mldsa, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

KEPT: Final = Path(__file__).parents[2] / "test-vectors" / "keys"
SIGNATURES: Final = "ml-dsa-65-signatures.json"
NOTICE: Final = "TEST KEY - NOT A REAL IDENTITY"
SALT: Final = hashlib.sha256(b"evidence-bundle test salt").digest()
ESP256, ESP384, ESP512, ED25519, PS256, RS256, ML_DSA_65 = -9, -51, -52, -19, -37, -257, -49
_CURVES: Final = {
    "k256": (ec.SECP256K1(), hashes.SHA256(), 32),
    "p224": (ec.SECP224R1(), hashes.SHA256(), 28),
    "p256": (ec.SECP256R1(), hashes.SHA256(), 32),
    "p384": (ec.SECP384R1(), hashes.SHA384(), 48),
    "p521": (ec.SECP521R1(), hashes.SHA512(), 66),
}
PrivateKey = (
    ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | rsa.RSAPrivateKey
    | dsa.DSAPrivateKey
    | mldsa.MLDSA65PrivateKey
)


def seed(name: str) -> bytes:
    return hashlib.sha256(f"evidence-bundle test key: {name}".encode()).digest()


@cache
def ec_key(name: str, curve: str = "p256") -> ec.EllipticCurvePrivateKey:
    """A key whose secret is so many bytes of its seed that it is below the order of the curve."""
    known, _, size = _CURVES[curve]
    return ec.derive_private_key(int.from_bytes(seed(name)[: min(size, 32) - 1], "big"), known)


@cache
def ed25519_key(name: str) -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.from_private_bytes(seed(name))


@cache
def ml_dsa_key(name: str) -> mldsa.MLDSA65PrivateKey:
    return mldsa.MLDSA65PrivateKey.from_seed_bytes(seed(name))


@cache
def rsa_key(
    name: str, bits: int = 2048, generate: Callable[[int], rsa.RSAPrivateKey] | None = None
) -> rsa.RSAPrivateKey:
    """The kept key; made where there is none."""
    making = generate or partial(rsa.generate_private_key, 65537)
    key = _kept_key(name, lambda: making(bits))
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError(f"{name} is no RSA key")
    return key


@cache
def dsa_key(name: str) -> dsa.DSAPrivateKey:
    """As `rsa_key`, of 2048 bits."""
    key = _kept_key(name, lambda: dsa.generate_private_key(2048))
    if not isinstance(key, dsa.DSAPrivateKey):
        raise TypeError(f"{name} is no DSA key")
    return key


def _kept_key(name: str, generate: Callable[[], PrivateKey]) -> PrivateKeyTypes:
    path = KEPT / f"{name}.pem"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pem(generate()))
    return serialization.load_pem_private_key(path.read_bytes(), None)


def pem(key: PrivateKey) -> bytes:
    """PKCS #8 under a line that says what it is for."""
    body = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return f"{NOTICE}\n".encode() + body


def ecdsa_numbers(
    key: ec.EllipticCurvePrivateKey, message: bytes, digest: hashes.HashAlgorithm
) -> tuple[int, int]:
    """r and s by the deterministic nonce of RFC 6979."""
    return decode_dss_signature(key.sign(message, ec.ECDSA(digest, deterministic_signing=True)))


def ecdsa_der(key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    return key.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))


def cose_signature(alg: int, key: PrivateKey, message: bytes) -> bytes:
    """The COSE signature of `message`, the same each time."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        _, digest, size = next(entry for entry in _CURVES.values() if entry[0].name == key.curve.name)
        return b"".join(number.to_bytes(size, "big") for number in ecdsa_numbers(key, message, digest))
    if isinstance(key, rsa.RSAPrivateKey):
        return rsa_pss(key, message) if alg == PS256 else rsa_pkcs1(key, message)
    if isinstance(key, mldsa.MLDSA65PrivateKey):
        return _kept(key, message)
    return key.sign(message)


def rsa_pkcs1(key: rsa.RSAPrivateKey, message: bytes) -> bytes:
    return key.sign(message, padding.PKCS1v15(), hashes.SHA256())


def rsa_pss(key: rsa.RSAPrivateKey, message: bytes) -> bytes:
    """RSASSA-PSS with SHA-256 and a salt that is always the same (RFC 8017 8.1.1, 9.1.1)."""
    size = key.key_size // 8
    inner = hashlib.sha256(bytes(8) + hashlib.sha256(message).digest() + SALT).digest()
    block = bytes(size - len(SALT) - 34) + b"\x01" + SALT
    mask = b"".join(
        hashlib.sha256(inner + counter.to_bytes(4, "big")).digest() for counter in range(len(block) // 32 + 1)
    )
    masked = bytearray(left ^ right for left, right in zip(block, mask, strict=False))
    masked[0] &= 0x7F
    padded = int.from_bytes(bytes(masked) + inner + b"\xbc", "big")
    numbers = key.private_numbers()
    return pow(padded, numbers.d, numbers.public_numbers.n).to_bytes(size, "big")


def _kept(key: mldsa.MLDSA65PrivateKey, message: bytes) -> bytes:
    """ML-DSA signing is randomised: the signature is made once for each message and kept."""
    path = KEPT / SIGNATURES
    name = hashlib.sha256(key.public_key().public_bytes_raw() + message).hexdigest()
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    if name not in known:
        known = {name: key.sign(message).hex()}
        path.write_text(json.dumps(known, indent=1) + "\n")
    return bytes.fromhex(known[name])
