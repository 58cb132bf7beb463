# SPDX-License-Identifier: Apache-2.0
"""OpenPGP public keys: the packet, its fingerprint, and whether the key made a signature over a digest.

RFC 9580, 5.5 "Key Material Packets", 5.2.3 "Signature Packet" (values), 5.2.4, 9.1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final, TypeVar

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature

from bundlefmt.errors import Code
from bundlefmt.evidence.openpgp_algorithm import (
    CURVES,
    ED25519_LEGACY,
    RSA_ALGORITHMS,
    PublicKeyAlgorithm,
    algorithm_name,
    hash_algorithm,
)
from bundlefmt.evidence.openpgp_packet import NotComputedError, OpenPgpError, encode_mpi, read_mpi
from bundlefmt.evidence.x509_signature import MAX_RSA_BITS
from bundlefmt.frozen import frozen
from bundlefmt.small_order import is_small_order
from bundlefmt.wire import Buffer, Reader, read_all

E = TypeVar("E")

# numbers in the key material, and octets where it has a fixed size (RFC 9580 5.5.5)
_MPIS: Final[Mapping[int, int]] = {
    PublicKeyAlgorithm.RSA: 2,
    PublicKeyAlgorithm.RSA_ENCRYPT: 2,
    PublicKeyAlgorithm.RSA_SIGN: 2,
    PublicKeyAlgorithm.ELGAMAL: 3,
    PublicKeyAlgorithm.DSA: 4,
}
_OCTETS: Final[Mapping[int, int]] = {
    PublicKeyAlgorithm.X25519: 32,
    PublicKeyAlgorithm.X448: 56,
    PublicKeyAlgorithm.ED25519: 32,
    PublicKeyAlgorithm.ED448: 57,
}
_ON_A_CURVE: Final = frozenset(
    {PublicKeyAlgorithm.ECDH, PublicKeyAlgorithm.ECDSA, PublicKeyAlgorithm.EDDSA_LEGACY}
)
_EDDSA: Final = frozenset(
    {PublicKeyAlgorithm.EDDSA_LEGACY, PublicKeyAlgorithm.ED25519, PublicKeyAlgorithm.ED448}
)
_MAX_V4: Final = 2**16 - 1
_ED25519_SIZE: Final = 32  # octets of each half of a signature, and of the key


class NotMadeByError(OpenPgpError):
    """The key did not make the signature."""


@frozen
class Numbers:
    """Key material of MPIs: RSA n, e; DSA p, q, g, y; ElGamal p, g, y."""

    values: tuple[int, ...]

    def encode(self) -> bytes:
        return b"".join(encode_mpi(value) for value in self.values)


@frozen
class Point:
    """Key material on a curve: its OID, the point as an MPI; `kdf` what ECDH says of key derivation."""

    oid: bytes
    point: int
    kdf: bytes | None = None

    def encode(self) -> bytes:
        head = bytes([len(self.oid)]) + self.oid + encode_mpi(self.point)
        return head if self.kdf is None else head + bytes([len(self.kdf)]) + self.kdf


@frozen
class Octets:
    """Key material of a fixed size, or of an algorithm that is not read here."""

    body: bytes

    def encode(self) -> bytes:
        return self.body


Material = Numbers | Point | Octets


@frozen
class PublicKey:
    """The body of a public-key or public-subkey packet; `created` in seconds since the epoch."""

    version: int
    created: int
    algorithm: int
    material: Material

    @classmethod
    def decode(cls, data: Buffer, *, base: int = 0) -> PublicKey:
        """Raises MalformedError; NotComputedError for versions other than 4 and 6."""
        return read_all(data, cls._read, path="OpenPGP key", base=base)

    @classmethod
    def _read(cls, reader: Reader) -> PublicKey:
        start, version = reader.offset, reader.uint(1)
        if version not in (4, 6):
            raise NotComputedError(f"a key of version {version} is not read here")
        # a signature covers the size of a version 4 key in two octets
        if version == 4 and reader.remaining >= _MAX_V4:
            raise reader.error(Code.SIZE_LIMIT, "a key of more than 65535 octets", offset=start)
        created, algorithm = reader.uint(4), reader.uint(1)
        size = reader.uint(4) if version == 6 else reader.remaining
        material = reader.within(size, lambda inner: _read_material(inner, algorithm))
        return cls(version=version, created=created, algorithm=algorithm, material=material)

    def encode(self) -> bytes:
        material = self.material.encode()
        size = len(material).to_bytes(4, "big") if self.version == 6 else b""
        return (
            bytes([self.version])
            + self.created.to_bytes(4, "big")
            + bytes([self.algorithm])
            + size
            + material
        )

    def covered(self) -> bytes:
        """How signatures and the fingerprint cover this key (RFC 9580 5.2.4, 5.5.4)."""
        body = self.encode()
        if self.version == 6:
            return b"\x9b" + len(body).to_bytes(4, "big") + body
        return b"\x99" + len(body).to_bytes(2, "big") + body

    @property
    def fingerprint(self) -> str:
        """Lower-case hexadecimal: SHA-1 for version 4, SHA-256 for version 6."""
        if self.version == 6:
            return hashlib.sha256(self.covered()).hexdigest()
        return hashlib.sha1(self.covered(), usedforsecurity=False).hexdigest()

    @property
    def key_id(self) -> str:
        return self.fingerprint[:16] if self.version == 6 else self.fingerprint[-16:]

    @property
    def bits(self) -> int | None:
        """The size of an RSA, DSA or ElGamal key; None where the algorithm or the curve says it."""
        return self.material.values[0].bit_length() if isinstance(self.material, Numbers) else None

    def describe(self) -> str:
        """`RSA 4096`, `ECDSA P-256`, `Ed25519`."""
        name = algorithm_name(self.algorithm)
        if self.bits is not None:
            return f"{name} {self.bits}"
        if isinstance(self.material, Point):
            curve = CURVES.get(self.material.oid)
            return f"{name} {curve.name if curve else 'curve ' + self.material.oid.hex()}"
        return name

    def verify(self, value: tuple[int, ...] | bytes, hash_id: int, digest: bytes) -> None:
        """Raises NotMadeByError unless the key made signature `value` over `digest`; NotComputedError."""
        try:
            self._verify(value, hash_id, digest)
        except InvalidSignature:
            raise NotMadeByError("the signature does not verify") from None
        except UnsupportedAlgorithm as error:
            raise NotComputedError(str(error)) from None
        except (ValueError, OverflowError) as error:
            if isinstance(error, OpenPgpError):
                raise
            raise NotMadeByError(f"no usable {self.describe()} key or signature") from None

    def _verify(self, value: tuple[int, ...] | bytes, hash_id: int, digest: bytes) -> None:
        algorithm, material = self.algorithm, self.material
        if algorithm in RSA_ALGORITHMS and isinstance(material, Numbers) and isinstance(value, tuple):
            n, e = material.values
            if n.bit_length() > MAX_RSA_BITS:
                raise NotComputedError(f"RSA keys of {n.bit_length()} bits are not computed here")
            (made,) = value
            octets = made.to_bytes((n.bit_length() + 7) // 8, "big")
            key = rsa.RSAPublicNumbers(e, n).public_key()
            key.verify(octets, digest, padding.PKCS1v15(), Prehashed(hash_algorithm(hash_id)))
        elif algorithm == PublicKeyAlgorithm.ECDSA and isinstance(material, Point):
            curve = CURVES[material.oid].ecdsa if material.oid in CURVES else None
            if curve is None:
                raise NotComputedError(f"{self.describe()} is not computed here")
            size = 1 + 2 * ((curve.key_size + 7) // 8)
            on_curve = ec.EllipticCurvePublicKey.from_encoded_point(
                curve, material.point.to_bytes(size, "big")
            )
            r, s = value
            on_curve.verify(encode_dss_signature(r, s), digest, ec.ECDSA(Prehashed(hash_algorithm(hash_id))))
        elif algorithm in _EDDSA:
            self._verify_eddsa(value, digest)
        else:
            raise NotComputedError(f"{self.describe()} signatures are not computed here")

    def _verify_eddsa(self, value: tuple[int, ...] | bytes, digest: bytes) -> None:
        material = self.material
        if isinstance(material, Octets) and isinstance(value, bytes):
            if self.algorithm == PublicKeyAlgorithm.ED448:
                _sound(ed448.Ed448PublicKey.from_public_bytes(material.body)).verify(value, digest)
            else:
                _sound(ed25519.Ed25519PublicKey.from_public_bytes(material.body)).verify(value, digest)
        elif isinstance(material, Point) and isinstance(value, tuple) and material.oid == ED25519_LEGACY:
            r, s = (number.to_bytes(_ED25519_SIZE, "big") for number in value)
            # the octets of the native point stand behind a 0x40 (RFC 9580 11.2.1)
            point = material.point.to_bytes(_ED25519_SIZE + 1, "big")
            if point[0] != 0x40:
                raise NotMadeByError("the key is not a point in native form")
            _sound(ed25519.Ed25519PublicKey.from_public_bytes(point[1:])).verify(r + s, digest)
        else:
            raise NotComputedError(f"{self.describe()} signatures are not computed here")


def _sound(key: E) -> E:
    if is_small_order(key):
        raise NotMadeByError("the key is of small order: one signature of it fits any message")
    return key


def _read_material(reader: Reader, algorithm: int) -> Material:
    if algorithm in _MPIS:
        return Numbers(values=tuple(read_mpi(reader) for _ in range(_MPIS[algorithm])))
    if algorithm in _ON_A_CURVE:
        start = reader.offset
        size = reader.uint(1)
        # 0 and 255 are reserved for extensions (RFC 9580 9.2)
        if size in (0, 0xFF):
            raise reader.error(Code.BAD_VALUE, "a reserved length of a curve's OID", offset=start)
        oid, point = reader.read(size), read_mpi(reader)
        kdf = reader.sized(1) if algorithm == PublicKeyAlgorithm.ECDH else None
        return Point(oid=oid, point=point, kdf=kdf)
    if algorithm in _OCTETS:
        return Octets(body=reader.read(_OCTETS[algorithm]))
    return Octets(body=reader.read(reader.remaining))
