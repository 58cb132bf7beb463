# SPDX-License-Identifier: Apache-2.0
"""The verb diff: two snapshots side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bundlefmt.bundle import Bundle
from bundlefmt.cli.arguments import JsonOption, print_json
from bundlefmt.cli.run import Exit, say, warn
from bundlefmt.render import comparison


def diff(
    left: Annotated[Path, typer.Argument(help="A snapshot.", metavar="A")],
    right: Annotated[Path, typer.Argument(help="Another snapshot.", metavar="B")],
    as_json: JsonOption = False,
) -> int:
    """Show what differs between two snapshots, and the first event behind each change. Exit code 0 or 1."""
    shown = comparison.comparison(Bundle.open(left), Bundle.open(right))
    for path, side in ((left, "left"), (right, "right")):
        for label in comparison.altered(shown, side):
            warn(f"{path}: {label} does not have the digest that was sealed")
    if as_json:
        print_json(shown)
    else:
        for line in comparison.lines(shown):
            say(line)
    return Exit.PASSED if shown["same"] else Exit.FAILED
