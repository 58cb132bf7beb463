# SPDX-License-Identifier: Apache-2.0
"""TCG Canonical Event Log records, and their TLV form; for import, as native logs are what is kept.

TCG Canonical Event Log Format 1.0: 3.1 "TPMS_CEL_EVENT", 5.1 "TLV encoding". The numbers agree with two
independent implementations (libcel, eventlogs); widths of integers differ between encoders, so any up to
their maximum is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum

from bundlefmt.errors import Code
from bundlefmt.evidence.tpm_algorithm import HASHES, alg_name, hash_size
from bundlefmt.frozen import frozen
from bundlefmt.logs.event import MAX_PCR, Event, EventType
from bundlefmt.logs.ima_template import ImaEntry
from bundlefmt.wire import Buffer, Reader, read_all


class CelField(IntEnum):
    """What a record's top-level fields are."""

    RECNUM = 0
    PCR = 1
    NV_INDEX = 2
    DIGESTS = 3


class CelType(IntEnum):
    """Content types; others are kept as bytes."""

    MANAGEMENT = 4
    PCCLIENT_STD = 5
    IMA_TEMPLATE = 7
    IMA_TLV = 8
    SYSTEMD = 9


class Management(IntEnum):
    """Types of management events."""

    CEL_VERSION = 1
    FIRMWARE_END = 2
    CEL_TIMESTAMP = 0x80
    STATE_TRANS = 0x81


@frozen
class PcClientContent:
    """An event of a firmware log."""

    event_type: int
    event_data: bytes


@frozen
class ImaContent:
    """An entry of an IMA list: template name and template data."""

    template_name: str
    template_data: bytes


@frozen
class OtherContent:
    """Content that is kept as its encoding has it: management events, systemd's, and types not known here."""

    content_type: int
    data: bytes


CelContent = PcClientContent | ImaContent | OtherContent


@frozen
class CelRecord:
    """One record. `index` is a PCR, or the handle of an NV index if `nv`; `number` is its place in the log.

    The record number counts as its writer likes; only digests are bound.
    """

    number: int
    offset: int
    untrusted_recnum: int
    nv: bool
    index: int
    digests: Mapping[int, bytes]
    untrusted_content: CelContent

    @property
    def extended(self) -> bool:
        """Not EV_NO_ACTION, and not a management event, whose digests are zero where it was not extended."""
        content = self.untrusted_content
        if self.nv:
            return False
        if isinstance(content, PcClientContent):
            return content.event_type != EventType.EV_NO_ACTION
        if isinstance(content, OtherContent) and content.content_type == CelType.MANAGEMENT:
            return any(any(digest) for digest in self.digests.values())
        return True


def decode_cel_tlv(data: Buffer) -> tuple[CelRecord, ...]:
    """Raises MalformedError."""

    def read(reader: Reader) -> tuple[CelRecord, ...]:
        records: list[CelRecord] = []
        while reader.remaining:
            records.append(_read_record(reader, len(records)))
        return tuple(records)

    return read_all(data, read, path="CEL-TLV")


def encode_cel_tlv(records: Iterable[CelRecord]) -> bytes:
    """Recnum in eight bytes, index in four, as libcel writes them."""
    return b"".join(
        b"".join(
            (
                _tlv(CelField.RECNUM, record.untrusted_recnum.to_bytes(8, "big")),
                _tlv(CelField.NV_INDEX if record.nv else CelField.PCR, record.index.to_bytes(4, "big")),
                _tlv(CelField.DIGESTS, b"".join(_tlv(alg, value) for alg, value in record.digests.items())),
                _encode_content(record.untrusted_content),
            )
        )
        for record in records
    )


def firmware_events(records: Iterable[CelRecord]) -> tuple[Event, ...]:
    """The records of a firmware log, as if read from one."""
    return tuple(
        Event(
            number=record.number,
            offset=record.offset,
            index=record.index,
            untrusted_type=record.untrusted_content.event_type,
            digests=record.digests,
            untrusted_data=record.untrusted_content.event_data,
        )
        for record in records
        if isinstance(record.untrusted_content, PcClientContent) and not record.nv
    )


def ima_entries(records: Iterable[CelRecord], alg: int) -> tuple[ImaEntry, ...]:
    """The records of an IMA list that have a digest of `alg`, as if read from a list of that bank."""
    return tuple(
        ImaEntry(
            number=record.number,
            offset=record.offset,
            index=record.index,
            template_digest=record.digests[alg],
            untrusted_template=record.untrusted_content.template_name,
            template_data=record.untrusted_content.template_data,
        )
        for record in records
        if isinstance(record.untrusted_content, ImaContent) and not record.nv and alg in record.digests
    )


def check_digest(alg: int, value: bytes, found: Mapping[int, bytes]) -> tuple[Code, str] | None:
    """What is wrong with one more digest of a record: the rules that all three encodings share."""
    if alg in found:
        return Code.DUPLICATE_KEY, f"two {alg_name(alg)} digests"
    if not value or (alg in HASHES and len(value) != hash_size(alg)):
        return Code.WRONG_LENGTH, f"{len(value)} bytes for {alg_name(alg)}"
    return None


def _read_record(reader: Reader, number: int) -> CelRecord:
    start = reader.offset
    recnum = _read_integer(reader, (CelField.RECNUM,), 8)[1]
    at = reader.offset
    field, index = _read_integer(reader, (CelField.PCR, CelField.NV_INDEX), 4)
    if field == CelField.PCR and index > MAX_PCR:
        raise reader.error(Code.BAD_VALUE, f"there is no PCR {index}", offset=at)
    at = reader.offset
    kind, body, base = _read_tlv(reader)
    if kind != CelField.DIGESTS:
        raise reader.error(Code.MISSING_MEMBER, f"field {kind} where the digests are", offset=at)
    digests = read_all(body, _read_digests, path=reader.path, base=base)
    content_type, body, base = _read_tlv(reader)
    return CelRecord(
        number=number,
        offset=start,
        untrusted_recnum=recnum,
        nv=field == CelField.NV_INDEX,
        index=index,
        digests=digests,
        untrusted_content=_read_content(content_type, body, base, reader.path),
    )


def _read_tlv(reader: Reader) -> tuple[int, bytes, int]:
    """(type, value, offset of the value): one byte, four bytes of length, big-endian."""
    kind = reader.uint(1)
    base = reader.offset + 4
    return kind, reader.sized(4), base


def _read_integer(reader: Reader, wanted: tuple[int, ...], maximum: int) -> tuple[int, int]:
    start = reader.offset
    kind, value, _ = _read_tlv(reader)
    if kind not in wanted:
        raise reader.error(Code.MISSING_MEMBER, f"field {kind}, not one of {wanted}", offset=start)
    if not 0 < len(value) <= maximum:
        raise reader.error(Code.WRONG_LENGTH, f"an integer of {len(value)} bytes", offset=start)
    return kind, int.from_bytes(value, "big")


def _read_digests(reader: Reader) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    while reader.remaining:
        start = reader.offset
        alg, value, _ = _read_tlv(reader)
        wrong = check_digest(alg, value, found)
        if wrong is not None:
            raise reader.error(*wrong, offset=start)
        found[alg] = value
    return found


def _read_content(content_type: int, body: bytes, base: int, path: str) -> CelContent:
    if content_type == CelType.PCCLIENT_STD:
        return read_all(body, _read_pcclient, path=path, base=base)
    if content_type == CelType.IMA_TEMPLATE:
        return read_all(body, _read_ima, path=path, base=base)
    return OtherContent(content_type=content_type, data=body)


def _read_pcclient(reader: Reader) -> PcClientContent:
    event_type = _read_integer(reader, (0,), 4)[1]
    start = reader.offset
    kind, data, _ = _read_tlv(reader)
    if kind != 1:
        raise reader.error(Code.MISSING_MEMBER, f"field {kind} where the event data is", offset=start)
    return PcClientContent(event_type=event_type, event_data=data)


def _read_ima(reader: Reader) -> ImaContent:
    start = reader.offset
    kind, name, _ = _read_tlv(reader)
    if kind != 0 or not name.isascii():
        raise reader.error(Code.BAD_VALUE, "no template name", offset=start)
    start = reader.offset
    kind, data, _ = _read_tlv(reader)
    if kind != 1:
        raise reader.error(Code.MISSING_MEMBER, f"field {kind} where the template data is", offset=start)
    return ImaContent(template_name=name.decode("ascii"), template_data=data)


def _tlv(kind: int, value: bytes) -> bytes:
    return bytes((kind,)) + len(value).to_bytes(4, "big") + value


def _encode_content(content: CelContent) -> bytes:
    if isinstance(content, PcClientContent):
        body = _tlv(0, content.event_type.to_bytes(4, "big")) + _tlv(1, content.event_data)
        return _tlv(CelType.PCCLIENT_STD, body)
    if isinstance(content, ImaContent):
        body = _tlv(0, content.template_name.encode("ascii")) + _tlv(1, content.template_data)
        return _tlv(CelType.IMA_TEMPLATE, body)
    return _tlv(content.content_type, content.data)
