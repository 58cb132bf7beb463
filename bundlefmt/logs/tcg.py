# SPDX-License-Identifier: Apache-2.0
"""The firmware's event log as a byte string: SHA-1 only (TCG_PCR_EVENT) and crypto-agile (TCG_PCR_EVENT2).

TCG PC Client Platform Firmware Profile 1.06, 10.2 "Event structures", 10.4.5 "EV_NO_ACTION events"; all
integers are little-endian. Confidential-computing logs (UEFI 2.10, 38.4) have the same form, count
measurement registers instead of PCRs and are padded to the size of their memory area with ff or 00.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from typing import Final

from bundlefmt.errors import Code
from bundlefmt.evidence.tpm_algorithm import HASHES, TpmAlg, alg_name, hash_size
from bundlefmt.frozen import frozen
from bundlefmt.logs.event import Event, EventType
from bundlefmt.wire import Buffer, Reader, read_all

SPEC_ID_AGILE: Final = b"Spec ID Event03\0"
STARTUP_LOCALITY: Final = b"StartupLocality\0"
STARTUP_LOCALITIES: Final = (0, 3, 4)  # PFP 10.4.5.3; 4 means that an H-CRTM sequence came first
MAX_BANKS: Final = 16  # TPML_DIGEST_VALUES: HASH_COUNT
SHA1_SIZE: Final = 20


@frozen
class SpecId:
    """TCG_EfiSpecIdEvent (PFP 10.4.5.1): which banks every later event carries; `banks` maps TPM_ALG_ID to
    digest size.
    """

    platform_class: int
    version: tuple[int, int, int]  # major, minor, errata
    uintn_size: int
    banks: dict[int, int]
    vendor_info: bytes

    @classmethod
    def decode(cls, data: Buffer, *, base: int = 0) -> SpecId:
        """Raises MalformedError."""
        return read_all(data, cls._read, path="Spec ID event", base=base)

    @classmethod
    def _read(cls, reader: Reader) -> SpecId:
        start = reader.offset
        if reader.read(16) != SPEC_ID_AGILE:
            raise reader.error(Code.WRONG_MAGIC, "not Spec ID Event03", offset=start)
        platform_class = reader.uint_le(4)
        minor, major, errata, uintn = (reader.uint_le(1) for _ in range(4))
        start = reader.offset
        count = reader.uint_le(4)
        if not 0 < count <= MAX_BANKS:
            raise reader.error(Code.COUNT_LIMIT, f"{count} algorithms, at most {MAX_BANKS}", offset=start)
        banks: dict[int, int] = {}
        for _ in range(count):
            start = reader.offset
            alg, size = reader.uint_le(2), reader.uint_le(2)
            if alg in banks:
                raise reader.error(Code.DUPLICATE_KEY, f"{alg_name(alg)} is listed twice", offset=start)
            if not size or (alg in HASHES and size != hash_size(alg)):
                raise reader.error(
                    Code.WRONG_LENGTH, f"{alg_name(alg)} has no digest of {size} bytes", offset=start
                )
            banks[alg] = size
        vendor_info = reader.read(reader.uint_le(1))
        return cls(
            platform_class=platform_class,
            version=(major, minor, errata),
            uintn_size=uintn,
            banks=banks,
            vendor_info=vendor_info,
        )

    def encode(self) -> bytes:
        major, minor, errata = self.version
        return b"".join(
            (
                SPEC_ID_AGILE,
                self.platform_class.to_bytes(4, "little"),
                bytes((minor, major, errata, self.uintn_size)),
                len(self.banks).to_bytes(4, "little"),
                *(alg.to_bytes(2, "little") + size.to_bytes(2, "little") for alg, size in self.banks.items()),
                bytes((len(self.vendor_info),)),
                self.vendor_info,
            )
        )


@frozen
class FirmwareLog:
    """`spec_id` is None for a SHA-1 log; `padding` is what fills the memory area after the last event."""

    spec_id: SpecId | None
    events: tuple[Event, ...]
    padding: bytes

    @property
    def banks(self) -> tuple[int, ...]:
        """TPM_ALG_IDs that the log says it carries."""
        return (TpmAlg.SHA1,) if self.spec_id is None else tuple(self.spec_id.banks)

    @classmethod
    def decode(cls, data: Buffer) -> FirmwareLog:
        """Raises MalformedError: a log without an event, an event cut short, bytes that are neither event nor
        padding.
        """
        reader = Reader(data, path="firmware log")
        end = _padding_start(data)
        first = _read_sha1_event(reader, 0)
        spec_id = None
        if first.untrusted_type == EventType.EV_NO_ACTION and first.untrusted_data.startswith(SPEC_ID_AGILE):
            spec_id = SpecId.decode(first.untrusted_data, base=first.offset + 32)
        usual = None if spec_id is None else _UsualForm(spec_id.banks)
        events = [first]
        while reader.offset < end:
            number = len(events)
            events.append(
                _read_sha1_event(reader, number)
                if spec_id is None or usual is None
                else _read_usual_event(reader, number, spec_id.banks, usual)
            )
        return cls(spec_id=spec_id, events=tuple(events), padding=reader.read(reader.remaining))

    def encode(self) -> bytes:
        """The log's own bytes again."""
        parts = []
        for event in self.events:
            agile = self.spec_id is not None and event.number > 0
            parts.append(_encode_agile_event(event) if agile else _encode_sha1_event(event))
        return b"".join((*parts, self.padding))


def startup_localities(events: Iterable[Event]) -> tuple[int, ...]:
    """The localities that the log claims TPM2_Startup came from, in order; nothing covers them but PCR 0's
    value.
    """
    found = []
    for event in events:
        data = event.untrusted_data
        if not event.extended and len(data) == 17 and data.startswith(STARTUP_LOCALITY):
            found.append(data[16])
    return tuple(found)


def _padding_start(data: Buffer) -> int:
    """Where the final run of ff or that of 00 begins, the longer of them."""
    whole = bytes(data)
    return min(len(whole.rstrip(b"\xff")), len(whole.rstrip(b"\0")))


def _read_sha1_event(reader: Reader, number: int) -> Event:
    """TCG_PCR_EVENT (PFP 10.2.1)."""
    start = reader.offset
    index, event_type = reader.uint_le(4), reader.uint_le(4)
    digest = reader.read(SHA1_SIZE)
    return Event(
        number=number,
        offset=start,
        index=index,
        untrusted_type=event_type,
        digests={TpmAlg.SHA1: digest},
        untrusted_data=_read_data(reader),
    )


class _UsualForm:
    """An event with one digest for every bank, in the order in which they are declared, up to its data."""

    def __init__(self, banks: Mapping[int, int]) -> None:
        self.form = struct.Struct("<III" + "".join(f"H{size}s" for size in banks.values()) + "I")
        self.algs = tuple(banks)


def _read_usual_event(reader: Reader, number: int, banks: dict[int, int], usual: _UsualForm) -> Event:
    """An event in one step if it has the usual form and is whole, else field by field."""
    start, fields = reader.offset, reader.unpack_ahead(usual.form)
    if fields and fields[3:-1:2] == usual.algs and fields[2] == len(usual.algs):
        data = reader.read_behind(usual.form.size, fields[-1])
        if data is not None:
            digests = dict(zip(usual.algs, fields[4:-1:2]))  # noqa: B905 - of one form; to ask again takes time
            return Event(number, start, fields[0], fields[1], digests, data)
    return _read_agile_event(reader, number, banks)


def _read_agile_event(reader: Reader, number: int, banks: dict[int, int]) -> Event:
    """TCG_PCR_EVENT2 (PFP 10.2.2)."""
    start = reader.offset
    index, event_type = reader.uint_le(4), reader.uint_le(4)
    at, count = reader.offset, reader.uint_le(4)
    # an event extends at least one bank and none twice
    if not 0 < count <= len(banks):
        raise reader.error(
            Code.COUNT_LIMIT, f"{count} digests where {len(banks)} banks are declared", offset=at
        )
    digests: dict[int, bytes] = {}
    for _ in range(count):
        at = reader.offset
        alg = reader.uint_le(2)
        if alg not in banks:
            raise reader.error(Code.BAD_VALUE, f"{alg_name(alg)} is not a bank of this log", offset=at)
        if alg in digests:
            raise reader.error(Code.DUPLICATE_KEY, f"two {alg_name(alg)} digests in one event", offset=at)
        digests[alg] = reader.read(banks[alg])
    return Event(
        number=number,
        offset=start,
        index=index,
        untrusted_type=event_type,
        digests=digests,
        untrusted_data=_read_data(reader),
    )


def _read_data(reader: Reader) -> bytes:
    start = reader.offset
    size = reader.uint_le(4)
    if size > reader.remaining:
        raise reader.error(
            Code.TRUNCATED, f"event data of {size} bytes, {reader.remaining} left", offset=start
        )
    return reader.read(size)


def _encode_sha1_event(event: Event) -> bytes:
    return b"".join(
        (
            event.index.to_bytes(4, "little"),
            event.untrusted_type.to_bytes(4, "little"),
            event.digests[TpmAlg.SHA1],
            len(event.untrusted_data).to_bytes(4, "little"),
            event.untrusted_data,
        )
    )


def _encode_agile_event(event: Event) -> bytes:
    return b"".join(
        (
            event.index.to_bytes(4, "little"),
            event.untrusted_type.to_bytes(4, "little"),
            len(event.digests).to_bytes(4, "little"),
            *(alg.to_bytes(2, "little") + digest for alg, digest in event.digests.items()),
            len(event.untrusted_data).to_bytes(4, "little"),
            event.untrusted_data,
        )
    )
