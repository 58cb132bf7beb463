# SPDX-License-Identifier: Apache-2.0
"""Text from files in words for terminals and programs."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterator
from itertools import count, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundlefmt.moment import when
from bundlefmt.render.inspection import plain
from bundlefmt.render.words import MAX_LINE, cut, escaped, json_pieces, json_text, lines, safe

ANY_TEXT = st.text(st.characters())  # surrogates too: names of files may hold them
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(ANY_TEXT)
def test_safe_text_stays_on_its_line_and_is_safe(text: str) -> None:
    shown = safe(text)
    assert shown.isprintable()
    assert len(shown.splitlines()) <= 1
    assert safe(shown) == shown
    shown.encode()


def test_every_character_that_controls_or_hides_is_escaped() -> None:
    hidden = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"}
    for number in range(sys.maxunicode + 1):
        if number != 0x20 and unicodedata.category(chr(number)) in hidden:
            assert safe(chr(number)) == f"\\u{{{number:x}}}"


@pytest.mark.parametrize("number", [0x34F, 0x3164, 0xFE0F, 0xE0101, 0x2800, 0x115F])
def test_what_is_invisible_is_shown(number: int) -> None:
    assert safe(f"a{chr(number)}b") == f"a\\u{{{number:x}}}b"


@given(ANY_TEXT)
def test_escaped_text_loses_nothing(text: str) -> None:
    assert json.loads(escaped(text)) == text
    assert safe(escaped(text)) == escaped(text)


@given(VALUES)
def test_json_loses_nothing(value: object) -> None:
    shown = json_text(value)
    assert json.loads(shown) == value
    assert all(safe(line) == line for line in shown.split("\n"))


@given(st.dictionaries(ANY_TEXT, st.lists(VALUES, max_size=3), max_size=3), st.lists(VALUES, max_size=3))
def test_json_in_pieces_is_the_same(members: dict[str, list[object]], last: list[object]) -> None:
    """Objects whose arrays come one element at a time, in arrays and in objects."""

    def lazily() -> dict[str, object]:
        return {name: iter(values) for name, values in members.items()}

    nested = {**lazily(), "all": iter([lazily(), last])}
    assert "".join(json_pieces(nested)) == json_text({**members, "all": [members, last]})


def test_json_in_pieces_keeps_nothing() -> None:
    pieces = json_pieces({"numbers": count()})
    assert "".join(islice(pieces, 7)) == '{\n  "numbers": [\n    0,\n    1'


def test_a_text_is_cut_and_says_so() -> None:
    assert cut("x" * 200) == "x" * 200
    assert cut("x" * 201) == "x" * 200 + "… (201 characters)"


def test_whoever_writes_lines_need_not_think_of_it() -> None:
    @lines
    def write(word: str) -> Iterator[str]:
        yield word
        yield word * 10_000

    short, long = write("\x1b[2J")
    assert short == "\\u{1b}[2J"
    assert "\x1b" not in long
    assert len(long) < 3 * MAX_LINE + 100


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "1970-01-01 00:00:00Z"),
        (2**31, "2038-01-19 03:14:08Z"),
        (-62135596800, "0001-01-01 00:00:00Z"),
        (2**64 - 1, "18446744073709551615"),
    ],
)
def test_times(seconds: int, words: str) -> None:
    assert when(seconds) == words


def test_keys_that_are_equal_as_text_do_not_hide_each_other() -> None:
    assert plain({1: b"\x01", "2": "x"}) == {"1": "01", "2": "x"}
    assert plain({1: "a", "1": "b"}) == [[1, "a"], ["1", "b"]]
