# SPDX-License-Identifier: Apache-2.0
"""An OpenTimestamps proof: from a digest, through hashing, to what attests that it was there.

Facts only: a proof says that somebody attests a value; who that is and whether they did is judged elsewhere.
The form is that of python-opentimestamps, version 1.
"""

from __future__ import annotations

import hashlib
from typing import Final

from bundlefmt.errors import Code
from bundlefmt.frozen import frozen
from bundlefmt.wire import Buffer, Reader, read_all

MAGIC: Final = b"\x00OpenTimestamps\x00\x00Proof\x00\xbf\x89\xe2\xe8\x84\xe8\x92\x94"
BITCOIN: Final = bytes.fromhex("0588960d73d71901")
PENDING: Final = bytes.fromhex("83dfe30d2ef90c8e")
MAX_PROOF: Final = 65_536  # bytes; a proof with three calendars has two to three kilobytes
MAX_STEPS: Final = 4096  # operations, forks and attestations of one proof
MAX_MESSAGE: Final = 4096  # bytes on the way
MAX_PAYLOAD: Final = 8192  # bytes of one attestation
_VERSION: Final = 1
MAX_CALENDAR: Final = 1000  # bytes of a calendar's address
_SHA256: Final = 0x08
_ATTESTATION, _FORK = 0x00, 0xFF
_APPEND, _PREPEND = 0xF0, 0xF1
# read and not computed, as no calendar uses them
_OTHERS: Final = {0x02: "SHA-1", 0x03: "RIPEMD-160", 0x67: "Keccak-256", 0xF2: "reverse", 0xF3: "hexlify"}
OPERATIONS: Final = {_SHA256: "SHA-256", _APPEND: "append", _PREPEND: "prepend", **_OTHERS}


@frozen
class Attestation:
    """`kind` and `payload` as they stand; `message` is what is attested, None where it is not computed."""

    kind: bytes
    payload: bytes
    message: bytes | None

    def height(self) -> int | None:
        """Of a block of Bitcoin, its number; None for anything else. Raises MalformedError."""
        return read_all(self.payload, _number, path="attestation") if self.kind == BITCOIN else None

    def calendar(self) -> bytes | None:
        """Of a promise, the address of who gave it; None for anything else. Raises MalformedError."""
        if self.kind != PENDING:
            return None
        return read_all(self.payload, lambda reader: _octets(reader, 0, MAX_CALENDAR), path="attestation")


@frozen
class OpenTimestamp:
    """A proof over `digest` by SHA-256; `operations` are all of its lines, by their numbers as they stand."""

    raw: bytes
    digest: bytes
    operations: tuple[int, ...]
    attestations: tuple[Attestation, ...]

    @classmethod
    def decode(cls, data: Buffer) -> OpenTimestamp:
        """Exactly one proof. Raises MalformedError."""
        return read_all(data, lambda reader: cls._read(reader, bytes(data)), path="OpenTimestamps proof")

    def encode(self) -> bytes:
        return self.raw

    @classmethod
    def _read(cls, reader: Reader, raw: bytes) -> OpenTimestamp:
        if len(raw) > MAX_PROOF:
            raise reader.error(Code.SIZE_LIMIT, f"a proof of more than {MAX_PROOF} bytes")
        if reader.read(len(MAGIC)) != MAGIC:
            raise reader.error(Code.WRONG_MAGIC, "not an OpenTimestamps proof", offset=0)
        if _number(reader) != _VERSION:
            raise reader.error(Code.BAD_VALUE, "a version that is not known here")
        if reader.uint(1) != _SHA256:
            raise reader.error(Code.BAD_VALUE, "a digest that is not by SHA-256")
        digest = reader.read(hashlib.sha256().digest_size)
        operations, attestations = _tree(reader, digest)
        return cls(raw=raw, digest=digest, operations=tuple(operations), attestations=tuple(attestations))


def _tree(reader: Reader, digest: bytes) -> tuple[list[int], list[Attestation]]:
    """Operations and leaves, in order. Each line of operations ends in a leaf; before it, others fork off."""
    operations: list[int] = []
    found: list[Attestation] = []
    message: bytes | None = digest
    forks: list[bytes | None] = []
    forked = False
    for _ in range(MAX_STEPS):
        step = reader.uint(1)
        if step == _FORK and forked:
            raise reader.error(Code.BAD_VALUE, "a fork without a line of its own")
        forked = step == _FORK
        if forked:
            forks.append(message)
        elif step == _ATTESTATION:
            kind, payload = reader.read(len(BITCOIN)), _octets(reader, 0, MAX_PAYLOAD)
            found.append(Attestation(kind=kind, payload=payload, message=message))
            if not forks:
                return operations, found
            message = forks.pop()
        else:
            operations.append(step)
            message = _done(reader, step, message)
    raise reader.error(Code.COUNT_LIMIT, f"more than {MAX_STEPS} steps")


def _done(reader: Reader, step: int, message: bytes | None) -> bytes | None:
    """What an operation makes of the message; None where it is not computed."""
    if step == _SHA256:
        return None if message is None else hashlib.sha256(message).digest()
    if step in (_APPEND, _PREPEND):
        beside = _octets(reader, 1, MAX_MESSAGE)
        if message is None:
            return None
        made = message + beside if step == _APPEND else beside + message
        if len(made) > MAX_MESSAGE:
            raise reader.error(Code.SIZE_LIMIT, f"more than {MAX_MESSAGE} bytes on the way")
        return made
    if step in _OTHERS:
        return None
    raise reader.error(Code.BAD_VALUE, f"an operation {step:#04x} that is not known")


def _octets(reader: Reader, least: int, most: int) -> bytes:
    size = _number(reader)
    if not least <= size <= most:
        raise reader.error(Code.SIZE_LIMIT, f"{size} bytes, where {least} to {most} are allowed")
    return reader.read(size)


def _number(reader: Reader) -> int:
    """Seven bits in each byte, the least first, in as few bytes as suffice."""
    value = 0
    for place in range(0, 63, 7):
        each = reader.uint(1)
        value |= (each & 0x7F) << place
        if not each & 0x80:
            if each == 0 and place:
                raise reader.error(Code.NON_SHORTEST, "a number in more bytes than needed")
            return value
    raise reader.error(Code.SIZE_LIMIT, "a number of more than 63 bits")
