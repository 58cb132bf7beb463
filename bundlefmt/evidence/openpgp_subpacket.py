# SPDX-License-Identifier: Apache-2.0
"""The subpackets of OpenPGP signatures, and what the ones with a meaning here say.

RFC 9580, 5.2.3.7 "Signature Subpacket Specification" to 5.2.3.36.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum, IntFlag
from typing import Final

from bundlefmt.errors import Code
from bundlefmt.evidence.openpgp_packet import variable_length
from bundlefmt.frozen import frozen
from bundlefmt.wire import Reader

MAX_SUBPACKETS: Final = 64  # in one area; programs write about ten


class SubpacketType(IntEnum):
    """Those that are read here."""

    CREATED = 2
    EXPIRES = 3
    KEY_EXPIRES = 9
    REVOCATION_KEY = 12
    ISSUER = 16
    NOTATION = 20
    PRIMARY_USER_ID = 25
    KEY_FLAGS = 27
    REASON = 29
    EMBEDDED = 32
    ISSUER_FINGERPRINT = 33


# assigned by RFC 9580, table 5, and without effect on whether a signature or key is valid, or read here
UNDERSTOOD: Final = frozenset({*range(2, 8), 9, 11, 12, 16, *range(21, 36), 39})
# a signature says each of these once; RFC 9580 5.2.3.10 leaves it to the reader what two would mean
ONCE: Final = frozenset(
    {
        SubpacketType.CREATED,
        SubpacketType.EXPIRES,
        SubpacketType.KEY_EXPIRES,
        SubpacketType.PRIMARY_USER_ID,
        SubpacketType.KEY_FLAGS,
        SubpacketType.REASON,
    }
)
# octets of those that have one size, and the least of those that have several
_SIZES: Final[Mapping[int, int]] = {
    SubpacketType.CREATED: 4,
    SubpacketType.EXPIRES: 4,
    SubpacketType.KEY_EXPIRES: 4,
    SubpacketType.REVOCATION_KEY: 22,
    SubpacketType.ISSUER: 8,
    SubpacketType.PRIMARY_USER_ID: 1,
}
_AT_LEAST: Final[Mapping[int, int]] = {
    SubpacketType.NOTATION: 8,
    SubpacketType.REASON: 1,
    SubpacketType.ISSUER_FINGERPRINT: 1,
}


class KeyFlags(IntFlag):
    """What a key may be used for, its first octet (RFC 9580 5.2.3.29)."""

    CERTIFY = 0x01
    SIGN = 0x02
    ENCRYPT_COMMUNICATIONS = 0x04
    ENCRYPT_STORAGE = 0x08
    SPLIT = 0x10
    AUTHENTICATE = 0x20
    SHARED = 0x80

    def names(self) -> tuple[str, ...]:
        """`certify`, `sign` and so on."""
        return tuple(str(flag.name).lower().replace("_", " ") for flag in KeyFlags if flag in self)


class Reason(IntEnum):
    """Why something was revoked (RFC 9580 5.2.3.31)."""

    NONE = 0
    SUPERSEDED = 1
    COMPROMISED = 2
    RETIRED = 3
    USER_ID_INVALID = 32


def reason_name(reason: int | None) -> str:
    """For people; None is a revocation that gives no reason at all."""
    if reason is None or reason == Reason.NONE:
        return "no reason given"
    if reason in Reason.__members__.values():
        return Reason(reason).name.lower().replace("_", " ")
    return f"reason {reason}"


@frozen
class Subpacket:
    """One subpacket; `length` is its length field as received, which need not be the shortest."""

    type: int
    critical: bool
    length: bytes
    body: bytes

    @classmethod
    def read(cls, reader: Reader) -> Subpacket:
        """Raises MalformedError."""
        start = reader.offset
        length = reader.read(1)
        if length[0] == 255:
            length += reader.read(4)
        elif length[0] >= 192:
            length += reader.read(1)
        size = variable_length(length)
        if not size:
            raise reader.error(Code.WRONG_LENGTH, "a subpacket without a type", offset=start)
        octet = reader.uint(1)
        type_, body = octet & 0x7F, reader.read(size - 1)
        wanted = _SIZES.get(type_, len(body))
        if len(body) != wanted or len(body) < _AT_LEAST.get(type_, 0):
            raise reader.error(Code.WRONG_LENGTH, f"subpacket {type_} of {len(body)} octets", offset=start)
        return cls(type=type_, critical=bool(octet & 0x80), length=length, body=body)

    def encode(self) -> bytes:
        return self.length + bytes([self.type | (0x80 if self.critical else 0)]) + self.body

    @property
    def number(self) -> int:
        return int.from_bytes(self.body, "big")


def read_area(reader: Reader) -> tuple[Subpacket, ...]:
    """All subpackets of an area, which is all of `reader`. Raises MalformedError."""
    found: list[Subpacket] = []
    while reader.remaining:
        if len(found) == MAX_SUBPACKETS:
            raise reader.error(Code.COUNT_LIMIT, f"more than {MAX_SUBPACKETS} subpackets")
        found.append(Subpacket.read(reader))
    return tuple(found)
