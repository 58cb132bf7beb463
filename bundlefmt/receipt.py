# SPDX-License-Identifier: Apache-2.0
"""COSE receipts (RFC 9942): the proof that an entry is in a log's Merkle tree (RFC 9162), decode beside root.

Spec: "COSE seals".
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final, Self

from bundlefmt import cbor, labels
from bundlefmt.cbor import Node
from bundlefmt.cose import CoseSign1
from bundlefmt.errors import Code, MalformedError
from bundlefmt.frozen import frozen
from bundlefmt.wire import Buffer

MAX_PATH: Final = 64  # nodes from a leaf to the root: a tree of 2**64 entries
_LEAF, _NODE = b"\x00", b"\x01"
_SIZE: Final = 32  # SHA-256


@frozen
class InclusionProof:
    """Where an entry stands in a tree of `tree_size` entries, and the nodes beside its way to the root."""

    tree_size: int
    leaf_index: int
    path: tuple[bytes, ...]

    @classmethod
    def decode(cls, data: Buffer) -> Self:
        """Raises MalformedError, also where no such tree has such a proof."""
        where = "inclusion proof"
        root = cbor.scan(data)
        size, index, path = root.array(where, range(3, 4))
        nodes = path.array(where, range(MAX_PATH + 1))
        found = cls(
            tree_size=size.integer(where),
            leaf_index=index.integer(where),
            path=tuple(_node(each, where) for each in nodes),
        )
        if not 0 <= found.leaf_index < found.tree_size:
            index.fail(Code.BAD_VALUE, "an entry behind the end of the tree", where)
        if len(found.path) != found.length():
            path.fail(Code.WRONG_LENGTH, f"{len(found.path)} nodes, and not {found.length()}", where)
        return found

    def encode(self) -> bytes:
        return cbor.encode([self.tree_size, self.leaf_index, list(self.path)])

    def length(self) -> int:
        """How many nodes there are beside the way of this entry to the root."""
        return sum(1 for _ in self._sides())

    def _sides(self) -> Iterable[bool]:
        """From the leaf to the root, whether the node beside stands to the left (RFC 9162 2.1.3.2)."""
        index, last = self.leaf_index, self.tree_size - 1
        while last:
            if index % 2:
                yield True
            elif index < last:
                yield False
            index, last = index // 2, last // 2

    def root(self, entry: bytes) -> bytes:
        """The root of the tree that has `entry` in this place."""
        found = hashlib.sha256(_LEAF + entry).digest()
        for node, left in zip(self.path, self._sides(), strict=True):
            found = hashlib.sha256(_NODE + (node + found if left else found + node)).digest()
        return found


def _node(each: Node, where: str) -> bytes:
    octets = each.octets(where)
    if len(octets) != _SIZE:
        each.fail(Code.WRONG_LENGTH, f"a node of {len(octets)} bytes", where)
    return octets


def entry_of(statement: CoseSign1) -> bytes:
    """What a log registers of a signed message: the message without its unprotected header (RFC 9943)."""
    return CoseSign1(
        protected_raw=statement.protected_raw,
        unprotected={},
        payload=statement.payload,
        signature=statement.signature,
    ).encode()


def proofs_in(receipt: CoseSign1) -> tuple[bytes, ...] | None:
    """The encoded proofs of inclusion; None where the receipt is of another tree or proves something else.

    Raises MalformedError.
    """
    if receipt.protected.get(labels.HDR_VDS) != labels.VDS_RFC9162_SHA256:
        return None
    proofs = receipt.unprotected.get(labels.HDR_VDP, {})
    if not isinstance(proofs, dict):
        raise MalformedError(Code.WRONG_TYPE, "proofs that are no map", offset=0, path="receipt")
    listed = proofs.get(labels.VDP_INCLUSION)
    if listed is None and labels.VDP_INCLUSION not in proofs:
        return None
    if not isinstance(listed, list) or not all(isinstance(each, bytes) for each in listed):
        raise MalformedError(Code.WRONG_TYPE, "no list of byte strings", offset=0, path="proofs of inclusion")
    return tuple(each for each in listed if isinstance(each, bytes))
