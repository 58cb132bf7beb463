# SPDX-License-Identifier: Apache-2.0
"""OpenPGP test certificates and signatures: version 4 packets with Ed25519 keys, written field by field.

RFC 9580, 4.2 "Packet Headers", 5.2 "Signature Packet", 5.5 "Key Material Packets"; EdDSALegacy, because
installed programs know it.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ed25519

from tests.vectorgen import keys
from tests.vectorgen.plain import CREATED

_SIGNATURE, _PUBLIC_KEY, _USER_ID, _PUBLIC_SUBKEY = 2, 6, 13, 14  # packet types
_EDDSA: Final = 22
_CURVE: Final = bytes.fromhex("2b06010401da470f01")
HASHES: Final = {"sha1": 2, "sha256": 8, "sha512": 10}
BINARY, TEXT, _CERTIFICATION, _SUBKEY, _BACK, _REVOCATION = 0x00, 0x01, 0x13, 0x18, 0x19, 0x20  # signatures
_GENERIC: Final = 0x10
# subpackets
_TIME, SIGNATURE_EXPIRES, _KEY_EXPIRES, _ISSUER = 2, 3, 9, 16
_FLAGS, _REASON, _EMBEDDED, _FINGERPRINT = 27, 29, 32, 33
COMPROMISED, RETIRED = 2, 3  # reasons for revocation
CERTIFY, SIGN = 1, 2  # key flags
KEY_TIME: Final = CREATED - 30 * 86400


def packet(kind: int, body: bytes) -> bytes:
    return bytes([0xC0 | kind, 0xFF]) + struct.pack(">I", len(body)) + body


def _mpi(octets: bytes) -> bytes:
    number = int.from_bytes(octets, "big")
    return struct.pack(">H", number.bit_length()) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def _area(subpackets: Mapping[int, bytes]) -> bytes:
    out = b""
    for kind, body in subpackets.items():
        size = len(body) + 1
        out += (bytes([size]) if size < 192 else b"\xff" + struct.pack(">I", size)) + bytes([kind]) + body
    return struct.pack(">H", len(out)) + out


@dataclass(frozen=True, slots=True)
class Key:
    """One primary key or subkey."""

    name: str
    created: int = KEY_TIME

    @property
    def secret(self) -> ed25519.Ed25519PrivateKey:
        return keys.ed25519_key(f"openpgp {self.name}")

    @property
    def body(self) -> bytes:
        point = _mpi(b"\x40" + self.secret.public_key().public_bytes_raw())
        return struct.pack(">BIBB", 4, self.created, _EDDSA, len(_CURVE)) + _CURVE + point

    @property
    def hashed(self) -> bytes:
        """How a signature covers the key (RFC 9580 5.2.4)."""
        return b"\x99" + struct.pack(">H", len(self.body)) + self.body

    @property
    def fingerprint(self) -> bytes:
        return hashlib.sha1(self.hashed, usedforsecurity=False).digest()

    def as_subkey(self) -> bytes:
        """The packet that holds it as a subkey; nothing is signed."""
        return packet(_PUBLIC_SUBKEY, self.body)

    def signature(
        self,
        kind: int,
        covered: bytes,
        *,
        at: int,
        digest: str = "sha256",
        hashed: Mapping[int, bytes] | None = None,
        unhashed: Mapping[int, bytes] | None = None,
    ) -> bytes:
        """The body of a signature packet of `kind` over `covered`."""
        area = {_TIME: struct.pack(">I", at), _FINGERPRINT: b"\x04" + self.fingerprint, **(hashed or {})}
        head = bytes([4, kind, _EDDSA, HASHES[digest]]) + _area(area)
        trailer = b"\x04\xff" + struct.pack(">I", len(head))
        value = hashlib.new(digest, covered + head + trailer).digest()
        made = self.secret.sign(value)
        hints = _area({_ISSUER: self.fingerprint[-8:], **(unhashed or {})})
        return head + hints + value[:2] + _mpi(made[:32]) + _mpi(made[32:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A primary key with a user id and perhaps a signing subkey; `revoked` is when and for what reason.

    `certified_by` is somebody else who certifies the user id.
    """

    name: str
    user_id: str
    flags: int = CERTIFY | SIGN
    lifetime: int | None = None
    revoked: tuple[int, int] | None = None
    subkey: bool = False
    back_signature: bool = True
    certified_by: Certificate | None = None

    @property
    def primary(self) -> Key:
        return Key(self.name)

    @property
    def signing(self) -> Key:
        return Key(f"{self.name} subkey") if self.subkey else self.primary

    @property
    def fingerprint(self) -> str:
        return self.primary.fingerprint.hex()

    def encode(self) -> bytes:
        primary, user_id = self.primary, self.user_id.encode()
        hashed = {_FLAGS: bytes([self.flags])}
        if self.lifetime is not None:
            hashed[_KEY_EXPIRES] = struct.pack(">I", self.lifetime)
        covered = primary.hashed + b"\xb4" + struct.pack(">I", len(user_id)) + user_id
        certification = primary.signature(_CERTIFICATION, covered, at=KEY_TIME, hashed=hashed)
        revocations = [(_SIGNATURE, self._revocation(*self.revoked))] if self.revoked else []
        packets = [
            (_PUBLIC_KEY, primary.body),
            *revocations,
            (_USER_ID, user_id),
            (_SIGNATURE, certification),
        ]
        if self.certified_by is not None:
            other = self.certified_by.primary.signature(_GENERIC, covered, at=KEY_TIME)
            packets.append((_SIGNATURE, other))
        if self.subkey:
            packets += [(_PUBLIC_SUBKEY, self.signing.body), (_SIGNATURE, self._binding())]
        return b"".join(packet(kind, body) for kind, body in packets)

    def _revocation(self, at: int, reason: int) -> bytes:
        return self.primary.signature(
            _REVOCATION, self.primary.hashed, at=at, hashed={_REASON: bytes([reason]) + b"a test"}
        )

    def _binding(self) -> bytes:
        """The primary key takes the subkey on; the subkey agrees by its back-signature (RFC 9580 5.2.1.9)."""
        covered = self.primary.hashed + self.signing.hashed
        agreed = {_EMBEDDED: self.signing.signature(_BACK, covered, at=KEY_TIME)}
        return self.primary.signature(
            _SUBKEY,
            covered,
            at=KEY_TIME,
            hashed={_FLAGS: bytes([SIGN])},
            unhashed=agreed if self.back_signature else None,
        )

    def sign(
        self,
        message: bytes,
        *,
        at: int = CREATED,
        kind: int = BINARY,
        digest: str = "sha256",
        hashed: Mapping[int, bytes] | None = None,
    ) -> bytes:
        """A detached signature, one packet."""
        made = self.signing.signature(kind, message, at=at, digest=digest, hashed=hashed)
        return packet(_SIGNATURE, made)


OPERATOR: Final = Certificate(
    name="operator", user_id="Evidence Bundle Test Operator (test key) <operator@example.org>"
)
WITNESS: Final = Certificate(
    name="witness", user_id="Evidence Bundle Test Witness (test key) <witness@example.org>"
)
