# SPDX-License-Identifier: Apache-2.0
"""What an event's data says, read by the event's type: for people, and for `platform`.

The type is the log's word, so the reading is too: `untrusted_content`. What cannot be read is kept as bytes
with the reason, never an error: a log stays readable whatever one event holds.
"""

from __future__ import annotations

from typing import Final

from bundlefmt.errors import MalformedError
from bundlefmt.frozen import frozen
from bundlefmt.logs.efi import FirmwareBlob, HandoffTables, ImageLoad, UefiVariable
from bundlefmt.logs.event import Event, EventType, Undecodable
from bundlefmt.logs.gpt import GptTable
from bundlefmt.logs.guid import SIZE, guid_text
from bundlefmt.logs.ipl import IplString, decode_ipl
from bundlefmt.logs.tagged_event import TaggedEvent, decode_tagged_events
from bundlefmt.logs.tcg import SPEC_ID_AGILE, STARTUP_LOCALITY, SpecId


@frozen
class Text:
    """Printable data, without terminator."""

    text: str


@frozen
class StartupLocality:
    """EV_NO_ACTION: the locality that TPM2_Startup came from (PFP 10.4.5.3)."""

    locality: int


@frozen
class Octets:
    """Data whose type gives it no structure."""

    data: bytes


Content = (
    UefiVariable
    | ImageLoad
    | FirmwareBlob
    | HandoffTables
    | GptTable
    | IplString
    | tuple[TaggedEvent, ...]
    | SpecId
    | StartupLocality
    | Text
    | Octets
    | Undecodable
)
T: Final = EventType
VARIABLE_TYPES: Final = frozenset(
    (
        T.EV_EFI_VARIABLE_DRIVER_CONFIG,
        T.EV_EFI_VARIABLE_BOOT,
        T.EV_EFI_VARIABLE_BOOT2,
        T.EV_EFI_VARIABLE_AUTHORITY,
        T.EV_EFI_SPDM_DEVICE_POLICY,
        T.EV_EFI_SPDM_DEVICE_AUTHORITY,
    )
)
IMAGE_TYPES: Final = frozenset(
    (T.EV_EFI_BOOT_SERVICES_APPLICATION, T.EV_EFI_BOOT_SERVICES_DRIVER, T.EV_EFI_RUNTIME_SERVICES_DRIVER)
)
TEXT_TYPES: Final = frozenset(
    (T.EV_ACTION, T.EV_EFI_ACTION, T.EV_OMIT_BOOT_DEVICE_EVENTS, T.EV_COMPACT_HASH, T.EV_EFI_HCRTM_EVENT)
)
# firmware writes a text or a structure here, as it likes
MIXED_TYPES: Final = frozenset((T.EV_POST_CODE, T.EV_S_CRTM_CONTENTS, T.EV_POST_CODE2))


def decode_content(event: Event) -> Content:
    """Read `event.untrusted_data` by `event.untrusted_type`; never raises."""
    try:
        return _decode(event.untrusted_type, event.untrusted_data)
    except MalformedError as error:
        return Undecodable(data=event.untrusted_data, reason=str(error))


def _decode(event_type: int, data: bytes) -> Content:
    if event_type in VARIABLE_TYPES:
        return UefiVariable.decode(data)
    if event_type in IMAGE_TYPES:
        return ImageLoad.decode(data)
    if event_type in (T.EV_EFI_GPT_EVENT, T.EV_EFI_GPT_EVENT2):
        return GptTable.decode(data)
    if event_type in (T.EV_EFI_PLATFORM_FIRMWARE_BLOB, T.EV_EFI_PLATFORM_FIRMWARE_BLOB2):
        described = event_type == T.EV_EFI_PLATFORM_FIRMWARE_BLOB2
        return FirmwareBlob.decode(data, described=described)
    if event_type in (T.EV_EFI_HANDOFF_TABLES, T.EV_EFI_HANDOFF_TABLES2):
        return HandoffTables.decode(data, described=event_type == T.EV_EFI_HANDOFF_TABLES2)
    if event_type == T.EV_EVENT_TAG:
        return decode_tagged_events(data)
    if event_type == T.EV_IPL:
        return decode_ipl(data) or Octets(data=data)
    if event_type == T.EV_NO_ACTION:
        return _no_action(data)
    if event_type == T.EV_S_CRTM_VERSION:
        return _version(data)
    if event_type in MIXED_TYPES:
        return _text(data) or _blob(data)
    if event_type in TEXT_TYPES:
        return _text(data) or Octets(data=data)
    return Octets(data=data)


def _no_action(data: bytes) -> Content:
    if data.startswith(SPEC_ID_AGILE):
        return SpecId.decode(data)
    if data.startswith(STARTUP_LOCALITY) and len(data) == len(STARTUP_LOCALITY) + 1:
        return StartupLocality(locality=data[-1])
    return Octets(data=data)


def _version(data: bytes) -> Content:
    """A version is UTF-16 text, ASCII text or a GUID, by the firmware's taste (PFP 10.4.1)."""
    wide = data[:-2] if data[-2:] == b"\0\0" else data
    if len(wide) >= 2 and len(wide) % 2 == 0 and not any(wide[1::2]) and all(wide[::2]):
        return Text(text=wide.decode("utf-16-le").strip())
    if len(data) == SIZE:
        return Text(text=guid_text(data))
    return _text(data) or Octets(data=data)


def _text(data: bytes) -> Text | None:
    raw = data.removesuffix(b"\0")
    if not raw or not raw.isascii() or not raw.decode("ascii").isprintable():
        return None
    return Text(text=raw.decode("ascii"))


def _blob(data: bytes) -> FirmwareBlob:
    try:
        return FirmwareBlob.decode(data)
    except MalformedError:
        return FirmwareBlob.decode(data, described=True)
