# SPDX-License-Identifier: Apache-2.0
"""Canonical Event Log records in JSON: an array of objects, names or numbers for every constant.

TCG Canonical Event Log Format 1.0, 5.3 "JSON encoding". systemd's variants of it (`systemd-pcrlock cel`) pass
too.
"""

from __future__ import annotations

import json
from typing import Final

from bundlefmt.errors import Code, MalformedError
from bundlefmt.logs.cel import (
    CelContent,
    CelRecord,
    CelType,
    ImaContent,
    OtherContent,
    PcClientContent,
)
from bundlefmt.logs.event import MAX_PCR, EventType
from bundlefmt.logs.json_text import Json, Members, as_object, decode_json
from bundlefmt.logs.systemd import read_digests
from bundlefmt.wire import Buffer

CONTENT_TYPES: Final = {
    "cel": CelType.MANAGEMENT,
    "pcclient_std": CelType.PCCLIENT_STD,
    "ima_template": CelType.IMA_TEMPLATE,
    "ima_tlv": CelType.IMA_TLV,
    "systemd": CelType.SYSTEMD,
}
EVENT_TYPES: Final = {found.name.lower(): int(found) for found in EventType}
UNKNOWN_CONTENT: Final = 0  # no content type has this number


def decode_cel_json(data: Buffer) -> tuple[CelRecord, ...]:
    """Raises MalformedError; `offset` of a record is 0, as JSON does not say where it stood."""
    path = "CEL-JSON"
    value = decode_json(bytes(data), path=path)
    if not isinstance(value, list):
        raise MalformedError(Code.WRONG_TYPE, "not an array of records", offset=0, path=path)
    return tuple(
        _record(number, as_object(item, 0, f"{path} record {number}")) for number, item in enumerate(value)
    )


def _record(number: int, members: Members) -> CelRecord:
    nv = "nv_index" in members.values
    if nv == ("pcr" in members.values):
        members.fail(Code.MISSING_MEMBER, "not one of pcr and nv_index")
    return CelRecord(
        number=number,
        offset=0,
        untrusted_recnum=members.uint("recnum"),
        nv=nv,
        index=members.uint("nv_index", 0xFFFFFFFF) if nv else members.uint("pcr", MAX_PCR),
        digests=read_digests(members),
        untrusted_content=_content(members),
    )


def _content(members: Members) -> CelContent:
    kind = members.values.get("content_type")
    if isinstance(kind, str):
        content_type: int = CONTENT_TYPES.get(kind, UNKNOWN_CONTENT)
    elif kind is None:
        content_type = UNKNOWN_CONTENT
    else:
        content_type = members.uint("content_type", 0xFF)
    if content_type == CelType.PCCLIENT_STD:
        content = members.object("content")
        return PcClientContent(event_type=_event_type(content), event_data=content.hexadecimal("event_data"))
    if content_type == CelType.IMA_TEMPLATE:
        content = members.object("content")
        name = content.text("template_name")
        if not name.isascii():
            content.fail(Code.BAD_VALUE, "template name")
        return ImaContent(template_name=name, template_data=content.hexadecimal("template_data"))
    return OtherContent(content_type=content_type, data=_text(members.values.get("content")))


def _event_type(content: Members) -> int:
    """A name in either case, a number, or a number in text."""
    value = content.values.get("event_type")
    if not isinstance(value, str):
        return content.uint("event_type", 0xFFFFFFFF)
    if value.lower() in EVENT_TYPES:
        return EVENT_TYPES[value.lower()]
    if not value.isascii() or not value.isdigit() or len(value) > 10 or int(value) > 0xFFFFFFFF:
        content.fail(Code.BAD_VALUE, f"event_type {value!r}")
    return int(value)


def _text(content: Json) -> bytes:
    return b"" if content is None else json.dumps(content, ensure_ascii=False).encode()
