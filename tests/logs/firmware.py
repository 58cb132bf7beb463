# SPDX-License-Identifier: Apache-2.0
"""Firmware logs for tests: events made from what was hashed, and the logs of the corpus."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from hypothesis import strategies as st

from bundlefmt.evidence.tpm_algorithm import HASHES, TpmAlg, digest, hash_size
from bundlefmt.logs.efi import GLOBAL_VARIABLE, UefiVariable
from bundlefmt.logs.event import Event, EventType
from bundlefmt.logs.tcg import FirmwareLog, SpecId
from tests.provenance import Provenance, cases

SHA256: Final = TpmAlg.SHA256
SEPARATOR: Final = (EventType.EV_SEPARATOR, bytes(4))
# every file of the corpus that its source calls a log, the malformed ones among them
LOG_PATTERNS: Final = (
    "*/binary_bios_measurements*",
    "*/ccel_data.bin",
    "*/CCEL*.bin",
    "*/CCEL_data_ovmf",
    "*/*event*.bin",
    "*/*_eventlog",
    "*/specid_sha1.bin",
    "go-tpm-tools/*.bin",
    "hirs/*.bin",
    "*/sample-binary_bios_measurements*",
    "*/mb_log.bin",
    "*/uefi_log.bin",
)
REFUSED: Final = ("not parsed",)


def log_cases() -> list[Provenance]:
    """The logs that the collector's own reader read."""
    return [case for case in cases("eventlogs", *LOG_PATTERNS) if not case.checked.startswith(REFUSED)]


def refused_cases() -> list[Provenance]:
    """The files that it refused."""
    found = cases("eventlogs", *LOG_PATTERNS)
    return [case for case in found if not case.checked or case.checked.startswith(REFUSED)]


def read(corpus: Path, case: Provenance) -> FirmwareLog:
    """The decoded log of a case."""
    return FirmwareLog.decode((corpus / "eventlogs" / case.file).read_bytes())


def measured(
    number: int,
    index: int,
    event_type: int,
    data: bytes,
    *,
    hashed: bytes | None = None,
    banks: Iterable[int] = (SHA256,),
) -> Event:
    """An event whose digests are those of `hashed`, or of its data."""
    preimage = data if hashed is None else hashed
    return Event(
        number=number,
        offset=0,
        index=index,
        untrusted_type=event_type,
        digests={bank: digest(bank, preimage) for bank in banks},
        untrusted_data=data,
    )


def sequence(*events: tuple[int, tuple[int, bytes]]) -> list[Event]:
    """Events from (PCR, (type, data)), each hashed as it is."""
    return [
        measured(number, index, event_type, data) for number, (index, (event_type, data)) in enumerate(events)
    ]


def variable(name: str, data: bytes, guid: str = GLOBAL_VARIABLE) -> bytes:
    """UEFI_VARIABLE_DATA."""
    return UefiVariable(guid=guid, name=name, data=data).encode()


@st.composite
def firmware_logs(draw: st.DrawFn) -> FirmwareLog:
    """Any log that a firmware could write, of either form."""
    banks = draw(st.lists(st.sampled_from(sorted(HASHES)), unique=True, max_size=3))
    sizes = {int(bank): hash_size(bank) for bank in banks}
    spec_id = SpecId(
        platform_class=draw(st.integers(0, 1)),
        version=(2, 0, draw(st.integers(0, 255))),
        uintn_size=2,
        banks=sizes,
        vendor_info=draw(st.binary(max_size=9)),
    )
    events = []
    if sizes:
        events.append(_event(0, 0, EventType.EV_NO_ACTION, {TpmAlg.SHA1: bytes(20)}, spec_id.encode()))
    for number in range(len(events), len(events) + draw(st.integers(0 if sizes else 1, 5))):
        some = draw(st.lists(st.sampled_from(sorted(sizes)), min_size=1, unique=True)) if sizes else []
        digests = {bank: draw(_bytes(sizes[bank])) for bank in some} or {TpmAlg.SHA1: draw(_bytes(20))}
        # a type that is not zero, so that no event looks like the padding after the last
        event_type = draw(st.sampled_from(sorted(EventType)[1:]) | st.integers(1, 2**31))
        events.append(
            _event(number, draw(st.integers(0, 23)), event_type, digests, draw(st.binary(max_size=40)))
        )
    padding = draw(st.sampled_from((b"", b"\xff" * 40, bytes(40))))
    return FirmwareLog(spec_id=spec_id if sizes else None, events=tuple(events), padding=padding)


def _bytes(size: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=size, max_size=size)


def _event(number: int, index: int, event_type: int, digests: dict[int, bytes], data: bytes) -> Event:
    return Event(
        number=number, offset=0, index=index, untrusted_type=event_type, digests=digests, untrusted_data=data
    )
