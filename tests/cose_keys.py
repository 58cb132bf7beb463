# SPDX-License-Identifier: Apache-2.0
"""Test keys, one of each kind that COSE seals know; made anew for each run, never a real identity."""

from __future__ import annotations

from functools import cache
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, padding, rsa

from bundlefmt import labels
from bundlefmt.cose import PrivateKey

ALGORITHMS: Final = ("ESP256", "ESP384", "ESP512", "Ed25519", "PS256", "ML-DSA-65")
NUMBERS: Final = {name: alg for alg, name in labels.ALG_NAMES.items()}


@cache
def private_key(name: str) -> PrivateKey:
    """The test key for the algorithm of this name; RSA has one for both of its algorithms."""
    match name:
        case "ESP256" | "ES256":
            return ec.generate_private_key(ec.SECP256R1())
        case "ESP384" | "ES384":
            return ec.generate_private_key(ec.SECP384R1())
        case "ESP512" | "ES512":
            return ec.generate_private_key(ec.SECP521R1())
        case "Ed25519" | "EdDSA":
            return ed25519.Ed25519PrivateKey.generate()
        case "ML-DSA-65":
            return mldsa.MLDSA65PrivateKey.generate()
        case "RS256":
            return private_key("PS256")
        case "PS256":
            return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    raise LookupError(name)


class Rs256Signer:
    """Signs with RS256, as PIV keys do; the format's own signer chooses PS256 for RSA keys."""

    alg = labels.ALG_RS256

    def sign(self, message: bytes) -> bytes:
        key = private_key("RS256")
        assert isinstance(key, rsa.RSAPrivateKey)
        return key.sign(message, padding.PKCS1v15(), hashes.SHA256())
