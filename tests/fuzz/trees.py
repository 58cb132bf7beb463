# SPDX-License-Identifier: Apache-2.0
"""CBOR and DER as trees: fuzzing changes a node, and they are written with right lengths all the same."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

from bundlefmt import cbor
from bundlefmt.errors import MalformedError
from bundlefmt.evidence import der

_MAX_DEPTH: Final = 12
_ARGUMENT: Final = {24: 1, 25: 2, 26: 4, 27: 8}  # bytes of a head behind its first
_PAIR: Final = -1  # a member of a map of CBOR
_CONSTRUCTED: Final = 0x20
_BORDERS: Final = (0, 1, 2, 23, 24, 255, 256, 2**16 - 1, 2**16, 2**32 - 1, 2**32, 2**63, 2**64 - 1)


@dataclass(slots=True)
class Branch:
    """A node with nodes inside. `head` is a major type of CBOR, or an identifier octet of DER."""

    head: int
    nodes: list[Node]


Node = Branch | bytes  # bytes are an encoded item without items inside
Havoc = Callable[[bytes], bytes]
Leaf = Callable[[bytes, Random, Havoc], bytes]


def edit(root: Branch, chance: Random, leaf: Callable[[bytes], bytes]) -> None:
    """Changes one thing in the tree: a node goes, comes twice, moves, changes places, or is another leaf."""
    branches = [each for each in _branches(root) if each.nodes]
    if not branches:
        return
    here, there = chance.choice(branches), chance.choice(branches)
    at, other = chance.randrange(len(here.nodes)), chance.randrange(len(there.nodes))
    match chance.randrange(8):
        case 0:
            del here.nodes[at]
        case 1:
            here.nodes.insert(chance.randrange(len(here.nodes) + 1), copy.deepcopy(here.nodes[at]))
        case 2:
            here.nodes[at] = copy.deepcopy(there.nodes[other])
        case 3:
            here.nodes[at], here.nodes[other % len(here.nodes)] = (
                here.nodes[other % len(here.nodes)],
                here.nodes[at],
            )
        case _:
            leaves = [
                (branch, number, node)
                for branch in branches
                for number, node in enumerate(branch.nodes)
                if isinstance(node, bytes)
            ]
            if leaves:
                branch, number, node = chance.choice(leaves)
                branch.nodes[number] = leaf(node)


def _branches(branch: Branch) -> Iterator[Branch]:
    yield branch
    for node in branch.nodes:
        if isinstance(node, Branch):
            yield from _branches(node)


def read_cbor(data: bytes) -> Node:
    """The tree of a text; byte strings that hold one are branches. Raises MalformedError."""
    return _cbor_node(cbor.scan(data, tags=frozenset(range(64))), 0)


def _cbor_node(node: cbor.Node, depth: int) -> Node:
    if node.kind == cbor.BYTES and depth < _MAX_DEPTH and node.end - node.body > 1:
        try:
            inner = cbor.scan(node.octets())
        except MalformedError:
            return node.raw()
        return Branch(cbor.BYTES, [_cbor_node(inner, depth + 1)]) if inner.children else node.raw()
    if node.kind not in (cbor.ARRAY, cbor.MAP):
        return node.raw()
    found = [_cbor_node(each, depth + 1) for each in node.children]
    if node.kind == cbor.MAP:
        pairs = zip(found[::2], found[1::2], strict=True)
        return Branch(cbor.MAP, [Branch(_PAIR, [key, value]) for key, value in pairs])
    return Branch(cbor.ARRAY, found)


def write_cbor(node: Node) -> bytes:
    """The encoding, with maps in order; what is not as CBOR has it is written all the same."""
    if isinstance(node, bytes):
        return node
    parts = [write_cbor(each) for each in node.nodes]
    if node.head == cbor.MAP:
        parts.sort()
    content = b"".join(parts)
    if node.head == _PAIR:
        return content
    return cbor.head(node.head, len(content) if node.head == cbor.BYTES else len(parts)) + content


def cbor_leaf(node: bytes, chance: Random, havoc: Havoc) -> bytes:
    """Another number, or another string of the same kind."""
    kind = node[0] >> 5
    if kind in (cbor.BYTES, cbor.TEXT):
        content = havoc(node[1 + _ARGUMENT.get(node[0] & 0x1F, 0) :])
        return cbor.head(kind, len(content)) + content
    if chance.randrange(4):
        return cbor.head(chance.choice((cbor.UINT, cbor.UINT, cbor.NINT)), chance.choice(_BORDERS))
    return chance.choice((b"\xf4", b"\xf5", b"\xf6", b"\x40", b"\x60", b"\x80", b"\xa0"))


def read_der(data: bytes) -> Node:
    """The tree of an element; strings that hold elements are branches. Raises MalformedError."""
    return _der_node(der.decode_element(data, path="tree"), 0)


def _der_node(element: der.Element, depth: int) -> Node:
    if depth < _MAX_DEPTH and (element.tag & _CONSTRUCTED or element.tag == der.OCTET_STRING):
        try:
            inside = der.children(element, element.tag, "tree")
        except MalformedError:
            return element.raw
        if inside:
            return Branch(element.tag, [_der_node(each, depth + 1) for each in inside])
    return element.raw


def write_der(node: Node) -> bytes:
    if isinstance(node, bytes):
        return node
    return der.written(node.head, *(write_der(each) for each in node.nodes))


def der_leaf(node: bytes, chance: Random, havoc: Havoc) -> bytes:
    """Other content under the same identifier, or the same content under another."""
    element = der.decode_element(node, path="leaf")
    if chance.randrange(4):
        return der.written(element.tag, havoc(element.content))
    return der.written(chance.choice((1, 2, 3, 4, 5, 6, 12, 19, 22, 23, 24, 0x80, 0x81)), element.content)
