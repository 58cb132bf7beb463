# SPDX-License-Identifier: Apache-2.0
"""Arguments and options that several verbs share, and the one way they print JSON."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from bundlefmt.render.words import json_pieces

FileArgument = Annotated[Path, typer.Argument(help="An evidence bundle.", metavar="FILE")]
AnchorOption = Annotated[
    list[Path] | None,
    typer.Option(metavar="FILE", help="TPM manufacturer's certificates, PEM or DER. Repeatable."),
]
AnchorPivOption = Annotated[
    list[Path] | None,
    typer.Option(metavar="FILE", help="Authorities above people's certificates. Repeatable."),
]
AnchorHardwareOption = Annotated[
    list[Path] | None,
    typer.Option(metavar="FILE", help="Certificates of makers of security keys. Repeatable."),
]
AnchorTimeOption = Annotated[
    list[Path] | None,
    typer.Option(metavar="FILE", help="Authorities whose timestamps you believe. Repeatable."),
]
AnchorLogOption = Annotated[
    list[Path] | None,
    typer.Option(metavar="FILE", help="Logs whose receipts you believe: certificate or key. Repeatable."),
]
PinBlockOption = Annotated[
    list[str] | None,
    typer.Option(metavar="HASH", help="Block of Bitcoin that you know to be in the chain. Repeatable."),
]
TrustOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Whom and what you know; default: the file of `bundle trust`."),
]
NoTrustOption = Annotated[bool, typer.Option("--no-trust", help="Know nothing but what the options say.")]
PlacesArgument = Annotated[
    list[str],
    typer.Argument(metavar="PLACE...", help="Folders (all .evb files below), patterns, files, URLs."),
]
JobsOption = Annotated[
    int | None, typer.Option(min=1, max=1024, help="Processes that judge; default: one for each CPU.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, as documented in the specification.")]


def print_json(value: object) -> None:
    """An array may be an iterator: what is long need not be in memory."""
    sys.stdout.writelines(json_pieces(value))
    print()
