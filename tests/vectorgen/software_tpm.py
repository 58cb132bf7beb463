# SPDX-License-Identifier: Apache-2.0
"""A TPM in software: keys with public areas, quotes and certify statements, signed the same way each time.

TPM 2.0 Library, Part 1, 16 "Names"; Part 2, 10.12.12 TPMS_ATTEST, 11.3.4 TPMT_SIGNATURE. The structures are
written field by field; only public areas use the format's own encoder.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from bundlefmt.evidence.tpm import TpmAlg, TpmaObject, TpmsEccParms, TpmsEccPoint, TpmsRsaParms, TpmtPublic
from bundlefmt.evidence.tpm_parameters import TpmtScheme, TpmtSymDefObject
from tests.vectorgen import keys

SHA1, SHA256, SHA384 = 0x0004, 0x000B, 0x000C
RSA, ECC, AES, CFB, RSASSA, RSAPSS, ECDSA = 0x0001, 0x0023, 0x0006, 0x0043, 0x0014, 0x0016, 0x0018
NO_SCHEME: Final = 0x0010  # TPM_ALG_NULL: the caller chooses
CURVES: Final = {"p224": 0x0002, "p256": 0x0003, "p384": 0x0004}
UNKNOWN_CURVE, UNKNOWN_HASH, ML_DSA = 0x0010, 0x00B0, 0x00A1
_ALGORITHMS: Final[dict[int, hashes.HashAlgorithm]] = {
    SHA1: hashes.SHA1(),  # noqa: S303 - a weak scheme is what one vector shows
    SHA256: hashes.SHA256(),
    SHA384: hashes.SHA384(),
}
HASH_NAMES: Final = {SHA1: "sha1", SHA256: "sha256", SHA384: "sha384"}
OWNER, NULL, ENDORSEMENT, PLATFORM = (
    struct.pack(">I", handle) for handle in (0x40000001, 0x40000007, 0x4000000B, 0x4000000C)
)
HIERARCHIES: Final = {"owner": OWNER, "null": NULL, "endorsement": ENDORSEMENT, "platform": PLATFORM}
MAGIC: Final = 0xFF544347
NV, CERTIFY, QUOTE, TIME, CREATION, NV_DIGEST = 0x8014, 0x8017, 0x8018, 0x8019, 0x801A, 0x801C
A: Final = TpmaObject
BORN: Final = A.fixedTPM | A.fixedParent | A.sensitiveDataOrigin | A.userWithAuth
ATTESTING: Final = BORN | A.restricted | A.sign_encrypt
SIGNING: Final = BORN | A.sign_encrypt
STORING: Final = BORN | A.restricted | A.decrypt
PcrValues = Mapping[int, Mapping[int, bytes]]


def tpm2b(octets: bytes) -> bytes:
    return struct.pack(">H", len(octets)) + octets


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key and its public area, below `parent` (a qualified name) or directly in a hierarchy."""

    private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    public: TpmtPublic
    parent: bytes = ENDORSEMENT

    @property
    def area(self) -> bytes:
        return self.public.encode()

    @property
    def name(self) -> bytes:
        return name(self.area)

    @property
    def qualified_name(self) -> bytes:
        return qualified(self.parent, [self.name])

    def with_attributes(self, attributes: int) -> Key:
        return replace(self, public=replace(self.public, attributes=TpmaObject(attributes)))

    def sign(self, message: bytes, *, scheme: tuple[int, int] | None = None) -> bytes:
        """TPMT_SIGNATURE by the scheme of the key, or another (scheme, hash)."""
        alg, digest = scheme or (self.public.scheme, self.public.scheme_hash or SHA256)
        if alg == NO_SCHEME:
            alg = ECDSA
        if isinstance(self.private, rsa.RSAPrivateKey):
            sign = keys.rsa_pss if alg == RSAPSS else keys.rsa_pkcs1
            return struct.pack(">HH", alg, digest) + tpm2b(sign(self.private, message))
        algorithm = _ALGORITHMS.get(digest, hashes.SHA256())
        size = (self.private.key_size + 7) // 8
        r, s = keys.ecdsa_numbers(self.private, message, algorithm)
        return struct.pack(">HH", alg, digest) + b"".join(tpm2b(n.to_bytes(size, "big")) for n in (r, s))


def name(area: bytes) -> bytes:
    """Part 1, 16: nameAlg and the digest of the public area by it."""
    return _digested(area[2:4], area)


def _digested(alg: bytes, data: bytes) -> bytes:
    """An algorithm that nobody knows stands over a SHA-256 digest."""
    return alg + hashlib.new(HASH_NAMES.get(int.from_bytes(alg, "big"), "sha256"), data).digest()


def qualified(parent: bytes, names: list[bytes]) -> bytes:
    """Part 1, 16: each Name digested behind its parent's qualified name, from `parent` downwards."""
    for each in names:
        parent = _digested(each[:2], parent + each)
    return parent


def ecc_key(
    seed: str,
    attributes: int,
    *,
    curve: str = "p256",
    curve_id: int | None = None,
    scheme: tuple[int, int] | None = (ECDSA, SHA256),
    parent: bytes = ENDORSEMENT,
) -> Key:
    """A key from its seed, said to be on `curve_id`; without a scheme it is one that stores others."""
    private = keys.ec_key(f"tpm {seed}", curve)
    size, numbers = (private.key_size + 7) // 8, private.public_key().public_numbers()
    point = TpmsEccPoint(x=numbers.x.to_bytes(size, "big"), y=numbers.y.to_bytes(size, "big"))
    parameters = TpmsEccParms(
        symmetric=_symmetric(attributes),
        scheme=_scheme(scheme),
        curve=CURVES[curve] if curve_id is None else curve_id,
        kdf=TpmtScheme(),
    )
    return Key(private=private, public=_public(ECC, attributes, parameters, point), parent=parent)


def rsa_key(kept: str, attributes: int, *, scheme: tuple[int, int], parent: bytes = ENDORSEMENT) -> Key:
    private = keys.rsa_key(kept)
    modulus = private.public_key().public_numbers().n.to_bytes(256, "big")
    parameters = TpmsRsaParms(
        symmetric=_symmetric(attributes), scheme=_scheme(scheme), key_bits=2048, exponent=0
    )
    return Key(private=private, public=_public(RSA, attributes, parameters, modulus), parent=parent)


def _symmetric(attributes: int) -> TpmtSymDefObject:
    if attributes & A.restricted and attributes & A.decrypt:
        return TpmtSymDefObject(algorithm=TpmAlg(AES), key_bits=128, mode=CFB)
    return TpmtSymDefObject()


def _scheme(scheme: tuple[int, int] | None) -> TpmtScheme:
    return TpmtScheme() if scheme is None else TpmtScheme(scheme=TpmAlg(scheme[0]), hash=scheme[1])


def _public(
    kind: int, attributes: int, parameters: TpmsEccParms | TpmsRsaParms, unique: TpmsEccPoint | bytes
) -> TpmtPublic:
    return TpmtPublic(
        type=kind,
        name_alg=SHA256,
        attributes=TpmaObject(attributes),
        auth_policy=b"",
        parameters=parameters,
        unique=unique,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """TPMS_ATTEST, every field of which may be wrong on purpose; `attested` follows them as it is."""

    type: int
    signer: bytes
    extra: bytes
    attested: bytes
    magic: int = MAGIC
    clock: int = 3_600_000
    resets: int = 7
    restarts: int = 0
    safe: int = 1
    firmware: int = 0x0001_0000_0000_0000

    def encode(self) -> bytes:
        head = struct.pack(">IH", self.magic, self.type) + tpm2b(self.signer) + tpm2b(self.extra)
        clock_info = struct.pack(">QIIB", self.clock, self.resets, self.restarts, self.safe)
        return head + clock_info + struct.pack(">Q", self.firmware) + self.attested


def selection(banks: Mapping[int, tuple[int, ...]] | tuple[tuple[int, tuple[int, ...]], ...]) -> bytes:
    """TPML_PCR_SELECTION with three octets for each bank."""
    pairs = tuple(banks.items()) if isinstance(banks, Mapping) else banks
    out = struct.pack(">I", len(pairs))
    for bank, indices in pairs:
        bits = sum(1 << index for index in indices)
        out += struct.pack(">HB", bank, 3) + bits.to_bytes(3, "little")
    return out


def selected(values: PcrValues) -> dict[int, tuple[int, ...]]:
    return {bank: tuple(sorted(row)) for bank, row in values.items()}


def pcr_digest(values: PcrValues, digest: int = SHA256) -> bytes:
    """The digest of the values one after the other, by the hash of the signing scheme."""
    row = b"".join(values[bank][index] for bank in values for index in sorted(values[bank]))
    return hashlib.new(HASH_NAMES.get(digest, "sha256"), row).digest()


def quote_info(values: PcrValues, digest: int = SHA256) -> bytes:
    """TPMS_QUOTE_INFO."""
    return selection(selected(values)) + tpm2b(pcr_digest(values, digest))


def creation_data(
    parent: Key | None, *, outside: bytes, values: PcrValues, name_alg: int = SHA256, **changes: bytes
) -> bytes:
    """TPMS_CREATION_DATA (Part 2, 15.1) of a key below `parent`; `changes` are names of the parent."""
    names = {
        "name": OWNER if parent is None else parent.name,
        "qualified_name": OWNER if parent is None else parent.qualified_name,
        **changes,
    }
    parent_alg = NO_SCHEME if parent is None else parent.public.name_alg
    return b"".join(
        (
            selection(selected(values)),
            tpm2b(pcr_digest(values, name_alg)),
            struct.pack(">BH", 1, parent_alg),
            tpm2b(names["name"]),
            tpm2b(names["qualified_name"]),
            tpm2b(outside),
        )
    )


def creation_ticket(hierarchy: bytes) -> bytes:
    """TPMT_TK_CREATION (Part 2, 10.7.3), whose digest is a secret of the TPM."""
    return struct.pack(">H", 0x8021) + hierarchy + tpm2b(hashlib.sha256(b"a secret of the TPM").digest())
