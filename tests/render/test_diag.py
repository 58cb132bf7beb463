# SPDX-License-Identifier: Apache-2.0
"""Diagnostic notation read back by a reader of its own: nothing is lost but what is cut, and that says so."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

import cbor2
import pytest

from bundlefmt import cbor, labels
from bundlefmt.bundle import scan_file
from bundlefmt.render.diag import lines, notation
from tests.cli.conftest import vector
from tests.test_vectors import JUDGED

_TOKEN: Final = re.compile(
    r"""\s* (?: (?P<octets>h'[0-9a-f]*') | (?P<text>"(?:[^"\\]|\\.)*") | (?P<tag>\d+)\( | (?P<number>-?\d+)
    | (?P<word>true|false|null) | (?P<sign><<|>>|[\[\]{},:()]) )""",
    re.VERBOSE,
)
_WORDS: Final = {"true": True, "false": False, "null": None}


class Notation:
    """RFC 8949 section 8 with `<< >>` of RFC 8610 appendix G, as far as bundles need it.

    Maps are lists of pairs, tags (tag, value), embedded CBOR ("<<", value).
    """

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0

    def _next(self) -> re.Match[str]:
        found = _TOKEN.match(self._text, self._at)
        assert found, self._text[self._at : self._at + 60]
        self._at = found.end()
        return found

    def _sign(self, wanted: str) -> bool:
        before = self._at
        if self._next()["sign"] == wanted:
            return True
        self._at = before
        return False

    def read(self) -> Any:
        """All of the text is one value."""
        value = self._value()
        assert not self._text[self._at :].strip()
        return value

    def _value(self) -> Any:
        token = self._next()
        if token["octets"]:
            return bytes.fromhex(token["octets"][2:-1])
        if token["text"]:
            return json.loads(token["text"])
        if token["number"]:
            return int(token["number"])
        if token["word"]:
            return _WORDS[token["word"]]
        if token["tag"]:
            inner = self._value()
            assert self._sign(")")
            return int(token["tag"]), inner
        if token["sign"] == "<<":
            inner = self._value()
            assert self._sign(">>")
            return "<<", inner
        assert token["sign"] in ("[", "{")
        return self._row("]" if token["sign"] == "[" else "}")

    def _row(self, end: str) -> list[Any]:
        row: list[Any] = []
        while not self._sign(end):
            assert not row or self._sign(",")
            row.append(self._value() if end == "]" else self._pair())
        return row

    def _pair(self) -> tuple[Any, Any]:
        key = self._value()
        assert self._sign(":")
        return key, self._value()


def same(read: Any, value: Any) -> bool:
    """Whether what was read is what another CBOR decoder finds."""
    if isinstance(read, tuple) and read[0] == "<<":
        return isinstance(value, bytes) and same(read[1], cbor2.loads(value))
    if isinstance(value, cbor2.CBORTag):
        return isinstance(read, tuple) and read[0] == value.tag and same(read[1], value.value)
    if isinstance(value, Mapping):
        return [pair[0] for pair in read] == list(value) and all(
            same(pair[1], each) for pair, each in zip(read, value.values(), strict=True)
        )
    if isinstance(value, list | tuple):
        return len(read) == len(value) and all(map(same, read, value))
    return type(read) is type(value) and bool(read == value)


@pytest.mark.parametrize("name", JUDGED[::3])
def test_a_bundle_in_notation_reads_back(name: str) -> None:
    data = vector(name).read_bytes()
    read = Notation(notation(scan_file(data), limit=None)).read()
    assert (read[0], read[1][0]) == (labels.TAG_SELF_DESCRIBED, labels.TAG_BUNDLE)
    assert same(read[1][1], cbor2.loads(data[len(labels.MAGIC) :]))
    assert read[1][1][0][0] == "<<"  # the manifest is open to read


VALUES: Final[dict[str, object]] = {
    "numbers": [0, 23, 24, -1, 2**64 - 1, -(2**64)],
    "empty": [[], {}, b"", ""],
    "hostile": {'\x1b\x7f\u202e"\\\n\U000e0001': ["\ud7ff", "𝄞", "\u00a0", "\x00"]},
    "deep": [[[[[[[{"a": [1, {"b": []}]}]]]]]]],
    "wide": list(range(100)),
    "words": [True, False, None],
}


@pytest.mark.parametrize("name", VALUES)
def test_values_read_back(name: str) -> None:
    node = cbor.scan(cbor.encode(VALUES[name]))
    read = Notation("\n".join(lines(node, limit=None))).read()
    assert same(read, VALUES[name])


def test_what_is_cut_says_so() -> None:
    node = cbor.scan(cbor.encode([bytes(33)]))
    (shown,) = lines(node, limit=32)
    assert shown == f"[h'{'00' * 32}' / … 33 bytes /]"
    assert list(lines(cbor.scan(cbor.encode([bytes(32)])), limit=32)) == [f"[h'{'00' * 32}']"]


def test_the_reader_can_refuse() -> None:
    for text in ("[1,]", "[1 2]", '"open', "h'0'x", "{1}", "5(1", "1 1"):
        with pytest.raises((AssertionError, ValueError)):
            Notation(text).read()
    assert not same(Notation("[1]").read(), [True])
    assert not same(Notation("<<1>>").read(), b"\x02")
