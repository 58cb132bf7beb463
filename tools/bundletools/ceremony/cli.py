# SPDX-License-Identifier: Apache-2.0
"""`bundle ceremony`: write a plan, look at what it does, walk along it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Final

import typer

from bundlefmt.cli.files import refuse_existing, write_atomic
from bundlefmt.cli.run import Exit, say
from bundlefmt.render.words import safe
from bundlefmt.verify import Outcome
from bundletools.ceremony.desk import Desk, TerminalOperator
from bundletools.ceremony.journal import open_journal
from bundletools.ceremony.plan import TEMPLATE, Plan
from bundletools.ceremony.steps import left_out, publish, steps, walk
from bundletools.tpm_options import tpm_of

app: Final = typer.Typer(
    name="ceremony",
    help="Hold a whole key ceremony along a plan; it can be broken off and resumed.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
def plan(
    output: Annotated[Path, typer.Option("-o", "--output", help="The plan to write.")],
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output file.")] = False,
) -> int:
    """Write a plan to be filled in: TOML, with every choice explained."""
    refuse_existing(output, force=force)
    write_atomic(output, [TEMPLATE.encode()], force=force)
    say(f"{output}: fill it in; `bundle ceremony run {output} --dry-run` shows what it does")
    return Exit.PASSED


@app.command("run")
def run_(
    plan: Annotated[Path, typer.Argument(metavar="PLAN", help="The plan, TOML.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print every action with its device and its risk; do nothing.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the bundle at the end.")] = False,
) -> int:
    """Do what the plan says, step by step. Run again after a failure, it goes on where it stopped."""
    planned = Plan.open(plan)
    if dry_run:
        for number, step in enumerate(steps(planned), 1):
            print(safe(f"{number:2} {step.id}: {step.action}"))
            print(safe(f"     device: {step.device}"))
            print(safe(f"     risk:   {step.risk}"))
        for line in left_out(planned):
            print(safe(f" - {line}"))
        return Exit.PASSED
    refuse_existing(planned.output, force=force)
    with open_journal(planned.folder, planned.digest) as journal:
        desk = Desk(
            plan=planned,
            journal=journal,
            operator=TerminalOperator(),
            open_tpm=lambda tcti: tpm_of(tcti, None),
        )
        walk(desk, say)
        for line in left_out(planned):
            say(line)
        written, report = publish(desk, force=force)
    wrong = [each for each in report.findings if each.outcome is Outcome.FAILED]
    for finding in wrong:
        print(safe(f"{finding.check}: {finding.message}"))
    found = "a fault was found" if wrong else "no fault is found in it by its own identities"
    say(f"{os.fspath(written)}: written; {found}")
    return Exit.FAILED if wrong else Exit.PASSED
