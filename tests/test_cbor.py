# SPDX-License-Identifier: Apache-2.0
"""The strict scan and the encoder: every refusal with its code and offset, symmetry, a second opinion."""

from __future__ import annotations

import ast
import csv
import json
import mmap
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Final

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundlefmt import cbor, labels
from bundlefmt.bundle import Bundle
from bundlefmt.cbor import Value, encode, scan
from bundlefmt.cose import CoseSign1
from bundlefmt.errors import Code, EncodeError, MalformedError
from bundlefmt.evidence.pcr import decode_pcr_values
from bundlefmt.manifest import Manifest
from tests import reference_cbor
from tests.strategies import mutated, values

ROOT: Final = Path(__file__).resolve().parents[1]
TAG_18: Final = frozenset({18})


def refusal(data: bytes, tags: frozenset[int] = frozenset()) -> tuple[Code, int]:
    """Why and where the scan refuses `data`."""
    with pytest.raises(MalformedError) as caught:
        scan(data, tags=tags)
    return caught.value.code, caught.value.offset


# --- refusals of encoding --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "offset"),
    [
        ("1800", 0),
        ("1817", 0),
        ("190018", 0),
        ("1900ff", 0),
        ("1a0000ffff", 0),
        ("1b00000000ffffffff", 0),
        ("3817", 0),
        ("3b00000000ffffffff", 0),
        ("580100", 0),
        ("5900180000", 0),
        ("780161", 0),
        ("98020405", 0),
        ("9b0000000000000000", 0),
        ("b8010000", 0),
        ("d80000", 0),
        ("d81200", 0),  # tag 18, which has a place here, and needs no second byte
        ("82011817", 2),
        ("a1181701", 1),
        ("a1011817", 2),
        ("828118ff58020000", 4),
    ],
)
def test_longer_than_needed(data: str, offset: int) -> None:
    assert refusal(bytes.fromhex(data), TAG_18) == (Code.NON_SHORTEST, offset)


@pytest.mark.parametrize("value", [23, 24, 0xFF, 0x100, 0xFFFF, 0x10000, 0xFFFFFFFF, 0x100000000, 2**64 - 1])
def test_the_shortest_form_is_accepted(value: int) -> None:
    for major, number in ((0, value), (1, -1 - value)):
        node = scan(cbor.head(major, value))
        assert (node.kind, node.integer()) == (major, number)
        assert encode(number) == cbor.head(major, value) == cbor2.dumps(number)


@pytest.mark.parametrize("head", ["1f", "3f", "5f", "7f", "9f", "bf", "df", "ff"])
def test_indefinite_length(head: str) -> None:
    assert refusal(bytes.fromhex(head + "00ff")) == (Code.INDEFINITE_LENGTH, 0)
    assert refusal(bytes.fromhex("8201" + head + "ff")) == (Code.INDEFINITE_LENGTH, 2)


@pytest.mark.parametrize("major", range(8))
@pytest.mark.parametrize("info", [28, 29, 30])
def test_reserved_head(major: int, info: int) -> None:
    assert refusal(bytes([0x82, 0x01, major << 5 | info])) == (Code.RESERVED_HEAD, 2)


@pytest.mark.parametrize(
    ("data", "offset"),
    [
        ("a201000100", 3),
        ("a2616100616101", 4),
        ("a220002000", 3),
        ("a301000200020000", 5),
        ("81a201000100", 4),
    ],
)
def test_duplicate_key(data: str, offset: int) -> None:
    assert refusal(bytes.fromhex(data)) == (Code.DUPLICATE_KEY, offset)


def _map(*keys: Value) -> bytes:
    """A map of `keys` in the order given, all to null."""
    return cbor.head(cbor.MAP, len(keys)) + b"".join(encode(key) + b"\xf6" for key in keys)


def test_keys_ascend_by_their_bytes() -> None:
    bytewise = _map(10, 100, -1, "z", "aa")
    assert scan(bytewise).value() == dict.fromkeys((10, 100, -1, "z", "aa"))
    assert encode(dict.fromkeys(("aa", "z", -1, 100, 10))) == bytewise


@pytest.mark.parametrize(
    ("data", "offset"),
    [
        (_map(10, -1, 100, "z", "aa"), 5),  # shorter keys first: RFC 8949 4.2.3
        (_map("aa", "z"), 5),
        (_map("b", "a"), 4),
        (_map(-1, 0), 3),
        (_map(2, 3, 1), 5),
        (_map("a", 1), 4),
        (_map(-1, -300, -256), 7),
    ],
)
def test_key_order(data: bytes, offset: int) -> None:
    assert refusal(data) == (Code.KEY_ORDER, offset)


@pytest.mark.parametrize("key", ["4101", "80", "a0", "f4", "f5", "f6"])
def test_keys_are_integers_or_text(key: str) -> None:
    assert refusal(bytes.fromhex("a20000" + key + "00")) == (Code.WRONG_TYPE, 3)


@pytest.mark.parametrize(
    "data", ["f90000", "f97e00", "fa00000000", "fb0000000000000000", "f9", "fa0000", "fb7ff0000000000000"]
)
def test_float(data: str) -> None:
    assert refusal(bytes.fromhex(data)) == (Code.FLOAT, 0)
    assert refusal(bytes.fromhex("a100" + data)) == (Code.FLOAT, 2)


@pytest.mark.parametrize("data", ["c24101", "c34101", "c2f6", "c249010000000000000000"])
@pytest.mark.parametrize("tags", [frozenset(), TAG_18])
def test_bignum(data: str, tags: frozenset[int]) -> None:
    assert refusal(bytes.fromhex(data), tags) == (Code.BIGNUM, 0)


@pytest.mark.parametrize(
    "head", [f"{0xE0 + number:02x}" for number in range(24) if number not in (20, 21, 22)]
)
def test_simple_value(head: str) -> None:
    assert refusal(bytes.fromhex("81" + head)) == (Code.SIMPLE_VALUE, 1)


@pytest.mark.parametrize("data", ["f800", "f814", "f818", "f820", "f8ff", "f8"])
def test_simple_value_of_two_bytes(data: str) -> None:
    assert refusal(bytes.fromhex(data)) == (Code.SIMPLE_VALUE, 0)


def test_false_true_null() -> None:
    assert [scan(bytes([0xF4 + number])).value() for number in range(3)] == [False, True, None]


@pytest.mark.parametrize(
    ("data", "tags", "offset"),
    [
        ("d200", frozenset(), 0),
        ("c000", TAG_18, 0),
        ("d300", TAG_18, 0),
        ("d9d9f700", TAG_18, 0),
        ("db000000010000000000", TAG_18, 0),
        ("81d200", TAG_18, 1),
        ("a1d20000", TAG_18, 1),
        ("d2d200", TAG_18, 1),
        ("d284a10126d2a0a040", TAG_18, 5),
    ],
)
def test_unlisted_tag(data: str, tags: frozenset[int], offset: int) -> None:
    assert refusal(bytes.fromhex(data), tags) == (Code.UNLISTED_TAG, offset)


def test_a_tag_in_its_place() -> None:
    node = scan(bytes.fromhex("d20c"), tags=TAG_18)
    assert (node.kind, node.number, node.children[0].integer()) == (cbor.TAG, 18, 12)


@pytest.mark.parametrize(
    "octets",
    ["ff", "80", "c3", "c080", "c1bf", "e08080", "eda080", "edbfbf", "f4908080", "f8888080", "61c328"],
)
def test_invalid_utf8(octets: str) -> None:
    text = bytes.fromhex(octets)
    assert refusal(b"\x81" + cbor.head(cbor.TEXT, len(text)) + text) == (Code.INVALID_UTF8, 1)


@pytest.mark.parametrize("data", ["0000", "8000", "a000", "4000", "f600", "8101f6", "d20000"])
def test_trailing_bytes(data: str) -> None:
    assert refusal(bytes.fromhex(data), TAG_18) == (Code.TRAILING_BYTES, len(data) // 2 - 1)


SAMPLE: Final = encode(
    {
        1: [0, -500, 2**33, {}],
        -1: b"\1\2\3",
        "": [[]],
        "key": "té",
        "long": [b"\0" * 300, "x" * 24, True, None],
    }
)


def _starts(node: cbor.Node) -> list[int]:
    return [node.start, *(start for child in node.children for start in _starts(child))]


@pytest.mark.parametrize("size", range(len(SAMPLE)))
def test_truncated_at_every_byte(size: int) -> None:
    # the item that the cut goes through, or the one that should have begun at the cut
    offset = max(start for start in _starts(scan(SAMPLE)) if start <= size)
    assert refusal(SAMPLE[:size]) == (Code.TRUNCATED, offset)


# --- limits ----------------------------------------------------------------------------------------

NESTINGS: Final = {
    "arrays": lambda depth: b"\x81" * (depth - 1) + b"\x80",
    "maps": lambda depth: b"\xa1\x00" * (depth - 1) + b"\xa0",
    "a scalar inside": lambda depth: b"\x81" * depth + b"\x00",
    "under a tag": lambda depth: b"\xd2" + b"\x81" * (depth - 2) + b"\x80",
}


@pytest.mark.parametrize("nesting", NESTINGS)
def test_depth_limit(nesting: str) -> None:
    deepest = NESTINGS[nesting](labels.MAX_DEPTH)
    assert scan(deepest, tags=TAG_18).end == len(deepest)
    step = 2 if nesting == "maps" else 1
    assert refusal(NESTINGS[nesting](labels.MAX_DEPTH + 1), TAG_18) == (
        Code.DEPTH_LIMIT,
        step * labels.MAX_DEPTH,
    )


def test_count_limit_of_a_text() -> None:
    inside = cbor.head(cbor.ARRAY, labels.MAX_ITEMS - 1) + b"\x00" * (labels.MAX_ITEMS - 1)
    assert len(scan(inside).children) == labels.MAX_ITEMS - 1
    above = cbor.head(cbor.ARRAY, labels.MAX_ITEMS) + b"\x00" * labels.MAX_ITEMS
    assert refusal(above) == (Code.COUNT_LIMIT, len(above) - 1)
    halves = cbor.head(cbor.ARRAY, labels.MAX_ITEMS // 2) + b"\x00" * (labels.MAX_ITEMS // 2)
    both = b"\x82" + halves + halves  # three items more than the limit: three heads of arrays
    assert refusal(both) == (Code.COUNT_LIMIT, len(both) - 3)


@pytest.mark.parametrize(
    ("kind", "number", "code"),
    [
        (cbor.ARRAY, labels.MAX_ITEMS, Code.TRUNCATED),
        (cbor.ARRAY, labels.MAX_ITEMS + 1, Code.COUNT_LIMIT),
        (cbor.ARRAY, 2**64 - 1, Code.COUNT_LIMIT),
        (cbor.MAP, labels.MAX_ITEMS // 2, Code.TRUNCATED),
        (cbor.MAP, labels.MAX_ITEMS // 2 + 1, Code.COUNT_LIMIT),
        (cbor.MAP, 2**63, Code.COUNT_LIMIT),
        (cbor.TEXT, labels.MAX_TEXT, Code.TRUNCATED),
        (cbor.TEXT, labels.MAX_TEXT + 1, Code.SIZE_LIMIT),
        (cbor.BYTES, labels.MAX_BYTES, Code.TRUNCATED),
        (cbor.BYTES, labels.MAX_BYTES + 1, Code.SIZE_LIMIT),
    ],
)
def test_limits_are_kept_at_the_head(kind: int, number: int, code: Code) -> None:
    head = cbor.head(kind, number)
    missing = len(head) + 1 if kind in (cbor.ARRAY, cbor.MAP) else 1
    at = missing if code is Code.TRUNCATED else 1
    assert refusal(b"\x81" + head) == (code, at)


def test_the_longest_text_is_accepted() -> None:
    assert scan(encode("x" * labels.MAX_TEXT)).text() == "x" * labels.MAX_TEXT


def test_the_longest_byte_string_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    head = cbor.head(cbor.BYTES, labels.MAX_BYTES)
    with path.open("w+b") as file:
        file.write(head)
        file.truncate(len(head) + labels.MAX_BYTES)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped, memoryview(mapped) as view:
            node = scan(view)
            assert (node.kind, node.number, node.end) == (cbor.BYTES, labels.MAX_BYTES, len(view))
            node.source.release()


@pytest.mark.parametrize("kind", [cbor.BYTES, cbor.TEXT, cbor.ARRAY, cbor.MAP, cbor.TAG])
@pytest.mark.parametrize("number", [2**31, 2**32 - 1, 2**63, 2**64 - 1])
def test_declared_lengths_cost_nothing(kind: int, number: int) -> None:
    data = b"\x81" * 8 + cbor.head(kind, number)
    refusal(data)  # what is made once is made now
    tracemalloc.start()
    refusal(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 64 * 1024


# --- what the scan gives ---------------------------------------------------------------------------


def test_byte_strings_are_not_copied() -> None:
    data = bytearray(encode([b"abc"]))
    view = scan(memoryview(data)).children[0].view()
    data[-1] = ord("x")
    assert bytes(view) == b"abx"


def test_offsets_of_embedded_texts_are_absolute() -> None:
    data = encode([0, encode([1, b"\x82\x01\x18\x17"])])
    outer = scan(data)
    inner = outer.children[1].embedded()
    assert (inner.start, inner.children[1].start) == (3, 5)
    with pytest.raises(MalformedError) as caught:
        inner.children[1].embedded()
    assert (caught.value.code, caught.value.offset) == (Code.NON_SHORTEST, data.index(b"\x18\x17"))


@pytest.mark.parametrize(
    ("data", "offset"),
    [("82418201", 3), ("824143626161", 2), ("824119626161", 2), ("8240f6", 2)],
    ids=["an element", "content", "a head", "everything"],
)
def test_an_embedded_text_ends_with_its_string(data: str, offset: int) -> None:
    with pytest.raises(MalformedError) as caught:
        scan(bytes.fromhex(data)).children[0].embedded()
    assert (caught.value.code, caught.value.offset) == (Code.TRUNCATED, offset)


READERS: Final[dict[str, tuple[Callable[[cbor.Node], object], set[int]]]] = {
    "view": (lambda node: node.view(), {cbor.BYTES}),
    "octets": (lambda node: node.octets(), {cbor.BYTES}),
    "text": (lambda node: node.text(), {cbor.TEXT}),
    "uint": (lambda node: node.uint(), {cbor.UINT}),
    "integer": (lambda node: node.integer(), {cbor.UINT, cbor.NINT}),
    "array": (lambda node: node.array("it"), {cbor.ARRAY}),
    "pairs": (lambda node: list(node.pairs("it")), {cbor.MAP}),
    "text_map": (lambda node: node.text_map("it"), {cbor.MAP}),
}


@pytest.mark.parametrize("name", READERS)
def test_readers_take_their_kind_only(name: str) -> None:
    read, kinds = READERS[name]
    for element in scan(encode([0, -1, b"a", "a", [], {}, None])).children:
        if element.kind in kinds:
            read(element)
            continue
        with pytest.raises(MalformedError) as caught:
            read(element)
        assert (caught.value.code, caught.value.offset) == (Code.WRONG_TYPE, element.start)


def test_arrays_have_a_length() -> None:
    node = scan(encode([[1, 2]])).children[0]
    assert [element.uint() for element in node.array("it", range(2, 3))] == [1, 2]
    with pytest.raises(MalformedError) as caught:
        node.array("it", range(3, 5))
    assert (caught.value.code, caught.value.offset) == (Code.WRONG_LENGTH, 1)


def test_text_maps_have_text_keys() -> None:
    with pytest.raises(MalformedError) as caught:
        scan(encode({"b": 0, 7: 0})).text_map("it")
    assert (caught.value.code, caught.value.offset) == (Code.WRONG_TYPE, 1)


@given(values().map(encode).flatmap(lambda data: st.tuples(st.just(data), st.integers(0, len(data)))))
def test_what_stands_before_a_fault_can_be_shown(cut: tuple[bytes, int]) -> None:
    data, size = cut
    node, error = cbor.scan_readable(data[:size])
    if size == len(data):
        assert error is None
        assert node is not None
        assert node.value() == scan(data).value()
        return
    assert error is not None
    assert error.code is Code.TRUNCATED
    whole = scan(data)
    while node is not None and node.children:
        # everything but the last child is whole, and equal to what the full text has there
        for mine, full in zip(node.children[:-1], whole.children, strict=False):
            assert mine.raw() == full.raw()
        whole, node = whole.children[len(node.children) - 1], node.children[-1]


# --- cbor2 comes after the scan --------------------------------------------------------------------

DECODERS: Final[dict[str, tuple[Callable[[bytes], object], bytes]]] = {
    "scan": (lambda data: scan(data).value(), b""),
    "manifest": (Manifest.decode, b""),
    "COSE": (CoseSign1.decode, b""),
    "PCR values": (decode_pcr_values, b""),
    "bundle": (Bundle.decode, labels.MAGIC),
}


@pytest.mark.parametrize("name", DECODERS)
@pytest.mark.parametrize(
    "bad", ["f97e00", "5f4101ff", "c24101", "a201000100", "1817", "818181", "9bffffffffffffffff"]
)
def test_nothing_reaches_cbor2_unscanned(name: str, bad: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    monkeypatch.setattr(cbor2, "loads", seen.append)
    decode, magic = DECODERS[name]
    with pytest.raises(MalformedError):
        decode(magic + bytes.fromhex(bad))
    assert seen == []


def _calls_of_cbor2(tree: ast.AST) -> set[str]:
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "cbor2"
    }


def test_cbor2_decodes_in_one_place() -> None:
    used = {
        (path.name, function.name, attribute)
        for path in (ROOT / "bundlefmt").rglob("*.py")
        for function in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(function, ast.FunctionDef)
        for attribute in _calls_of_cbor2(function) - {"CBORTag", "dumps"}
    }
    assert used == {
        ("cbor.py", "value", "loads"),
        ("cbor.py", "foreign", "CBORDecoder"),  # of other formats, with limits of its own
        ("cbor.py", "foreign", "CBORError"),
    }


# --- the encoder -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        float("nan"),
        2**64,
        -(2**64) - 1,
        {b"a": 1},
        {True: 1},
        {None: 1},
        {(1,): 1},
        {1, 2},
        object(),
        cbor2.undefined,
        cbor2.CBORSimpleValue(7),
        "\ud800",
        {"\ud800": 1},
        "x" * (labels.MAX_TEXT + 1),
        [0] * labels.MAX_ITEMS,
        cbor2.CBORTag(18, 0),
        [cbor2.CBORTag(1, 0)],
    ],
    ids=lambda value: repr(value)[:20].encode("ascii", "replace").decode(),
)
def test_what_the_format_cannot_carry_is_not_written(value: object) -> None:
    with pytest.raises(EncodeError):
        encode(value)


def test_the_encoder_keeps_the_depth_limit() -> None:
    def nested(depth: int, value: object) -> object:
        for _ in range(depth):
            value = [value]
        return value

    for inner in (0, "a"):
        scan(encode(nested(labels.MAX_DEPTH, inner)))
    scan(encode(nested(labels.MAX_DEPTH - 1, {})))
    for depth in (labels.MAX_DEPTH, labels.MAX_DEPTH + 1, 100_000):
        with pytest.raises(EncodeError):
            encode(nested(depth, []))


def test_a_value_that_holds_itself_is_not_written() -> None:
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(EncodeError):
        encode(loop)


def test_the_encoder_allows_a_tag_where_the_scan_does() -> None:
    assert encode(cbor2.CBORTag(18, [1]), tags=TAG_18) == bytes.fromhex("d28101")
    with pytest.raises(EncodeError):
        encode([cbor2.CBORTag(18, [1])], tags=TAG_18)


def test_buffers_and_sequences_are_written_as_what_they_hold() -> None:
    assert encode([memoryview(b"a"), bytearray(b"b"), (1, 2)]) == encode([b"a", b"b", [1, 2]])


def test_no_head_is_longer_than_64_bits() -> None:
    with pytest.raises(EncodeError):
        cbor.head(cbor.UINT, 2**64)


# --- symmetry and a second opinion -----------------------------------------------------------------

# heads and contents that a few bytes can combine into something of interest
ALPHABET: Final = bytes.fromhex("000117181920374041585f606178 7f8081829899a0a1a2b8c2d2f4f5f6f7f8f9ff")


@given(values())
def test_what_is_encoded_scans_and_means_the_same(value: Value) -> None:
    data = encode(value)
    assert scan(data).value() == value
    assert cbor2.loads(data) == value
    assert reference_cbor.accepts(data)


def _scans(data: bytes) -> bool:
    """Whether the scan takes `data`; what it takes is encoded to the same bytes again."""
    try:
        node = scan(data)
    except MalformedError as error:
        assert 0 <= error.offset <= len(data)
        return False
    assert encode(node.value()) == data == node.raw()
    return True


@given(st.binary(max_size=32) | st.lists(st.sampled_from(ALPHABET), max_size=24).map(bytes))
def test_arbitrary_bytes_are_taken_or_refused(data: bytes) -> None:
    assert _scans(data) == reference_cbor.accepts(data)


@given(mutated(values().map(encode)))
def test_mutated_bytes_are_taken_or_refused(data: bytes) -> None:
    assert _scans(data) == reference_cbor.accepts(data)


def test_all_inputs_of_two_bytes() -> None:
    inputs = [number.to_bytes(size, "big") for size in range(3) for number in range(256**size)]
    assert [data.hex() for data in inputs if _scans(data) != reference_cbor.accepts(data)] == []


# --- tables of others ------------------------------------------------------------------------------


def test_rfc_8949_appendix_a(corpus: Path) -> None:
    accepted = 0
    for row in json.loads((corpus / "cose/cbor/appendix_a.json").read_text("utf-8")):
        data = bytes.fromhex(row["hex"])
        assert _scans(data) == reference_cbor.accepts(data), row["hex"]
        if _scans(data):
            assert row["roundtrip"], row["hex"]
            if "decoded" in row:
                accepted += 1
                assert json.loads(json.dumps(scan(data).value())) == row["decoded"], row["hex"]
    assert accepted > 30


def test_rfc_8949_appendix_f(corpus: Path) -> None:
    table = corpus / "cose/cbor/rfc8949-appendix-f-not-well-formed.part-a.json"
    rows = json.loads(table.read_text("utf-8"))
    assert [row for row in rows if _scans(bytes.fromhex(row["hex"]))] == []
    assert len(rows) > 40


def test_common_deterministic_encoding(corpus: Path) -> None:
    refused = []
    with (corpus / "cose/cbor/cde-example-table-input.csv").open(encoding="utf-8", newline="") as file:
        for kind, value, octets, *_ in csv.reader(file):
            data = bytes.fromhex(octets)
            if kind == "int" and -(2**64) <= int(value) < 2**64:
                assert encode(int(value)) == data, value
                assert scan(data).integer() == int(value), value
            elif kind in ("int", "flt"):
                assert refusal(data) == (Code.BIGNUM if kind == "int" else Code.FLOAT, 0), octets
            else:
                refused.append(refusal(data)[0])
    assert {Code.KEY_ORDER, Code.NON_SHORTEST, Code.INDEFINITE_LENGTH, Code.RESERVED_HEAD} <= set(refused)


def test_dcbor_valid(corpus: Path) -> None:
    accepted = 0
    for row in json.loads((corpus / "cose/cbor/dcbor-valid.json").read_text("utf-8")):
        data = bytes.fromhex(row["hex"])
        if data[0] in (0xF9, 0xFA, 0xFB):
            assert refusal(data) == (Code.FLOAT, 0), row
        else:
            accepted += 1
            assert scan(data).value() == row["decoded"], row
    assert accepted > 20


# what dCBOR refuses and RFC 8949 4.2.1 does not: a range of its own for integers, and one Unicode normal form
DCBOR_ONLY: Final = {"65-bit negative integer value.", "String not normalized with NFC."}


def test_dcbor_invalid(corpus: Path) -> None:
    rows = json.loads((corpus / "cose/cbor/dcbor-invalid.part-a.json").read_text("utf-8"))
    assert {row["notes"] for row in rows if _scans(bytes.fromhex(row["hex"]))} <= DCBOR_ONLY
    assert len(rows) > 15


def test_elements_are_of_one_array_and_nothing_follows_it() -> None:
    data = encode([1, [2], "three"])
    assert [data[node.start : node.end] for node in cbor.scan_elements(data)] == [
        b"\x01",
        b"\x81\x02",
        b"\x65three",
    ]
    assert list(cbor.scan_elements(encode([]))) == []
    for other in (encode({}), encode(b"\x01"), encode(1)):
        with pytest.raises(MalformedError) as caught:
            list(cbor.scan_elements(other))
        assert (caught.value.code, caught.value.offset) == (Code.WRONG_TYPE, 0)
    with pytest.raises(MalformedError) as caught:
        list(cbor.scan_elements(data + b"\x00"))
    assert (caught.value.code, caught.value.offset) == (Code.TRAILING_BYTES, len(data))


@pytest.mark.parametrize("value", [2**64, -(2**64) - 1, 2**70])
def test_an_integer_beyond_64_bits_is_not_written(value: int) -> None:
    assert scan(encode(2**64 - 1)).end == scan(encode(-(2**64))).end == 9
    with pytest.raises(EncodeError):
        encode(value)


@pytest.mark.parametrize("key", [True, None, b"key", (1,), 1.5])
def test_a_map_with_another_kind_of_key_is_not_written(key: object) -> None:
    with pytest.raises(EncodeError, match="map keys are integers or text"):
        encode({key: 1})


@pytest.mark.parametrize("wrap", [lambda inner: [inner], lambda inner: {"a": inner}])
def test_what_is_nested_too_deeply_is_not_written(wrap: Callable[[object], object]) -> None:
    value: object = 0
    for _ in range(labels.MAX_DEPTH):
        value = wrap(value)
    assert scan(encode(value))
    with pytest.raises(EncodeError):
        encode(wrap(value))
