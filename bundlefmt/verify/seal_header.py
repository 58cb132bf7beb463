# SPDX-License-Identifier: Apache-2.0
"""The protected header of a COSE seal: what must stand in it, and what of it may not be missing.

Spec: "COSE seals".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bundlefmt import labels
from bundlefmt.cbor import Value

CRITICAL: Final = [labels.HDR_TYP, labels.HDR_PAYLOAD_HASH_ALG]
KID_SIZES: Final = range(4, 67)  # a TPM Name: a handle, or nameAlg and the largest digest


def faults(protected: Mapping[Value, Value]) -> list[str]:
    """What is wrong with the header of a seal, beyond what any hash envelope needs; empty when nothing is."""
    found = []
    if protected.get(labels.HDR_CRIT) != CRITICAL:
        found.append(f"crit is not {CRITICAL}")
    if (labels.HDR_X5T in protected) == (labels.HDR_KID in protected):
        found.append("not exactly one of x5t and kid says whose seal it is")
    elif labels.HDR_X5T in protected and not _is_x5t(protected[labels.HDR_X5T]):
        found.append("x5t is not a SHA-256 digest")
    elif labels.HDR_KID in protected and not _is_name(protected[labels.HDR_KID]):
        found.append("kid is not a TPM Name")
    claims = protected.get(labels.HDR_CWT_CLAIMS)
    if not isinstance(claims, Mapping):
        found.append("the CWT claims are missing")
    elif not (
        isinstance(claims.get(labels.CLAIM_ISS), str)
        and isinstance(claims.get(labels.CLAIM_SUB), str)
        and _is_time(claims.get(labels.CLAIM_IAT))
    ):
        found.append("the CWT claims do not say who sealed what and when")
    return found


def _is_x5t(value: Value) -> bool:
    if not isinstance(value, list) or len(value) != 2:
        return False
    alg, digest = value
    return alg == labels.HASH_SHA256 and isinstance(digest, bytes) and len(digest) == 32


def _is_name(value: Value) -> bool:
    return isinstance(value, bytes) and len(value) in KID_SIZES


def _is_time(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
