# SPDX-License-Identifier: Apache-2.0
"""The algorithms of OpenPGP by number: public keys, hashes, curves, and their names for people.

RFC 9580, 9.1 "Public-Key Algorithms", 9.2 "ECC Curves", 9.5 "Hash Algorithms".
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from enum import IntEnum
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from bundlefmt.evidence.openpgp_packet import NotComputedError, OpenPgpError
from bundlefmt.frozen import frozen


class PublicKeyAlgorithm(IntEnum):
    """Those whose key material is read here."""

    RSA = 1
    RSA_ENCRYPT = 2
    RSA_SIGN = 3
    ELGAMAL = 16
    DSA = 17
    ECDH = 18
    ECDSA = 19
    EDDSA_LEGACY = 22
    X25519 = 25
    X448 = 26
    ED25519 = 27
    ED448 = 28


RSA_ALGORITHMS: Final = frozenset(
    {PublicKeyAlgorithm.RSA, PublicKeyAlgorithm.RSA_ENCRYPT, PublicKeyAlgorithm.RSA_SIGN}
)
SIGNING: Final = frozenset(
    {
        PublicKeyAlgorithm.RSA,
        PublicKeyAlgorithm.RSA_SIGN,
        PublicKeyAlgorithm.DSA,
        PublicKeyAlgorithm.ECDSA,
        PublicKeyAlgorithm.EDDSA_LEGACY,
        PublicKeyAlgorithm.ED25519,
        PublicKeyAlgorithm.ED448,
    }
)
_NAMES: Final[Mapping[int, str]] = {
    PublicKeyAlgorithm.RSA: "RSA",
    PublicKeyAlgorithm.RSA_ENCRYPT: "RSA",
    PublicKeyAlgorithm.RSA_SIGN: "RSA",
    PublicKeyAlgorithm.ELGAMAL: "ElGamal",
    PublicKeyAlgorithm.DSA: "DSA",
    PublicKeyAlgorithm.ECDH: "ECDH",
    PublicKeyAlgorithm.ECDSA: "ECDSA",
    PublicKeyAlgorithm.EDDSA_LEGACY: "EdDSA",
    PublicKeyAlgorithm.X25519: "X25519",
    PublicKeyAlgorithm.X448: "X448",
    PublicKeyAlgorithm.ED25519: "Ed25519",
    PublicKeyAlgorithm.ED448: "Ed448",
}


@frozen
class Curve:
    """A curve by its name; `ecdsa` where ECDSA over it can be verified here."""

    name: str
    ecdsa: ec.EllipticCurve | None = None


CURVES: Final[Mapping[bytes, Curve]] = {
    bytes.fromhex("2a8648ce3d030107"): Curve(name="P-256", ecdsa=ec.SECP256R1()),
    bytes.fromhex("2b81040022"): Curve(name="P-384", ecdsa=ec.SECP384R1()),
    bytes.fromhex("2b81040023"): Curve(name="P-521", ecdsa=ec.SECP521R1()),
    bytes.fromhex("2b2403030208010107"): Curve(name="brainpoolP256r1", ecdsa=ec.BrainpoolP256R1()),
    bytes.fromhex("2b240303020801010b"): Curve(name="brainpoolP384r1", ecdsa=ec.BrainpoolP384R1()),
    bytes.fromhex("2b240303020801010d"): Curve(name="brainpoolP512r1", ecdsa=ec.BrainpoolP512R1()),
    bytes.fromhex("2b8104000a"): Curve(name="secp256k1"),
    bytes.fromhex("2b06010401da470f01"): Curve(name="Ed25519"),
    bytes.fromhex("2b060104019755010501"): Curve(name="Curve25519"),
}
ED25519_LEGACY: Final = bytes.fromhex("2b06010401da470f01")


@frozen
class Hash:
    """A hash algorithm; `salt` is the size in octets of a version 6 signature's salt."""

    name: str
    algorithm: hashes.HashAlgorithm | None
    salt: int | None = None


_RIPEMD160: Final = 3
HASHES: Final[Mapping[int, Hash]] = {
    1: Hash(name="MD5", algorithm=hashes.MD5()),  # noqa: S303 # recognised, to be refused
    2: Hash(name="SHA-1", algorithm=hashes.SHA1()),  # noqa: S303 # as above
    _RIPEMD160: Hash(name="RIPEMD-160", algorithm=None),
    8: Hash(name="SHA-256", algorithm=hashes.SHA256(), salt=16),
    9: Hash(name="SHA-384", algorithm=hashes.SHA384(), salt=24),
    10: Hash(name="SHA-512", algorithm=hashes.SHA512(), salt=32),
    11: Hash(name="SHA-224", algorithm=hashes.SHA224(), salt=16),
    12: Hash(name="SHA3-256", algorithm=hashes.SHA3_256(), salt=16),
    14: Hash(name="SHA3-512", algorithm=hashes.SHA3_512(), salt=32),
}


def algorithm_name(number: int) -> str:
    return _NAMES.get(number, f"public-key algorithm {number}")


def hash_name(number: int) -> str:
    return HASHES[number].name if number in HASHES else f"hash algorithm {number}"


def hash_algorithm(number: int) -> hashes.HashAlgorithm:
    """Raises NotComputedError, and OpenPgpError for RIPEMD-160: broken, and computed by no library here."""
    if number == _RIPEMD160:
        raise OpenPgpError("RIPEMD-160 digests are not accepted")
    known = HASHES.get(number)
    if known is None or known.algorithm is None:
        raise NotComputedError(f"{hash_name(number)} is not computed here")
    return known.algorithm


def digest(number: int, *parts: bytes) -> bytes:
    """The digest of `parts`, one after the other. Raises as `hash_algorithm` does."""
    computing = hashlib.new(hash_algorithm(number).name.replace("sha3-", "sha3_"), usedforsecurity=False)
    for part in parts:
        computing.update(part)
    return computing.digest()
