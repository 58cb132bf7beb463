# SPDX-License-Identifier: Apache-2.0
"""The verb import: an export, or the files of a ceremony by hand, as a bundle."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated, Final

import typer

from bundlefmt.bundle import Bundle
from bundlefmt.cli import given_file
from bundlefmt.cli.files import refuse_existing, write_atomic
from bundlefmt.cli.run import Exit, UsageError, say, warn
from bundlefmt.render.words import plural, safe
from bundletools import importing, tarball
from bundletools.mapping import MappingError, Plan
from bundletools.planning import propose

MAX_MAPPING: Final = 2**22  # bytes of a mapping file; a manifest's limit


def bring(
    source: Annotated[
        Path, typer.Argument(metavar="DIR|TAR.GZ", help="An export, or a directory or archive of artifacts.")
    ],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="The bundle to write.")] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Print the mapping that would be used, as TOML to be edited.")
    ] = False,
    mapping: Annotated[
        Path | None,
        typer.Option("--map", metavar="FILE", help="The mapping to use: label, file, role, refs."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output file.")] = False,
) -> int:
    """Make a bundle of an export, or of files of tpm2-tools, gpg and openssl from a ceremony by hand."""
    if (output is None) != plan:
        raise UsageError("say what to do", hint="-o FILE writes the bundle, --plan prints the mapping")
    if output is not None:
        refuse_existing(output, force=force)
    files = _files(source)
    if not files:
        raise UsageError(f"{source} has no files")
    if mapping is None and importing.is_export(files):
        if plan:
            raise UsageError("this is an export: its manifest says what every file is")
        return _again(files, output or source, force=force)
    try:
        used = propose(files, now=int(time.time())) if mapping is None else _mapping(mapping)
        if plan:
            sys.stdout.write(used.encode())
            return Exit.PASSED
        return _made(importing.assemble(used, files), used, output or source, force=force)
    except MappingError as error:
        raise UsageError(str(error), hint="bundle import --plan shows what was recognised") from None


def _files(source: Path) -> importing.Files:
    if not source.is_dir():
        return importing.rooted(tarball.read(source))
    found, passed = tarball.read_directory(source)
    for each in passed:
        warn(f"passed over: {each}")
    return importing.rooted(found)


def _mapping(path: Path) -> Plan:
    data = given_file.read(path)
    if len(data) > MAX_MAPPING:
        raise UsageError(f"{path} is too large for a mapping")
    try:
        return Plan.decode(data.decode())
    except (MappingError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {error}", hint="bundle import --plan prints one") from None


def _again(files: importing.Files, output: Path, *, force: bool) -> int:
    try:
        bundle, strangers = importing.reassemble(files)
    except MappingError as error:
        raise UsageError(str(error)) from None
    for name in strangers:
        warn(f"{name} is no artifact of this manifest")
    write_atomic(output, bundle.chunks(), force=force)
    absent = len(bundle.manifest.items) - len(bundle.content)
    without = f", {absent} absent" if absent else ""
    renewals = f", {plural(len(bundle.renewals), 'renewal')}" if bundle.renewals else ""
    parts = f"{plural(len(bundle.content), 'item')}{without}, {plural(len(bundle.seals), 'seal')}{renewals}"
    say(f"{output}: {parts}, as they were exported")
    return Exit.PASSED


def _made(bundle: Bundle, plan: Plan, output: Path, *, force: bool) -> int:
    write_atomic(output, bundle.chunks(), force=force)
    for name, why in sorted(plan.left_out.items()):
        print(f"note: left out {safe(name)}: {safe(why)}", file=sys.stderr)
    wanted = ", ".join(signer.item for signer in bundle.manifest.signers)
    say(f"{output}: {len(bundle.content)} items imported; to be sealed by {wanted}")
    print("note: bound to the nonce only: bundle verify --allow nonce-binding", file=sys.stderr)
    return Exit.PASSED
