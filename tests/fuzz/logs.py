# SPDX-License-Identifier: Apache-2.0
"""Targets of logs: of any kind, the data of single firmware events, and what is concluded from them."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from typing import Final

from bundlefmt.errors import MalformedError
from bundlefmt.evidence.tpm_algorithm import TpmAlg, UnsupportedAlgorithmError
from bundlefmt.logs.cel import (
    CelRecord,
    OtherContent,
    decode_cel_tlv,
    encode_cel_tlv,
    firmware_events,
    ima_entries,
)
from bundlefmt.logs.cel_cbor import decode_cel_cbor
from bundlefmt.logs.cel_json import decode_cel_json
from bundlefmt.logs.content import decode_content
from bundlefmt.logs.coverage import cover
from bundlefmt.logs.event import Event
from bundlefmt.logs.ima import ImaList
from bundlefmt.logs.ima_ascii import ImaAsciiList
from bundlefmt.logs.ima_source import ImaSource
from bundlefmt.logs.ima_template import ImaEntry
from bundlefmt.logs.platform import summarise
from bundlefmt.logs.recognise import decode_ima, decode_log
from bundlefmt.logs.tcg import FirmwareLog
from bundlefmt.wire import Buffer
from tests.fuzz import log_seeds
from tests.fuzz.target import Targets

target: Final = Targets("logs")
CelDecoder = Callable[[Buffer], tuple[CelRecord, ...]]
CEL: Final[tuple[CelDecoder, ...]] = (decode_cel_tlv, decode_cel_cbor, decode_cel_json)


@target("log", log_seeds.every_kind)
def log(data: bytes) -> None:
    """A log of any kind is read or refused; read, it is written the same and can be looked into."""
    try:
        read = decode_log(data)
    except MalformedError as error:
        assert 0 <= error.offset <= len(data)
        return
    if isinstance(read, FirmwareLog):
        assert read.encode() == data
        for bank in read.banks:
            with contextlib.suppress(UnsupportedAlgorithmError):
                summarise(read.events, bank)


@target("ima", lambda: (log_seeds.ima_list(), log_seeds.ima_text()))
def ima(data: bytes) -> None:
    """Held as a list or read entry by entry, a list has the same entries; binary, it is written the same."""
    try:
        read = decode_ima(data)
    except MalformedError:
        with contextlib.suppress(MalformedError):
            ImaList.decode(data)
            raise AssertionError("read as a list held, not as a source") from None
        return
    entries = list(read.entries) if isinstance(read, ImaAsciiList) else list(read.entries())
    if isinstance(read, ImaSource):
        held = ImaList.decode(data)
        assert held.encode() == data
        assert list(held.entries) == entries
        assert held.template_alg() == read.template_alg
        assert read.count == len(entries)
        if read.template_alg is not None:
            read.replay(TpmAlg.SHA256, 10, bytes(32))
    for entry in entries:
        _look_into(entry)


def _look_into(entry: ImaEntry) -> None:
    for look in (entry.fields, entry.name, entry.file_digest, entry.signature):
        with contextlib.suppress(MalformedError):
            look()
    entry.covered(TpmAlg.SHA256)


@target("cel", lambda: (log_seeds.cel_tlv(), log_seeds.cel_cbor(), log_seeds.cel_json()))
def cel(data: bytes) -> None:
    """None of the encodings raises anything but MalformedError; TLV carries what it can unchanged."""
    for decode in CEL:
        try:
            records = decode(data)
        except MalformedError as error:
            assert 0 <= error.offset <= len(data)
            continue
        if all(_in_octets(each) for each in records):
            again = decode_cel_tlv(encode_cel_tlv(records))
            assert [_said(each) for each in again] == [_said(each) for each in records]
        firmware_events(records)
        ima_entries(records, TpmAlg.SHA256)


def _in_octets(record: CelRecord) -> bool:
    """TLV has one octet for the number of a hash and for a type of content."""
    content = record.untrusted_content
    kind = content.content_type if isinstance(content, OtherContent) else 0
    return all(number < 256 for number in (*record.digests, kind))


def _said(record: CelRecord) -> tuple[object, ...]:
    """A record without the place where it was read."""
    return (record.untrusted_recnum, record.nv, record.index, record.digests, record.untrusted_content)


@target("log-event", log_seeds.events)
def event(data: bytes) -> None:
    """The data of an event (behind its type) is read, or kept as it is."""
    one = Event(
        number=0,
        offset=0,
        index=0,
        untrusted_type=int.from_bytes(data[:4], "little"),
        digests={TpmAlg.SHA256: hashlib.sha256(data[4:]).digest()},
        untrusted_data=data[4:],
    )
    decode_content(one)
    cover(one, TpmAlg.SHA256)
    summarise([one], TpmAlg.SHA256)
