# SPDX-License-Identifier: Apache-2.0
"""What signatures are made with, by family and size: `RSA-2048`, `ECC-256`, `ML-DSA-65`, `SHA-256`.

Spec: "Policies", algorithms.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, rsa

from bundlefmt.evidence.openpgp_algorithm import CURVES, ED25519_LEGACY, HASHES, PublicKeyAlgorithm
from bundlefmt.evidence.openpgp_key import Numbers, Point, PublicKey
from bundlefmt.evidence.tpm_algorithm import hash_algorithm

_KINDS: Final[Mapping[type, str]] = {
    ed25519.Ed25519PublicKey: "ECC-256",
    ed448.Ed448PublicKey: "ECC-448",
    mldsa.MLDSA44PublicKey: "ML-DSA-44",
    mldsa.MLDSA65PublicKey: "ML-DSA-65",
    mldsa.MLDSA87PublicKey: "ML-DSA-87",
}
_HASHES: Final[Mapping[str, str]] = {
    "sha1": "SHA-1",
    "sha224": "SHA-224",
    "sha256": "SHA-256",
    "sha384": "SHA-384",
    "sha512": "SHA-512",
    "sha3-256": "SHA3-256",
    "sha3-384": "SHA3-384",
    "sha3-512": "SHA3-512",
    "sm3": "SM3",
}
_SIZED: Final = re.compile(r"(RSA|ECC)-([1-9][0-9]{2,4})")
# sizes that a family may be named with: from what is accepted at all to more than anybody has
_SIZES: Final = {"RSA": range(2048, 16385), "ECC": range(256, 1025)}
_NAMED: Final = frozenset({*_HASHES.values(), "ML-DSA-44", "ML-DSA-65", "ML-DSA-87"})


def is_primitive(name: str) -> bool:
    """Whether a policy may name this."""
    sized = _SIZED.fullmatch(name)
    return name in _NAMED if sized is None else int(sized[2]) in _SIZES[sized[1]]


@lru_cache(maxsize=256)  # the few names of a policy, asked about each signature
def covers(named: str, used: str) -> bool:
    """Whether a policy that names the first means the second: of a family, all sizes up to the named one."""
    ours, theirs = _SIZED.fullmatch(named), _SIZED.fullmatch(used)
    if ours is None or theirs is None:
        return named == used
    return ours[1] == theirs[1] and int(theirs[2]) <= int(ours[2])


def of_key(key: object) -> str:
    """A public key as the cryptography package has it."""
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA-{key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"ECC-{key.curve.key_size}"
    return next((name for kind, name in _KINDS.items() if isinstance(key, kind)), type(key).__name__)


def of_openpgp_key(key: PublicKey) -> str:
    """An OpenPGP key, also one that is not computed here."""
    if isinstance(key.material, Numbers):
        return f"RSA-{key.bits}"
    if isinstance(key.material, Point):
        curve = CURVES.get(key.material.oid)
        if curve is not None and curve.ecdsa is not None:
            return f"ECC-{curve.ecdsa.key_size}"
        return "ECC-256" if key.material.oid == ED25519_LEGACY else key.describe()
    return "ECC-448" if key.algorithm == PublicKeyAlgorithm.ED448 else "ECC-256"


def of_hash(name: str) -> str:
    """A hash by the name that hashlib or the cryptography package has for it."""
    return _HASHES.get(name, name)


def of_openpgp_hashes(numbers: Iterable[int]) -> frozenset[str]:
    """Hashes by the numbers of RFC 9580 9.5."""
    return frozenset(HASHES[number].name if number in HASHES else str(number) for number in numbers)


def of_tpm_hash(alg: int) -> str:
    """A hash by its TPM_ALG_ID. Raises UnsupportedAlgorithmError."""
    return of_hash(hash_algorithm(alg).name)
