# SPDX-License-Identifier: Apache-2.0
"""Whether an event's digest covers its data, found by hashing again; the log's word on types plays no part in
it.

TCG PC Client Platform Firmware Profile 1.06, 10.4.1 says per event type what is hashed. Types are not bound
by digests, so all the ways that specifications and boot loaders hash an event's data are tried on every
event: whoever retypes an event changes nothing here. A digest counts for one bank only: a quote of the
SHA-256 bank says nothing about SHA-1 digests in the log.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from typing import Final

from bundlefmt.errors import MalformedError
from bundlefmt.evidence.tpm_algorithm import digest
from bundlefmt.frozen import frozen
from bundlefmt.logs.efi import UefiVariable
from bundlefmt.logs.event import Event, EventType
from bundlefmt.logs.ipl import LABELS


class Coverage(StrEnum):
    """What the digest says about the data."""

    COVERED = "covered"  # the digest is the hash of the part named beside
    NOT_COVERED = (
        "not-covered"  # the type promises that the data is hashed, and it is not: one of the two is wrong
    )
    OPAQUE = "opaque"  # what was hashed is not in the log (an image, a table): the data is a label
    NOT_EXTENDED = "not-extended"  # EV_NO_ACTION


class Part(StrEnum):
    """Which part of the data a digest covers; only DATA leaves nothing to the log's word."""

    DATA = "data"  # all of it
    TEXT = "text"  # all but the terminator
    BUT_LAST = "all-but-last"  # all but the last byte, which old shims log and do not hash
    LABELLED_TEXT = "labelled-text"  # what follows the label (`grub_cmd: `); the label is not covered
    ASCII_TEXT = "ascii-text"  # UTF-16 text, hashed as ASCII with a terminator
    VARIABLE_DATA = "variable-data"  # a variable's content; its name and namespace are not covered


DATA_HASHED: Final = frozenset(
    (
        EventType.EV_SEPARATOR,
        EventType.EV_ACTION,
        EventType.EV_EFI_ACTION,
        EventType.EV_EFI_VARIABLE_DRIVER_CONFIG,
        EventType.EV_EFI_VARIABLE_BOOT,
        EventType.EV_EFI_VARIABLE_BOOT2,
        EventType.EV_EFI_VARIABLE_AUTHORITY,
        EventType.EV_EFI_GPT_EVENT,
        EventType.EV_EFI_GPT_EVENT2,
    )
)

# separators and actions of the profile: PFP 10.4.1 and 10.4.4
SEPARATOR: Final = b"\0\0\0\0"
SEPARATOR_ONES: Final = b"\xff\xff\xff\xff"
SEPARATOR_ERROR: Final = b"\1\0\0\0"
CALLING_APPLICATION: Final = "Calling EFI Application from Boot Option"
RETURNING_APPLICATION: Final = "Returning from EFI Application from Boot Option"
EXIT_BOOT_SERVICES: Final = "Exit Boot Services Invocation"
EXIT_RETURNED: Final = "Exit Boot Services Returned with Success"
EXIT_FAILED: Final = "Exit Boot Services Returned with Failure"
UEFI_DEBUG: Final = "UEFI Debug Mode"
DMA_DISABLED: Final = "DMA Protection Disabled"
KNOWN_TEXTS: Final = (
    CALLING_APPLICATION,
    RETURNING_APPLICATION,
    EXIT_BOOT_SERVICES,
    EXIT_RETURNED,
    EXIT_FAILED,
    UEFI_DEBUG,
    DMA_DISABLED,
    "Boot Guard Measured S-CRTM",
    "Boot Guard Debug Mode",
    "HCRTM",
    "Start Option ROM Scan",
    "Entering ROM Based Setup",
    "User Password Entered",
    "Administrator Password Entered",
    "Password Failure",
    "Password Failure Limit Exceeded",
)
WINDOWS_END: Final = "end of Windows boot"
KNOWN_DATA: Final[dict[str, bytes]] = {
    "separator": SEPARATOR,
    "separator (ones)": SEPARATOR_ONES,
    "error separator": SEPARATOR_ERROR,
    WINDOWS_END: b"WBCL",  # in PCR 12 to 14, where Windows' boot manager is done
}
SEPARATORS: Final = ("separator", "separator (ones)")


@frozen
class Covered:
    """`part` is set where `coverage` is COVERED.

    `known` names a constant whose digest this is, whatever the data says.
    """

    coverage: Coverage
    part: Part | None
    known: str | None


def cover(event: Event, bank: int) -> Covered:
    """Judge `event` by its digest in `bank`; an event without one is opaque.

    Raises UnsupportedAlgorithmError.
    """
    known = recognise_digest(event, bank)
    if not event.extended:
        return Covered(coverage=Coverage.NOT_EXTENDED, part=None, known=None)
    stated = event.digests.get(bank)
    if stated is not None:
        for part, preimage in _preimages(event.untrusted_data):
            if digest(bank, preimage) == stated:
                return Covered(coverage=Coverage.COVERED, part=part, known=known)
    promised = event.untrusted_type in DATA_HASHED and stated is not None
    return Covered(coverage=Coverage.NOT_COVERED if promised else Coverage.OPAQUE, part=None, known=known)


def recognise_digest(event: Event, bank: int) -> str | None:
    """The constant of the profile whose hash was extended, by digest alone; None if it is none of them."""
    stated = event.digests.get(bank)
    return None if stated is None or not event.extended else known_digests(bank).get(stated)


@cache
def known_digests(bank: int) -> dict[bytes, str]:
    """{digest in `bank`: name} of the profile's constants. Raises UnsupportedAlgorithmError."""
    known = {digest(bank, data): name for name, data in KNOWN_DATA.items()}
    for text in KNOWN_TEXTS:
        raw = text.encode()
        known[digest(bank, raw)] = text
        known[digest(bank, raw + b"\0")] = text
    return known


def _preimages(data: bytes) -> Iterator[tuple[Part, bytes]]:
    """What may have been hashed, the most that is covered first."""
    yield Part.DATA, data
    if data.endswith(b"\0"):
        yield Part.TEXT, data[:-1]
        if data.endswith(b"\0\0"):
            yield Part.TEXT, data[:-2]
    elif data:
        yield Part.BUT_LAST, data[:-1]
    for label, _ in LABELS:
        if data.startswith(label.encode()):
            text = data[len(label) :]
            yield Part.LABELLED_TEXT, text
            yield Part.LABELLED_TEXT, text.removesuffix(b"\0")
            yield Part.LABELLED_TEXT, text.removesuffix(b"\0") + b"\0"
            break
    if len(data) >= 4 and not any(data[1::2]) and data.endswith(b"\0\0"):
        yield Part.ASCII_TEXT, data[:-2:2] + b"\0"
    try:
        yield Part.VARIABLE_DATA, UefiVariable.decode(data).data
    except MalformedError:
        return
