# SPDX-License-Identifier: Apache-2.0
"""The parameters of a TPM public area: symmetric definition, scheme, key size, curve.

TPM 2.0 Library, Part 2, 11.1 and 11.2 (TPMT_SYM_DEF_OBJECT, TPMT_*_SCHEME) and 12.2.3 (TPMU_PUBLIC_PARMS).
"""

from __future__ import annotations

from typing import Final

from bundlefmt.errors import Code
from bundlefmt.evidence.tpm_algorithm import TpmAlg, alg_name
from bundlefmt.frozen import frozen
from bundlefmt.wire import Reader

_BLOCK_CIPHERS: Final = frozenset({TpmAlg.TDES, TpmAlg.AES, TpmAlg.SM4, TpmAlg.CAMELLIA})
_RSA_SCHEMES: Final = frozenset({TpmAlg.RSASSA, TpmAlg.RSAPSS, TpmAlg.OAEP, TpmAlg.RSAES})
_ECC_SCHEMES: Final = frozenset(
    {TpmAlg.ECDSA, TpmAlg.ECDAA, TpmAlg.SM2, TpmAlg.ECSCHNORR, TpmAlg.ECDH, TpmAlg.ECMQV}
)
_KEYEDHASH_SCHEMES: Final = frozenset({TpmAlg.HMAC, TpmAlg.XOR})
_KDFS: Final = frozenset({TpmAlg.MGF1, TpmAlg.KDF1_SP800_56A, TpmAlg.KDF2, TpmAlg.KDF1_SP800_108})
# named, but the layout of what follows them is not read here
_NEWER: Final = frozenset({TpmAlg.EDDSA, TpmAlg.HASH_EDDSA, TpmAlg.MLKEM, TpmAlg.MLDSA, TpmAlg.HASH_MLDSA})
_READ: Final = frozenset(TpmAlg) - _NEWER


class UnknownAlgorithmError(Exception):
    """An algorithm whose parameters have an unknown size, so that nothing after it can be read."""


def _among(reader: Reader, allowed: frozenset[TpmAlg]) -> TpmAlg:
    """The next TPM_ALG_ID, one of `allowed` or TPM_ALG_NULL. Raises bad-value, UnknownAlgorithmError."""
    start = reader.offset
    number = reader.uint(2)
    if number not in _READ:
        raise UnknownAlgorithmError(alg_name(number))
    if number != TpmAlg.NULL and number not in allowed:
        raise reader.error(Code.BAD_VALUE, f"{alg_name(number)} does not belong here", offset=start)
    return TpmAlg(number)


def _u16(*values: int | None) -> bytes:
    return b"".join(value.to_bytes(2, "big") for value in values if value is not None)


@frozen
class TpmtSymDefObject:
    """TPMT_SYM_DEF_OBJECT (Part 2, 11.1.7); size and mode are None for TPM_ALG_NULL."""

    algorithm: TpmAlg = TpmAlg.NULL
    key_bits: int | None = None
    mode: int | None = None

    @classmethod
    def read(cls, reader: Reader) -> TpmtSymDefObject:
        algorithm = _among(reader, _BLOCK_CIPHERS)
        if algorithm == TpmAlg.NULL:
            return cls()
        return cls(algorithm=algorithm, key_bits=reader.uint(2), mode=reader.uint(2))

    def encode(self) -> bytes:
        return _u16(self.algorithm, self.key_bits, self.mode)

    def describe(self) -> str:
        if self.key_bits is None or self.mode is None:
            return alg_name(self.algorithm)
        return f"{alg_name(self.algorithm)}-{self.key_bits}-{alg_name(self.mode)}"


@frozen
class TpmtScheme:
    """TPMT_RSA_SCHEME, TPMT_ECC_SCHEME, TPMT_KEYEDHASH_SCHEME or TPMT_KDF_SCHEME (Part 2, 11.1 and 11.2).

    `second` is what follows the hash: the count of ECDAA, the KDF of XOR.
    """

    scheme: TpmAlg = TpmAlg.NULL
    hash: int | None = None
    second: int | None = None

    @classmethod
    def read(cls, reader: Reader, allowed: frozenset[TpmAlg]) -> TpmtScheme:
        scheme = _among(reader, allowed)
        if scheme in (TpmAlg.NULL, TpmAlg.RSAES):
            return cls(scheme=scheme)
        hash_alg = reader.uint(2)
        if scheme in (TpmAlg.ECDAA, TpmAlg.XOR):
            return cls(scheme=scheme, hash=hash_alg, second=reader.uint(2))
        return cls(scheme=scheme, hash=hash_alg)

    def encode(self) -> bytes:
        return _u16(self.scheme, self.hash, self.second)

    def describe(self) -> str:
        name = alg_name(self.scheme)
        return name if self.hash is None else f"{name}-{alg_name(self.hash)}"


@frozen
class TpmsRsaParms:
    """TPMS_RSA_PARMS (Part 2, 12.2.3.5); exponent 0 means 65537."""

    symmetric: TpmtSymDefObject
    scheme: TpmtScheme
    key_bits: int
    exponent: int

    @classmethod
    def read(cls, reader: Reader) -> TpmsRsaParms:
        return cls(
            symmetric=TpmtSymDefObject.read(reader),
            scheme=TpmtScheme.read(reader, _RSA_SCHEMES),
            key_bits=reader.uint(2),
            exponent=reader.uint(4),
        )

    def encode(self) -> bytes:
        key = self.key_bits.to_bytes(2, "big") + self.exponent.to_bytes(4, "big")
        return self.symmetric.encode() + self.scheme.encode() + key


@frozen
class TpmsEccParms:
    """TPMS_ECC_PARMS (Part 2, 12.2.3.6); `curve` is a TPM_ECC_CURVE."""

    symmetric: TpmtSymDefObject
    scheme: TpmtScheme
    curve: int
    kdf: TpmtScheme

    @classmethod
    def read(cls, reader: Reader) -> TpmsEccParms:
        return cls(
            symmetric=TpmtSymDefObject.read(reader),
            scheme=TpmtScheme.read(reader, _ECC_SCHEMES),
            curve=reader.uint(2),
            kdf=TpmtScheme.read(reader, _KDFS),
        )

    def encode(self) -> bytes:
        return self.symmetric.encode() + self.scheme.encode() + _u16(self.curve) + self.kdf.encode()


@frozen
class TpmsKeyedhashParms:
    """TPMS_KEYEDHASH_PARMS (Part 2, 12.2.3.3)."""

    scheme: TpmtScheme

    @classmethod
    def read(cls, reader: Reader) -> TpmsKeyedhashParms:
        return cls(scheme=TpmtScheme.read(reader, _KEYEDHASH_SCHEMES))

    def encode(self) -> bytes:
        return self.scheme.encode()


@frozen
class TpmsSymcipherParms:
    """TPMS_SYMCIPHER_PARMS (Part 2, 11.1.9)."""

    symmetric: TpmtSymDefObject

    @classmethod
    def read(cls, reader: Reader) -> TpmsSymcipherParms:
        return cls(symmetric=TpmtSymDefObject.read(reader))

    def encode(self) -> bytes:
        return self.symmetric.encode()


@frozen
class Opaque:
    """The rest of a structure of a kind that is not read here, as it is."""

    body: bytes

    def encode(self) -> bytes:
        return self.body

    def describe(self) -> str:
        return "(not read here)"


Parms = TpmsRsaParms | TpmsEccParms | TpmsKeyedhashParms | TpmsSymcipherParms | Opaque
