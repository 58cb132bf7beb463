# SPDX-License-Identifier: Apache-2.0
"""The verb report: a bundle judged as `verify` judges it, written down as a page for people."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from bundlefmt.cli.files import write_atomic
from bundlefmt.cli.judging import Judged, judging
from bundlefmt.cli.run import say
from bundlefmt.render.case import Case
from bundlefmt.render.explanation import sections
from bundlefmt.render.html_page import page


@judging
def report(
    judged: Judged,
    output: Annotated[Path, typer.Option("-o", "--output", help="The HTML file to write.")],
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output file.")] = False,
) -> int:
    """Judge a bundle and write a report: one HTML file for people that needs nothing else."""
    texts = sections((files("bundlefmt") / "spec" / "checks.md").read_text(encoding="utf-8"))
    case = Case(bundle=judged.bundle, report=judged.report, texts=texts, trust=judged.trust_json)
    write_atomic(output, [page(case).encode()], force=force)
    say(f"{output}: verdict {judged.report.verdict}")
    return judged.code
