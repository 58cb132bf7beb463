# SPDX-License-Identifier: Apache-2.0
"""Which kind of log a buffer is."""

from __future__ import annotations

import json
from pathlib import Path

import cbor2
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bundlefmt.errors import MalformedError
from bundlefmt.logs.cel import CelRecord, encode_cel_tlv
from bundlefmt.logs.event import EventType
from bundlefmt.logs.ima import ImaList
from bundlefmt.logs.ima_ascii import ImaAsciiList
from bundlefmt.logs.ima_source import ImaSource
from bundlefmt.logs.recognise import LogKind, decode_log, recognise
from bundlefmt.logs.systemd import SystemdLog
from bundlefmt.logs.tcg import FirmwareLog
from tests.logs.firmware import firmware_logs, log_cases, refused_cases
from tests.logs.test_cel import GOOD_CBOR, GOOD_JSON, records
from tests.logs.test_ima import ASCII, BINARY, lists
from tests.logs.test_systemd import record, text
from tests.provenance import Provenance, cases
from tests.strategies import mutated


@pytest.mark.parametrize("case", log_cases(), ids=str)
def test_firmware_logs(corpus: Path, case: Provenance) -> None:
    data = (corpus / "eventlogs" / case.file).read_bytes()
    legacy = case.checked.startswith("legacy")
    assert recognise(data) is (LogKind.FIRMWARE_SHA1 if legacy else LogKind.FIRMWARE_AGILE)
    assert decode_log(data) == FirmwareLog.decode(data)


@pytest.mark.parametrize("case", cases("ima", *BINARY), ids=str)
def test_binary_lists(corpus: Path, case: Provenance) -> None:
    data = (corpus / "ima" / case.file).read_bytes()
    assert recognise(data) is LogKind.IMA_BINARY
    assert isinstance(decode_log(data), ImaSource)


@pytest.mark.parametrize("case", cases("ima", *ASCII), ids=str)
def test_text_lists(corpus: Path, case: Provenance) -> None:
    data = (corpus / "ima" / case.file).read_bytes()
    assert recognise(data) is LogKind.IMA_ASCII
    assert isinstance(decode_log(data), ImaAsciiList)


@pytest.mark.parametrize(
    "case",
    [
        *refused_cases(),
        *cases("eventlogs", "*.json", "*.txt", "*.yaml"),
        *cases("ima", "*.json", "*/pcrs_*", "*.pem"),
    ],
    ids=str,
)
def test_what_is_no_log(corpus: Path, case: Provenance) -> None:
    for folder in ("eventlogs", "ima"):
        path = corpus / folder / case.file
        if path.is_file():
            assert recognise(path.read_bytes()) is None
            with pytest.raises(MalformedError, match="wrong-magic"):
                decode_log(path.read_bytes())


@given(firmware_logs())
def test_any_firmware_log(log: FirmwareLog) -> None:
    assume(log.events[0].untrusted_type in set(EventType))
    kind = recognise(log.encode())
    assert kind is (LogKind.FIRMWARE_SHA1 if log.spec_id is None else LogKind.FIRMWARE_AGILE)


@given(lists())
def test_any_binary_list(made: ImaList) -> None:
    assert recognise(made.encode()) is LogKind.IMA_BINARY


@given(records())
def test_any_cel_tlv(made: list[CelRecord]) -> None:
    assert recognise(encode_cel_tlv(made)) is LogKind.CEL_TLV


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (text(record()), LogKind.SYSTEMD),
        (cbor2.dumps([GOOD_CBOR], canonical=True), LogKind.CEL_CBOR),
        (cbor2.dumps([GOOD_CBOR] * 30, canonical=True), LogKind.CEL_CBOR),
        (json.dumps([GOOD_JSON]).encode(), LogKind.CEL_JSON),
        (json.dumps([GOOD_JSON], indent=2).encode(), LogKind.CEL_JSON),
        (b"", None),
        (b"[]", None),
        (bytes(4096), None),
        (b"\xff" * 4096, None),
    ],
)
def test_kinds(data: bytes, kind: LogKind | None) -> None:
    assert recognise(data) is kind
    if kind is None:
        with pytest.raises(MalformedError):
            decode_log(data)
    else:
        assert decode_log(data)
        assert isinstance(decode_log(data), SystemdLog) == (kind is LogKind.SYSTEMD)


@given(
    mutated(firmware_logs().map(FirmwareLog.encode) | lists().map(ImaList.encode)) | st.binary(max_size=100)
)
def test_nothing_but_malformed_is_raised(data: bytes) -> None:
    recognise(data)
    try:
        assert decode_log(data) is not None
    except MalformedError:
        return
