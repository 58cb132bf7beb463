# SPDX-License-Identifier: Apache-2.0
"""CBOR as the vectors write it: plain values, and words for what a strict encoder never would write.

`Fault` marks the data item at fault, and the writer tells where it put it: so a vector's offset follows from
how the file was made, not from what a decoder said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

CUT: Final = 32  # bytes of a string shown in diagnostic notation


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes that stand in the file as they are; `shown` is what the notation says of them."""

    octets: bytes
    shown: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """The data item at fault."""

    node: object


@dataclass(frozen=True, slots=True)
class Embedded:
    """A byte string that holds CBOR."""

    node: object


@dataclass(frozen=True, slots=True)
class Tagged:
    number: int
    node: object


@dataclass(frozen=True, slots=True)
class Pairs:
    """A map whose entries stand in the order given."""

    entries: tuple[tuple[object, object], ...]


@dataclass(frozen=True, slots=True)
class Row:
    """Items one after the other, without a head: what a file should be exactly one of."""

    nodes: tuple[object, ...]


def head(major: int, number: int) -> bytes:
    """RFC 8949 3: the shortest head."""
    if number < 24:
        return bytes([major << 5 | number])
    size = next(size for size in (1, 2, 4, 8) if number < 1 << 8 * size)
    return bytes([major << 5 | 23 + size.bit_length()]) + number.to_bytes(size, "big")


def written(node: object) -> tuple[bytes, int | None]:
    """The bytes of `node`, and the offset in them of the item at fault."""
    match node:
        case Raw():
            return node.octets, None
        case Fault():
            return written(node.node)[0], 0
        case Embedded():
            return _joined(2, None, [node.node])
        case Tagged():
            return _joined(6, node.number, [node.node])
        case Row():
            return _in_row(node.nodes)
        case Pairs():
            return _joined(5, len(node.entries), [part for entry in node.entries for part in entry])
        case Mapping():
            ordered = sorted(node.items(), key=lambda entry: written(entry[0])[0])
            return written(Pairs(tuple(ordered)))
        case bool() | None:
            return {False: b"\xf4", True: b"\xf5", None: b"\xf6"}[node], None
        case int():
            return (head(0, node) if node >= 0 else head(1, -1 - node)), None
        case bytes():
            return head(2, len(node)) + node, None
        case str():
            return head(3, len(node.encode())) + node.encode(), None
        case Sequence():
            return _joined(4, len(node), list(node))
    raise TypeError(f"{type(node).__name__} cannot be written")


def encoded(node: object) -> bytes:
    return written(node)[0]


def _in_row(nodes: Sequence[object]) -> tuple[bytes, int | None]:
    out, fault = bytearray(), None
    for node in nodes:
        octets, inner = written(node)
        fault = fault if inner is None else len(out) + inner
        out += octets
    return bytes(out), fault


def _joined(major: int, number: int | None, nodes: Sequence[object]) -> tuple[bytes, int | None]:
    """The nodes behind one head, whose argument is `number` or their length in bytes."""
    body, fault = _in_row(nodes)
    start = head(major, len(body) if number is None else number)
    return start + body, None if fault is None else len(start) + fault


def notation(node: object) -> str:
    """Diagnostic notation with comments where it has no words, ending in a line feed."""
    return "\n".join(_lines(node)) + "\n"


def _lines(node: object, pad: str = "") -> Iterator[str]:
    inner = pad + "  "
    match node:
        case Fault():
            marked = list(_lines(node.node, pad))
            yield from [*marked[:-1], f"{marked[-1]} / <- at fault /"]
        case Embedded():
            yield from (f"{pad}<<", *_lines(node.node, inner), f"{pad}>>")
        case Tagged():
            yield from (f"{pad}{node.number}(", *_lines(node.node, inner), f"{pad})")
        case Row():
            for each in node.nodes:
                yield from _lines(each, pad)
        case Pairs() if node.entries:
            yield f"{pad}{{"
            for number, (key, value) in enumerate(node.entries, 1):
                name = " ".join(line.strip() for line in _lines(key))
                lines = list(_lines(value, inner))
                lines[0] = f"{inner}{name}: {lines[0].strip()}"
                yield from [*lines[:-1], lines[-1] + ("," if number < len(node.entries) else "")]
            yield f"{pad}}}"
        case Mapping() if node:
            yield from _lines(Pairs(tuple(sorted(node.items(), key=lambda e: written(e[0])[0]))), pad)
        case list() | tuple() if node:
            lists = [list(_lines(each, inner)) for each in node]
            flat = f"{pad}[{', '.join(lines[0].strip() for lines in lists)}]"
            if len(flat) <= 100 and all(len(lines) == 1 for lines in lists):
                yield flat
                return
            yield f"{pad}["
            for number, lines in enumerate(lists, 1):
                yield from [*lines[:-1], lines[-1] + ("," if number < len(lists) else "")]
            yield f"{pad}]"
        case _:
            yield pad + _scalar(node)


def _scalar(node: object) -> str:
    match node:
        case Raw():
            return node.shown or f"/ {_hex(node.octets)} /"
        case bytes():
            return (
                f"h'{node.hex()}'" if len(node) <= CUT else f"h'{node[:CUT].hex()}' / … {len(node)} bytes /"
            )
        case str():
            shown = node if len(node) <= 2 * CUT else f"{node[: 2 * CUT]}…"
            escaped = shown.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}"' + (f" / {len(node)} characters /" if shown != node else "")
        case bool() | None:
            return {False: "false", True: "true", None: "null"}[node]
        case Mapping() | Pairs():
            return "{}"
        case list() | tuple():
            return "[]"
        case _:
            return str(node)


def _hex(octets: bytes) -> str:
    return octets.hex() if len(octets) <= CUT else f"{octets[:CUT].hex()} … {len(octets)} bytes"
