# SPDX-License-Identifier: Apache-2.0
"""What was booted, as a firmware log tells it: images, command lines, boot options and attempts.

Images are listed by what was extended into PCR 2 and 4, not by what calls itself an image, so that none hides
behind another event type. TCG PC Client Platform Firmware Profile 1.06, 3.3.4 "PCR usage".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from bundlefmt.errors import MalformedError
from bundlefmt.frozen import frozen
from bundlefmt.logs.coverage import CALLING_APPLICATION, RETURNING_APPLICATION, Coverage
from bundlefmt.logs.device_path import DevicePath, LoadOption
from bundlefmt.logs.efi import GLOBAL_VARIABLE, ImageLoad, UefiVariable
from bundlefmt.logs.ipl import IplKind, IplString
from bundlefmt.logs.reading import (
    BOOT_PCR,
    CONFIGURATION_PCR,
    DRIVER_PCR,
    POLICY_PCR,
    Fact,
    Reading,
    ReadLog,
    Standing,
    numbers,
)

COMMAND_LINE_PCRS: Final = (8, 9, 11, 12)


@frozen
class Image:
    """Something that was extended where images are: its digest is certain where the PCR replays, the rest is
    said.

    `digest` is an image's Authenticode hash if this is an image.
    """

    digest: bytes
    untrusted_type: str
    untrusted_path: str | None
    untrusted_file: str | None


@frozen
class CommandLine:
    """A line that a boot loader measured as the kernel's command line; that it is one is the log's word."""

    text: str


@frozen
class BootOption:
    """The content of a Boot#### variable that was measured."""

    description: str
    path: str


@frozen
class Boot:
    """`option_roms` are the images of PCR 2 (drivers and option ROMs), `images` those of PCR 4."""

    mode: Fact[str]
    attempts: Fact[int]
    order: Fact[tuple[int, ...]] | None
    options: tuple[Fact[BootOption], ...]
    option_roms: tuple[Fact[Image], ...]
    images: tuple[Fact[Image], ...]
    command_lines: tuple[Fact[CommandLine], ...]


def read_boot(log: ReadLog) -> Boot:
    """Never raises; what the log does not tell is absent."""
    return Boot(
        mode=_boot_mode(log),
        attempts=_boot_attempts(log),
        order=_boot_order(log),
        options=_boot_options(log),
        option_roms=_images(log, DRIVER_PCR),
        images=_images(log, BOOT_PCR),
        command_lines=_command_lines(log),
    )


def _images(log: ReadLog, index: int) -> tuple[Fact[Image], ...]:
    """Everything in the PCR that is no constant, so that nothing hides by type or behind its data.

    That a digest covers an event's data makes it no less an image: whoever has the image has what was hashed.
    """
    found = []
    for reading in log.of(index):
        stated = reading.event.digests.get(log.bank)
        if stated is None or reading.covered.known:
            continue
        content = reading.untrusted_content
        path = content.path if isinstance(content, ImageLoad) else None
        found.append(
            Fact(
                value=Image(
                    digest=stated,
                    untrusted_type=reading.event.untrusted_type_name,
                    untrusted_path=path.text() if isinstance(path, DevicePath) else None,
                    untrusted_file=path.file() if isinstance(path, DevicePath) else None,
                ),
                standing=log.standing((reading,)),
                index=index,
                events=(reading.event.number,),
                because="the digest was extended; path and type are the log's word",
            )
        )
    return tuple(found)


def _command_lines(log: ReadLog) -> tuple[Fact[CommandLine], ...]:
    found = []
    for reading in log.of(*COMMAND_LINE_PCRS):
        content = reading.untrusted_content
        if not isinstance(content, IplString) or content.kind is not IplKind.KERNEL_COMMAND_LINE:
            continue
        covered = reading.covered.coverage is Coverage.COVERED
        found.append(
            Fact(
                value=CommandLine(text=content.text),
                standing=log.standing((reading,), covered=covered),
                index=reading.event.index,
                events=(reading.event.number,),
                because="its digest covers the text" if covered else "no digest covers the text",
            )
        )
    return tuple(found)


def _boot_variables(log: ReadLog) -> list[tuple[Reading, UefiVariable]]:
    return [
        (reading, reading.untrusted_content)
        for reading in log.of(CONFIGURATION_PCR)
        if isinstance(reading.untrusted_content, UefiVariable)
        and reading.untrusted_content.guid == GLOBAL_VARIABLE
        and reading.before_separator
    ]


def _boot_order(log: ReadLog) -> Fact[tuple[int, ...]] | None:
    """The first BootOrder; a digest that covers only the content leaves the name to the log's word."""
    for reading, variable in _boot_variables(log):
        if variable.name == "BootOrder" and len(variable.data) % 2 == 0:
            order = tuple(
                int.from_bytes(variable.data[at : at + 2], "little") for at in range(0, len(variable.data), 2)
            )
            return Fact(
                value=order,
                standing=log.standing((reading,), covered=reading.covered.coverage is Coverage.COVERED),
                index=CONFIGURATION_PCR,
                events=(reading.event.number,),
                because=_variable_reason(reading),
            )
    return None


def _boot_options(log: ReadLog) -> tuple[Fact[BootOption], ...]:
    found = []
    for reading, variable in _boot_variables(log):
        if not (variable.name.startswith("Boot") and len(variable.name) == 8):
            continue
        try:
            option = LoadOption.decode(variable.data)
        except MalformedError:
            continue
        found.append(
            Fact(
                value=BootOption(
                    description=option.description, path=option.paths[0].text() if option.paths else ""
                ),
                standing=log.standing((reading,), covered=reading.covered.coverage is Coverage.COVERED),
                index=CONFIGURATION_PCR,
                events=(reading.event.number,),
                because=_variable_reason(reading),
            )
        )
    return tuple(found)


def _variable_reason(reading: Reading) -> str:
    if reading.fully_covered:
        return "its digest covers name and content"
    covered = reading.covered.coverage is Coverage.COVERED
    return "its digest covers the content, not the name" if covered else "no digest covers it"


def _boot_mode(log: ReadLog) -> Fact[str]:
    actions = tuple(r for r in log.of(BOOT_PCR) if r.covered.known == CALLING_APPLICATION)
    variables = tuple(
        reading
        for reading in log.of(CONFIGURATION_PCR, POLICY_PCR)
        if reading.fully_covered and isinstance(reading.untrusted_content, UefiVariable)
    )
    if actions or variables:
        found = actions or variables[:1]
        because = "the firmware called a UEFI application" if actions else "a UEFI variable was measured"
        return Fact(
            value="uefi",
            standing=log.standing(found),
            index=found[0].event.index,
            events=numbers(found),
            because=because,
        )
    return Fact(
        value="unknown",
        standing=Standing.CLAIMED,
        index=None,
        events=(),
        because="no digest is that of a UEFI boot attempt or variable",
    )


def _boot_attempts(log: ReadLog) -> Fact[int]:
    """How often the firmware called a boot option; more than one means that an earlier one returned."""
    called = known_events(log, (BOOT_PCR,), CALLING_APPLICATION)
    returned = known_events(log, (BOOT_PCR,), RETURNING_APPLICATION)
    return Fact(
        value=len(called.value),
        standing=called.standing,
        index=BOOT_PCR,
        events=called.events + returned.events,
        because=f"{len(called.value)} calls and {len(returned.value)} returns by digest",
    )


def known_events(log: ReadLog, indices: Iterable[int], *names: str) -> Fact[tuple[int, ...]]:
    found = tuple(reading for reading in log.of(*indices) if reading.covered.known in names)
    return Fact(
        value=numbers(found),
        standing=log.standing(found),
        index=None,
        events=numbers(found),
        because=f"known by digest: {', '.join(names)}",
    )
