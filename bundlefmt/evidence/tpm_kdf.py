# SPDX-License-Identifier: Apache-2.0
"""The key derivation functions of TPMs, KDFa and KDFe.

TPM 2.0 Library, Part 1, 11.4.10 "Key Derivation Function": SP 800-108 in counter mode; SP 800-56A, one step.
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hmac

from bundlefmt.evidence.tpm_algorithm import UnsupportedAlgorithmError, digest, hash_algorithm

_COUNTER: Final = 4  # octets
_BITS: Final = 4


def mac(alg: int, key: bytes, data: bytes) -> bytes:
    """HMAC. Raises UnsupportedAlgorithmError."""
    try:
        state = hmac.HMAC(key, hash_algorithm(alg))
    except UnsupportedAlgorithm as error:
        raise UnsupportedAlgorithmError(str(error)) from None
    state.update(data)
    return state.finalize()


def kdfa(
    alg: int, key: bytes, label: bytes, size: int, *, context_u: bytes = b"", context_v: bytes = b""
) -> bytes:
    """`size` bytes of key; `label` without its terminating zero. Raises UnsupportedAlgorithmError."""
    fixed = label + b"\0" + context_u + context_v + (8 * size).to_bytes(_BITS, "big")
    made, counter = b"", 0
    while len(made) < size:
        counter += 1
        made += mac(alg, key, counter.to_bytes(_COUNTER, "big") + fixed)
    return made[:size]


def kdfe(alg: int, z: bytes, label: bytes, size: int, *, party_u: bytes, party_v: bytes) -> bytes:
    """`size` bytes of key from the shared x-coordinate `z`; `label` without its terminating zero.

    Coordinates have the length of the curve's field. Raises UnsupportedAlgorithmError.
    """
    made, counter = b"", 0
    while len(made) < size:
        counter += 1
        made += digest(alg, counter.to_bytes(_COUNTER, "big") + z + label + b"\0" + party_u + party_v)
    return made[:size]
