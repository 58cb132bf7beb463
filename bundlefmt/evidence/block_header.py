# SPDX-License-Identifier: Apache-2.0
"""The header of a block of Bitcoin: which transactions it has, when by its own word, and the work in it.

Anybody can write a header with little work in it. That one is of the chain is the verifier's own knowledge.
"""

from __future__ import annotations

import hashlib
from typing import Final

from bundlefmt.errors import Code, MalformedError
from bundlefmt.frozen import frozen
from bundlefmt.wire import Buffer

SIZE: Final = 80  # version, block before, root, time, bits, nonce: 4, 32, 32, 4, 4, 4 bytes
# the clocks of miners may be ahead of their peers' by so many seconds, or the block is not taken
CLOCK: Final = 7200


@frozen
class BlockHeader:
    """`time` is in seconds since the epoch by the miner's clock; `root` as it stands in the header."""

    raw: bytes
    root: bytes
    time: int
    bits: int

    @classmethod
    def decode(cls, data: Buffer) -> BlockHeader:
        """Raises MalformedError."""
        raw = bytes(data)
        if len(raw) != SIZE:
            raise MalformedError(Code.WRONG_LENGTH, f"{len(raw)} bytes", offset=0, path="block header")
        return cls(
            raw=raw,
            root=raw[36:68],
            time=int.from_bytes(raw[68:72], "little"),
            bits=int.from_bytes(raw[72:76], "little"),
        )

    def encode(self) -> bytes:
        return self.raw

    @property
    def hash(self) -> bytes:
        """By which people name the block: its bytes in the order in which that is written."""
        return hashlib.sha256(hashlib.sha256(self.raw).digest()).digest()[::-1]

    def target(self) -> int | None:
        """What `bits` ask the hash not to exceed: a mantissa of 23 bits, and its place in bytes.

        None where they ask for no hash that there is: negative, nothing, or larger than any.
        """
        size, mantissa = self.bits >> 24, self.bits & 0x7FFFFF
        negative = bool(self.bits & 0x800000)
        target = mantissa << 8 * (size - 3) if size > 3 else mantissa >> 8 * (3 - size)
        return None if negative or not 0 < target < 2**256 else target

    def has_work(self) -> bool:
        """Whether the hash is as small as `bits` ask."""
        target = self.target()
        return target is not None and int.from_bytes(self.hash, "big") <= target
