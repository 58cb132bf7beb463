# SPDX-License-Identifier: Apache-2.0
"""How tokens name the key that signed them: its thumbprint, by RFC 7638 for JOSE, by RFC 9679 for COSE."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from bundlefmt import cbor

# curve -> its names in JOSE and COSE (RFC 7518 6.2.1.1, RFC 9053 7.1), bytes of a coordinate
_CURVES: Final = {"secp256r1": ("P-256", 1, 32), "secp384r1": ("P-384", 2, 48)}
_ED25519: Final = 6
_KTY_OKP, _KTY_EC2 = 1, 2


def base64url(data: bytes) -> str:
    """Without padding (RFC 7515 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def of_jwk(key: object) -> str:
    """RFC 7638 with SHA-256, in base64url. Raises LookupError for keys that do not sign tokens here."""
    if isinstance(key, ed25519.Ed25519PublicKey):
        members = {"crv": "Ed25519", "kty": "OKP", "x": base64url(key.public_bytes_raw())}
    else:
        (name, _), x, y = _point(key)
        members = {"crv": name, "kty": "EC", "x": base64url(x), "y": base64url(y)}
    canonical = json.dumps(members, sort_keys=True, separators=(",", ":"))
    return base64url(hashlib.sha256(canonical.encode()).digest())


def of_cose_key(key: object) -> bytes:
    """RFC 9679 with SHA-256. Raises LookupError as above."""
    members: dict[int, object]
    if isinstance(key, ed25519.Ed25519PublicKey):
        members = {1: _KTY_OKP, -1: _ED25519, -2: key.public_bytes_raw()}
    else:
        (_, number), x, y = _point(key)
        members = {1: _KTY_EC2, -1: number, -2: x, -3: y}
    return hashlib.sha256(cbor.encode(members)).digest()


def _point(key: object) -> tuple[tuple[str, int], bytes, bytes]:
    """Names of the curve, and both coordinates."""
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise LookupError(type(key).__name__)
    name, number, size = _CURVES[key.curve.name]
    point = key.public_numbers()
    return (name, number), point.x.to_bytes(size, "big"), point.y.to_bytes(size, "big")
