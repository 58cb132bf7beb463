# SPDX-License-Identifier: Apache-2.0
"""Deterministic CBOR: the strict scan before anything is believed, and the encoder beside it.

`scan` walks the bytes once, iteratively, and either raises `MalformedError` with a code and the offset of
the data item at fault or returns a tree of `Node`s that point into the buffer; byte strings are stepped
over, never copied. Only bytes that passed the scan reach cbor2, but for `foreign`, which reads other
formats. Spec: "Encoding", "Limits".
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, NoReturn

import cbor2

from bundlefmt.errors import Code, EncodeError, MalformedError
from bundlefmt.labels import MAX_BYTES, MAX_DEPTH, MAX_ITEMS, MAX_TEXT
from bundlefmt.wire import Buffer

UINT, NINT, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE = range(8)
MAX_FOREIGN_DEPTH: Final = 32
Tag = cbor2.CBORTag
KIND_NAMES: Final = (
    "unsigned integer",
    "negative integer",
    "byte string",
    "text string",
    "array",
    "map",
    "tag",
    "simple value",
)
Value = int | bool | bytes | str | None | Sequence["Value"] | Mapping["Value", "Value"] | cbor2.CBORTag


class Node(NamedTuple):  # a tuple is made in a third of the time that a frozen dataclass takes
    """One scanned data item: `start` is its head, `body` follows the head, `end` is one past it.

    `number` is the head's argument: the value, length, count, tag or simple value. A map's `children`
    alternate key, value. `words` are those of a text string.
    """

    source: memoryview
    kind: int
    number: int
    start: int
    body: int
    end: int
    children: tuple[Node, ...]
    words: str = ""

    def fail(self, code: Code, message: str, path: str = "") -> NoReturn:
        """Raise `MalformedError` at this item."""
        raise MalformedError(code, message, offset=self.start, path=path)

    def expect(self, kind: int, path: str) -> Node:
        """This node if it is of `kind`, else raises wrong-type."""
        if self.kind != kind:
            self.fail(Code.WRONG_TYPE, f"{KIND_NAMES[kind]} wanted, {KIND_NAMES[self.kind]} found", path)
        return self

    def raw(self) -> bytes:
        """The encoded bytes of the whole item."""
        return bytes(self.source[self.start : self.end])

    def view(self, path: str = "") -> memoryview:
        """The content of a byte string, not copied."""
        return self.expect(BYTES, path).source[self.body : self.end]

    def octets(self, path: str = "") -> bytes:
        return bytes(self.view(path))

    def text(self, path: str = "") -> str:
        return self.expect(TEXT, path).words

    def uint(self, path: str = "") -> int:
        return self.expect(UINT, path).number

    def integer(self, path: str = "") -> int:
        if self.kind == NINT:
            return -1 - self.number
        return self.uint(path)

    def array(self, path: str, sizes: range | None = None) -> tuple[Node, ...]:
        """The elements; raises wrong-length when their count is not in `sizes`."""
        self.expect(ARRAY, path)
        if sizes is not None and len(self.children) not in sizes:
            self.fail(Code.WRONG_LENGTH, f"{len(self.children)} elements", path)
        return self.children

    def pairs(self, path: str) -> Iterator[tuple[Node, Node]]:
        self.expect(MAP, path)
        return zip(self.children[::2], self.children[1::2], strict=True)

    def text_map(self, path: str) -> dict[str, Node]:
        """A map whose keys are all text strings."""
        return {key.text(path): value for key, value in self.pairs(path)}

    def members(self, path: str, required: Sequence[str], optional: Sequence[str] = ()) -> dict[str, Node]:
        """The members of a closed map. Raises missing-member, unknown-member."""
        found = {}
        for key, value in self.pairs(path):
            name = key.text(path)
            if name not in required and name not in optional:
                key.fail(Code.UNKNOWN_MEMBER, f"{name[:80]!r}", path)
            found[name] = value
        self.require(found, path, required)
        return found

    def require(self, members: Mapping[str, Node], path: str, names: Sequence[str]) -> None:
        """Raises missing-member at this map unless all of `names` are among its members."""
        for name in names:
            if name not in members:
                self.fail(Code.MISSING_MEMBER, f"{name!r} is missing", path)

    def embedded(self) -> Node:
        """Scan the content of this byte string as one CBOR text of its own; offsets stay absolute."""
        self.expect(BYTES, "embedded CBOR")
        return scan(self.source, self.body, self.end)

    def value(self) -> Value:
        """The Python value, built by cbor2 from bytes that have passed the scan."""
        built: Value = cbor2.loads(self.raw())
        return built


@dataclass(slots=True)
class _Open:
    """A container whose children are still being read."""

    kind: int
    number: int
    start: int
    body: int
    wanted: int
    children: list[Node]
    last_key: bytes | None = None


def _head(data: memoryview, at: int, end: int) -> tuple[int, int, int]:
    """(major type, argument, offset after the head) of the data item at `at`."""
    if at >= end:
        raise MalformedError(Code.TRUNCATED, "a data item is missing", offset=at)
    major, info = data[at] >> 5, data[at] & 0x1F
    if info < 24:
        return major, info, at + 1
    if info == 31:
        raise MalformedError(Code.INDEFINITE_LENGTH, "indefinite length or break", offset=at)
    if info > 27:
        raise MalformedError(Code.RESERVED_HEAD, f"additional information {info} is reserved", offset=at)
    if major == SIMPLE:
        if info > 24:
            raise MalformedError(Code.FLOAT, "floating-point numbers are not used", offset=at)
        raise MalformedError(Code.SIMPLE_VALUE, "only false, true and null are used", offset=at)
    size = 1 << (info - 24)
    if at + 1 + size > end:
        raise MalformedError(Code.TRUNCATED, "the head is cut short", offset=at)
    number = int.from_bytes(data[at + 1 : at + 1 + size], "big")
    if number < (24 if size == 1 else 1 << (4 * size)):
        raise MalformedError(
            Code.NON_SHORTEST, f"{number} is encoded in {size} more bytes than needed", offset=at
        )
    return major, number, at + 1 + size


def _string(data: memoryview, major: int, number: int, start: int, body: int, end: int) -> str:
    """The words of a text string; a byte string has none."""
    # limit before length: a reader of a stream can refuse as early
    if number > (MAX_BYTES if major == BYTES else MAX_TEXT):
        raise MalformedError(Code.SIZE_LIMIT, f"{number} bytes", offset=start)
    if number > end - body:
        raise MalformedError(Code.TRUNCATED, f"{number} bytes declared, {end - body} left", offset=start)
    if major == BYTES:
        return ""
    try:
        return str(data[body : body + number], "utf-8")
    except UnicodeDecodeError as error:
        raise MalformedError(Code.INVALID_UTF8, error.reason, offset=start) from None


def _check_key(parent: _Open, key: Node) -> None:
    """Integer or text keys in bytewise ascending order (RFC 8949 4.2.1); equality is a duplicate."""
    if key.kind not in (UINT, NINT, TEXT):
        key.fail(Code.WRONG_TYPE, f"a {KIND_NAMES[key.kind]} as map key")
    encoded = key.raw()
    if parent.last_key is not None and parent.last_key >= encoded:
        if parent.last_key == encoded:
            key.fail(Code.DUPLICATE_KEY, "the key occurs twice")
        key.fail(Code.KEY_ORDER, "keys are not in bytewise ascending order")
    parent.last_key = encoded


def scan(data: Buffer, start: int = 0, end: int | None = None, *, tags: frozenset[int] = frozenset()) -> Node:
    """Scan `data[start:end]` as exactly one deterministic CBOR item.

    `tags` are the tag numbers that the item itself may have; nothing inside it is tagged. Time and memory
    are linear in the bytes before the first fault; declared lengths cost nothing. Raises MalformedError.
    """
    source = memoryview(data)
    return _scan(source, start, len(source) if end is None else end, tags, [])


def scan_elements(data: Buffer) -> Iterator[Node]:
    """The elements of one array, each scanned as a text of its own when it is asked for.

    For logs with more records than one text may have items: the limits hold for each element. Raises
    MalformedError, perhaps after elements were yielded; only the last one ends a well-formed text.
    """
    source = memoryview(data)
    major, count, at = _head(source, 0, len(source))
    if major != ARRAY:
        raise MalformedError(Code.WRONG_TYPE, f"array wanted, {KIND_NAMES[major]} found", offset=0)
    for _ in range(count):
        node = _scan(source, at, len(source), frozenset(), [], whole=False)
        at = node.end
        yield node
    if at != len(source):
        raise MalformedError(Code.TRAILING_BYTES, f"{len(source) - at} bytes after the end", offset=at)


def scan_readable(data: Buffer, start: int = 0) -> tuple[Node | None, MalformedError | None]:
    """What can be read of a CBOR text before its first fault, and that fault: to be shown, never believed."""
    source, stack = memoryview(data), list[_Open]()
    try:
        return _scan(source, start, len(source), frozenset(), stack), None
    except MalformedError as error:
        if error.code is Code.TRAILING_BYTES:
            return _scan(source, start, error.offset, frozenset(), []), error
        node = None
        while stack:
            open_ = stack.pop()
            children = open_.children if node is None else [*open_.children, node]
            node = Node(
                source, open_.kind, open_.number, open_.start, open_.body, error.offset, tuple(children)
            )
        return node, error


def _scan(
    source: memoryview,
    start: int,
    stop: int,
    tags: frozenset[int],
    stack: list[_Open],
    *,
    whole: bool = True,
) -> Node:
    """The scan itself; `stack` holds the containers still open, also when it ends in an error.

    `whole`: the item must end at `stop`.
    """
    at, count = start, 0
    top = stack[-1] if stack else None
    while True:
        head = at
        if head < stop and (first := source[head]) & 0x1F < 24:
            major, number, body = first >> 5, first & 0x1F, head + 1
        else:
            major, number, body = _head(source, head, stop)
        count += 1
        if count > MAX_ITEMS:
            raise MalformedError(Code.COUNT_LIMIT, f"more than {MAX_ITEMS} data items", offset=head)
        at = body
        if ARRAY <= major <= TAG:
            if major == TAG:
                _check_tag(number, tags if top is None else frozenset(), head)
            wanted = 2 * number if major == MAP else number if major == ARRAY else 1
            if wanted > MAX_ITEMS:
                raise MalformedError(Code.COUNT_LIMIT, f"{number} elements declared", offset=head)
            if len(stack) >= MAX_DEPTH:
                raise MalformedError(Code.DEPTH_LIMIT, f"nested deeper than {MAX_DEPTH}", offset=head)
            top = _Open(major, number, head, body, wanted, [])
            stack.append(top)
            if wanted:
                continue
        else:
            words = ""
            if BYTES <= major <= TEXT:
                words = _string(source, major, number, head, body, stop)
                at = body + number
            elif major == SIMPLE and number not in (20, 21, 22):
                raise MalformedError(Code.SIMPLE_VALUE, "only false, true and null are used", offset=head)
            node = Node(source, major, number, head, body, at, (), words)
            if top is None:
                break
            _add(top, node)
        while top is not None and len(top.children) == top.wanted:
            stack.pop()
            node = Node(source, top.kind, top.number, top.start, top.body, at, tuple(top.children))
            top = stack[-1] if stack else None
            if top is not None:
                _add(top, node)
        if top is None:
            break
    if whole and at != stop:
        raise MalformedError(Code.TRAILING_BYTES, f"{stop - at} bytes after the end", offset=at)
    return node


def _check_tag(number: int, tags: frozenset[int], offset: int) -> None:
    if number in tags:
        return
    if number in (2, 3):
        raise MalformedError(Code.BIGNUM, "big numbers are not used", offset=offset)
    raise MalformedError(Code.UNLISTED_TAG, f"tag {number} has no place here", offset=offset)


def _add(parent: _Open, node: Node) -> None:
    if parent.kind == MAP and len(parent.children) % 2 == 0:
        _check_key(parent, node)
    parent.children.append(node)


def encode(value: object, *, tags: frozenset[int] = frozenset()) -> bytes:
    """The one deterministic encoding of `value` (RFC 8949 4.2.1). Raises EncodeError.

    Takes what the format carries: int of 64 bits, bool, None, bytes, str, sequences, mappings, and one
    CBORTag around it all if its number is in `tags`. What `scan` would refuse is not written.
    """
    encoded = cbor2.dumps(_ordered(value, 0))
    try:
        scan(encoded, tags=tags)
    except MalformedError as error:
        raise EncodeError(f"this value would be refused: {error}") from None
    return encoded


def _ordered(value: object, depth: int) -> object:
    """`value` with every mapping in bytewise key order, as cbor2 keeps the order it is given."""
    if depth > MAX_DEPTH:
        raise EncodeError(f"nested deeper than {MAX_DEPTH}")
    if value is None or isinstance(value, bool | bytes):
        return value
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise EncodeError("text is not valid Unicode") from None
        return value
    if isinstance(value, int):
        if not -(2**64) <= value < 2**64:
            raise EncodeError(f"{value} does not fit into 64 bits")
        return value
    if isinstance(value, memoryview | bytearray):
        return bytes(value)
    if isinstance(value, cbor2.CBORTag):
        return cbor2.CBORTag(value.tag, _ordered(value.value, depth + 1))
    if isinstance(value, Mapping):
        if any(isinstance(key, bool) or not isinstance(key, int | str) for key in value):
            raise EncodeError("map keys are integers or text")
        pairs = [(cbor2.dumps(_ordered(k, depth + 1)), k, _ordered(v, depth + 1)) for k, v in value.items()]
        return {key: item for _, key, item in sorted(pairs, key=lambda pair: pair[0])}
    if isinstance(value, Sequence):
        return [_ordered(item, depth + 1) for item in value]
    raise EncodeError(f"{type(value).__name__} has no place in the format")


def head(major: int, number: int) -> bytes:
    """The shortest head of a data item."""
    if number < 24:
        return bytes([major << 5 | number])
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << (8 * size):
            return bytes([major << 5 | info]) + number.to_bytes(size, "big")
    raise EncodeError(f"{number} does not fit into 64 bits")


def foreign(data: bytes) -> object:
    """One CBOR item of a format that is not ours, which need not be deterministic. Raises MalformedError.

    Nothing that this returns is signed or hashed again. Depth is bounded; maps must not name a key twice.
    """
    stream = io.BytesIO(data)
    try:
        decoder = cbor2.CBORDecoder(stream, max_depth=MAX_FOREIGN_DEPTH, allow_duplicate_keys=False)
        value: object = decoder.decode()
    except (cbor2.CBORError, ValueError, TypeError, OverflowError) as error:
        raise MalformedError(Code.BAD_VALUE, f"not CBOR: {str(error)[:120]}", offset=stream.tell()) from None
    if stream.tell() != len(data):
        raise MalformedError(Code.TRAILING_BYTES, "bytes after the end", offset=stream.tell())
    return value
