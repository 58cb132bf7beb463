# SPDX-License-Identifier: Apache-2.0
"""Arguments and options that several verbs share, and the one way they print JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bundlefmt.render.words import json_text

FileArgument = Annotated[Path, typer.Argument(help="An evidence bundle.", metavar="FILE")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, as documented in the specification.")]


def print_json(value: object) -> None:
    print(json_text(value))
