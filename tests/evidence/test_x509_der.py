# SPDX-License-Identifier: Apache-2.0
"""DER: what is read agrees with another writer, and each fault of framing has its code and offset."""

from __future__ import annotations

import calendar
import datetime

import pytest
from asn1crypto import core
from hypothesis import given
from hypothesis import strategies as st

from bundlefmt.errors import Code, MalformedError
from bundlefmt.evidence import der
from tests.evidence.pki import tlv

PATH = "test"


@given(st.integers(-(2**200), 2**200))
def test_integers_are_those_of_another_writer(number: int) -> None:
    assert der.integer(der.decode_element(core.Integer(number).dump(), path=PATH), PATH) == number


@given(st.integers(0, 2), st.integers(0, 39), st.lists(st.integers(0, 2**64), min_size=1, max_size=5))
def test_object_identifiers_are_those_of_another_writer(first: int, second: int, rest: list[int]) -> None:
    dotted = ".".join(map(str, (first, second, *rest)))
    assert (
        der.object_identifier(der.decode_element(core.ObjectIdentifier(dotted).dump(), path=PATH), PATH)
        == dotted
    )


@given(st.binary(max_size=70_000), st.sampled_from([0x04, 0x0C, 0x80, 0x30]))
def test_an_element_is_all_its_bytes(content: bytes, tag: int) -> None:
    data = tlv(tag, content)
    element = der.decode_element(data, path=PATH, base=7)
    assert (element.tag, element.content, element.raw) == (tag, content, data)
    assert element.offset == 7 + len(data) - len(content)


@given(st.binary(max_size=64))
def test_any_bytes_are_an_element_or_malformed(data: bytes) -> None:
    try:
        element = der.decode_element(data, path=PATH)
    except MalformedError as error:
        assert 0 <= error.offset <= len(data)
    else:
        assert element.raw == data


FRAMING = [
    ("30", Code.TRUNCATED, 1),
    ("3001", Code.TRUNCATED, 2),
    ("3082ff", Code.TRUNCATED, 2),
    ("3082ffff", Code.TRUNCATED, 4),
    ("30800000", Code.INDEFINITE_LENGTH, 0),
    ("308100", Code.NON_SHORTEST, 0),
    ("30817f" + "00" * 127, Code.NON_SHORTEST, 0),
    ("30820080" + "00" * 128, Code.NON_SHORTEST, 0),
    ("30850000000001aa", Code.SIZE_LIMIT, 0),
    ("3f", Code.WRONG_TYPE, 0),
    ("3f0101", Code.WRONG_TYPE, 0),
    ("3f8101", Code.WRONG_TYPE, 0),
]


@pytest.mark.parametrize(
    ("data", "code", "offset"),
    [*FRAMING, ("", Code.TRUNCATED, 0), ("3000ff", Code.TRAILING_BYTES, 2)],
)
def test_faults_of_framing(data: str, code: Code, offset: int) -> None:
    with pytest.raises(MalformedError) as caught:
        der.decode_element(bytes.fromhex(data), path=PATH)
    assert (caught.value.code, caught.value.offset) == (code, offset)


@pytest.mark.parametrize(("data", "code", "offset"), FRAMING)
def test_faults_of_framing_behind_a_sibling(data: str, code: Code, offset: int) -> None:
    content = tlv(der.NULL, b"") + bytes.fromhex(data)
    parent = der.decode_element(tlv(der.SEQUENCE, content), path=PATH, base=7)
    with pytest.raises(MalformedError) as caught:
        der.children(parent, der.SEQUENCE, PATH)
    assert (caught.value.code, caught.value.offset) == (code, parent.offset + 2 + offset)


@pytest.mark.parametrize(
    ("data", "read", "code"),
    [
        ("0200", der.integer, Code.WRONG_LENGTH),
        ("02020001", der.integer, Code.NON_SHORTEST),
        ("0202ffff", der.integer, Code.NON_SHORTEST),
        ("040101", der.integer, Code.WRONG_TYPE),
        ("010101", der.boolean, Code.BAD_VALUE),
        ("0100", der.boolean, Code.BAD_VALUE),
        ("0600", der.object_identifier, Code.WRONG_LENGTH),
        ("060181", der.object_identifier, Code.WRONG_LENGTH),
        ("06022a80", der.object_identifier, Code.WRONG_LENGTH),
        ("06032a8001", der.object_identifier, Code.NON_SHORTEST),
        ("0641" + "2a" * 65, der.object_identifier, Code.WRONG_LENGTH),
        ("0300", der.bit_string, Code.BAD_VALUE),
        ("03020101", der.bit_string, Code.BAD_VALUE),
        ("0300", der.named_bits, Code.BAD_VALUE),
        ("030101", der.named_bits, Code.BAD_VALUE),
        ("03020800", der.named_bits, Code.BAD_VALUE),
        ("03020521", der.named_bits, Code.BAD_VALUE),
        ("0c01ff", der.text, Code.BAD_VALUE),
    ],
)
def test_faults_of_values(data: str, read: object, code: Code) -> None:
    assert callable(read)
    with pytest.raises(MalformedError) as caught:
        read(der.decode_element(bytes.fromhex(data), path=PATH, base=3), PATH)
    assert (caught.value.code, caught.value.offset) == (code, 3)


@pytest.mark.parametrize(
    ("bits", "data"),
    [(0, "030100"), (4, "03020520"), (0x60, "03020106"), (0x100, "0303070080"), (4, "03020020")],
)
def test_named_bits(bits: int, data: str) -> None:
    assert der.named_bits(der.decode_element(bytes.fromhex(data), path=PATH), PATH) == bits


MOMENTS = [
    (der.UTC_TIME, "700101000000Z", 0),
    (der.UTC_TIME, "500101000000Z", -631_152_000),
    (der.UTC_TIME, "491231235959Z", 2_524_607_999),
    (der.UTC_TIME, "691231235959Z", -1),
    (der.GENERALIZED_TIME, "99991231235959Z", 253_402_300_799),
    (der.GENERALIZED_TIME, "00010101000000Z", -62_135_596_800),
    (der.GENERALIZED_TIME, "20240229120000Z", 1_709_208_000),
]


@pytest.mark.parametrize(("tag", "text", "seconds"), MOMENTS)
def test_times(tag: int, text: str, seconds: int) -> None:
    assert der.moment(der.decode_element(tlv(tag, text.encode()), path=PATH), PATH) == seconds


@given(st.datetimes(datetime.datetime(1950, 1, 1), datetime.datetime(2049, 12, 31)))
def test_times_are_those_of_another_writer(when: datetime.datetime) -> None:
    zoned = when.replace(microsecond=0, tzinfo=datetime.UTC)
    for kind in (core.UTCTime, core.GeneralizedTime):
        element = der.decode_element(kind(zoned).dump(), path=PATH)
        assert der.moment(element, PATH) == calendar.timegm(zoned.timetuple())


@pytest.mark.parametrize(
    ("tag", "text"),
    [
        (der.UTC_TIME, "7001010000Z"),
        (der.UTC_TIME, "700101000000+0000"),
        (der.UTC_TIME, "70010100000 Z"),
        (der.UTC_TIME, "701301000000Z"),
        (der.UTC_TIME, "700101000060Z"),
        (der.UTC_TIME, "700101240000Z"),
        (der.GENERALIZED_TIME, "20230229000000Z"),
        (der.GENERALIZED_TIME, "00000101000000Z"),
        (der.GENERALIZED_TIME, "20230101000000.5Z"),
        (der.GENERALIZED_TIME, "20230101000000z"),
        (der.GENERALIZED_TIME, "²0230101000000Z"),
        (der.GENERALIZED_TIME, "100000101000000Z"),
    ],
)
def test_no_times(tag: int, text: str) -> None:
    with pytest.raises(MalformedError) as caught:
        der.moment(der.decode_element(tlv(tag, text.encode()), path=PATH), PATH)
    assert caught.value.code is Code.BAD_VALUE


def test_fields_leave_nothing_over() -> None:
    fields = der.Fields(der.decode_element(bytes.fromhex("3006020101020102"), path=PATH), PATH)
    assert fields.optional(der.BOOLEAN) is None
    fields.next()
    with pytest.raises(MalformedError) as caught:
        fields.finish()
    assert (caught.value.code, caught.value.offset) == (Code.TRAILING_BYTES, 5)
    fields.next()
    fields.finish()
    with pytest.raises(MalformedError) as caught:
        fields.next()
    assert (caught.value.code, caught.value.offset) == (Code.MISSING_MEMBER, 0)
