# SPDX-License-Identifier: Apache-2.0
"""Targets of logs: of any kind, the data of single firmware events, and what is concluded from them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import struct
from collections.abc import Iterable
from typing import Final

from bundlefmt.errors import MalformedError
from bundlefmt.evidence.tpm_algorithm import TpmAlg, UnsupportedAlgorithmError
from bundlefmt.logs.content import decode_content
from bundlefmt.logs.coverage import cover
from bundlefmt.logs.event import Event
from bundlefmt.logs.ima import ImaList
from bundlefmt.logs.ima_ascii import ImaAsciiList
from bundlefmt.logs.ima_template import ImaEntry
from bundlefmt.logs.platform import summarise
from bundlefmt.logs.recognise import decode_log
from bundlefmt.logs.tcg import FirmwareLog
from demo import firmware_log
from tests.fuzz.target import Targets

target: Final = Targets()
_IMA_FIELDS: Final = struct.pack("<I", 40) + b"sha256:\0" + bytes(32) + struct.pack("<I", 5) + b"/bin\0"


def _ima_list() -> bytes:
    """A binary list of one entry."""
    template = struct.pack("<I", 6) + b"ima-ng" + struct.pack("<I", len(_IMA_FIELDS)) + _IMA_FIELDS
    return struct.pack("<I", 10) + hashlib.sha1(_IMA_FIELDS, usedforsecurity=False).digest() + template


def _ima_text() -> bytes:
    """The same as text."""
    digest = hashlib.sha1(_IMA_FIELDS, usedforsecurity=False).hexdigest()
    return f"10 {digest} ima-ng sha256:{bytes(32).hex()} /bin\n".encode()


def _systemd_log() -> bytes:
    """A measurement of systemd, in its own form; without the separator it is a list of the CEL."""
    digests = [{"hashAlg": "sha256", "digest": hashlib.sha256(b"phase").hexdigest()}]
    record = {"pcr": 11, "digests": digests, "content_type": "systemd", "content": {"string": "phase"}}
    return b"\x1e" + json.dumps(record).encode() + b"\n"


@target("log", lambda: (firmware_log.encode(), _ima_list(), _ima_text(), _systemd_log()))
def log(data: bytes) -> None:
    """A log of any kind is read or refused; read, it is written the same and can be looked into."""
    try:
        read = decode_log(data)
    except MalformedError as error:
        assert 0 <= error.offset <= len(data)
        return
    if isinstance(read, FirmwareLog | ImaList):
        assert read.encode() == data
    if isinstance(read, FirmwareLog):
        for bank in read.banks:
            with contextlib.suppress(UnsupportedAlgorithmError):
                summarise(read.events, bank)
    if isinstance(read, ImaList | ImaAsciiList):
        for entry in read.entries:
            _look_into(entry)


def _look_into(entry: ImaEntry) -> None:
    for look in (entry.fields, entry.name, entry.file_digest, entry.signature):
        with contextlib.suppress(MalformedError):
            look()
    entry.covered(TpmAlg.SHA256)


def _events() -> Iterable[bytes]:
    """Type and data of each event of the demonstration's log."""
    for event in firmware_log.events():
        yield struct.pack("<I", event.type) + event.data


@target("log-event", _events)
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
