# SPDX-License-Identifier: Apache-2.0
"""DER, read element by element: framing is strict, what real certificates get wrong inside is told apart.

ITU-T X.690. Lengths are definite and shortest, and nothing is left over, so that two readers see the same
elements. What has no bearing on meaning is let pass, because signatures cover it as it is: the order within
a SET OF (Nuvoton) and default values that are written out.
"""

from __future__ import annotations

import datetime
import re
from functools import lru_cache
from typing import Final, NamedTuple

from bundlefmt.errors import Code, MalformedError
from bundlefmt.wire import Buffer

BOOLEAN: Final = 0x01
INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
NULL: Final = 0x05
OBJECT_IDENTIFIER: Final = 0x06
ENUMERATED: Final = 0x0A
UTC_TIME: Final = 0x17
GENERALIZED_TIME: Final = 0x18
SEQUENCE: Final = 0x30
SET: Final = 0x31
# string types -> how their bytes are text; TeletexString is read as Latin-1, as everybody does
_TEXT: Final = {
    0x0C: "utf-8",
    0x13: "ascii",
    0x14: "latin-1",
    0x16: "ascii",
    0x1A: "ascii",
    0x1E: "utf-16-be",
}
_HIGH_TAG: Final = 0x1F
_LONG_LENGTH: Final = 0x80
_LENGTH_BYTES: Final = 4  # of a length; no artifact is larger
_OID_BYTES: Final = 64  # of an object identifier; the longest in use are about 20
_CONTINUES: Final = 0x80
_REST_OF_TIME: Final = rb"(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z"
_TIMES: Final = {
    UTC_TIME: re.compile(rb"(\d\d)" + _REST_OF_TIME),
    GENERALIZED_TIME: re.compile(rb"(\d{4})" + _REST_OF_TIME),
}
_UTC_PIVOT: Final = 50  # RFC 5280 4.1.2.5.1: 50 to 99 are of the 20th century


def context(number: int, *, constructed: bool) -> int:
    """The identifier octet of context-specific tag `[number]`."""
    return 0x80 | (0x20 if constructed else 0) | number


class Element(NamedTuple):  # a tuple is made in a third of the time that a frozen dataclass takes
    """One element: its identifier octet, its content, all its bytes; `offset` is where the content starts."""

    tag: int
    content: bytes
    raw: bytes
    offset: int

    def error(self, code: Code, message: str, path: str, *, behind: int = 0) -> MalformedError:
        """An error at this element, or so many bytes `behind` its start, to be raised by the caller."""
        start = self.offset + len(self.content) - len(self.raw)
        return MalformedError(code, message, offset=start + behind, path=path)


def read_element(data: bytes, start: int, *, path: str, base: int = 0) -> Element:
    """The element that begins at `start`; `base` is the offset of `data` in the input that the caller knows.

    Raises MalformedError, always for the framing alone.
    """
    inside, end = _bounds(data, start, path, base)
    return Element(data[start], data[inside:end], data[start:end], base + inside)


def _bounds(data: bytes, start: int, path: str, base: int) -> tuple[int, int]:
    """Where the content of the element at `start` begins and ends. Raises MalformedError."""
    size, inside = len(data), start + 2
    if start == size:
        raise _truncated(data, start, 1, path, base)
    if data[start] & _HIGH_TAG == _HIGH_TAG:
        raise MalformedError(Code.WRONG_TYPE, "a high tag number", offset=base + start, path=path)
    if inside > size:
        raise _truncated(data, start + 1, 1, path, base)
    length = data[start + 1]
    if length >= _LONG_LENGTH:
        inside, length = _long_length(data, start, path, base)
    if inside + length > size:
        raise _truncated(data, inside, length, path, base)
    return inside, inside + length


def _long_length(data: bytes, start: int, path: str, base: int) -> tuple[int, int]:
    """Where the content begins behind a length of several bytes, and that length. Raises MalformedError."""
    digits, count = start + 2, data[start + 1] - _LONG_LENGTH
    if count == 0:
        raise MalformedError(Code.INDEFINITE_LENGTH, "indefinite length", offset=base + start, path=path)
    if count > _LENGTH_BYTES:
        message = f"a length of {count} bytes"
        raise MalformedError(Code.SIZE_LIMIT, message, offset=base + start, path=path)
    inside = digits + count
    if inside > len(data):
        raise _truncated(data, digits, count, path, base)
    length = int.from_bytes(data[digits:inside], "big")
    if length < _LONG_LENGTH or data[digits] == 0:
        message = "a length in more bytes than needed"
        raise MalformedError(Code.NON_SHORTEST, message, offset=base + start, path=path)
    return inside, length


def _truncated(data: bytes, start: int, wanted: int, path: str, base: int) -> MalformedError:
    message = f"{wanted} bytes wanted, {len(data) - start} left"
    return MalformedError(Code.TRUNCATED, message, offset=base + start, path=path)


def decode_element(data: Buffer, *, path: str, base: int = 0) -> Element:
    """Exactly one element. Raises MalformedError, also for anything behind it."""
    whole = bytes(data)
    element = read_element(whole, 0, path=path, base=base)
    end = len(element.raw)
    if end != len(whole):
        message = f"{len(whole) - end} bytes after the end"
        raise MalformedError(Code.TRAILING_BYTES, message, offset=base + end, path=path)
    return element


def children(element: Element, tag: int, path: str) -> list[Element]:
    """The elements inside a constructed element, which must have identifier `tag`."""
    content, base = expect(element, tag, path).content, element.offset
    found: list[Element] = []
    start, size = 0, len(content)
    while start < size:
        inside = start + 2
        # nearly all have a head of two bytes; whatever else stands there is looked at closely
        if (
            inside <= size
            and content[start] & _HIGH_TAG != _HIGH_TAG
            and content[start + 1] < _LONG_LENGTH
            and inside + content[start + 1] <= size
        ):
            end = inside + content[start + 1]
        else:
            inside, end = _bounds(content, start, path, base)
        found.append(Element(content[start], content[inside:end], content[start:end], base + inside))
        start = end
    return found


def expect(element: Element, tag: int, path: str) -> Element:
    """`element`, if it has identifier `tag`. Raises wrong-type."""
    if element.tag != tag:
        raise element.error(Code.WRONG_TYPE, f"tag {element.tag:#04x}, not {tag:#04x}", path)
    return element


class Fields:
    """The elements of a SEQUENCE, taken in order."""

    __slots__ = ("_element", "_rest", "path")

    def __init__(self, element: Element, path: str, *, tag: int = SEQUENCE) -> None:
        self.path = path
        self._element = element
        self._rest = children(element, tag, path)[::-1]

    def next(self) -> Element:
        """Raises missing-member where there is none."""
        if not self._rest:
            raise self._element.error(Code.MISSING_MEMBER, "an element is missing", self.path)
        return self._rest.pop()

    def take(self, tag: int) -> Element:
        """The next element, of identifier `tag`."""
        return expect(self.next(), tag, self.path)

    def optional(self, *tags: int) -> Element | None:
        """The next element if it has one of `tags`."""
        return self._rest.pop() if self._rest and self._rest[-1].tag in tags else None

    def finish(self) -> None:
        """Raises trailing-bytes unless every element was taken."""
        if self._rest:
            raise self._rest[-1].error(Code.TRAILING_BYTES, "an element too many", self.path)


def inner(element: Element, path: str) -> Element:
    """The one element inside an explicit tag."""
    return decode_element(element.content, path=path, base=element.offset)


def boolean(element: Element, path: str) -> bool:
    expect(element, BOOLEAN, path)
    if element.content not in (b"\x00", b"\xff"):
        raise element.error(Code.BAD_VALUE, "a boolean that is neither 00 nor ff", path)
    return element.content == b"\xff"


def integer(element: Element, path: str, *, tag: int = INTEGER) -> int:
    """A two's complement integer in its shortest form."""
    content = expect(element, tag, path).content
    if not content:
        raise element.error(Code.WRONG_LENGTH, "an empty integer", path)
    if len(content) > 1 and content[0] in (0x00, 0xFF) and content[0] >> 7 == content[1] >> 7:
        raise element.error(Code.NON_SHORTEST, "an integer in more bytes than needed", path)
    return int.from_bytes(content, "big", signed=True)


def object_identifier(element: Element, path: str) -> str:
    """Dotted decimal."""
    content = expect(element, OBJECT_IDENTIFIER, path).content
    if not content or content[-1] & _CONTINUES or len(content) > _OID_BYTES:
        raise element.error(Code.WRONG_LENGTH, f"an object identifier of {len(content)} bytes", path)
    dotted = _dotted(content)
    if dotted is None:
        raise element.error(Code.NON_SHORTEST, "an arc in more bytes than needed", path)
    return dotted


@lru_cache(maxsize=256)  # a few dozen stand in all certificates
def _dotted(content: bytes) -> str | None:
    """None where an arc is in more bytes than needed."""
    arcs, arc, fresh = [], 0, True
    for byte in content:
        if fresh and byte == _CONTINUES:
            return None
        arc, fresh = arc << 7 | byte & 0x7F, not byte & _CONTINUES
        if fresh:
            arcs.append(arc)
            arc = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def bit_string(element: Element, path: str) -> bytes:
    """The bytes of a bit string that has no unused bits."""
    content = expect(element, BIT_STRING, path).content
    if not content or content[0] != 0:
        raise element.error(Code.BAD_VALUE, "a bit string that is not whole bytes", path)
    return content[1:]


def named_bits(element: Element, path: str, *, tag: int = BIT_STRING) -> int:
    """A named bit list as a number: bit n of the list has value 2**n. Zero bits at the end are let pass."""
    content = expect(element, tag, path).content
    unused = content[0] if content else 8
    if unused > 7 or (unused and len(content) == 1):
        raise element.error(Code.BAD_VALUE, "a bit string with a wrong count of unused bits", path)
    if content[-1] & ((1 << unused) - 1) and len(content) > 1:
        raise element.error(Code.BAD_VALUE, "unused bits that are set", path)
    bits = "".join(f"{byte:08b}" for byte in content[1:])
    return int(bits[::-1] or "0", 2)


def moment(element: Element, path: str) -> int:
    """A UTCTime or GeneralizedTime of RFC 5280 4.1.2.5 as seconds since the epoch, negative before 1970."""
    form = _TIMES.get(element.tag)
    if form is None:
        raise element.error(Code.WRONG_TYPE, f"tag {element.tag:#04x} is no time", path)
    match = form.fullmatch(element.content)
    if match is None:
        raise element.error(Code.BAD_VALUE, "a time that is not in seconds of UTC", path)
    year, month, day, hour, minute, second = map(int, match.groups())
    if element.tag == UTC_TIME:
        year += 1900 if year >= _UTC_PIVOT else 2000
    try:
        when = datetime.datetime(year, month, day, hour, minute, second, tzinfo=datetime.UTC)
    except ValueError as error:
        raise element.error(Code.BAD_VALUE, f"no such time: {error}", path) from None
    return int(when.timestamp())


def text(element: Element, path: str) -> str | None:
    """A character string; None where the element is of another type. Raises bad-value if it is no text."""
    encoding = _TEXT.get(element.tag)
    if encoding is None:
        return None
    try:
        return element.content.decode(encoding)
    except UnicodeDecodeError:
        raise element.error(Code.BAD_VALUE, f"not {encoding} text", path) from None


# --- writing ----------------------------------------------------------------------------------------


def written(tag: int, *parts: bytes) -> bytes:
    """An element with this identifier octet whose content are `parts`, one behind the other."""
    content = b"".join(parts)
    size = len(content)
    if size < _LONG_LENGTH:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, _LONG_LENGTH | len(length)]) + length + content


def written_integer(value: int) -> bytes:
    """An INTEGER that is not negative."""
    return written(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def written_oid(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER from dotted decimal."""
    first, second, *rest = map(int, dotted.split("."))
    found = bytearray()
    for arc in (40 * first + second, *rest):
        digits = [arc & 0x7F]
        while arc := arc >> 7:
            digits.append(_CONTINUES | arc & 0x7F)
        found += bytes(reversed(digits))
    return written(OBJECT_IDENTIFIER, bytes(found))
