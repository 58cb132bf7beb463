# SPDX-License-Identifier: Apache-2.0
"""The verb batch verify: a line of results for each of many bundles, whatever is wrong with one of them."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from bundlefmt.cli.arguments import JobsOption, PlacesArgument
from bundlefmt.cli.files import refuse_existing, write_atomic
from bundlefmt.cli.judging import Terms, terms, with_arguments_of
from bundlefmt.cli.run import Exit, UsageError, say
from bundlefmt.many import engine, parquet, places, results
from bundlefmt.many.extra import MissingExtraError
from bundlefmt.many.results import Results
from bundlefmt.many.run import run
from bundlefmt.many.work import Done, Task
from bundlefmt.many.work import Terms as Judging
from bundlefmt.render import result
from bundlefmt.render.words import plural

PARQUET: Final = ".parquet"
CODES: Final = {
    "FAILED": Exit.FAILED,
    "malformed": Exit.MALFORMED,
    "unread": Exit.DEVICE,
    "INDETERMINATE": Exit.INDETERMINATE,
    "PASSED": Exit.PASSED,
}


@with_arguments_of(terms)
def verify(
    under: Terms,
    where: PlacesArgument,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Write results here, not to standard output; also *.parquet.",
        ),
    ] = None,
    parquet_file: Annotated[
        Path | None, typer.Option("--parquet", metavar="FILE", help="Write the results as Parquet too.")
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with -o: the same file under the same policy is skipped, unless it has timestamps.",
        ),
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output files.")] = False,
    jobs: JobsOption = None,
    engine_name: Annotated[
        str, typer.Option("--engine", metavar="NAME", help=f"Who judges: {', '.join(engine.ENGINES)}.")
    ] = "local",
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Of Dask or Ray that runs elsewhere; default: started here."),
    ] = None,
) -> int:
    """Judge many bundles: a line of JSON for each, also for what cannot be judged.

    Exit code: 1 if one failed, else 4 if one is malformed, else 5 if one could not be read, else 3 if one is
    indeterminate, else 0.
    """
    if engine_name not in engine.ENGINES:
        raise UsageError(f"there is no engine {engine_name!r}", hint=f"one of {', '.join(engine.ENGINES)}")
    if scheduler is not None and engine_name == "local":
        raise UsageError("--scheduler is for --engine dask or ray")
    if output is not None and output.suffix == PARQUET:
        if parquet_file is not None:
            raise UsageError("-o and --parquet both name Parquet files")
        output, parquet_file = None, output
    if resume and output is None:
        raise UsageError("--resume goes on with a file of lines", hint="-o results.ndjson")
    judging = Judging.of(under.policy, under.present)
    count = len(os.sched_getaffinity(0)) if jobs is None else jobs
    with extras(), tempfile.TemporaryDirectory(prefix="bundle-batch-") as folder:
        if parquet_file is not None:
            parquet.require()
            refuse_existing(parquet_file, force=force)
        lines = Path(folder) / "lines" if output is None and parquet_file is not None else output
        found = places.places(where)
        with _results(lines, judging, resume=resume, force=force) as kept:
            tasks = (Task(place, kept.known(place.name)) for place in found)
            with engine.started(engine_name, judging, count, scheduler) as judges:
                each = run(judges, judging, tasks)
                # a bar and lines do not share a terminal
                with_bar = sys.stderr.isatty() and not (lines is None and sys.stdout.isatty())
                for done in _watched(each, where) if with_bar else each:
                    kept.take(done)
        if parquet_file is not None and lines is not None:
            _write_parquet(parquet_file, lines, Path(folder) / "columns", force=force)
    if lines is not None:
        _tell(kept, [each for each in (output, parquet_file) if each is not None])
    return next((CODES[word] for word in result.WORST_FIRST if kept.counts[word]), Exit.PASSED)


@contextmanager
def extras() -> Iterator[None]:
    """A library that is missing is a mistake of usage, with what to do."""
    try:
        yield
    except MissingExtraError as error:
        raise UsageError(str(error), hint=f"pip install 'evidence-bundle[{error.extra}]'") from None


@contextmanager
def _results(output: Path | None, judging: Judging, *, resume: bool, force: bool) -> Iterator[Results]:
    if output is None:
        yield Results(sys.stdout.buffer, {})
        return
    if not resume:
        refuse_existing(output, force=force)
    with results.appended(output, judging.digest, anew=not resume) as found:
        yield found


def _watched(each: Iterator[Done], where: Sequence[str]) -> Iterator[Done]:
    """With a bar, for a person who looks on. What is on this machine is counted first."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    local = all(not places.is_url(one) for one in where)
    total = sum(1 for _ in places.places(where)) if local else None
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield from bar.track(each, total=total, description="judging")


def _write_parquet(path: Path, lines: Path, columns: Path, *, force: bool) -> None:
    parquet.write(columns, results.lines(lines))
    with columns.open("rb") as file:
        write_atomic(path, iter(lambda: file.read(2**20), b""), force=force)


def _tell(kept: Results, written: Sequence[Path]) -> None:
    told = ", ".join(f"{kept.counts[word]} {word}" for word in result.WORST_FIRST if kept.counts[word])
    skipped = f"; {kept.skipped} skipped, as they were" if kept.skipped else ""
    say(f"{' and '.join(map(str, written))}: {plural(kept.counts.total(), 'bundle')}: {told}{skipped}")
