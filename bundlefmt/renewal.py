# SPDX-License-Identifier: Apache-2.0
"""A renewal's two maps: what it covers, and the proof over that; decode beside encode.

Spec: "Renewals".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Final, Self

from bundlefmt import cbor, labels
from bundlefmt.cbor import Node
from bundlefmt.errors import Code
from bundlefmt.frozen import frozen
from bundlefmt.manifest import hash_bytes, read_label
from bundlefmt.wire import Buffer

_REQUIRED: Final = ("alg", "manifest", "content", "seals", "renewals")
_MATERIAL: Final = ("certificates", "revocation")


@frozen
class Stamp:
    """One renewal as it stands in the file: the bytes that it `covers`, and the proof with its media type."""

    covers: bytes
    type: str
    proof: bytes

    @classmethod
    def decode(cls, data: Buffer) -> Self:
        """Raises MalformedError; offsets count from the start of `data`."""
        path = "renewal"
        members = cbor.scan(data).members(path, ("covers", "proof"))
        kind, proof = members["proof"].array(path, range(2, 3))
        return cls(covers=members["covers"].octets(path), type=kind.text(path), proof=proof.octets(path))

    def encode(self) -> bytes:
        return cbor.encode({"covers": self.covers, "proof": [self.type, self.proof]})


@frozen
class Coverage:
    """Digests by `alg` (a COSE hash algorithm) of everything before a renewal, in the order of the file.

    `certificates` and `revocation` (DER) are what the layer before needs and lacks.
    """

    alg: int
    manifest: bytes
    content: Mapping[str, bytes]
    seals: tuple[bytes, ...]
    renewals: tuple[bytes, ...]
    certificates: tuple[bytes, ...] = field(default=())
    revocation: tuple[bytes, ...] = field(default=())

    @classmethod
    def decode(cls, data: Buffer) -> Self:
        """Raises MalformedError; offsets count from the start of `data`."""
        path = "coverage"
        members = cbor.scan(data).members(path, _REQUIRED, _MATERIAL)
        alg = members["alg"].integer(path)
        if alg not in labels.HASH_NAMES:
            members["alg"].fail(Code.BAD_VALUE, f"hash algorithm {alg} is not accepted", path)

        def digest(node: Node) -> bytes:
            octets = node.octets(path)
            if len(octets) != labels.HASH_SIZES[alg]:
                node.fail(Code.WRONG_LENGTH, f"a digest of {len(octets)} bytes", path)
            return octets

        def rows(name: str) -> tuple[bytes, ...]:
            if name not in members:
                return ()
            return tuple(each.octets(path) for each in members[name].array(path, range(1, labels.MAX_ITEMS)))

        return cls(
            alg=alg,
            manifest=digest(members["manifest"]),
            content={read_label(key, path): digest(value) for key, value in members["content"].pairs(path)},
            seals=tuple(map(digest, members["seals"].array(path))),
            renewals=tuple(map(digest, members["renewals"].array(path))),
            certificates=rows("certificates"),
            revocation=rows("revocation"),
        )

    def encode(self) -> bytes:
        """The bytes that are stamped."""
        value: dict[str, object] = {
            "alg": self.alg,
            "manifest": self.manifest,
            "content": dict(self.content),
            "seals": list(self.seals),
            "renewals": list(self.renewals),
        }
        for name, rows in (("certificates", self.certificates), ("revocation", self.revocation)):
            if rows:
                value[name] = list(rows)
        return cbor.encode(value)

    def imprint(self) -> bytes:
        """The digest that an authority is asked to stamp."""
        return hash_bytes(self.alg, self.encode())
