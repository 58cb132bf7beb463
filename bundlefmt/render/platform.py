# SPDX-License-Identifier: Apache-2.0
"""The summary of what booted, in words: each fact with its standing.

Spec: "Measurement logs".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from bundlefmt.logs.platform import Platform
from bundlefmt.logs.reading import Fact
from bundlefmt.render.words import cut, plural

T = TypeVar("T")


def _line(name: str, fact: Fact[T], words: str) -> str:
    return f"{name:18} {cut(words)}  ({fact.standing.value}: {fact.because})"


def summary(platform: Platform) -> Iterator[str]:
    """What a firmware log tells, a line a fact, as text that who prints it makes safe. Nothing is judged."""
    secure = platform.secure_boot
    on = {True: "on", False: "off", None: "not told"}[secure.enabled.value]
    yield _line("Secure Boot", secure.enabled, on)
    for database in secure.databases:
        counts = ", ".join(f"{count} {kind}" for kind, count in database.value.counts.items()) or "empty"
        subjects = "; ".join(database.value.subjects)
        yield _line(database.value.name, database, f"{counts}{': ' if subjects else ''}{subjects}")
    for mode in secure.modes:
        yield _line(mode.value[0], mode, mode.value[1])
    for authority in secure.authorities:
        words = f"{authority.value.variable}: {authority.value.subject or 'a hash'}"
        yield _line("verified with", authority, words)
    for version in platform.firmware_versions:
        yield _line("firmware", version, version.value)
    yield _line("boot", platform.boot.mode, platform.boot.mode.value)
    for option in platform.boot.options:
        yield _line("boot option", option, f"{option.value.description}: {option.value.path}")
    for rom in platform.boot.option_roms:
        yield _line("option ROM", rom, rom.value.untrusted_path or rom.value.digest.hex())
    for image in platform.boot.images:
        path = image.value.untrusted_file or image.value.untrusted_path or "an image"
        yield _line("image", image, f"{image.value.digest.hex()} said to be {path}")
    for command in platform.boot.command_lines:
        yield _line("command line", command, command.value.text)
    doubtful = {"debug mode": secure.debug_mode, "no DMA protection": secure.dma_protection_disabled}
    for name, fact in doubtful.items():
        if fact.value:
            yield _line(name, fact, "yes")
    for protection in platform.protections:
        yield _line(protection.value[0], protection, protection.value[1])
    exited = platform.exit_boot_services
    if exited.value is not None:
        after = len(exited.value.after_in_pcr) + len(exited.value.untrusted_after)
        words = "returned" if exited.value.succeeded else "failed" if exited.value.failed else "called"
        yield _line("ExitBootServices", exited, f"{words}; {plural(after, 'event')} after it")
