# SPDX-License-Identifier: Apache-2.0
"""The framing of OpenPGP: packets, MPIs, and the errors that reading OpenPGP ends in.

RFC 9580, 3.2 "Multiprecision Integers", 4.2 "Packet Headers", 5 "Packet Types".
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from bundlefmt.errors import Code, MalformedError, UnusableError
from bundlefmt.frozen import frozen
from bundlefmt.wire import Buffer, Reader, read_all

MAX_PACKETS: Final = 4096  # in one certificate; bounds the signatures that a hostile one has verified
_ARMOR: Final = b"-----BEGIN PGP"


class OpenPgpError(UnusableError):
    """A certificate or signature that does not count; the message says why."""


class NotComputedError(OpenPgpError):
    """What cannot be decided here: an algorithm, a version, a size; the message names it."""


class PacketType(IntEnum):
    """Packets with a place in certificates and signatures, and those that hold secrets (RFC 9580 5)."""

    SIGNATURE = 2
    SECRET_KEY = 5
    PUBLIC_KEY = 6
    SECRET_SUBKEY = 7
    MARKER = 10
    TRUST = 12
    USER_ID = 13
    PUBLIC_SUBKEY = 14
    USER_ATTRIBUTE = 17
    PADDING = 21


CRITICAL_BELOW: Final = 40  # an unknown packet type below must not be ignored (RFC 9580 4.3)


@frozen
class Packet:
    """One packet: its header as received, its body, and the offset of the body in the input."""

    type: int
    header: bytes
    body: bytes
    offset: int

    @classmethod
    def decode(cls, data: Buffer) -> Packet:
        """Raises MalformedError."""
        refuse_armor(data)
        return read_all(data, cls.read, path="OpenPGP packet")

    @classmethod
    def read(cls, reader: Reader) -> Packet:
        """The next packet, in either header format (RFC 9580 4.2). Raises MalformedError."""
        start = reader.offset
        first = reader.uint(1)
        # bit 7 is always one
        if not first & 0x80:
            raise reader.error(Code.BAD_VALUE, "not a binary OpenPGP packet", offset=start)
        if first & 0x40:
            type_, length = first & 0x3F, reader.read(1)
            if 192 <= length[0] < 224:
                length += reader.read(1)
            elif length[0] == 255:
                length += reader.read(4)
            elif length[0] >= 224:
                raise reader.error(Code.INDEFINITE_LENGTH, "a partial body length", offset=start)
            size = variable_length(length)
        else:
            type_, kind = (first >> 2) & 0x0F, first & 3
            if kind == 3:
                raise reader.error(Code.INDEFINITE_LENGTH, "a packet of indeterminate length", offset=start)
            length = reader.read(1 << kind)
            size = int.from_bytes(length, "big")
        if type_ == 0:
            raise reader.error(Code.BAD_VALUE, "packet type 0 is reserved", offset=start)
        offset = reader.offset
        return cls(type=type_, header=bytes([first]) + length, body=reader.read(size), offset=offset)

    def encode(self) -> bytes:
        return self.header + self.body


def variable_length(octets: bytes) -> int:
    """The number that 1, 2 or 5 octets of a length stand for (RFC 9580 4.2.1)."""
    if len(octets) == 1:
        return octets[0]
    if len(octets) == 2:
        return ((octets[0] - 192) << 8) + octets[1] + 192
    return int.from_bytes(octets[1:], "big")


def read_packets(data: Buffer) -> tuple[Packet, ...]:
    """All packets in `data`, at most MAX_PACKETS. Raises MalformedError."""
    refuse_armor(data)

    def parse(reader: Reader) -> tuple[Packet, ...]:
        packets: list[Packet] = []
        while reader.remaining:
            if len(packets) == MAX_PACKETS:
                raise reader.error(Code.COUNT_LIMIT, f"more than {MAX_PACKETS} packets")
            packets.append(Packet.read(reader))
        return tuple(packets)

    return read_all(data, parse, path="OpenPGP packets")


def refuse_armor(data: Buffer) -> None:
    """Raises MalformedError, which says how to convert, where `data` is armored."""
    if bytes(data[:64]).lstrip().startswith(_ARMOR):
        raise MalformedError(
            Code.BAD_VALUE, "armored, not binary; gpg --dearmor converts it", offset=0, path="OpenPGP packets"
        )


def read_mpi(reader: Reader) -> int:
    """A multiprecision integer whose bit count is exact. Raises MalformedError."""
    start = reader.offset
    bits = reader.uint(2)
    value = int.from_bytes(reader.view((bits + 7) // 8), "big")
    # the first bit counted is a one (RFC 9580 3.2)
    if value.bit_length() != bits:
        raise reader.error(
            Code.BAD_VALUE, f"an MPI of {value.bit_length()} bits that claims {bits}", offset=start
        )
    return value


def encode_mpi(value: int) -> bytes:
    bits = value.bit_length()
    return bits.to_bytes(2, "big") + value.to_bytes((bits + 7) // 8, "big")
