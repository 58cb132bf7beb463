# SPDX-License-Identifier: Apache-2.0
"""The verb reference: the PCR values of a bundle as a list that later bundles are verified against."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from bundlefmt.bundle import Bundle
from bundlefmt.cli import reading
from bundlefmt.cli.arguments import FileArgument
from bundlefmt.cli.files import write_atomic
from bundlefmt.cli.run import Exit, UsageError
from bundlefmt.evidence.reference import encode_reference


def reference(
    file: FileArgument,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The TOML file to write; default: standard output.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output file.")] = False,
) -> int:
    """Write a bundle's PCR values as reference values. Verify it first; strike out what may change."""
    found = reading.quoted(Bundle.open(file), file.name)
    if not found.pcrs:
        raise UsageError("there are no PCR values in this bundle")
    text = encode_reference(found.pcrs)
    if output is None:
        sys.stdout.write(text)
    else:
        write_atomic(output, [text.encode()], force=force)
    return Exit.PASSED
