# SPDX-License-Identifier: Apache-2.0
"""The verb explain: what a check asks, why, and how it can fail, in the specification's own words."""

from __future__ import annotations

import difflib
from importlib.resources import files
from typing import Annotated

import typer

from bundlefmt.cli.run import Exit, UsageError
from bundlefmt.render.explanation import explanation, sections


def explain(
    check: Annotated[str | None, typer.Argument(help="A check's id; without it all are listed.")] = None,
) -> int:
    """Say what a check asks, why, and how it can fail: the text of the specification."""
    known = sections((files("bundlefmt") / "spec" / "checks.md").read_text(encoding="utf-8"))
    if check is None:
        for name in known:
            print(name)
        return Exit.PASSED
    if check not in known:
        near = difflib.get_close_matches(check, known, n=1)
        raise UsageError(
            f"there is no check {check!r}",
            hint=f"bundle explain {near[0]}" if near else "bundle explain lists the checks",
        )
    for line in explanation(check, known[check]):
        print(line)
    return Exit.PASSED
