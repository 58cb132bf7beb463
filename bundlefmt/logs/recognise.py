# SPDX-License-Identifier: Apache-2.0
"""Which kind of log a buffer is, by its content; and the one entry that decodes whichever it is.

Cheap: looks at the first record only. That a kind is recognised does not mean that the rest is well-formed.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from bundlefmt.errors import Code, MalformedError
from bundlefmt.logs.cel import CelRecord, decode_cel_tlv
from bundlefmt.logs.cel_cbor import decode_cel_cbor
from bundlefmt.logs.cel_json import decode_cel_json
from bundlefmt.logs.event import MAX_PCR, EventType
from bundlefmt.logs.ima import first_entry_form
from bundlefmt.logs.ima_ascii import ImaAsciiList
from bundlefmt.logs.ima_source import ImaSource
from bundlefmt.logs.ima_template import template_fields
from bundlefmt.logs.systemd import RECORD_SEPARATOR, SystemdLog
from bundlefmt.logs.tcg import SPEC_ID_AGILE, FirmwareLog
from bundlefmt.wire import Buffer

Log = FirmwareLog | ImaSource | ImaAsciiList | SystemdLog | tuple[CelRecord, ...]
PREFIX: Final = 2**16  # bytes that are looked at; a first record is far shorter
_FIRST_TYPES: Final = frozenset(EventType) - {EventType.EV_PREBOOT_CERT}  # zeros are not a log


class LogKind(StrEnum):
    """The kinds that are known."""

    FIRMWARE_AGILE = "firmware-agile"
    FIRMWARE_SHA1 = "firmware-sha1"
    IMA_BINARY = "ima-binary"
    IMA_ASCII = "ima-ascii"
    SYSTEMD = "systemd"
    CEL_TLV = "cel-tlv"
    CEL_CBOR = "cel-cbor"
    CEL_JSON = "cel-json"


def recognise(data: Buffer) -> LogKind | None:
    """None if it is none of them. Never raises."""
    start = bytes(memoryview(data)[:PREFIX])
    if start[32:48] == SPEC_ID_AGILE and start[4:8] == bytes((EventType.EV_NO_ACTION, 0, 0, 0)):
        return LogKind.FIRMWARE_AGILE
    if start.startswith(RECORD_SEPARATOR):
        return LogKind.SYSTEMD
    if _is_ima_ascii(start):
        return LogKind.IMA_ASCII
    if _is_cel_tlv(start):
        return LogKind.CEL_TLV
    if _is_ima_binary(data):
        return LogKind.IMA_BINARY
    if _is_cel_json(start):
        return LogKind.CEL_JSON
    if _is_cel_cbor(start):
        return LogKind.CEL_CBOR
    if _is_sha1_event(start, len(data)):
        return LogKind.FIRMWARE_SHA1
    return None


def decode_log(data: Buffer) -> Log:
    """Decode a log of any kind. Raises MalformedError: wrong-magic if it is none."""
    kind = recognise(data)
    if kind in (LogKind.FIRMWARE_AGILE, LogKind.FIRMWARE_SHA1):
        return FirmwareLog.decode(data)
    if kind is LogKind.IMA_BINARY:
        return ImaSource.decode(data)
    if kind is LogKind.IMA_ASCII:
        return ImaAsciiList.decode(data)
    if kind is LogKind.SYSTEMD:
        return SystemdLog.decode(data)
    if kind is LogKind.CEL_TLV:
        return decode_cel_tlv(data)
    if kind is LogKind.CEL_CBOR:
        return decode_cel_cbor(data)
    if kind is LogKind.CEL_JSON:
        return decode_cel_json(data)
    raise MalformedError(Code.WRONG_MAGIC, "no log of a known kind", offset=0, path="log")


def decode_ima(data: Buffer) -> ImaSource | ImaAsciiList:
    """An IMA list of either form. Raises MalformedError."""
    if _is_ima_ascii(bytes(memoryview(data)[:PREFIX])):
        return ImaAsciiList.decode(data)
    return ImaSource.decode(data)


def _is_ima_ascii(start: bytes) -> bool:
    parts = start.partition(b"\n")[0].lstrip(b" ").split(b" ", 3)
    return (
        len(parts) == 4
        and parts[0].isdigit()
        and len(parts[0]) <= 2
        and parts[1].isalnum()
        and template_fields(parts[2].decode("ascii", "replace")) is not None
    )


def _is_ima_binary(data: Buffer) -> bool:
    """The first entry alone is read, however long it is."""
    try:
        first_entry_form(data)
    except MalformedError:
        return False
    return True


def _is_cel_tlv(start: bytes) -> bool:
    """A record number of one to eight bytes, then a PCR or an NV index."""
    if len(start) < 6 or start[0] != 0 or not 0 < int.from_bytes(start[1:5], "big") <= 8:
        return False
    after = 5 + start[4]
    return start[after : after + 1] in (b"\1", b"\2") and start[after + 1 : after + 4] == bytes(3)


def _is_cel_json(start: bytes) -> bool:
    text = start.lstrip(b" \t\r\n")
    return text.startswith(b"[") and b'"digests"' in text


def _is_cel_cbor(start: bytes) -> bool:
    """An array, and in it a map whose first key is 0 (recnum)."""
    if not start or start[0] >> 5 != 4 or start[0] & 0x1F > 27:
        return False
    head = 1 + {24: 1, 25: 2, 26: 4, 27: 8}.get(start[0] & 0x1F, 0)
    return start[head : head + 2] == b"\xa5\0"


def _is_sha1_event(start: bytes, size: int) -> bool:
    """TCG_PCR_EVENT: a PCR that exists, an event type that is defined and not zero, data that fits."""
    if len(start) < 32:
        return False
    index, event_type = int.from_bytes(start[:4], "little"), int.from_bytes(start[4:8], "little")
    length = int.from_bytes(start[28:32], "little")
    return index <= MAX_PCR and event_type in _FIRST_TYPES and length <= size - 32
