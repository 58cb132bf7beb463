# SPDX-License-Identifier: Apache-2.0
"""TPM algorithm and curve numbers, and the hashes behind them.

TCG Algorithm Registry rev. 1.34, tables "TPM_ALG_ID" and "TPM_ECC_CURVE"; the post-quantum numbers are from
TPM 2.0 Library 1.85, Part 2.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from enum import IntEnum
from functools import partial
from typing import Final, Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from bundlefmt.errors import UnusableError
from bundlefmt.wire import Buffer


class UnsupportedAlgorithmError(UnusableError):
    """An algorithm that is not computed here; the message names it."""


class TpmAlg(IntEnum):
    """TPM_ALG_ID (Part 2, 6.3)."""

    RSA = 0x0001
    TDES = 0x0003
    SHA1 = 0x0004
    HMAC = 0x0005
    AES = 0x0006
    MGF1 = 0x0007
    KEYEDHASH = 0x0008
    XOR = 0x000A
    SHA256 = 0x000B
    SHA384 = 0x000C
    SHA512 = 0x000D
    NULL = 0x0010
    SM3_256 = 0x0012
    SM4 = 0x0013
    RSASSA = 0x0014
    RSAES = 0x0015
    RSAPSS = 0x0016
    OAEP = 0x0017
    ECDSA = 0x0018
    ECDH = 0x0019
    ECDAA = 0x001A
    SM2 = 0x001B
    ECSCHNORR = 0x001C
    ECMQV = 0x001D
    KDF1_SP800_56A = 0x0020
    KDF2 = 0x0021
    KDF1_SP800_108 = 0x0022
    ECC = 0x0023
    SYMCIPHER = 0x0025
    CAMELLIA = 0x0026
    SHA3_256 = 0x0027
    SHA3_384 = 0x0028
    SHA3_512 = 0x0029
    CMAC = 0x003F
    CTR = 0x0040
    OFB = 0x0041
    CBC = 0x0042
    CFB = 0x0043
    ECB = 0x0044
    EDDSA = 0x0060
    HASH_EDDSA = 0x0061
    MLKEM = 0x00A0
    MLDSA = 0x00A1
    HASH_MLDSA = 0x00A2


HASHES: Final[dict[int, hashes.HashAlgorithm]] = {
    TpmAlg.SHA1: hashes.SHA1(),  # noqa: S303 - old evidence is read; whether it counts is policy
    TpmAlg.SHA256: hashes.SHA256(),
    TpmAlg.SHA384: hashes.SHA384(),
    TpmAlg.SHA512: hashes.SHA512(),
    TpmAlg.SM3_256: hashes.SM3(),
    TpmAlg.SHA3_256: hashes.SHA3_256(),
    TpmAlg.SHA3_384: hashes.SHA3_384(),
    TpmAlg.SHA3_512: hashes.SHA3_512(),
}

# the same, as constructors of hashlib, which cost a fraction; SM3 is not among them everywhere
_HASHLIB: Final[dict[int, Callable[[Buffer], Digest]]] = {
    TpmAlg.SHA1: hashlib.sha1,
    TpmAlg.SHA256: hashlib.sha256,
    TpmAlg.SHA384: hashlib.sha384,
    TpmAlg.SHA512: hashlib.sha512,
    TpmAlg.SHA3_256: hashlib.sha3_256,
    TpmAlg.SHA3_384: hashlib.sha3_384,
    TpmAlg.SHA3_512: hashlib.sha3_512,
}

# TPM_ECC_CURVE: name, and the curve where cryptography has it
CURVES: Final[dict[int, tuple[str, ec.EllipticCurve | None]]] = {
    0x0001: ("nist-p192", ec.SECP192R1()),
    0x0002: ("nist-p224", ec.SECP224R1()),
    0x0003: ("nist-p256", ec.SECP256R1()),
    0x0004: ("nist-p384", ec.SECP384R1()),
    0x0005: ("nist-p521", ec.SECP521R1()),
    0x0010: ("bn-p256", None),
    0x0011: ("bn-p638", None),
    0x0020: ("sm2-p256", None),
    0x0030: ("brainpool-p256r1", ec.BrainpoolP256R1()),
    0x0031: ("brainpool-p384r1", ec.BrainpoolP384R1()),
    0x0032: ("brainpool-p512r1", ec.BrainpoolP512R1()),
    0x0040: ("curve25519", None),
    0x0041: ("curve448", None),
}


def alg_name(n: int) -> str:
    """`sha256`, `ecc`; a number that is not known as hexadecimal, `0x1234`."""
    try:
        return TpmAlg(n).name.lower()
    except ValueError:
        return f"{n:#06x}"


def curve_name(n: int) -> str:
    """`nist-p256`; a number that is not known as `curve 0x1234`."""
    return CURVES[n][0] if n in CURVES else f"curve {n:#06x}"


def hash_algorithm(alg: int) -> hashes.HashAlgorithm:
    """Raises UnsupportedAlgorithmError."""
    try:
        return HASHES[alg]
    except KeyError:
        raise UnsupportedAlgorithmError(f"the hash {alg_name(alg)} is not computed here") from None


def hash_size(alg: int) -> int:
    """Digest size in bytes. Raises UnsupportedAlgorithmError."""
    return hash_algorithm(alg).digest_size


class Digest(Protocol):
    """A hash that has taken its data."""

    def digest(self) -> bytes: ...


class _OtherDigest:
    """A hash that hashlib does not have."""

    __slots__ = ("_made",)

    def __init__(self, alg: int, data: Buffer) -> None:
        try:
            state = hashes.Hash(hash_algorithm(alg))
        except UnsupportedAlgorithm as error:
            raise UnsupportedAlgorithmError(str(error)) from None
        state.update(data)
        self._made = state.finalize()

    def digest(self) -> bytes:
        return self._made


def hash_constructor(alg: int) -> Callable[[Buffer], Digest]:
    """For loops: what makes a digest of data at the least cost. Raises UnsupportedAlgorithmError."""
    hash_size(alg)
    return _HASHLIB.get(alg) or partial(_OtherDigest, alg)


def digest(alg: int, data: Buffer) -> bytes:
    """Raises UnsupportedAlgorithmError."""
    return hash_constructor(alg)(data).digest()
