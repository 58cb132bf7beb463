# SPDX-License-Identifier: Apache-2.0
"""The verb batch history: what happened to machines over time, as results of their snapshots tell it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from bundlefmt.cli.arguments import JsonOption, print_json
from bundlefmt.cli.batch_verify import PARQUET, extras
from bundlefmt.cli.files import refuse_existing, write_atomic
from bundlefmt.cli.run import Exit, UsageError, say
from bundlefmt.many import parquet, places, results
from bundlefmt.many.engine import Here
from bundlefmt.many.run import run
from bundlefmt.many.work import Task, Terms
from bundlefmt.render.history import history as told_by
from bundlefmt.render.history_text import history_json, history_lines
from bundlefmt.render.html_history import history_page
from bundlefmt.render.result_reading import decode
from bundlefmt.render.words import plural

_INTERVAL: Final = re.compile(r"([0-9]{1,9})([smhd])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def history(
    where: Annotated[
        list[str],
        typer.Argument(
            metavar="RESULTS|PLACE...", help="Results of batch verify (lines, Parquet), or bundles as there."
        ),
    ],
    interval: Annotated[
        str, typer.Option(metavar="TIME", help="A snapshot may be so much later than the last: 36h, 8d.")
    ] = "36h",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE.html", help="Write a page with timelines.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output file.")] = False,
    as_json: JsonOption = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Show every snapshot.")] = False,
) -> int:
    """Tell the history of machines: missing snapshots, gaps, forks, boots, changes of PCRs.

    Bundles that were not judged are told as they state. Exit code: 1 if a history has a fault, else 0.
    """
    seconds = _duration(interval)
    if output is not None:
        refuse_existing(output, force=force)
    with extras():
        found = told_by(chain.from_iterable(map(_lines, where)), seconds)
    if output is not None:
        write_atomic(output, [history_page(found).encode()], force=force)
    if as_json:
        print_json(history_json(found))
    elif output is not None:
        say(f"{output}: {plural(len(found.platforms), 'machine')}, {plural(found.faults, 'fault')}")
    else:
        for line in history_lines(found, verbose=verbose):
            print(line)
    return Exit.FAILED if found.faults else Exit.PASSED


def _duration(text: str) -> int:
    found = _INTERVAL.fullmatch(text)
    if found is None:
        raise UsageError(f"{text!r} is no time between snapshots", hint="36h, 8d, 90m")
    return int(found[1]) * _SECONDS[found[2]]


def _lines(argument: str) -> Iterator[dict[str, Any]]:
    """Of results as they are; of bundles what they state, judged by nobody."""
    path = Path(argument)
    if path.is_file() and path.suffix == PARQUET:
        return parquet.read(path)
    if path.is_file() and path.suffix != places.SUFFIX:
        return results.lines(path)
    return _stated(places.places([argument]))


def _stated(found: Iterator[places.Place]) -> Iterator[dict[str, Any]]:
    terms = Terms.of(None)
    for done in run(Here(terms), terms, map(Task, found)):
        if done.line is not None:
            yield decode(done.line)
