# SPDX-License-Identifier: Apache-2.0
"""Edwards keys of small order: under them one signature fits every message, or every eighth.

RFC 8032 does not refuse them, and OpenSSL takes them. Spec: "Algorithms".
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.asymmetric import ed448, ed25519

_P25519: Final = 2**255 - 19
_P448: Final = 2**448 - 2**224 - 1
# y of the points whose order divides the cofactor: 8 for Ed25519 (the last two are of order 8), 4 for Ed448
_Y25519: Final = frozenset(
    {
        0,
        1,
        _P25519 - 1,
        0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
        0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
    }
)
_Y448: Final = frozenset({0, 1, _P448 - 1})


def is_small_order(key: object) -> bool:
    """Whether a public key, as the cryptography package has it, is such a one, in whatever encoding."""
    if isinstance(key, ed25519.Ed25519PublicKey):
        # the topmost bit is the sign of x; what is not reduced stands for its remainder
        return int.from_bytes(key.public_bytes_raw(), "little") % 2**255 % _P25519 in _Y25519
    if isinstance(key, ed448.Ed448PublicKey):
        return int.from_bytes(key.public_bytes_raw()[:-1], "little") % _P448 in _Y448
    return False
