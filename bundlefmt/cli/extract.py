# SPDX-License-Identifier: Apache-2.0
"""The verb extract: artifacts, byte for byte as they were made."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Annotated

import typer

from bundlefmt import labels
from bundlefmt.bundle import Bundle
from bundlefmt.cli.arguments import FileArgument
from bundlefmt.cli.files import write_atomic, write_stdout, write_tree
from bundlefmt.cli.run import Exit, UsageError, warn
from bundlefmt.errors import MalformedError
from bundlefmt.evidence.attest import TpmsAttest
from bundlefmt.evidence.attested import TpmsQuoteInfo
from bundlefmt.evidence.pcr import decode_pcr_values
from bundlefmt.render.tpm2_tools import pcr_file
from bundlefmt.renewal import Stamp
from bundlefmt.wire import Buffer


def extract(
    file: FileArgument,
    label: Annotated[str | None, typer.Argument(help="The item to take out.")] = None,
    manifest: Annotated[bool, typer.Option("--manifest", help="The manifest's bytes, as sealed.")] = False,
    seal: Annotated[int | None, typer.Option(metavar="N", min=1, help="The N-th seal.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Everything, into the new directory given by -o.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Where to write; default: standard output.")
    ] = None,
    tpm2_tools: Annotated[
        bool, typer.Option("--tpm2-tools", help="LABEL, PCR values, as a file for tpm2_checkquote -f.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output file.")] = False,
) -> int:
    """Take artifacts out, byte for byte as they were made."""
    if (label is not None) + manifest + (seal is not None) + everything != 1:
        raise UsageError("say what to extract: LABEL, --manifest, --seal N or --all")
    if tpm2_tools and label is None:
        raise UsageError("--tpm2-tools goes with LABEL, an item of role pcr-values")
    if everything and output is None:
        raise UsageError("--all needs a directory", hint="-o DIRECTORY")
    bundle = Bundle.open(file)
    if everything and output is not None:
        write_tree(output, _tree(bundle))
        return Exit.PASSED
    data = _one(bundle, label, seal)
    if tpm2_tools and label is not None:
        data = _pcr_file(bundle, label, data)
    if output is None and sys.stdout.isatty():
        raise UsageError("an artifact's bytes are not for a terminal", hint="-o FILE, or a pipe")
    if output is None:
        write_stdout(data)
    else:
        write_atomic(output, [data], force=force)
    return Exit.PASSED


def _one(bundle: Bundle, label: str | None, seal: int | None) -> Buffer:
    if seal is not None:
        if seal > len(bundle.seals):
            raise UsageError(f"there is no seal {seal}", hint=f"the bundle has {len(bundle.seals)}")
        return bundle.seals[seal - 1].value
    if label is None:
        return bundle.manifest_raw
    if label not in bundle.content:
        known = label in bundle.manifest.items
        raise UsageError(
            f"{label} is withheld or detached: not in this file" if known else f"there is no item {label}",
            hint="bundle inspect lists the items",
        )
    if not bundle.manifest.items[label].digest.matches(bundle.content[label].value):
        warn(f"{label} does not have the digest that was sealed")
    return bundle.content[label].value


def _pcr_file(bundle: Bundle, label: str, data: Buffer) -> bytes:
    """PCR values in the order of their quote, for tpm2-tools."""
    item = bundle.manifest.items[label]
    if item.role != "pcr-values":
        raise UsageError("--tpm2-tools goes with an item of role pcr-values")
    quotes = item.ref("quoted-by")
    if not quotes:
        raise UsageError(f"{label} does not say which quote it belongs to")
    quote = TpmsAttest.decode(_one(bundle, quotes[0], None)).attested
    if not isinstance(quote, TpmsQuoteInfo):
        raise UsageError(f"what {label} refers to is not a quote")
    try:
        return pcr_file(quote.pcr_select, decode_pcr_values(data))
    except KeyError:
        raise UsageError(f"{label} lacks values that are quoted") from None


def _tree(bundle: Bundle) -> dict[str, Buffer]:
    """Relative file names and contents of everything in a bundle; labels are safe file names."""
    files: dict[str, Buffer] = {"manifest.cbor": bundle.manifest_raw}
    for label in bundle.content:
        files[f"items/{label}"] = _one(bundle, label, None)
    for number, seal in enumerate(bundle.seals, 1):
        ending = {labels.SEAL_COSE: "cose", labels.SEAL_OPENPGP: "sig"}.get(seal.type, "seal")
        files[f"seals/{number}.{ending}"] = seal.value
        if seal.key is not None:
            files[f"seals/{number}.key"] = seal.key
    for number, renewal in enumerate(bundle.renewals, 1):
        files[f"renewals/{number}.cbor"] = renewal.raw
        with contextlib.suppress(MalformedError):
            stamp = Stamp.decode(renewal.raw)
            files[f"renewals/{number}.covers"] = stamp.covers
            files[f"renewals/{number}.{'tst' if stamp.type == labels.TYPE_TIMESTAMP else 'proof'}"] = (
                stamp.proof
            )
    return files
