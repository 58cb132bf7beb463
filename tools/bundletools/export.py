# SPDX-License-Identifier: Apache-2.0
"""The verb export: a bundle as an archive of native files for stock tools, with a script that checks them."""

from __future__ import annotations

import hashlib
from importlib.resources import files as resources
from pathlib import Path
from typing import Annotated

import typer

from bundlefmt.bundle import Bundle
from bundlefmt.cli.arguments import FileArgument
from bundlefmt.cli.files import refuse_existing, write_atomic
from bundlefmt.cli.run import Exit, say, warn
from bundletools import exporting, tarball


def script() -> bytes:
    """verify.sh, the same in every export."""
    return (resources("bundletools") / exporting.SCRIPT).read_bytes()


def export(
    file: FileArgument,
    output: Annotated[Path, typer.Option("-o", "--output", help="The .tar.gz to write.")],
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output file.")] = False,
) -> int:
    """Write a .tar.gz of native files for gpg, openssl and tpm2-tools, and a script that checks them."""
    refuse_existing(output, force=force)
    bundle = Bundle.open(file)
    top = f"evidence-{hashlib.sha256(bundle.manifest_raw).hexdigest()[:12]}"
    found = {f"{top}/{name}": data for name, data in exporting.files(bundle, script()).items()}
    for label, record in sorted(bundle.content.items()):
        if not bundle.manifest.items[label].digest.matches(record.value):
            warn(f"{label} does not have the digest that was sealed")
    archive = tarball.write(found, mtime=bundle.manifest.created, executable=[f"{top}/{exporting.SCRIPT}"])
    write_atomic(output, archive, force=force)
    say(f"{output}: {len(found)} files in {top}/; {exporting.README} there says what each is")
    return Exit.PASSED
