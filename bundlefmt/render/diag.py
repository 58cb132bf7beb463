# SPDX-License-Identifier: Apache-2.0
"""Diagnostic notation (RFC 8949 8, RFC 8610 G) of scanned CBOR, without copying what is not shown.

Byte strings that hold CBOR stand as `<< >>`; long ones are cut and say so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bundlefmt import cbor, labels
from bundlefmt.cbor import Node
from bundlefmt.errors import MalformedError
from bundlefmt.render.words import escaped

_SIMPLE = {20: "false", 21: "true", 22: "null"}
_CBOR_TYPES = (labels.TYPE_PCR_VALUES, labels.TYPE_ACTIVATION)
Embedded = Mapping[int, Node]


def octets(node: Node, limit: int | None) -> str:
    """A byte string; more than `limit` bytes are cut, with a comment that says how long it is."""
    if limit is None or node.number <= limit:
        return f"h'{node.octets().hex()}'"
    head = bytes(node.source[node.body : node.body + limit])
    return f"h'{head.hex()}' / … {node.number} bytes /"


def lines(
    node: Node, *, limit: int | None = 32, embedded: Embedded | None = None, indent: int = 0
) -> Iterator[str]:
    """The notation line by line.

    `embedded` is the CBOR inside byte strings, by their offset. Depth is bounded by the scan.
    """
    pad = "  " * indent
    if node.kind == cbor.BYTES and embedded is not None and node.start in embedded:
        yield f"{pad}<<"
        yield from lines(embedded[node.start], limit=limit, embedded=embedded, indent=indent + 1)
        yield f"{pad}>>"
    elif node.kind == cbor.TAG:
        yield f"{pad}{node.number}("
        yield from lines(node.children[0], limit=limit, embedded=embedded, indent=indent + 1)
        yield f"{pad})"
    elif node.kind in (cbor.ARRAY, cbor.MAP) and node.children:
        yield from _container(node, limit, embedded, indent)
    else:
        yield pad + scalar(node, limit)


def scalar(node: Node, limit: int | None) -> str:
    """An item without children."""
    if node.kind == cbor.BYTES:
        return octets(node, limit)
    if node.kind == cbor.TEXT:
        return escaped(node.text())
    if node.kind == cbor.ARRAY:
        return "[]"
    if node.kind == cbor.MAP:
        return "{}"
    if node.kind == cbor.SIMPLE:
        return _SIMPLE[node.number]
    return str(node.integer())


def _container(node: Node, limit: int | None, embedded: Embedded | None, indent: int) -> Iterator[str]:
    pad = "  " * indent
    opening, closing = ("[", "]") if node.kind == cbor.ARRAY else ("{", "}")
    flat = _flat(node, limit, embedded)
    if flat is not None and len(pad) + len(flat) <= 100:
        yield pad + flat
        return
    yield pad + opening
    step = 1 if node.kind == cbor.ARRAY else 2
    for at in range(0, len(node.children), step):
        group = node.children[at : at + step]
        comma = "," if at + step < len(node.children) else ""
        key = f"{scalar(group[0], limit)}: " if len(group) == 2 else ""
        value = list(lines(group[-1], limit=limit, embedded=embedded, indent=indent + 1)) if group else []
        value[0] = f"{pad}  {key}{value[0].strip()}"
        value[-1] += comma
        yield from value
    yield pad + closing


def _flat(node: Node, limit: int | None, embedded: Embedded | None) -> str | None:
    """The container on one line, if nothing in it has structure of its own."""
    if len(node.children) > 8 or any(
        child.children or child.kind == cbor.TAG or child.start in (embedded or ()) for child in node.children
    ):
        return None
    parts = [scalar(child, limit) for child in node.children]
    if node.kind == cbor.ARRAY:
        return f"[{', '.join(parts)}]"
    pairs = zip(parts[::2], parts[1::2], strict=False)
    return "{" + ", ".join(f"{key}: {value}" for key, value in pairs) + "}"


def embedded_in(root: Node) -> dict[int, Node]:
    """The byte strings of a bundle that hold CBOR: manifest, some artifacts, COSE seals, renewals.

    What cannot be read as such stays a byte string.
    """
    found: dict[int, Node] = {}
    parts = list(root.children) if root.kind == cbor.ARRAY else []
    for node in parts[:1]:
        _embed(found, node)
    for record in parts[1].children[1::2] if len(parts) > 1 else ():
        if len(record.children) > 1 and any(_is_text(record.children[0], type_) for type_ in _CBOR_TYPES):
            _embed(found, record.children[1])
    for seal in parts[2].children if len(parts) > 2 else ():
        if len(seal.children) > 1 and _is_text(seal.children[0], labels.SEAL_COSE):
            _embed(found, seal.children[1])
            message = found.get(seal.children[1].start)
            body = message.children[0] if message is not None and message.kind == cbor.TAG else None
            if body is not None and body.children and body.children[0].number:
                _embed(found, body.children[0])
    for renewal in parts[3].children if len(parts) > 3 else ():
        _embed(found, renewal)
    return found


def _is_text(node: Node, text: str) -> bool:
    return node.kind == cbor.TEXT and node.text() == text


def _embed(found: dict[int, Node], node: Node) -> None:
    if node.kind != cbor.BYTES:
        return
    try:
        found[node.start] = cbor.scan(
            node.source, node.body, node.end, tags=frozenset({labels.TAG_COSE_SIGN1})
        )
    except MalformedError:
        return


def notation(root: Node, *, limit: int | None = 32) -> str:
    """A whole bundle in diagnostic notation, under its two tags (RFC 9277)."""
    body = "\n".join(lines(root, limit=limit, embedded=embedded_in(root)))
    return f"{labels.TAG_SELF_DESCRIBED}({labels.TAG_BUNDLE}(\n{body}\n))"
