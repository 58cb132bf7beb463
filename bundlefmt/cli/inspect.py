# SPDX-License-Identifier: Apache-2.0
"""The verb inspect: what is in a bundle, as far as it can be read."""

from __future__ import annotations

from typing import Annotated

import typer

from bundlefmt.bundle import Bundle, map_file, scan_file
from bundlefmt.cli.arguments import FileArgument, JsonOption, print_json
from bundlefmt.cli.run import Exit, UsageError, complain
from bundlefmt.errors import MalformedError
from bundlefmt.render import diag, inspection, text
from bundlefmt.wire import Buffer


def inspect(
    file: FileArgument,
    as_json: JsonOption = False,
    as_diag: Annotated[
        bool, typer.Option("--diag", help="Print CBOR diagnostic notation; long byte strings are cut.")
    ] = False,
    full: Annotated[bool, typer.Option("--full", help="With --diag: do not cut byte strings.")] = False,
) -> int:
    """Show what is in a bundle. Nothing is judged; malformed files are shown as far as they can be read."""
    if as_json and as_diag:
        raise UsageError("--json and --diag exclude each other")
    if full and not as_diag:
        raise UsageError("--full goes with --diag")
    data = map_file(file)
    try:
        bundle = Bundle.decode(data)
    except MalformedError as error:
        return _inspect_malformed(data, error, as_json=as_json, as_diag=as_diag)
    if as_diag:
        print(diag.notation(scan_file(data), limit=None if full else 32))
    elif as_json:
        print_json(inspection.inspection(bundle))
    else:
        for line in text.tree(inspection.inspection(bundle)):
            print(line)
    return Exit.PASSED


def _inspect_malformed(data: Buffer, error: MalformedError, *, as_json: bool, as_diag: bool) -> int:
    shown = inspection.malformed(data, error)
    if as_json:
        print_json(shown)
    else:
        root = inspection.readable(data)
        if as_diag and root is not None:
            print(diag.notation(root))
        for line in text.outline(shown):
            print(line)
    complain(str(error))
    return Exit.MALFORMED
