# SPDX-License-Identifier: Apache-2.0
"""`bundle register`: a transparency log registers a seal; the entry goes out, the receipt comes in."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from bundlefmt.bundle import Bundle
from bundlefmt.cli import given_file, reading
from bundlefmt.cli.arguments import FileArgument
from bundlefmt.cli.files import refuse_existing, write_atomic
from bundlefmt.cli.run import Exit, UsageError, say
from bundletools.registering import Registering


def register(
    file: FileArgument,
    seal: Annotated[int, typer.Option(metavar="N", min=1, help="The N-th seal, a COSE seal.")],
    request_out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the entry, to be carried to a log.")
    ] = None,
    response_in: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Take the log's receipt for it (COSE).")
    ] = None,
    anchor_log: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Key or certificate of a log: refuse a receipt that none of these signed. Repeatable.",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The bundle with the receipt.")
    ] = None,
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Replace FILE by the bundle with the receipt.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output file.")] = False,
) -> int:
    """Have a transparency log register a seal, and keep its receipt in the seal, before any renewal.

    Without the log's key it cannot be known whether a receipt is of this seal: give --anchor-log.
    """
    registering = Registering(bundle=Bundle.open(file), number=seal)
    if request_out is not None and response_in is None:
        if output is not None or in_place or anchor_log:
            raise UsageError("the bundle is written when the receipt is here", hint="--response-in FILE")
        refuse_existing(request_out, force=force)
        write_atomic(request_out, [registering.entry()], force=force)
        say(f"{request_out}: have a log register it as it is; then --response-in with its receipt")
        return Exit.PASSED
    if request_out is not None or response_in is None:
        raise UsageError("say what is to be done", hint="--request-out FILE, then --response-in FILE")
    if (output is None) != in_place:
        raise UsageError("say where to write the bundle with the receipt", hint="-o FILE, or --in-place")
    target = output or file
    refuse_existing(target, force=force or in_place)
    anchors = [der for path in anchor_log or () for der in reading.log_keys(path)]
    made = registering.registered(given_file.read_answer(response_in), anchors=anchors)
    if not anchors:
        note = "note: without --anchor-log nothing shows that the receipt is of this seal"
        print(note, file=sys.stderr)
    write_atomic(target, made.chunks(), force=force or in_place)
    say(f"{target}: receipt added to seal {seal}")
    return Exit.PASSED
