# SPDX-License-Identifier: Apache-2.0
"""The verb log: what measurement logs say, event by event, and how far digests cover it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from bundlefmt.bundle import Bundle, map_file
from bundlefmt.cli.arguments import JsonOption, print_json
from bundlefmt.cli.run import Exit, UsageError, say
from bundlefmt.evidence.tpm_algorithm import TpmAlg, UnsupportedAlgorithmError, alg_name, digest
from bundlefmt.labels import MAGIC
from bundlefmt.logs.ima_source import ImaSource
from bundlefmt.logs.platform import Platform, summarise
from bundlefmt.logs.recognise import Log, decode_log
from bundlefmt.logs.tcg import FirmwareLog
from bundlefmt.render import events, platform
from bundlefmt.wire import Buffer

_ROLES = ("firmware-log", "userspace-log", "ima-log")
_MANY = 20_000  # events from which a bar is worth its while


def log(
    file: Annotated[Path, typer.Argument(help="An evidence bundle, or a measurement log.", metavar="FILE")],
    pcr: Annotated[
        list[int] | None, typer.Option(metavar="N", min=0, max=31, help="Only this PCR. Repeatable.")
    ] = None,
    bank: Annotated[
        str | None,
        typer.Option(metavar="ALG", help="Judge coverage by this bank; default: sha256 if it is there."),
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Show what measurement logs say, and which words their digests cover. Nothing is judged."""
    data = map_file(file)
    wanted = frozenset(pcr or range(32))
    shown = [_shown(name, one, says, bank) for name, one, says in _logs(data)]
    if not shown:
        raise UsageError("there is no measurement log in this bundle")
    if as_json:
        print_json(_json(shown, wanted))
        return Exit.PASSED
    for name, one, says, by in shown:
        say(f"{name}: digests of {alg_name(by)}")
        for line in events.lines(_chosen(one, by, wanted)):
            say(line)
        for index, value in events.pcrs(one).get(alg_name(by), {}).items():
            if int(index) in wanted:
                print(f"{alg_name(by)}:{index} = {value}")
        if says is not None and pcr is None:
            print("what booted, as the log tells it")
            for line in platform.summary(says):
                say(f"  {line}")
    return Exit.PASSED


Shown = tuple[str, Log, Platform | None, int]


def _shown(name: str, one: Log, says: Platform | None, bank: str | None) -> Shown:
    by = events.strongest(one) if bank is None else _bank(bank)
    try:
        digest(by, b"")
    except UnsupportedAlgorithmError as error:
        raise UsageError(str(error)) from None
    if says is None and isinstance(one, FirmwareLog):
        says = summarise(one.events, by)
    return name, one, says, by


def _bank(name: str) -> int:
    try:
        return TpmAlg[name.upper()]
    except KeyError:
        raise UsageError(f"there is no hash {name!r}", hint="sha1, sha256, sha384 or sha512") from None


def _logs(data: Buffer) -> Iterator[tuple[str, Log, Platform | None]]:
    """The logs in a bundle, with what they tell beside the quoted values; or the one that the file is."""
    if bytes(data[: len(MAGIC)]) != MAGIC:
        yield "log", decode_log(data), None
        return
    # of a log alone nothing is judged: the checks are left unread
    from bundlefmt.verify import Policy
    from bundlefmt.verify.verifier import tell

    bundle = Bundle.decode(data)
    found = dict(tell(bundle, Policy()))
    for label, item in sorted(bundle.manifest.items.items()):
        if item.role in _ROLES and label in bundle.content:
            yield label, decode_log(bundle.content[label].value), found.get(label)


def _chosen(one: Log, bank: int, wanted: frozenset[int]) -> Iterator[events.Row]:
    """The rows of the PCRs asked for. Of a binary IMA list, which may be very long, none is kept."""
    found = events.rows(one, bank)
    if not isinstance(one, ImaSource):
        found = iter(list(found))  # an error comes before the first line
    elif one.count > _MANY and sys.stderr.isatty():
        # who reads a short list does not wait for the bar
        from rich.console import Console
        from rich.progress import track

        console = Console(stderr=True)
        found = iter(track(found, "reading", total=one.count, console=console, transient=True))
    return (row for row in found if row["pcr"] is None or row["pcr"] in wanted)


def _json(shown: list[Shown], wanted: frozenset[int]) -> dict[str, object]:
    """The first log's values and events at the top; each log with its own below `logs`."""
    _, first, _, bank = shown[0]
    return {
        "schema": events.SCHEMA,
        "pcrs": _pcrs(first, wanted),
        "events": _events(first, bank, wanted),
        "logs": iter(
            [
                {
                    "label": name,
                    "bank": alg_name(by),
                    "pcrs": _pcrs(one, wanted),
                    "events": _events(one, by, wanted),
                    "platform": None if says is None else list(platform.summary(says)),
                }
                for name, one, says, by in shown
            ]
        ),
    }


def _pcrs(one: Log, wanted: frozenset[int]) -> events.Pcrs:
    return {
        bank: {index: value for index, value in row.items() if int(index) in wanted}
        for bank, row in events.pcrs(one).items()
    }


def _events(one: Log, bank: int, wanted: frozenset[int]) -> Iterator[events.Row]:
    chosen = _chosen(one, bank, wanted)
    return ({key: value for key, value in row.items() if key != "shown"} for row in chosen)
