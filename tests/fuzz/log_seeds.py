# SPDX-License-Identifier: Apache-2.0
"""Logs to start fuzzing from: one of each kind, and the data of single firmware events of each structure."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterator
from typing import Final

from bundlefmt import cbor
from bundlefmt.evidence.tpm_algorithm import TpmAlg
from bundlefmt.logs.cel import (
    CelContent,
    CelRecord,
    ImaContent,
    OtherContent,
    PcClientContent,
    encode_cel_tlv,
)
from bundlefmt.logs.event import EventType
from demo import firmware_log

SHA256: Final = hashlib.sha256(b"measured").digest()
GUID: Final = bytes(range(16))
_IMA_FIELDS: Final = struct.pack("<I", 40) + b"sha256:\0" + bytes(32) + struct.pack("<I", 5) + b"/bin\0"


def ima_list() -> bytes:
    """A binary list of two entries, the second a violation."""
    template = struct.pack("<I", 6) + b"ima-ng" + struct.pack("<I", len(_IMA_FIELDS)) + _IMA_FIELDS
    digest = hashlib.sha1(_IMA_FIELDS, usedforsecurity=False).digest()
    return b"".join(struct.pack("<I", 10) + each + template for each in (digest, bytes(20)))


def ima_text() -> bytes:
    """The first of them as text."""
    digest = hashlib.sha1(_IMA_FIELDS, usedforsecurity=False).hexdigest()
    return f"10 {digest} ima-ng sha256:{bytes(32).hex()} /bin\n".encode()


def systemd_log() -> bytes:
    """A measurement of systemd, in its own form; without the separator it is a list of the CEL."""
    digests = [{"hashAlg": "sha256", "digest": hashlib.sha256(b"phase").hexdigest()}]
    record = {"pcr": 11, "digests": digests, "content_type": "systemd", "content": {"string": "phase"}}
    return b"\x1e" + json.dumps(record).encode() + b"\n"


def cel_tlv() -> bytes:
    contents: tuple[CelContent, ...] = (
        PcClientContent(event_type=EventType.EV_SEPARATOR, event_data=bytes(4)),
        ImaContent(template_name="ima-ng", template_data=_IMA_FIELDS),
        OtherContent(content_type=4, data=b"other"),
    )
    return encode_cel_tlv(
        CelRecord(
            number=number,
            offset=0,
            untrusted_recnum=number,
            nv=number == 2,
            index=number,
            digests={TpmAlg.SHA256: SHA256},
            untrusted_content=content,
        )
        for number, content in enumerate(contents)
    )


def cel_cbor() -> bytes:
    digests = [{0: 11, 1: SHA256}]
    return cbor.encode(
        [
            {0: 0, 1: 5, 3: digests, 9: 5, 10: {0: 4, 1: b"data"}},
            {0: 1, 1: 10, 3: digests, 9: 7, 10: {0: "ima-ng", 1: _IMA_FIELDS}},
        ]
    )


def cel_json() -> bytes:
    digests = [{"hashAlg": "sha256", "digest": SHA256.hex()}]
    event = {"event_type": "ev_separator", "event_data": "00000000"}
    entry = {"template_name": "ima-ng", "template_data": _IMA_FIELDS.hex()}
    records = [
        {"recnum": 0, "pcr": 5, "digests": digests, "content_type": "pcclient_std", "content": event},
        {"recnum": 1, "pcr": 10, "digests": digests, "content_type": 7, "content": entry},
    ]
    return json.dumps(records).encode()


def every_kind() -> tuple[bytes, ...]:
    return (firmware_log.encode(), ima_list(), ima_text(), systemd_log(), cel_tlv(), cel_cbor(), cel_json())


def _partitions() -> bytes:
    header = b"EFI PART" + bytes(48) + GUID + bytes(12) + struct.pack("<II", 128, 0)
    entry = GUID + GUID + struct.pack("<QQQ", 34, 99, 0) + "system".encode("utf-16-le").ljust(72, b"\0")
    return header + struct.pack("<Q", 1) + entry


def _tagged(tag: int, data: bytes) -> bytes:
    return struct.pack("<II", tag, len(data)) + data


def _structures() -> Iterator[tuple[int, bytes]]:
    """Structures that the demonstration's log lacks."""
    tables = struct.pack("<Q", 1) + GUID + struct.pack("<Q", 5)
    yield EventType.EV_EFI_GPT_EVENT, _partitions()
    yield EventType.EV_EVENT_TAG, _tagged(0x40010001, _tagged(0x00050001, b"\1"))
    yield EventType.EV_EFI_HANDOFF_TABLES, tables
    yield EventType.EV_EFI_HANDOFF_TABLES2, b"\3abc" + tables
    yield EventType.EV_EFI_PLATFORM_FIRMWARE_BLOB, struct.pack("<QQ", 4096, 512)
    yield EventType.EV_EFI_PLATFORM_FIRMWARE_BLOB2, b"\3abc" + struct.pack("<QQ", 4096, 512)
    yield EventType.EV_NO_ACTION, b"StartupLocality\0\3"


def events() -> Iterator[bytes]:
    """Type and data of each event of the demonstration's log, and of the others."""
    for event in firmware_log.events():
        yield struct.pack("<I", event.type) + event.data
    for kind, data in _structures():
        yield struct.pack("<I", kind) + data
