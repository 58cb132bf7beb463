# SPDX-License-Identifier: Apache-2.0
"""The command line's verbs on existing files: inspect, verify, extract."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from bundlefmt import labels
from bundlefmt.bundle import Bundle, map_file, scan_file
from bundlefmt.cli.arguments import FileArgument, JsonOption, print_json
from bundlefmt.cli.diff import diff
from bundlefmt.cli.explain import explain
from bundlefmt.cli.files import write_atomic, write_stdout, write_tree
from bundlefmt.cli.log import log
from bundlefmt.cli.redact import redact
from bundlefmt.cli.reference import reference
from bundlefmt.cli.run import Exit, UsageError, complain, warn
from bundlefmt.cli.verify import verify
from bundlefmt.errors import MalformedError
from bundlefmt.evidence.attest import TpmsAttest
from bundlefmt.evidence.attested import TpmsQuoteInfo
from bundlefmt.evidence.pcr import decode_pcr_values
from bundlefmt.render import diag, inspection, text
from bundlefmt.render.tpm2_tools import pcr_file
from bundlefmt.wire import Buffer

app = typer.Typer(
    name="bundle",
    help="Evidence bundles (.evb): TPM evidence of a key ceremony, sealed by its keys.",
    epilog="Exit codes: 0 passed, 1 failed, 2 usage, 3 indeterminate, 4 malformed input, 5 device or I/O.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command()(verify)
app.command()(explain)
app.command()(log)
app.command()(diff)
app.command()(reference)
app.command()(redact)


@app.command()
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


@app.command()
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
    return files
