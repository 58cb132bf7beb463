# SPDX-License-Identifier: Apache-2.0
"""TPM public areas, what they are made of, and their Names.

TPM 2.0 Library, Part 2 "Structures"; Names by Part 1, 16 "Names".
"""

from __future__ import annotations

import dataclasses
from dataclasses import field
from enum import KEEP, IntFlag
from functools import lru_cache
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from bundlefmt.errors import Code
from bundlefmt.evidence.pcr_selection import (
    MAX_PCR_BANKS,
    TpmsPcrSelection,
    encode_pcr_selection_list,
    read_pcr_selection_list,
)
from bundlefmt.evidence.tpm_algorithm import (
    CURVES,
    HASHES,
    TpmAlg,
    UnsupportedAlgorithmError,
    alg_name,
    curve_name,
    digest,
    hash_size,
)
from bundlefmt.evidence.tpm_parameters import (
    Opaque,
    Parms,
    TpmsEccParms,
    TpmsKeyedhashParms,
    TpmsRsaParms,
    TpmsSymcipherParms,
    UnknownAlgorithmError,
)
from bundlefmt.frozen import frozen
from bundlefmt.wire import Buffer, Reader, read_all

__all__ = [
    "CURVES",
    "HASHES",
    "HIERARCHIES",
    "MAX_PCR_BANKS",
    "Opaque",
    "TpmAlg",
    "TpmaObject",
    "TpmsEccParms",
    "TpmsEccPoint",
    "TpmsKeyedhashParms",
    "TpmsPcrSelection",
    "TpmsRsaParms",
    "TpmsSymcipherParms",
    "TpmtPublic",
    "UnsupportedAlgorithmError",
    "UnsupportedKeyError",
    "alg_name",
    "curve_name",
    "digest",
    "encode_pcr_selection_list",
    "hash_size",
    "name_digest_alg",
    "qualified_name",
    "read_pcr_selection_list",
    "read_tpm2b",
    "tpm2b",
    "unwrap_tpm2b",
]

MAX_DIGEST: Final = 64  # TPM2B_DIGEST: the largest member of TPMU_HA
MAX_NAME: Final = 66  # TPM2B_NAME: a TPMT_HA
MAX_DATA: Final = 66  # TPM2B_DATA: a TPMT_HA
MAX_RSA: Final = 512  # TPM2B_PUBLIC_KEY_RSA: RSA-4096, the largest that libtss2 reads
MAX_ECC: Final = 128  # TPM2B_ECC_PARAMETER as libtss2 has it
RSA_SIZES: Final = (1024, 2048, 3072, 4096)
DEFAULT_EXPONENT: Final = 65537

# Part 2, 7.4 TPM_RH; the Name of a hierarchy is its handle (Part 1, 16)
HIERARCHIES: Final[dict[int, str]] = {
    0x40000001: "owner",
    0x40000007: "null",
    0x4000000B: "endorsement",
    0x4000000C: "platform",
}


class UnsupportedKeyError(ValueError):
    """A public area without a key that can be used here; the message says why."""


def read_tpm2b(reader: Reader, maximum: int) -> bytes:
    """The content of a TPM2B of at most `maximum` bytes (Part 2, 10.4)."""
    start = reader.offset
    content = reader.sized()
    if len(content) > maximum:
        raise reader.error(Code.WRONG_LENGTH, f"{len(content)} bytes, at most {maximum}", offset=start)
    return content


def tpm2b(content: bytes) -> bytes:
    """`content` behind its 16-bit size."""
    return len(content).to_bytes(2, "big") + content


def unwrap_tpm2b(data: Buffer) -> bytes:
    """The content of one TPM2B with nothing after it. Raises MalformedError."""
    return read_all(data, Reader.sized, path="TPM2B")


def name_digest_alg(name: bytes) -> int | None:
    """The nameAlg of a Name with a digest; None for a handle (Part 1, 16). Raises MalformedError."""
    if len(name) == 4:
        return None
    reader = Reader(name, path="TPM2B_NAME")
    alg = reader.uint(2)
    if alg in HASHES and reader.remaining != hash_size(alg):
        raise reader.error(
            Code.WRONG_LENGTH, f"{reader.remaining} bytes for a {alg_name(alg)} digest", offset=0
        )
    return alg


def qualified_name(parent_qn: bytes, name: bytes) -> bytes:
    """nameAlg || H_nameAlg(QN of the parent || Name) (Part 1, 16); a hierarchy's QN is its 4-byte handle.

    Raises UnsupportedAlgorithmError, MalformedError.
    """
    alg = name_digest_alg(name)
    if alg is None:
        return name
    return alg.to_bytes(2, "big") + digest(alg, parent_qn + name)


class TpmaObject(IntFlag, boundary=KEEP):
    """TPMA_OBJECT (Part 2, 8.3); bits that are not known are kept."""

    fixedTPM = 1 << 1
    stClear = 1 << 2
    fixedParent = 1 << 4
    sensitiveDataOrigin = 1 << 5
    userWithAuth = 1 << 6
    adminWithPolicy = 1 << 7
    noDA = 1 << 10
    encryptedDuplication = 1 << 11
    restricted = 1 << 16
    decrypt = 1 << 17
    sign_encrypt = 1 << 18
    x509sign = 1 << 19

    def names(self) -> list[str]:
        """The attributes that are set, lowest bit first; a reserved one as `bit 3`."""
        known = {flag.value: flag.name for flag in TpmaObject}
        bits = (1 << number for number in range(32))
        return [known.get(bit) or f"bit {bit.bit_length() - 1}" for bit in bits if self.value & bit]


@frozen
class TpmsEccPoint:
    """TPMS_ECC_POINT (Part 2, 11.2.5.2); in a template any bytes."""

    x: bytes
    y: bytes

    @classmethod
    def read(cls, reader: Reader) -> TpmsEccPoint:
        return cls(x=read_tpm2b(reader, MAX_ECC), y=read_tpm2b(reader, MAX_ECC))

    def encode(self) -> bytes:
        return tpm2b(self.x) + tpm2b(self.y)


Unique = bytes | TpmsEccPoint


def _read_body(reader: Reader, kind: int) -> tuple[Parms, Unique]:
    """Parameters and `unique` of one kind of object. Raises UnknownAlgorithmError."""
    match kind:
        case TpmAlg.RSA:
            return TpmsRsaParms.read(reader), read_tpm2b(reader, MAX_RSA)
        case TpmAlg.ECC:
            return TpmsEccParms.read(reader), TpmsEccPoint.read(reader)
        case TpmAlg.KEYEDHASH:
            return TpmsKeyedhashParms.read(reader), read_tpm2b(reader, MAX_DIGEST)
        case TpmAlg.SYMCIPHER:
            return TpmsSymcipherParms.read(reader), read_tpm2b(reader, MAX_DIGEST)
        case _:
            raise UnknownAlgorithmError(alg_name(kind))


@frozen
class TpmtPublic:
    """TPMT_PUBLIC (Part 2, 12.2.4), the public area of an object, or a template for one.

    Of a kind that is not known here, `parameters` is Opaque and `supported` is False. `raw` is what was read.
    """

    raw: bytes = field(default=b"", repr=False, compare=False)
    type: int
    name_alg: int
    attributes: TpmaObject
    auth_policy: bytes
    parameters: Parms
    unique: Unique

    def __post_init__(self) -> None:
        if self.raw and self.raw != self.encode():
            raise ValueError("raw is not the encoding of the other fields")

    @classmethod
    def decode(cls, data: Buffer) -> TpmtPublic:
        """One TPMT_PUBLIC without the size of a TPM2B. Raises MalformedError."""
        reader = Reader(data, path="TPMT_PUBLIC")
        kind, name_alg = reader.uint(2), reader.uint(2)
        attributes = TpmaObject(reader.uint(4))
        auth_policy = read_tpm2b(reader, MAX_DIGEST)
        start = reader.offset
        body = reader.read(reader.remaining)
        parameters: Parms
        unique: Unique
        try:
            parameters, unique = read_all(
                body, lambda inner: _read_body(inner, kind), path="TPMT_PUBLIC", base=start
            )
        except UnknownAlgorithmError:
            parameters, unique = Opaque(body=body), b""
        return cls(
            raw=bytes(data),
            type=kind,
            name_alg=name_alg,
            attributes=attributes,
            auth_policy=auth_policy,
            parameters=parameters,
            unique=unique,
        )

    def encode(self) -> bytes:
        head = self.type.to_bytes(2, "big") + self.name_alg.to_bytes(2, "big")
        parts = [head, self.attributes.to_bytes(4, "big"), tpm2b(self.auth_policy), self.parameters.encode()]
        if isinstance(self.unique, TpmsEccPoint):
            parts.append(self.unique.encode())
        elif self.supported:
            parts.append(tpm2b(self.unique))
        return b"".join(parts)

    @property
    def supported(self) -> bool:
        return not isinstance(self.parameters, Opaque)

    @property
    def scheme(self) -> int:
        """The scheme that the key is bound to; TPM_ALG_NULL when none."""
        if isinstance(self.parameters, (Opaque, TpmsSymcipherParms)):
            return TpmAlg.NULL
        return self.parameters.scheme.scheme

    @property
    def scheme_hash(self) -> int | None:
        """The hash of that scheme, if it has one."""
        if isinstance(self.parameters, (Opaque, TpmsSymcipherParms)):
            return None
        return self.parameters.scheme.hash

    def name(self) -> bytes:
        """nameAlg || H_nameAlg(TPMT_PUBLIC) (Part 1, 16). Raises UnsupportedAlgorithmError."""
        return self.name_alg.to_bytes(2, "big") + digest(self.name_alg, self.raw or self.encode())

    def same_template(self, other: TpmtPublic) -> bool:
        """Whether all but `unique` is equal; opaque areas must be equal as a whole."""
        return dataclasses.replace(self, raw=b"", unique=other.unique) == other

    def public_key(self) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey:
        """Raises UnsupportedKeyError, also for a template, whose `unique` is no key."""
        if isinstance(self.parameters, TpmsRsaParms) and isinstance(self.unique, bytes):
            return _rsa_key(self.parameters, self.unique)
        if isinstance(self.parameters, TpmsEccParms) and isinstance(self.unique, TpmsEccPoint):
            return _ecc_key(self.parameters.curve, self.unique)
        raise UnsupportedKeyError(f"{self.describe()}: not an RSA or ECC key that can be read here")

    def describe(self) -> str:
        """`ECC nist-p256 ecdsa-sha256`, `RSA 2048 rsassa-sha256`, `RSA 2048 aes-128-cfb`."""
        words = [alg_name(self.type).upper()]
        match self.parameters:
            case TpmsRsaParms():
                words.append(str(self.parameters.key_bits))
            case TpmsEccParms():
                words.append(curve_name(self.parameters.curve))
            case Opaque():
                words.append("(not read here)")
        if not isinstance(self.parameters, (Opaque, TpmsSymcipherParms)) and self.scheme != TpmAlg.NULL:
            words.append(self.parameters.scheme.describe())
        if not isinstance(self.parameters, (Opaque, TpmsKeyedhashParms)):
            symmetric = self.parameters.symmetric
            words += [symmetric.describe()] if symmetric.algorithm != TpmAlg.NULL else []
        return " ".join(words)


@lru_cache(maxsize=64)  # a key is asked for with each signature that it made
def _rsa_key(parameters: TpmsRsaParms, modulus: bytes) -> rsa.RSAPublicKey:
    """Part 2, 11.2.4.5 and 12.2.3.5: the modulus has exactly keyBits bits."""
    n = int.from_bytes(modulus, "big")
    if parameters.key_bits not in RSA_SIZES:
        raise UnsupportedKeyError(f"RSA of {parameters.key_bits} bits is not used")
    if n.bit_length() != parameters.key_bits or len(modulus) * 8 != parameters.key_bits:
        raise UnsupportedKeyError(f"the modulus has {n.bit_length()} bits, not {parameters.key_bits}")
    try:
        return rsa.RSAPublicNumbers(parameters.exponent or DEFAULT_EXPONENT, n).public_key()
    except ValueError as error:
        raise UnsupportedKeyError(f"not an RSA key: {error}") from None


@lru_cache(maxsize=64)
def _ecc_key(curve: int, point: TpmsEccPoint) -> ec.EllipticCurvePublicKey:
    known = CURVES.get(curve, ("", None))[1]
    if known is None:
        raise UnsupportedKeyError(f"{curve_name(curve)} is not computed here")
    size = (known.key_size + 7) // 8
    if max(len(point.x), len(point.y)) > size:
        raise UnsupportedKeyError(f"a coordinate is longer than the {size} bytes of the field")
    x, y = int.from_bytes(point.x, "big"), int.from_bytes(point.y, "big")
    try:
        return ec.EllipticCurvePublicNumbers(x, y, known).public_key()
    except ValueError as error:
        raise UnsupportedKeyError(f"not a point of {curve_name(curve)}: {error}") from None
    except UnsupportedAlgorithm as error:
        raise UnsupportedKeyError(f"{curve_name(curve)} is not computed here: {error}") from None
