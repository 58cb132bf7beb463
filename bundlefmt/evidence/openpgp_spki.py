# SPDX-License-Identifier: Apache-2.0
"""OpenPGP keys as X.509 writes them, so that one key can be found in both: SubjectPublicKeyInfo.

RFC 9580, 5.5.5 "Algorithm-Specific Parts of Keys"; 11.2.1 for the points of Ed25519 and X25519.
"""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa, x448, x25519
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from bundlefmt.evidence.openpgp_algorithm import (
    CURVES,
    ED25519_LEGACY,
    RSA_ALGORITHMS,
    PublicKeyAlgorithm,
)
from bundlefmt.evidence.openpgp_certificate import Certificate
from bundlefmt.evidence.openpgp_key import Numbers, Octets, Point, PublicKey
from bundlefmt.evidence.openpgp_packet import NotComputedError, OpenPgpError
from bundlefmt.evidence.x509_signature import key_spki
from bundlefmt.wire import Buffer

_CURVE25519 = bytes.fromhex("2b060104019755010501")
_NATIVE = 0x40


def spki(key: PublicKey) -> bytes:
    """DER in the form of `x509_signature.key_spki`. Raises NotComputedError, or OpenPgpError for no key."""
    try:
        found = _public_key(key)
    except (ValueError, OverflowError, UnsupportedAlgorithm):
        raise OpenPgpError(f"no usable {key.describe()} key") from None
    if found is None:
        raise NotComputedError(f"{key.describe()} keys are not compared here")
    return key_spki(found)


def openpgp_key_spki(certificate: Buffer, fingerprint: str) -> bytes:
    """The key of this fingerprint in a certificate, bound to it or not, as `spki`.

    Raises OpenPgpError where there is none, NotComputedError, MalformedError.
    """
    for key in Certificate.decode(certificate).every_key():
        if key.fingerprint == fingerprint.lower():
            return spki(key)
    raise OpenPgpError(f"there is no key {fingerprint}")


def _public_key(key: PublicKey) -> PublicKeyTypes | None:
    """None for a kind that is not known here. Raises ValueError, OverflowError for what is no key."""
    match key.material:
        case Numbers() if key.algorithm in RSA_ALGORITHMS:
            modulus, exponent = key.material.values
            return rsa.RSAPublicNumbers(exponent, modulus).public_key()
        case Octets():
            return _plain(key.algorithm, key.material.body)
        case Point():
            return _on_curve(key.algorithm, key.material)
    return None


def _plain(algorithm: int, body: bytes) -> PublicKeyTypes | None:
    match algorithm:
        case PublicKeyAlgorithm.ED25519:
            return ed25519.Ed25519PublicKey.from_public_bytes(body)
        case PublicKeyAlgorithm.ED448:
            return ed448.Ed448PublicKey.from_public_bytes(body)
        case PublicKeyAlgorithm.X25519:
            return x25519.X25519PublicKey.from_public_bytes(body)
        case PublicKeyAlgorithm.X448:
            return x448.X448PublicKey.from_public_bytes(body)
    return None


def _on_curve(algorithm: int, material: Point) -> PublicKeyTypes | None:
    if algorithm == PublicKeyAlgorithm.EDDSA_LEGACY and material.oid == ED25519_LEGACY:
        return ed25519.Ed25519PublicKey.from_public_bytes(_native(material.point))
    if algorithm == PublicKeyAlgorithm.ECDH and material.oid == _CURVE25519:
        return x25519.X25519PublicKey.from_public_bytes(_native(material.point))
    curve = CURVES[material.oid].ecdsa if material.oid in CURVES else None
    if curve is None or algorithm == PublicKeyAlgorithm.EDDSA_LEGACY:
        return None
    point = material.point.to_bytes(1 + 2 * ((curve.key_size + 7) // 8), "big")
    return ec.EllipticCurvePublicKey.from_encoded_point(curve, point)


def _native(point: int) -> bytes:
    """The 32 octets behind the prefix of a point in native form."""
    octets = point.to_bytes(33, "big")
    if octets[0] != _NATIVE:
        raise ValueError("not a point in native form")
    return octets[1:]
