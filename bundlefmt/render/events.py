# SPDX-License-Identifier: Apache-2.0
"""Measurement logs in words: each event with what it says, and whether its digest covers those words.

Rows are plain dictionaries of exact text, from which both the table and the JSON are made. Spec: "Logs as
JSON".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from bundlefmt.errors import MalformedError
from bundlefmt.evidence.tpm_algorithm import TpmAlg, UnsupportedAlgorithmError, alg_name
from bundlefmt.logs.cel import CelRecord, firmware_events, ima_entries
from bundlefmt.logs.content import Content, Octets, StartupLocality, Text, decode_content
from bundlefmt.logs.coverage import Coverage, Covered, cover
from bundlefmt.logs.device_path import DevicePath
from bundlefmt.logs.efi import FirmwareBlob, HandoffTables, ImageLoad, UefiVariable
from bundlefmt.logs.event import Event, Undecodable, type_name
from bundlefmt.logs.gpt import GptTable
from bundlefmt.logs.ima_ascii import ImaAsciiList
from bundlefmt.logs.ima_source import ImaSource
from bundlefmt.logs.ima_template import ImaEntry
from bundlefmt.logs.ipl import IplString
from bundlefmt.logs.recognise import Log
from bundlefmt.logs.replay import declared_locality, extend, final_values, start_value
from bundlefmt.logs.secure_boot import DATABASES
from bundlefmt.logs.signature_list import decode_signature, decode_signature_database, entries
from bundlefmt.logs.systemd import SystemdLog, SystemdRecord
from bundlefmt.logs.tcg import FirmwareLog, SpecId
from bundlefmt.render import Json
from bundlefmt.render.words import cut, plural
from bundlefmt.render.words import lines as gate

Row = dict[str, Json]
Pcrs = dict[str, dict[str, str]]
SCHEMA: Final = "evidence-bundle-log/1"
_SEPARATORS: Final = ("00000000", "ffffffff")
_COVERED: Final = {
    Coverage.COVERED: "covered",
    Coverage.NOT_COVERED: "NOT what was hashed",
    Coverage.OPAQUE: "label only",
    Coverage.NOT_EXTENDED: "not measured",
}


def rows(log: Log, bank: int) -> Iterator[Row]:
    """The events of any kind of log, in order. Raises UnsupportedAlgorithmError, MalformedError."""
    if isinstance(log, FirmwareLog):
        return (_firmware_row(event, bank) for event in log.events)
    if isinstance(log, SystemdLog):
        return (_systemd_row(record, bank) for record in log.records)
    if isinstance(log, ImaSource):
        return _ima_rows(log.entries(), log.template_alg)
    if isinstance(log, ImaAsciiList):
        return _ima_rows(log.entries, log.template_alg)
    return _cel_rows(log, bank)


def pcrs(log: Log) -> Pcrs:
    """{bank: {index: hexadecimal}} that the whole log gives; banks that are not computed are left out."""
    if isinstance(log, ImaSource | ImaAsciiList):
        entries_ = log.entries() if isinstance(log, ImaSource) else log.entries
        return {} if log.template_alg is None else _ima_pcrs(entries_, log.template_alg)
    if isinstance(log, SystemdLog):
        events: Iterable[Event | SystemdRecord] = log.records
        banks = {bank for record in log.records for bank in record.digests}
        locality = 0
    else:
        found = log.events if isinstance(log, FirmwareLog) else firmware_events(log)
        events, locality = found, declared_locality(found)
        banks = {bank for event in found for bank in event.digests}
    values: Pcrs = {}
    for bank in sorted(banks):
        try:
            row = final_values(events, bank, locality=locality)
        except UnsupportedAlgorithmError:
            continue
        values[alg_name(bank)] = {str(index): value.hex() for index, value in sorted(row.items())}
    return values


def _ima_pcrs(listed: Iterable[ImaEntry], alg: int) -> Pcrs:
    """By the list's own template digests; violations extend ones."""
    values: dict[int, bytes] = {}
    for entry in listed:
        value = values.get(entry.index, start_value(alg, entry.index))
        digest = b"\xff" * len(value) if entry.violation else entry.template_digest
        values[entry.index] = extend(alg, value, digest)
    return {alg_name(alg): {str(index): value.hex() for index, value in sorted(values.items())}}


def strongest(log: Log) -> int:
    """The bank by whose digests a log is shown: the longest that it carries."""
    if isinstance(log, FirmwareLog):
        banks: Iterable[int] = log.banks
    elif isinstance(log, SystemdLog):
        banks = {bank for record in log.records for bank in record.digests}
    elif isinstance(log, tuple):
        banks = {bank for record in log for bank in record.digests}
    else:
        banks = ()
    order = (TpmAlg.SHA256, TpmAlg.SHA384, TpmAlg.SHA512, TpmAlg.SM3_256, TpmAlg.SHA1)
    return next((bank for bank in order if bank in banks), TpmAlg.SHA256)


def _digests(digests: Mapping[int, bytes]) -> Json:
    return {alg_name(bank): value.hex() for bank, value in digests.items()}


def _firmware_row(event: Event, bank: int) -> Row:
    covered = cover(event, bank)
    return {
        "number": event.number,
        "pcr": event.index,
        "untrusted_type": type_name(event.untrusted_type),
        "digests": _digests(event.digests),
        "coverage": covered.coverage.value,
        "covered_part": covered.part.value if covered.part else None,
        "known": covered.known,
        "untrusted_words": words(decode_content(event)),
        "shown": _shown(covered),
    }


def _shown(covered: Covered) -> str:
    if covered.known is not None:
        return "known digest"
    if covered.coverage is Coverage.COVERED and covered.part is not None:
        return "covered" if covered.part.value == "data" else f"covered: {covered.part.value}"
    return _COVERED[covered.coverage]


def _systemd_row(record: SystemdRecord, bank: int) -> Row:
    covered = record.covered(bank)
    return {
        "number": record.number,
        "pcr": record.index if record.extended else None,
        "untrusted_type": record.untrusted_event_type or record.register.value,
        "digests": _digests(record.digests),
        "coverage": (Coverage.COVERED if covered else Coverage.OPAQUE).value,
        "covered_part": "text" if covered else None,
        "known": None,
        "untrusted_words": record.untrusted_string or "",
        "shown": "covered" if covered else "label only",
    }


def _ima_rows(listed: Iterable[ImaEntry], alg: int | None) -> Iterator[Row]:
    for entry in listed:
        covered = alg is not None and entry.covered(alg)
        try:
            digest, name = entry.file_digest(), entry.name()
        except MalformedError as error:
            digest, name = None, f"(cannot be read: {error.message})"
        yield {
            "number": entry.number,
            "pcr": entry.index,
            "untrusted_type": entry.untrusted_template,
            "digests": {alg_name(alg) if alg else "unknown": entry.template_digest.hex()},
            "coverage": (Coverage.COVERED if covered else Coverage.OPAQUE).value,
            "covered_part": "data" if covered else None,
            "known": "violation" if entry.violation else None,
            "untrusted_words": _utf8(name) + (f"  {digest.alg or ''}:{digest.value.hex()}" if digest else ""),
            "shown": "violation" if entry.violation else "covered" if covered else "label only",
        }


def _utf8(text: str) -> str:
    """With U+FFFD for bytes that are no UTF-8, which stand as surrogates: JSON has no place for halves."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _cel_rows(records: tuple[CelRecord, ...], bank: int) -> Iterator[Row]:
    """A canonical log is shown as the logs that it was made of."""
    for event in firmware_events(records):
        yield _firmware_row(event, bank)
    if any(bank in record.digests for record in records):
        yield from _ima_rows(ima_entries(records, bank), bank)


def words(content: Content) -> str:
    """What an event's data says, in a line; it is the log's word unless its digest covers it."""
    match content:
        case UefiVariable():
            return f"variable {content.name} = {_variable(content)}"
        case ImageLoad():
            path = content.path
            return f"image {path.text()}" if isinstance(path, DevicePath) else f"image ({path.reason})"
        case FirmwareBlob():
            return f"firmware {content.description or 'volume'} at {content.base:#x}, {content.length} bytes"
        case HandoffTables():
            return f"{content.description or 'configuration'}: {plural(len(content.tables), 'table')}"
        case GptTable():
            names = ", ".join(partition.name or partition.kind for partition in content.partitions)
            return f"disk {content.disk}: {names}"
        case IplString():
            return f"{content.kind.value}: {content.text}"
        case SpecId():
            return f"banks {', '.join(map(alg_name, content.banks))}"
        case StartupLocality():
            return f"TPM2_Startup from locality {content.locality}"
        case Text():
            return content.text
        case Undecodable():
            return f"{plural(len(content.data), 'byte')} ({content.reason})"
        case Octets():
            return _octets(content.data)
        case _:
            return ", ".join(event.name for event in content)


def _octets(data: bytes) -> str:
    return data.hex() if len(data) <= 16 else f"{data[:16].hex()}… ({len(data)} bytes)"


def _variable(variable: UefiVariable) -> str:
    """A key database as its entries, anything else as bytes."""
    if DATABASES.get(variable.name) == variable.guid:
        try:
            found = list(entries(decode_signature_database(variable.data)))
        except MalformedError:
            return _authority(variable.data)
        subjects = [subject for subject in (entry.subject() for entry in found) if subject]
        return f"{len(found)} entries" + (f": {'; '.join(subjects)}" if subjects else "")
    return _octets(variable.data)


def _authority(data: bytes) -> str:
    """One entry of a database: what an image was verified with."""
    try:
        subject = decode_signature(data).subject()
    except MalformedError:
        subject = None
    return subject or _octets(data)


@gate
def lines(shown: Iterable[Row]) -> Iterator[str]:
    """The rows as a table for people."""
    for row in shown:
        pcr = "  " if row["pcr"] is None else f"{row['pcr']:2}"
        kind = str(row["untrusted_type"]).removeprefix("EV_").removeprefix("EFI_")
        said = str(row["untrusted_words"])
        if row["known"] is not None and row["shown"] == "known digest":
            said = str(row["known"]) + ("" if said in (row["known"], *_SEPARATORS) else f" (says {said})")
        yield f"{row['number']:4}  PCR {pcr}  {kind:26} {row['shown']:22} {cut(said)}".rstrip()
