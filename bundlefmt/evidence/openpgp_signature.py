# SPDX-License-Identifier: Apache-2.0
"""OpenPGP signature packets of versions 4 and 6, the bytes that they sign, and who made them.

RFC 9580, 5.2 "Signature Packet", 5.2.1 "Signature Types", 5.2.4 "Computing Signatures".
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Final

from bundlefmt.errors import Code
from bundlefmt.evidence.openpgp_algorithm import HASHES, PublicKeyAlgorithm, digest
from bundlefmt.evidence.openpgp_key import NotMadeByError, PublicKey
from bundlefmt.evidence.openpgp_packet import NotComputedError, encode_mpi, read_mpi
from bundlefmt.evidence.openpgp_subpacket import (
    ONCE,
    UNDERSTOOD,
    KeyFlags,
    Subpacket,
    SubpacketType,
    read_area,
)
from bundlefmt.frozen import frozen
from bundlefmt.wire import Buffer, Reader, read_all


class SignatureType(IntEnum):
    """RFC 9580 5.2.1; those with a meaning here."""

    BINARY = 0x00
    TEXT = 0x01
    GENERIC_CERTIFICATION = 0x10
    PERSONA_CERTIFICATION = 0x11
    CASUAL_CERTIFICATION = 0x12
    POSITIVE_CERTIFICATION = 0x13
    SUBKEY_BINDING = 0x18
    PRIMARY_KEY_BINDING = 0x19
    DIRECT_KEY = 0x1F
    KEY_REVOCATION = 0x20
    SUBKEY_REVOCATION = 0x28
    CERTIFICATION_REVOCATION = 0x30


CERTIFICATIONS: Final = frozenset(range(0x10, 0x14))
# of keys; a user id that is withdrawn does not take its key with it
REVOCATIONS: Final = frozenset({SignatureType.KEY_REVOCATION, SignatureType.SUBKEY_REVOCATION})
# numbers in the signature, and octets where it has a fixed size (RFC 9580 5.2.3)
_MPIS: Final[Mapping[int, int]] = {
    PublicKeyAlgorithm.RSA: 1,
    PublicKeyAlgorithm.RSA_SIGN: 1,
    PublicKeyAlgorithm.DSA: 2,
    PublicKeyAlgorithm.ECDSA: 2,
    PublicKeyAlgorithm.EDDSA_LEGACY: 2,
}
_OCTETS: Final[Mapping[int, int]] = {PublicKeyAlgorithm.ED25519: 64, PublicKeyAlgorithm.ED448: 114}


@frozen
class SignaturePacket:
    """The body of a signature packet. `left` are the first octets of the digest, a hint; `salt` of version 6.

    What is read from it comes from the hashed area, which the signature covers, unless it says otherwise.
    """

    version: int
    type: int
    key_algorithm: int
    hash_algorithm: int
    hashed: tuple[Subpacket, ...]
    unhashed: tuple[Subpacket, ...]
    left: bytes
    salt: bytes
    value: tuple[int, ...] | bytes

    @classmethod
    def decode(cls, data: Buffer, *, base: int = 0) -> SignaturePacket:
        """Raises MalformedError; NotComputedError for versions other than 4 and 6."""
        return read_all(data, cls._read, path="OpenPGP signature", base=base)

    @classmethod
    def _read(cls, reader: Reader) -> SignaturePacket:
        version = reader.uint(1)
        if version not in (4, 6):
            raise NotComputedError(f"a signature of version {version} is not read here")
        type_, key_algorithm, hash_algorithm = reader.uint(1), reader.uint(1), reader.uint(1)
        size, start = 4 if version == 6 else 2, reader.offset
        hashed = reader.within(reader.uint(size), read_area)
        types = [subpacket.type for subpacket in hashed if subpacket.type in ONCE]
        if len(set(types)) != len(types):
            raise reader.error(Code.BAD_VALUE, "a subpacket twice that says something once", offset=start)
        unhashed = reader.within(reader.uint(size), read_area)
        left = reader.read(2)
        salt = b""
        if version == 6:
            start = reader.offset
            salt = reader.sized(1)
            known = HASHES.get(hash_algorithm)
            # RFC 9580 5.2.3 "the salt size MUST match"
            if known is not None and known.salt is not None and len(salt) != known.salt:
                raise reader.error(Code.WRONG_LENGTH, f"a salt of {len(salt)} octets", offset=start)
        return cls(
            version=version,
            type=type_,
            key_algorithm=key_algorithm,
            hash_algorithm=hash_algorithm,
            hashed=hashed,
            unhashed=unhashed,
            left=left,
            salt=salt,
            value=_read_value(reader, key_algorithm),
        )

    def encode(self) -> bytes:
        unhashed = b"".join(subpacket.encode() for subpacket in self.unhashed)
        salt = bytes([len(self.salt)]) + self.salt if self.version == 6 else b""
        value = self.value if isinstance(self.value, bytes) else b"".join(map(encode_mpi, self.value))
        return self.header() + self._size(unhashed) + unhashed + self.left + salt + value

    def header(self) -> bytes:
        """What the signature covers of itself: from the version to the hashed area."""
        hashed = b"".join(subpacket.encode() for subpacket in self.hashed)
        head = bytes([self.version, self.type, self.key_algorithm, self.hash_algorithm])
        return head + self._size(hashed) + hashed

    def _size(self, area: bytes) -> bytes:
        return len(area).to_bytes(4 if self.version == 6 else 2, "big")

    def digest(self, covered: bytes) -> bytes:
        """The digest that is signed (RFC 9580 5.2.4). Raises NotComputedError."""
        header = self.header()
        trailer = bytes([self.version, 0xFF]) + (len(header) % 2**32).to_bytes(4, "big")
        return digest(self.hash_algorithm, self.salt, covered, header, trailer)

    def verify(self, key: PublicKey, covered: bytes) -> None:
        """Raises NotMadeByError unless `key` made this signature over `covered`, or NotComputedError."""
        self.verify_digest(key, self.digest(covered))

    def verify_digest(self, key: PublicKey, digest: bytes) -> None:
        """As `verify`, with what `digest` gave."""
        # a key signs in its own version (RFC 9580 5.2.3)
        if (self.version, self.key_algorithm) != (key.version, key.algorithm):
            raise NotMadeByError("the signature is for a key of another kind")
        if digest[:2] != self.left:
            raise NotMadeByError("the signature is over something else")
        key.verify(self.value, self.hash_algorithm, digest)

    def _hashed(self, type_: SubpacketType) -> Subpacket | None:
        return next((subpacket for subpacket in self.hashed if subpacket.type == type_), None)

    def _number(self, type_: SubpacketType) -> int | None:
        found = self._hashed(type_)
        return None if found is None else found.number

    @property
    def created(self) -> int | None:
        """Seconds since the epoch; None where the signature does not say."""
        return self._number(SubpacketType.CREATED)

    @property
    def expires(self) -> int | None:
        """Seconds since the epoch at which the signature ends; None where it does not."""
        lifetime = self._number(SubpacketType.EXPIRES)
        return None if self.created is None or not lifetime else self.created + lifetime

    @property
    def key_lifetime(self) -> int | None:
        """Seconds that the key lives from its creation; 0 is for ever, None where it is not said."""
        return self._number(SubpacketType.KEY_EXPIRES)

    @property
    def key_flags(self) -> KeyFlags | None:
        found = self._hashed(SubpacketType.KEY_FLAGS)
        return None if found is None else KeyFlags(found.body[0] if found.body else 0)

    @property
    def is_primary(self) -> bool:
        """Whether the user id certified is the one that stands for the key."""
        return bool(self._number(SubpacketType.PRIMARY_USER_ID))

    @property
    def reason(self) -> int | None:
        """Of a revocation (RFC 9580 5.2.3.31); None where none is given."""
        found = self._hashed(SubpacketType.REASON)
        return None if found is None else found.body[0]

    @property
    def designated_revokers(self) -> tuple[str, ...]:
        """Fingerprints of keys that may revoke in the signer's stead (RFC 9580 5.2.3.23)."""
        return tuple(each.body[2:].hex() for each in self.hashed if each.type == SubpacketType.REVOCATION_KEY)

    def unknown_critical(self) -> tuple[str, ...]:
        """What the signer insists must be understood, and is not: subpackets and notations."""
        found = []
        for subpacket in self.hashed:
            if subpacket.critical and subpacket.type == SubpacketType.NOTATION:
                size = int.from_bytes(subpacket.body[4:6], "big")
                found.append(f"notation {subpacket.body[8 : 8 + size].decode('utf-8', 'replace')}")
            elif subpacket.critical and subpacket.type not in UNDERSTOOD:
                found.append(f"subpacket {subpacket.type}")
        return tuple(found)

    def untrusted_issuers(self) -> tuple[str, ...]:
        """Key ids and fingerprints of whoever may have made this, from both areas: hints."""
        found = []
        for subpacket in (*self.hashed, *self.unhashed):
            if subpacket.type == SubpacketType.ISSUER:
                found.append(subpacket.body.hex())
            elif subpacket.type == SubpacketType.ISSUER_FINGERPRINT:
                found.append(subpacket.body[1:].hex())
        return tuple(found)

    def embedded(self) -> tuple[bytes, ...]:
        """The bodies of signatures embedded in either area; each stands on its own signature."""
        both = (*self.hashed, *self.unhashed)
        return tuple(each.body for each in both if each.type == SubpacketType.EMBEDDED)


def _read_value(reader: Reader, algorithm: int) -> tuple[int, ...] | bytes:
    if algorithm in _MPIS:
        return tuple(read_mpi(reader) for _ in range(_MPIS[algorithm]))
    return reader.read(_OCTETS.get(algorithm, reader.remaining))
