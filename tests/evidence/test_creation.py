# SPDX-License-Identifier: Apache-2.0
"""Creation data and tickets: symmetry, what they say, and what is refused where."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundlefmt.errors import Code, MalformedError
from bundlefmt.evidence.creation import TpmsCreationData, TpmtTkCreation
from bundlefmt.evidence.tpm import UnsupportedAlgorithmError
from bundlefmt.evidence.tpm_algorithm import TpmAlg
from tests.evidence.tpm_strategies import creation_data, creation_tickets
from tests.strategies import mutated

PRIMARY = "00000000" + "0000" + "01" + "0010" + "00044000000b" * 2 + "0003616263"
CHILD = "00000001000b03010000" + "0001aa" + "08" + "000b" + "0003000b01" + "0003000b02" + "0000"


@given(data=creation_data())
def test_symmetry(data: TpmsCreationData) -> None:
    decoded = TpmsCreationData.decode(data.encode())
    assert decoded == data
    assert decoded.raw == data.encode() == decoded.encode()
    assert decoded.describe() == data.describe()


@given(ticket=creation_tickets())
def test_symmetry_of_tickets(ticket: TpmtTkCreation) -> None:
    assert TpmtTkCreation.decode(ticket.encode()) == ticket


@given(data=mutated(creation_data().map(TpmsCreationData.encode)) | st.binary(max_size=60))
def test_what_is_accepted_is_kept(data: bytes) -> None:
    try:
        decoded = TpmsCreationData.decode(data)
    except MalformedError as error:
        assert 0 <= error.offset <= len(data)
        assert error.path == "TPMS_CREATION_DATA"
    else:
        assert decoded.encode() == data


def test_a_primary_object() -> None:
    data = TpmsCreationData.decode(bytes.fromhex(PRIMARY))
    assert data.hierarchy == 0x4000000B
    assert (data.outside_info, data.localities) == (b"abc", (0,))
    assert data.describe() == "in the endorsement hierarchy at locality 0"
    assert replace(data, raw=b"", parent_name=bytes.fromhex("40000099")).hierarchy is None


def test_a_child() -> None:
    data = TpmsCreationData.decode(bytes.fromhex(CHILD))
    assert data.hierarchy is None
    assert data.pcr_select[0].indices == (0,)
    assert data.describe() == "under Name 000b01 at locality 3"


@pytest.mark.parametrize(
    ("octet", "meant"), [(0, ()), (1, (0,)), (0x1F, (0, 1, 2, 3, 4)), (0x20, (32,)), (0xFF, (255,))]
)
def test_localities(octet: int, meant: tuple[int, ...]) -> None:
    assert (
        replace(TpmsCreationData.decode(bytes.fromhex(PRIMARY)), raw=b"", locality=octet).localities == meant
    )


def test_the_creation_hash_is_by_the_name_algorithm() -> None:
    data = TpmsCreationData.decode(bytes.fromhex(PRIMARY))
    assert data.creation_hash(TpmAlg.SHA256) == hashlib.sha256(bytes.fromhex(PRIMARY)).digest()
    assert data.creation_hash(TpmAlg.SHA384) == hashlib.sha384(bytes.fromhex(PRIMARY)).digest()
    with pytest.raises(UnsupportedAlgorithmError, match="0x7777"):
        data.creation_hash(0x7777)


@pytest.mark.parametrize(
    ("data", "code", "offset"),
    [
        ("", Code.TRUNCATED, 0),
        ("00000001000b00", Code.WRONG_LENGTH, 6),
        ("00000000" + "0041" + "aa" * 65, Code.WRONG_LENGTH, 4),
        (PRIMARY + "00", Code.TRAILING_BYTES, len(PRIMARY) // 2),
        (PRIMARY[:-10] + "0043" + "aa" * 67, Code.WRONG_LENGTH, len(PRIMARY) // 2 - 5),
    ],
)
def test_refused(data: str, code: Code, offset: int) -> None:
    with pytest.raises(MalformedError) as caught:
        TpmsCreationData.decode(bytes.fromhex(data))
    assert (caught.value.code, caught.value.offset) == (code, offset)


@pytest.mark.parametrize(
    ("data", "code", "offset"),
    [
        ("8022400000010000", Code.BAD_VALUE, 0),  # a verified ticket
        ("8021400000", Code.TRUNCATED, 2),
        ("8021400000010041" + "aa" * 65, Code.WRONG_LENGTH, 6),
        ("802140000001000000", Code.TRAILING_BYTES, 8),
    ],
)
def test_tickets_refused(data: str, code: Code, offset: int) -> None:
    with pytest.raises(MalformedError) as caught:
        TpmtTkCreation.decode(bytes.fromhex(data))
    assert (caught.value.code, caught.value.offset) == (code, offset)


def test_tickets() -> None:
    ticket = TpmtTkCreation.decode(bytes.fromhex("802140000007" + "0000"))
    assert (ticket.hierarchy, ticket.digest) == (0x40000007, b"")
    assert ticket.describe() == "by the null hierarchy"
    assert replace(ticket, hierarchy=0x40000141).describe() == "by the 0x40000141 hierarchy"


def test_raw_belongs_to_the_fields() -> None:
    with pytest.raises(ValueError, match="raw is not"):
        replace(TpmsCreationData.decode(bytes.fromhex(PRIMARY)), locality=2)
