# SPDX-License-Identifier: Apache-2.0
"""The bounded reader: what it gives, what it refuses and where."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundlefmt.errors import Code, MalformedError
from bundlefmt.wire import Reader, read_all


def test_integers_have_an_end() -> None:
    assert Reader(b"\x01\x02\x03").uint(3) == 0x010203
    assert Reader(b"\x01\x02\x03").uint_le(3) == 0x030201
    assert Reader(b"").uint(0) == 0


def test_view_copies_nothing() -> None:
    data = bytearray(b"abc")
    view = Reader(memoryview(data)).view(2)
    data[0] = ord("x")
    assert bytes(view) == b"xb"


def test_read_copies() -> None:
    data = bytearray(b"abc")
    read = Reader(memoryview(data)).read(2)
    data[0] = ord("x")
    assert read == b"ab"


@pytest.mark.parametrize("name", ["view", "read", "uint", "uint_le"])
def test_reading_past_the_end_is_refused_and_reads_nothing(name: str) -> None:
    reader = Reader(b"\0abc", base=100, path="thing")
    reader.read(1)
    with pytest.raises(MalformedError) as caught:
        getattr(reader, name)(4)
    assert (caught.value.code, caught.value.offset, caught.value.path) == (Code.TRUNCATED, 101, "thing")
    assert reader.read(3) == b"abc"


@pytest.mark.parametrize(
    ("data", "size", "offset"), [("0003aabb", 2, 7), ("00", 2, 7), ("05aa", 1, 7), ("ffffffff", 4, 7)]
)
def test_a_length_past_the_end_is_reported_at_the_length(data: str, size: int, offset: int) -> None:
    with pytest.raises(MalformedError) as caught:
        Reader(bytes.fromhex(data), base=7).sized(size)
    assert (caught.value.code, caught.value.offset) == (Code.TRUNCATED, offset)


def test_sized_takes_exactly_its_bytes() -> None:
    reader = Reader(bytes.fromhex("0002aabbcc"))
    assert reader.sized() == b"\xaa\xbb"
    assert (reader.offset, reader.remaining) == (4, 1)


def test_within_leaves_nothing_over() -> None:
    reader = Reader(bytes.fromhex("00aabbcc"), base=50, path="outer")
    reader.read(1)
    with pytest.raises(MalformedError) as caught:
        reader.within(2, lambda inner: inner.read(1), path="inner")
    assert (caught.value.code, caught.value.offset, caught.value.path) == (Code.TRAILING_BYTES, 52, "inner")


def test_within_cannot_reach_outside() -> None:
    reader = Reader(bytes.fromhex("aabbcc"), path="outer")
    with pytest.raises(MalformedError) as caught:
        reader.within(2, lambda inner: inner.read(3))
    assert (caught.value.code, caught.value.offset, caught.value.path) == (Code.TRUNCATED, 0, "outer")


def test_within_goes_on_behind() -> None:
    reader = Reader(bytes.fromhex("aabbcc"))
    assert reader.within(2, lambda inner: inner.uint(2)) == 0xAABB
    assert reader.uint(1) == 0xCC
    reader.finish()


def test_read_all_leaves_nothing_over() -> None:
    assert read_all(b"ab", lambda reader: reader.read(2)) == b"ab"
    with pytest.raises(MalformedError) as caught:
        read_all(b"abc", lambda reader: reader.read(2), path="thing", base=10)
    assert (caught.value.code, caught.value.offset, caught.value.path) == (Code.TRAILING_BYTES, 12, "thing")


def test_an_error_says_code_place_and_reason() -> None:
    error = Reader(b"", base=3, path="thing").error(Code.BAD_VALUE, "no good")
    assert str(error) == "bad-value at byte 3 in thing: no good"
    assert Reader(b"").error(Code.BAD_VALUE, "no good", offset=9).offset == 9


@given(data=st.binary(max_size=40), sizes=st.lists(st.integers(0, 12), max_size=8), base=st.integers(0, 99))
def test_reads_are_the_input_in_order(data: bytes, sizes: list[int], base: int) -> None:
    reader, taken = Reader(data, base=base), b""
    for size in sizes:
        try:
            taken += reader.read(size)
        except MalformedError as error:
            assert error.code is Code.TRUNCATED
            assert size > len(data) - len(taken)
            assert error.offset == base + len(taken)
    assert taken == data[: len(taken)]
    assert reader.offset == base + len(taken)
    assert reader.remaining == len(data) - len(taken)
