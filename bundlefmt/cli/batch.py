# SPDX-License-Identifier: Apache-2.0
"""The verbs below batch: many bundles judged, and the history of machines that their results tell."""

from __future__ import annotations

from typing import Final

import typer

from bundlefmt.cli.batch_history import history
from bundlefmt.cli.batch_verify import verify

app: Final = typer.Typer(
    name="batch",
    help="Judge many bundles; tell the history of machines.",
    add_completion=False,
    rich_markup_mode=None,
)
app.command()(verify)
app.command()(history)
