# SPDX-License-Identifier: Apache-2.0
"""Strict JSON for logs: no duplicate names, no numbers but integers, no text that is not Unicode.

RFC 8259; I-JSON (RFC 7493) where JSON leaves things open. Errors carry the offset of the record, or of the
byte at fault where the syntax is wrong.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final, NoReturn

from bundlefmt.errors import Code, MalformedError
from bundlefmt.frozen import frozen

MAX_DEPTH: Final = 32  # the deepest log record needs 5
MAX_INTEGER: Final = 2**64 - 1
# the closing quote is optional and nothing is given back, so that no text takes more than one pass
_STRINGS: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_BRACKETS: Final = re.compile(rb"[][{}]")
Json = bool | int | str | list["Json"] | dict[str, "Json"] | None


@frozen
class Members:
    """An object's members, read by name and type; `offset` and `path` are for errors."""

    values: Mapping[str, Json]
    offset: int
    path: str

    def fail(self, code: Code, message: str) -> NoReturn:
        raise MalformedError(code, message, offset=self.offset, path=self.path)

    def _get(self, name: str) -> Json:
        if name not in self.values:
            self.fail(Code.MISSING_MEMBER, f"no {name!r}")
        return self.values[name]

    def text(self, name: str) -> str:
        value = self._get(name)
        if not isinstance(value, str):
            self.fail(Code.WRONG_TYPE, f"{name!r} is not a string")
        return value

    def optional_text(self, name: str) -> str | None:
        """None if the member is missing."""
        return self.text(name) if name in self.values else None

    def uint(self, name: str, maximum: int = MAX_INTEGER) -> int:
        value = self._get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            self.fail(Code.WRONG_TYPE, f"{name!r} is not an integer")
        if not 0 <= value <= maximum:
            self.fail(Code.BAD_VALUE, f"{name!r} is {value}")
        return value

    def hexadecimal(self, name: str) -> bytes:
        """A string of pairs of hexadecimal digits."""
        text = self.text(name)
        try:
            if len(text) % 2 or not text.isalnum():
                raise ValueError
            return bytes.fromhex(text)
        except ValueError:
            if not text:
                return b""
            self.fail(Code.BAD_VALUE, f"{name!r} is not hexadecimal")

    def object(self, name: str) -> Members:
        value = self._get(name)
        if not isinstance(value, dict):
            self.fail(Code.WRONG_TYPE, f"{name!r} is not an object")
        return Members(values=value, offset=self.offset, path=f"{self.path}.{name}")

    def objects(self, name: str) -> list[Members]:
        value = self._get(name)
        if not isinstance(value, list):
            self.fail(Code.WRONG_TYPE, f"{name!r} is not an array")
        return [as_object(item, self.offset, f"{self.path}.{name}") for item in value]


def as_object(value: Json, offset: int, path: str) -> Members:
    """Raises MalformedError unless `value` is an object."""
    if not isinstance(value, dict):
        raise MalformedError(Code.WRONG_TYPE, "not an object", offset=offset, path=path)
    return Members(values=value, offset=offset, path=path)


def decode_json(data: bytes, *, base: int = 0, path: str = "JSON") -> Json:
    """The value of one JSON text. Raises MalformedError."""

    def fail(code: Code, message: str, at: int = 0) -> NoReturn:
        raise MalformedError(code, message, offset=base + at, path=path)

    def members(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        found = dict(pairs)
        if len(found) != len(pairs):
            fail(Code.DUPLICATE_KEY, "a name occurs twice in one object")
        return found

    def no_float(_: str) -> NoReturn:
        fail(Code.FLOAT, "a number that is no integer")

    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        fail(Code.INVALID_UTF8, error.reason, error.start)
    if _depth(data) > MAX_DEPTH:
        fail(Code.DEPTH_LIMIT, f"nested deeper than {MAX_DEPTH}")
    try:
        value: Json = json.loads(
            text, object_pairs_hook=members, parse_float=no_float, parse_constant=no_float
        )
    except json.JSONDecodeError as error:
        fail(Code.BAD_VALUE, error.msg, len(text[: error.pos].encode()))
    except MalformedError:
        raise
    except ValueError:
        fail(Code.BAD_VALUE, "an integer of too many digits")
    if "\\ud" in text.lower() and not _is_unicode(value):
        fail(Code.INVALID_UTF8, "an escape that is half a character")
    return value


def _depth(data: bytes) -> int:
    """How deep brackets nest, those in strings left out; an upper bound for texts that are not JSON."""
    depth = deepest = 0
    for bracket in _BRACKETS.findall(_STRINGS.sub(b"", data)):
        depth += 1 if bracket in (b"[", b"{") else -1
        deepest = max(deepest, depth)
    return deepest


def _is_unicode(value: Json) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
