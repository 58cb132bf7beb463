# SPDX-License-Identifier: Apache-2.0
"""The canonical event log in its three encodings, and native logs carried through it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundlefmt.errors import Code, MalformedError
from bundlefmt.evidence.tpm_algorithm import TpmAlg, alg_name
from bundlefmt.logs.cel import (
    CelRecord,
    CelType,
    ImaContent,
    OtherContent,
    PcClientContent,
    decode_cel_tlv,
    encode_cel_tlv,
    firmware_events,
    ima_entries,
)
from bundlefmt.logs.cel_cbor import decode_cel_cbor
from bundlefmt.logs.cel_json import decode_cel_json
from bundlefmt.logs.event import EventType, type_name
from bundlefmt.logs.ima import ImaList
from bundlefmt.logs.ima_replay import replay_ima
from bundlefmt.logs.replay import declared_locality, final_values
from tests.logs.firmware import SHA256, log_cases, read
from tests.provenance import Provenance
from tests.strategies import mutated

CONTENTS: Final = (
    st.builds(PcClientContent, event_type=st.integers(0, 2**32 - 1), event_data=st.binary(max_size=30))
    | st.builds(
        ImaContent, template_name=st.sampled_from(("ima-ng", "x")), template_data=st.binary(max_size=30)
    )
    | st.builds(OtherContent, content_type=st.sampled_from((4, 8, 9, 77)), data=st.binary(max_size=30))
)


@st.composite
def records(draw: st.DrawFn) -> list[CelRecord]:
    made = []
    for number in range(draw(st.integers(1, 4))):
        nv = draw(st.booleans())
        made.append(
            CelRecord(
                number=number,
                offset=0,
                untrusted_recnum=draw(st.integers(0, 2**64 - 1)),
                nv=nv,
                index=draw(st.integers(0, 2**32 - 1 if nv else 31)),
                digests=draw(
                    st.fixed_dictionaries(
                        {}, optional={0x0B: st.binary(min_size=32, max_size=32), 0x77: st.just(b"x")}
                    )
                ),
                untrusted_content=draw(CONTENTS),
            )
        )
    return made


def without_offset(found: tuple[CelRecord, ...]) -> list[tuple[Any, ...]]:
    return [
        (one.number, one.untrusted_recnum, one.nv, one.index, one.digests, one.untrusted_content)
        for one in found
    ]


@given(records())
def test_tlv_symmetry(made: list[CelRecord]) -> None:
    data = encode_cel_tlv(made)
    found = decode_cel_tlv(data)
    assert without_offset(found) == without_offset(tuple(made))
    assert encode_cel_tlv(found) == data


@given(mutated(records().map(encode_cel_tlv)) | st.binary(max_size=80))
def test_any_tlv_decodes_or_is_malformed(data: bytes) -> None:
    try:
        found = decode_cel_tlv(data)
    except MalformedError:
        return
    assert without_offset(decode_cel_tlv(encode_cel_tlv(found))) == without_offset(found)


def cbor_record(one: CelRecord) -> dict[int, Any]:
    content: Any
    match one.untrusted_content:
        case PcClientContent(event_type=kind, event_data=data):
            content_type, content = CelType.PCCLIENT_STD, {0: kind, 1: data}
        case ImaContent(template_name=name, template_data=data):
            content_type, content = CelType.IMA_TEMPLATE, {0: name, 1: data}
        case other:
            raise AssertionError(other)
    return {
        0: one.untrusted_recnum,
        2 if one.nv else 1: one.index,
        3: [{0: alg, 1: digest} for alg, digest in one.digests.items()],
        9: int(content_type),
        10: content,
    }


def json_record(one: CelRecord, *, names: bool) -> dict[str, Any]:
    match one.untrusted_content:
        case PcClientContent(event_type=kind, event_data=data):
            content_type: Any = "pcclient_std" if names else 5
            content = {"event_type": type_name(kind).lower() if names else kind, "event_data": data.hex()}
        case ImaContent(template_name=name, template_data=data):
            content_type = "ima_template" if names else 7
            content = {"template_name": name, "template_data": data.hex()}
        case other:
            raise AssertionError(other)
    return {
        "recnum": one.untrusted_recnum,
        "nv_index" if one.nv else "pcr": one.index,
        "digests": [
            {"hashAlg": alg_name(alg) if names else alg, "digest": digest.hex()}
            for alg, digest in one.digests.items()
        ],
        "content_type": content_type,
        "content": content,
    }


def from_firmware(corpus: Path, case: Provenance) -> list[CelRecord]:
    return [
        CelRecord(
            number=event.number,
            offset=0,
            untrusted_recnum=event.number,
            nv=False,
            index=event.index,
            digests=event.digests,
            untrusted_content=PcClientContent(
                event_type=event.untrusted_type, event_data=event.untrusted_data
            ),
        )
        for event in read(corpus, case).events
    ]


@pytest.mark.parametrize("case", log_cases(), ids=str)
def test_firmware_logs_through_every_encoding(corpus: Path, case: Provenance) -> None:
    made = from_firmware(corpus, case)
    log = read(corpus, case)
    known = all(not type_name(event.untrusted_type).startswith("0x") for event in log.events)
    decoded = [
        decode_cel_tlv(encode_cel_tlv(made)),
        decode_cel_cbor(cbor2.dumps([cbor_record(one) for one in made], canonical=True)),
        decode_cel_json(json.dumps([json_record(one, names=False) for one in made]).encode()),
    ]
    if known:
        decoded.append(decode_cel_json(json.dumps([json_record(one, names=True) for one in made]).encode()))
    for found in decoded:
        assert without_offset(found) == without_offset(tuple(made))
        events = firmware_events(found)
        assert declared_locality(events) == declared_locality(log.events)
        for bank in log.banks:
            assert final_values(events, bank) == final_values(log.events, bank)
            # the records replay as they are, too
            assert final_values(found, bank) == final_values(log.events, bank)


def test_an_ima_list_through_cbor_is_longer_than_one_text_may_be(corpus: Path) -> None:
    native = ImaList.decode((corpus / "ima/ima-verify/binary_runtime_measurements_sha1").read_bytes())
    made = [
        CelRecord(
            number=entry.number,
            offset=0,
            untrusted_recnum=entry.number,
            nv=False,
            index=entry.index,
            digests={TpmAlg.SHA1: entry.template_digest},
            untrusted_content=ImaContent(
                template_name=entry.untrusted_template, template_data=entry.template_data
            ),
        )
        for entry in native.entries * 2
    ]
    found = decode_cel_cbor(cbor2.dumps([cbor_record(one) for one in made], canonical=True))
    assert len(found) == 2 * len(native.entries)
    entries = ima_entries(found[: len(native.entries)], TpmAlg.SHA1)
    value = replay_ima(native.entries, TpmAlg.SHA1, SHA256, 10, b"").computed
    assert replay_ima(entries, TpmAlg.SHA1, SHA256, 10, value).covered == len(entries)


@pytest.mark.parametrize("zero", [True, False])
def test_what_is_extended(zero: bool) -> None:
    digest = bytes(32) if zero else b"d" * 32

    def one(content: Any, *, nv: bool = False) -> bool:
        made = CelRecord(
            number=0,
            offset=0,
            untrusted_recnum=0,
            nv=nv,
            index=1,
            digests={SHA256: digest},
            untrusted_content=content,
        )
        return made.extended

    assert one(PcClientContent(event_type=EventType.EV_SEPARATOR, event_data=b""))
    assert not one(PcClientContent(event_type=EventType.EV_NO_ACTION, event_data=b""))
    assert not one(PcClientContent(event_type=EventType.EV_SEPARATOR, event_data=b""), nv=True)
    assert one(OtherContent(content_type=CelType.MANAGEMENT, data=b"")) is not zero


def tlv(kind: int, value: bytes) -> bytes:
    return bytes([kind]) + len(value).to_bytes(4, "big") + value


GOOD_DIGESTS: Final = tlv(3, tlv(0x0B, bytes(32)))
GOOD_CONTENT: Final = tlv(5, tlv(0, bytes(4)) + tlv(1, b"data"))


@pytest.mark.parametrize(("recnum", "index"), [(8, 4), (8, 1), (4, 4), (1, 1)])
def test_integers_of_any_width(recnum: int, index: int) -> None:
    data = tlv(0, bytes(recnum)) + tlv(1, b"\x0b".rjust(index, b"\0")) + GOOD_DIGESTS + GOOD_CONTENT
    assert decode_cel_tlv(data)[0].index == 11


@pytest.mark.parametrize(
    ("data", "code", "offset"),
    [
        (tlv(0, bytes(9)), Code.WRONG_LENGTH, 0),
        (tlv(0, b""), Code.WRONG_LENGTH, 0),
        (tlv(1, b"\0"), Code.MISSING_MEMBER, 0),
        (tlv(0, b"\0") + tlv(3, b"\0"), Code.MISSING_MEMBER, 6),
        (tlv(0, b"\0") + tlv(1, b"\x20"), Code.BAD_VALUE, 6),
        (tlv(0, b"\0") + tlv(1, b"\1") + tlv(4, b""), Code.MISSING_MEMBER, 12),
        (tlv(0, b"\0") + tlv(1, b"\1") + tlv(3, tlv(0x0B, b"short")), Code.WRONG_LENGTH, 17),
        (tlv(0, b"\0") + tlv(1, b"\1") + tlv(3, tlv(0x77, b"x") * 2), Code.DUPLICATE_KEY, 23),
        (tlv(0, b"\0") + tlv(1, b"\1") + GOOD_DIGESTS, Code.TRUNCATED, 54),
        (tlv(0, b"\0") + tlv(1, b"\1") + GOOD_DIGESTS + tlv(5, tlv(1, b"")), Code.MISSING_MEMBER, 59),
        (
            tlv(0, b"\0") + tlv(1, b"\1") + GOOD_DIGESTS + tlv(5, tlv(0, bytes(4)) + tlv(1, b"") + b"\0"),
            Code.TRAILING_BYTES,
            73,
        ),
        (tlv(0, b"\0") + tlv(1, b"\1") + GOOD_DIGESTS + tlv(7, tlv(1, b"x")), Code.BAD_VALUE, 59),
    ],
)
def test_malformed_tlv(data: bytes, code: Code, offset: int) -> None:
    with pytest.raises(MalformedError) as found:
        decode_cel_tlv(data)
    assert (found.value.code, found.value.offset) == (code, offset)


GOOD_CBOR: Final[dict[int, Any]] = {0: 0, 1: 5, 3: [{0: 11, 1: bytes(32)}], 9: 5, 10: {0: 4, 1: b"data"}}


@pytest.mark.parametrize(
    "changes",
    [
        {0: None},
        {1: None},
        {2: 5},
        {1: 32},
        {3: None},
        {3: [{0: 11, 1: b"short"}]},
        {3: [{0: 11}]},
        {3: [{0: 70_000, 1: b"x"}]},
        {3: [{0: 0x77, 1: b"x"}, {0: 0x77, 1: b"y"}]},
        {9: None},
        {10: None},
        {10: {0: 2**32, 1: b""}},
        {10: {0: 4, 1: "text"}},
        {9: 7, 10: {0: "\u00e4", 1: b""}},
        {9: 7, 10: {0: 5, 1: b""}},
    ],
)
def test_malformed_cbor(changes: dict[int, Any]) -> None:
    made = {key: value for key, value in {**GOOD_CBOR, **changes}.items() if value is not None}
    with pytest.raises(MalformedError):
        decode_cel_cbor(cbor2.dumps([made], canonical=True))


def test_cbor_that_is_no_array_or_has_more() -> None:
    good = cbor2.dumps([GOOD_CBOR], canonical=True)
    assert len(decode_cel_cbor(good)) == 1
    for data in (b"", cbor2.dumps(GOOD_CBOR, canonical=True), good + b"\0", good[:-1], b"\x82" + good[1:]):
        with pytest.raises(MalformedError):
            decode_cel_cbor(data)


@given(mutated(st.just(cbor2.dumps([GOOD_CBOR] * 2, canonical=True))) | st.binary(max_size=60))
def test_any_cbor_decodes_or_is_malformed(data: bytes) -> None:
    try:
        found = decode_cel_cbor(data)
    except MalformedError:
        return
    assert all(one.digests is not None for one in found)


GOOD_JSON: Final[dict[str, Any]] = {
    "recnum": 2,
    "pcr": 6,
    "digests": [{"hashAlg": "sha1", "digest": "00" * 20}],
    "content_type": "pcclient_std",
    "content": {"event_type": "EV_COMPACT_HASH", "event_data": "64617461"},
}


@pytest.mark.parametrize("event_type", ["EV_COMPACT_HASH", "ev_compact_hash", 12, "12"])
def test_json_event_types(event_type: str | int) -> None:
    made = {**GOOD_JSON, "content": {"event_type": event_type, "event_data": "64617461"}}
    (found,) = decode_cel_json(json.dumps([made]).encode())
    assert found.untrusted_content == PcClientContent(event_type=12, event_data=b"data")


@pytest.mark.parametrize(("kind", "number"), [("cel", 4), ("systemd", 9), ("strange", 0), (4, 4), (None, 0)])
def test_json_contents_that_are_kept(kind: str | int | None, number: int) -> None:
    made = {**GOOD_JSON, "content_type": kind, "content": {"type": "firmware_end"}}
    (found,) = decode_cel_json(json.dumps([made]).encode())
    assert found.untrusted_content == OtherContent(content_type=number, data=b'{"type": "firmware_end"}')


@pytest.mark.parametrize(
    "changes",
    [
        {"recnum": -1},
        {"recnum": "1"},
        {"pcr": 32},
        {"pcr": None},
        {"nv_index": 1},
        {"digests": 5},
        {"digests": [{"digest": "00"}]},
        {"content": 5},
        {"content": {"event_type": "EV_NONSENSE", "event_data": ""}},
        {"content": {"event_type": 12, "event_data": "0"}},
        {"content": {"event_type": "99999999999", "event_data": ""}},
        {"content_type": 300},
        {"content_type": "ima_template", "content": {"template_name": "\u00e4", "template_data": ""}},
    ],
)
def test_malformed_json(changes: dict[str, Any]) -> None:
    with pytest.raises(MalformedError):
        decode_cel_json(json.dumps([{**GOOD_JSON, **changes}]).encode())


def test_json_that_is_no_array() -> None:
    with pytest.raises(MalformedError):
        decode_cel_json(json.dumps(GOOD_JSON).encode())


@given(mutated(st.just(json.dumps([GOOD_JSON]).encode())) | st.binary(max_size=60))
def test_any_json_decodes_or_is_malformed(data: bytes) -> None:
    try:
        found = decode_cel_json(data)
    except MalformedError:
        return
    assert all(one.number >= 0 for one in found)
