# SPDX-License-Identifier: Apache-2.0
"""Sequoia's word on OpenPGP certificates and detached signatures.

By the policy of its release: a signature is judged at the time it says it was made, weak algorithms at
today's clock.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from bundlefmt.evidence.openpgp_algorithm import CURVES
from bundlefmt.evidence.openpgp_key import Point, PublicKey
from bundlefmt.evidence.openpgp_packet import OpenPgpError
from bundlefmt.frozen import frozen

# curves that the published builds refuse as they refuse a wrong signature
_LACKING: Final = frozenset(oid for oid, curve in CURVES.items() if curve.name.startswith("brainpool"))


@frozen
class VerifiedSignature:
    """A signature that Sequoia accepts: fingerprints of the certificate and of the key that signed."""

    fingerprint: str
    signing_key: str


def read_fingerprint(certificate: bytes) -> str:
    """The fingerprint of a certificate as Sequoia reads it. Raises OpenPgpError."""
    return str(_certificate(certificate).fingerprint)


def verify(certificate: bytes, signature: bytes, message: bytes) -> VerifiedSignature:
    """Raises OpenPgpError unless Sequoia accepts `signature` over `message` by a key of `certificate`."""
    import pysequoia

    known = _certificate(certificate)
    try:
        parsed = pysequoia.Sig.from_bytes(signature)
        verified = pysequoia.verify(bytes=message, store=lambda _: [known], signature=parsed)
    except (RuntimeError, ValueError) as error:
        raise OpenPgpError(_first_line(error)) from None
    first = verified.valid_sigs[0]
    return VerifiedSignature(fingerprint=first.certificate, signing_key=first.signing_key)


def lacks(key: PublicKey) -> bool:
    """Whether Sequoia's refusal of a signature by `key` may only mean that it does not know the curve."""
    return isinstance(key.material, Point) and key.material.oid in _LACKING


@lru_cache(maxsize=4)  # sixty seals by one certificate of megabytes ask for it sixty times
def _certificate(data: bytes) -> Any:
    # a native library, which only those load who judge
    import pysequoia

    try:
        return pysequoia.Cert.from_bytes(data)
    except (RuntimeError, ValueError) as error:
        raise OpenPgpError(_first_line(error)) from None


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:160]
