# SPDX-License-Identifier: Apache-2.0
"""What a machine measures, in software: firmware logs, userspace logs, IMA lists, and their PCR values.

Written field by field; nothing of the package's own log readers is used.
"""

from __future__ import annotations

import hashlib
import json
import struct
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.vectorgen.software_tpm import SHA1, SHA256, SHA384, UNKNOWN_HASH

# whatever the unknown one is, its digests are as long as these
NAMES: Final = {SHA1: "sha1", SHA256: "sha256", SHA384: "sha384", UNKNOWN_HASH: "sha256"}
NO_ACTION, SEPARATOR, CRTM_VERSION, IPL = 0x3, 0x4, 0x8, 0xD
VARIABLE, APPLICATION, ACTION, AUTHORITY = 0x80000001, 0x80000003, 0x80000007, 0x800000E0
UNKNOWN: Final = 0x8000F00D
GLOBAL: Final = uuid.UUID("8be4df61-93ca-11d2-aa0d-00e098032b8c")
PLATFORM: Final = range(10)  # the PCRs that are quoted


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A measurement; `measured` is what was hashed, where that is not the data."""

    pcr: int
    type: int
    data: bytes
    measured: bytes | None = None

    def digest(self, bank: int) -> bytes:
        return hashlib.new(NAMES[bank], self.data if self.measured is None else self.measured).digest()


def variable(name: str, value: bytes) -> bytes:
    """UEFI_VARIABLE_DATA in the global namespace."""
    return GLOBAL.bytes_le + struct.pack("<QQ", len(name), len(value)) + name.encode("utf-16-le") + value


def locality(number: int) -> Event:
    return Event(pcr=0, type=NO_ACTION, data=b"StartupLocality\0" + bytes([number]))


def boot(*, secure: bool = True) -> list[Event]:
    """A short boot: version, policy, separators, a boot loader, a command line."""
    return [
        Event(pcr=0, type=CRTM_VERSION, data="1.0\0".encode("utf-16-le")),
        Event(pcr=7, type=VARIABLE, data=variable("SecureBoot", bytes([secure]))),
        *(Event(pcr=pcr, type=SEPARATOR, data=bytes(4)) for pcr in range(8)),
        Event(pcr=4, type=APPLICATION, data=bytes(32), measured=b"a boot loader"),
        Event(pcr=8, type=IPL, data=b"kernel_cmdline: ro quiet\0", measured=b"ro quiet"),
        Event(pcr=5, type=ACTION, data=b"Exit Boot Services Invocation"),
        Event(pcr=5, type=ACTION, data=b"Exit Boot Services Returned with Success"),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """A crypto-agile log of its events, or a SHA-1 log where `banks` is empty."""

    events: Sequence[Event]
    banks: tuple[int, ...] = (SHA1, SHA256)
    listed: Mapping[int, int] = field(default_factory=dict)  # (algorithm, size) in the header, if other

    def encode(self) -> bytes:
        if not self.banks:
            return b"".join(_sha1_event(event) for event in self.events)
        sizes = self.listed or {bank: hashlib.new(NAMES[bank]).digest_size for bank in self.banks}
        return self.header(tuple(sizes.items())) + b"".join(self._agile(event) for event in self.events)

    def header(self, algorithms: Sequence[tuple[int, int]]) -> bytes:
        data = b"Spec ID Event03\0" + struct.pack("<IBBBBI", 0, 0, 2, 106, 2, len(algorithms))
        data += b"".join(struct.pack("<HH", *pair) for pair in algorithms) + b"\0"
        return struct.pack("<II20sI", 0, NO_ACTION, bytes(20), len(data)) + data

    def _agile(self, event: Event) -> bytes:
        head = struct.pack("<III", event.pcr, event.type, len(self.banks))
        empty = event.type == NO_ACTION
        for bank in self.banks:
            digest = event.digest(bank)
            head += struct.pack("<H", bank) + (bytes(len(digest)) if empty else digest)
        return head + struct.pack("<I", len(event.data)) + event.data


def _sha1_event(event: Event) -> bytes:
    return struct.pack("<II20sI", event.pcr, event.type, event.digest(SHA1), len(event.data)) + event.data


def extended(value: bytes, digest: bytes, bank: int = SHA256) -> bytes:
    return hashlib.new(NAMES[bank], value + digest).digest()


def values(
    events: Sequence[Event], *, banks: tuple[int, ...] = (SHA256,), startup: int = 0
) -> dict[int, dict[int, bytes]]:
    """The PCRs after these events."""
    found = {}
    for bank in banks:
        size = hashlib.new(NAMES[bank]).digest_size
        row = {pcr: bytes(size) for pcr in PLATFORM}
        row[0] = bytes(size - 1) + bytes([startup])
        for event in events:
            if event.type != NO_ACTION:
                row[event.pcr] = extended(row[event.pcr], event.digest(bank), bank)
        found[bank] = row
    return found


def userspace(*strings: str, pcr: int = 9, digest: bytes | None = None) -> bytes:
    """systemd's measurement log, a JSON text sequence (RFC 7464); `digest` is that of all records."""
    records = (
        {
            "pcr": pcr,
            "digests": [
                {"hashAlg": "sha256", "digest": (digest or hashlib.sha256(text.encode()).digest()).hex()}
            ],
            "content_type": "systemd",
            "content": {"string": text, "eventType": "phase"},
        }
        for text in strings
    )
    return b"".join(b"\x1e" + json.dumps(record).encode() + b"\n" for record in records)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """An entry of an IMA list with template ima-ng; a violation has a digest of zeros."""

    path: str
    content: bytes
    violation: bool = False
    pcr: int = 10

    @property
    def fields(self) -> bytes:
        digest = b"sha256:\0" + hashlib.sha256(self.content).digest()
        name = self.path.encode() + b"\0"
        return b"".join(struct.pack("<I", len(part)) + part for part in (digest, name))

    @property
    def digest(self) -> bytes:
        return bytes(20) if self.violation else hashlib.sha1(self.fields).digest()  # noqa: S324 - as Linux does

    def encode(self) -> bytes:
        digest = self.digest
        head = struct.pack("<I", self.pcr) + digest + struct.pack("<I", 6) + b"ima-ng"
        return head + struct.pack("<I", len(self.fields)) + self.fields

    def ascii(self) -> str:
        content = hashlib.sha256(self.content).hexdigest()
        return f"{self.pcr} {self.digest.hex()} ima-ng sha256:{content} {self.path}\n"

    @property
    def extension(self) -> bytes:
        return b"\xff" * 32 if self.violation else hashlib.sha256(self.fields).digest()


def measured_files(count: int) -> list[Measured]:
    return [Measured(path=f"/usr/bin/tool-{n}", content=f"tool {n}".encode()) for n in range(count)]


def ima_value(entries: Sequence[Measured], *, padded: bool = False) -> bytes:
    """PCR 10 of the SHA-256 bank after these entries; `padded` as Linux before 5.9 extended it."""
    value = bytes(32)
    for entry in entries:
        value = extended(value, entry.digest.ljust(32, b"\0") if padded else entry.extension)
    return value
