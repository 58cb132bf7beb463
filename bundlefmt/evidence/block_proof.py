# SPDX-License-Identifier: Apache-2.0
"""The proof of a renewal by blocks: an OpenTimestamps proof and the headers beside it, decode beside encode.

Spec: "Renewals".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from bundlefmt import cbor
from bundlefmt.errors import Code
from bundlefmt.evidence.block_header import BlockHeader
from bundlefmt.evidence.opentimestamps import OpenTimestamp
from bundlefmt.frozen import frozen
from bundlefmt.wire import Buffer


@frozen
class BlockProof:
    """`headers` by height; whether the proof leads to them is judged elsewhere."""

    ots: OpenTimestamp
    headers: Mapping[int, BlockHeader]

    @classmethod
    def decode(cls, data: Buffer) -> Self:
        """Raises MalformedError."""
        path = "proof"
        members = cbor.scan(data).members(path, ("headers", "ots"))
        headers = {
            key.integer(path): BlockHeader.decode(value.octets(path))
            for key, value in members["headers"].pairs(path)
        }
        if any(height < 0 for height in headers):
            members["headers"].fail(Code.BAD_VALUE, "a block of negative height", path)
        return cls(ots=OpenTimestamp.decode(members["ots"].octets(path)), headers=headers)

    def encode(self) -> bytes:
        headers = {height: header.raw for height, header in self.headers.items()}
        return cbor.encode({"ots": self.ots.raw, "headers": headers})
