# SPDX-License-Identifier: Apache-2.0
"""Attestation statements: symmetry, every type, and what is refused where."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundlefmt.errors import Code, MalformedError
from bundlefmt.evidence.attest import TpmsAttest
from bundlefmt.evidence.attested import AttestType, TpmsQuoteInfo, attest_name
from bundlefmt.evidence.pcr_selection import (
    TpmsPcrSelection,
    encode_pcr_selection_list,
    read_pcr_selection_list,
)
from bundlefmt.evidence.tpm_algorithm import TpmAlg
from bundlefmt.evidence.tpm_parameters import Opaque
from bundlefmt.wire import read_all
from tests.evidence.tpm_strategies import ATTESTED, attests, pcr_selection_lists
from tests.strategies import mutated

HEAD = "ff544347{kind:04x}0000" + "0000" + "00" * 16 + "01" + "00" * 8  # ends at byte 35


@pytest.mark.parametrize("kind", ATTESTED, ids=attest_name)
@given(data=st.data())
def test_symmetry(kind: int, data: st.DataObject) -> None:
    attest = data.draw(attests(st.just(kind)))
    decoded = TpmsAttest.decode(attest.encode())
    assert decoded == attest
    assert decoded.raw == attest.encode() == decoded.encode()
    assert decoded.describe().startswith(attest_name(kind))


@given(data=mutated(attests().map(TpmsAttest.encode)) | st.binary(max_size=80))
def test_what_is_accepted_is_kept(data: bytes) -> None:
    try:
        attest = TpmsAttest.decode(data)
    except MalformedError as error:
        assert 0 <= error.offset <= len(data)
        assert error.path == "TPMS_ATTEST"
    else:
        assert attest.encode() == data


@given(selections=pcr_selection_lists())
def test_symmetry_of_pcr_selections(selections: tuple[TpmsPcrSelection, ...]) -> None:
    assert read_all(encode_pcr_selection_list(selections), read_pcr_selection_list) == selections


@given(bank=st.integers(0, 65535), indices=st.sets(st.integers(0, 31)))
def test_selections_of_pcrs(bank: int, indices: set[int]) -> None:
    selection = TpmsPcrSelection.of(bank, indices)
    assert selection.indices == tuple(sorted(indices))
    assert len(selection.select) == (4 if max(indices, default=0) > 23 else 3)


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_bit_maps_of_any_size(size: int) -> None:
    data = b"\0\x0b" + bytes([size]) + b"\x81" * size
    selection = read_all(data, TpmsPcrSelection.read)
    assert selection.indices == tuple(n for octet in range(size) for n in (8 * octet, 8 * octet + 7))
    assert selection.encode() == data


@pytest.mark.parametrize(
    ("data", "code", "offset"),
    [
        ("00000001000b00", Code.WRONG_LENGTH, 6),
        ("00000001000b050000000000", Code.WRONG_LENGTH, 6),
        ("00000011" + "000b0101" * 17, Code.COUNT_LIMIT, 0),
        ("ffffffff", Code.COUNT_LIMIT, 0),
        ("00000002000b0101", Code.TRUNCATED, 8),
        ("00000001000b010101", Code.TRAILING_BYTES, 8),
    ],
)
def test_selections_refused(data: str, code: Code, offset: int) -> None:
    with pytest.raises(MalformedError) as caught:
        read_all(bytes.fromhex(data), read_pcr_selection_list)
    assert (caught.value.code, caught.value.offset) == (code, offset)


def test_sixteen_banks_are_read() -> None:
    selections = read_all(bytes.fromhex("00000010" + "000b0101" * 16), read_pcr_selection_list)
    assert len(selections) == 16


def test_the_order_of_quoted_values() -> None:
    info = TpmsQuoteInfo(
        pcr_select=(
            TpmsPcrSelection.of(TpmAlg.SHA384, {7, 0}),
            TpmsPcrSelection.of(TpmAlg.SHA256, {16, 1}),
        ),
        pcr_digest=bytes(32),
    )
    assert info.selected == ((0x0C, 0), (0x0C, 7), (0x0B, 1), (0x0B, 16))
    assert info.describe() == "of PCRs sha384:0,7 + sha256:1,16"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (AttestType.CERTIFY, "0003000b01" + "0003000b02"),
        (AttestType.CREATION, "0003000b01" + "0001aa"),
        (AttestType.QUOTE, "00000001000b03010000" + "0001aa"),
        (AttestType.TIME, "00" * 8 + "00" * 16 + "00" + "00" * 8),
        (AttestType.NV, "0003000b01" + "0010" + "0002aabb"),
        (AttestType.NV_DIGEST, "0003000b01" + "0001aa"),
        (AttestType.SESSION_AUDIT, "01" + "0001aa"),
        (AttestType.SESSION_AUDIT, "00" + "0001aa"),
        (AttestType.COMMAND_AUDIT, "00" * 8 + "000b" + "0001aa" + "0001bb"),
    ],
)
def test_every_type_is_read_to_its_end(kind: AttestType, body: str) -> None:
    data = bytes.fromhex(HEAD.format(kind=kind) + body)
    attest = TpmsAttest.decode(data)
    assert not isinstance(attest.attested, Opaque)
    assert attest.encode() == data
    with pytest.raises(MalformedError) as caught:
        TpmsAttest.decode(data + b"\0")
    assert (caught.value.code, caught.value.offset) == (Code.TRAILING_BYTES, len(data))
    for end in range(len(data)):
        with pytest.raises(MalformedError) as caught:
            TpmsAttest.decode(data[:end])
        assert caught.value.code is Code.TRUNCATED


def test_an_unknown_type_is_kept() -> None:
    data = bytes.fromhex(HEAD.format(kind=0x8123) + "aabbcc")
    attest = TpmsAttest.decode(data)
    assert attest.attested == Opaque(body=b"\xaa\xbb\xcc")
    assert attest.describe() == "0x8123 (not read here)"


@pytest.mark.parametrize(
    ("data", "code", "offset"),
    [
        ("ff5443488018", Code.BAD_VALUE, 0),  # the magic value before anything else
        ("ff54434880", Code.BAD_VALUE, 0),
        ("ff544347", Code.TRUNCATED, 4),
        ("ff5443478018" + "0043" + "aa" * 67, Code.WRONG_LENGTH, 6),
        ("ff5443478018" + "0000" + "0043" + "aa" * 67, Code.WRONG_LENGTH, 8),
        (HEAD.format(kind=0x8017).replace("01" + "00" * 8, "02" + "00" * 8), Code.BAD_VALUE, 26),
        (HEAD.format(kind=0x8016) + "02" + "0000", Code.BAD_VALUE, 35),
        (HEAD.format(kind=0x8014) + "0000" + "0000" + "0801" + "00" * 2049, Code.WRONG_LENGTH, 39),
    ],
)
def test_refused(data: str, code: Code, offset: int) -> None:
    with pytest.raises(MalformedError) as caught:
        TpmsAttest.decode(bytes.fromhex(data))
    assert (caught.value.code, caught.value.offset) == (code, offset)


def test_raw_belongs_to_the_fields() -> None:
    attest = TpmsAttest.decode(bytes.fromhex(HEAD.format(kind=0x8017) + "00000000"))
    with pytest.raises(ValueError, match="raw is not"):
        replace(attest, firmware_version=1)
