# SPDX-License-Identifier: Apache-2.0
"""Proofs of inclusion against the recursive definition of RFC 9162 2.1, for every entry of small trees."""

from __future__ import annotations

import hashlib
from typing import Final

import pytest

from bundlefmt.errors import MalformedError
from bundlefmt.receipt import MAX_PATH, InclusionProof

ENTRIES: Final = [b"entry %d" % number for number in range(20)]


def tree(entries: list[bytes]) -> bytes:
    """MTH of RFC 9162 2.1.1."""
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    split = below(len(entries))
    return hashlib.sha256(b"\x01" + tree(entries[:split]) + tree(entries[split:])).digest()


def below(size: int) -> int:
    """The largest power of two smaller than `size`."""
    power: int = 2 ** ((size - 1).bit_length() - 1)
    return power


def path(index: int, entries: list[bytes]) -> list[bytes]:
    """PATH of RFC 9162 2.1.3.1."""
    if len(entries) == 1:
        return []
    split = below(len(entries))
    if index < split:
        return [*path(index, entries[:split]), tree(entries[split:])]
    return [*path(index - split, entries[split:]), tree(entries[:split])]


PLACES: Final = [(size, index) for size in range(1, len(ENTRIES) + 1) for index in range(size)]


@pytest.mark.parametrize(("size", "index"), PLACES)
def test_the_root_is_that_of_the_definition(size: int, index: int) -> None:
    listed = ENTRIES[:size]
    proof = InclusionProof(tree_size=size, leaf_index=index, path=tuple(path(index, listed)))
    assert InclusionProof.decode(proof.encode()) == proof
    assert proof.root(listed[index]) == tree(listed)
    assert proof.root(b"another") != tree(listed)


def test_a_leaf_is_no_node() -> None:
    """What two entries hash to is no entry: the first byte tells them apart."""
    inside = tree([ENTRIES[0]]) + tree([ENTRIES[1]])
    forged = InclusionProof(tree_size=1, leaf_index=0, path=())
    assert forged.root(inside) != tree(ENTRIES[:2])


REFUSED: Final = {
    "behind the end": (4, 4, 2),
    "negative": (4, -1, 2),
    "no tree": (0, 0, 0),
    "too short": (4, 0, 1),
    "too long": (4, 0, 3),
    "longer than any": (2**63, 0, MAX_PATH + 1),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_tree_has_is_refused(name: str) -> None:
    size, index, length = REFUSED[name]
    data = InclusionProof(tree_size=size, leaf_index=index, path=(bytes(32),) * length).encode()
    with pytest.raises(MalformedError):
        InclusionProof.decode(data)


def test_the_largest_tree() -> None:
    proof = InclusionProof(tree_size=2**64 - 1, leaf_index=0, path=(bytes(32),) * MAX_PATH)
    assert InclusionProof.decode(proof.encode()) == proof


def test_a_node_of_another_size_is_refused() -> None:
    data = InclusionProof(tree_size=2, leaf_index=0, path=(bytes(31),)).encode()
    with pytest.raises(MalformedError, match="31 bytes"):
        InclusionProof.decode(data)
