# SPDX-License-Identifier: Apache-2.0
"""The verb attach: what the format lets be added without breaking a seal, once it is known to fit.

Spec: "Container", "Seals".
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from bundlefmt import labels
from bundlefmt.bundle import Bundle, map_file
from bundlefmt.cli import given_file, reading
from bundlefmt.cli.arguments import FileArgument
from bundlefmt.cli.files import refuse_existing, write_atomic
from bundlefmt.cli.run import Exit, UsageError, say
from bundlefmt.errors import EncodeError, MalformedError
from bundlefmt.evidence import openpgp
from bundletools import sealing
from bundletools.renewing import RenewalError, with_renewal

_ARMOR: Final = b"-----BEGIN PGP"


def attach(
    file: FileArgument,
    item: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LABEL=FILE", help="A withheld artifact: it must have the sealed digest. Repeatable."
        ),
    ] = None,
    seal: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="A seal made elsewhere: COSE, or a binary detached OpenPGP signature. Repeatable.",
        ),
    ] = None,
    cert: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="Certificate of a sealer whom the manifest does not name. Repeatable."
        ),
    ] = None,
    renewal: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="A renewal made elsewhere: it must cover all that is here. Repeatable."
        ),
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="The bundle with it.")] = None,
    in_place: Annotated[bool, typer.Option("--in-place", help="Replace FILE by the bundle with it.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output file.")] = False,
) -> int:
    """Add withheld artifacts, and seals and renewals made elsewhere. What does not fit is refused."""
    if (output is None) != in_place:
        raise UsageError("say where to write the bundle", hint="-o FILE, or --in-place")
    if not item and not seal and not renewal:
        raise UsageError("say what to attach", hint="--item LABEL=FILE, --seal FILE or --renewal FILE")
    if cert and not seal:
        raise UsageError("--cert goes with --seal")
    target = output or file
    refuse_existing(target, force=force or in_place)
    bundle, done = Bundle.open(file), []
    for each in item or ():
        label, equals, name = each.partition("=")
        if not equals or not name:
            raise UsageError(f"{each!r} does not say which file is which item", hint="--item LABEL=FILE")
        bundle = with_item(bundle, label, Path(name))
        done.append(label)
    certificates = [_certificate(path) for path in cert or ()]
    for path in seal or ():
        bundle = with_seal(bundle, path, certificates)
        named = "" if bundle.seals[-1].key is None else ", of a later witness"
        done.append(f"seal {len(bundle.seals)}{named}")
    for path in renewal or ():
        try:
            bundle = with_renewal(bundle, given_file.read(path))
        except RenewalError as error:
            raise UsageError(f"{path} is no renewal of this bundle: {error}") from None
        done.append(f"renewal {len(bundle.renewals)}")
    write_atomic(target, bundle.chunks(), force=force or in_place)
    say(f"{target}: attached {', '.join(done)}")
    return Exit.PASSED


def with_item(bundle: Bundle, label: str, path: Path) -> Bundle:
    """The bundle with the artifact in `path`. Raises UsageError where it is not wanted there."""
    item = bundle.manifest.items.get(label)
    if item is None:
        raise UsageError(
            f"the manifest names no item {label}: only what was sealed can be attached",
            hint="bundle inspect lists the items",
        )
    present = bundle.content.get(label)
    if present is not None and item.digest.matches(present.value):
        raise UsageError(f"{label} is in the file already")
    data = map_file(path)
    try:
        attached = bundle.with_artifact(label, data)
    except EncodeError as error:
        raise UsageError(
            f"{path} is not {label}: {error}", hint="the file must be byte for byte what was sealed"
        ) from None
    if item.detached:
        raise UsageError(
            f"{path} is {label}, but the manifest declares it detached: in the file it would be a fault",
            hint="keep it beside the bundle; its digest is the one that was sealed",
        )
    return attached


def with_seal(bundle: Bundle, path: Path, certificates: Sequence[bytes]) -> Bundle:
    """The bundle with the seal in `path`, once it holds. Raises UsageError, SealError.

    `certificates` are those of later witnesses: one is carried along if the seal is by its key.
    """
    data = given_file.read(path)
    if data.startswith(_ARMOR):
        raise UsageError(f"{path} is armored", hint=f"gpg --dearmor < {path} writes the binary form")
    if any(seal.value == data for seal in bundle.seals):
        raise UsageError(f"the seal in {path} is in the file already")
    if data[:1] == bytes([0xC0 | labels.TAG_COSE_SIGN1]):
        return sealing.attach_cose(bundle, data, certificates)
    try:
        openpgp.signature_facts(data)
    except (openpgp.OpenPgpError, MalformedError) as error:
        raise UsageError(f"{path} is neither a COSE nor a binary OpenPGP signature: {error}") from None
    return sealing.seal_openpgp(bundle, data, certificates)


def _certificate(path: Path) -> bytes:
    """A later witness's certificate: binary OpenPGP, or X.509 in PEM or DER. Raises UsageError."""
    data = given_file.read(path)
    try:
        openpgp.certificate_facts(data)
    except (openpgp.OpenPgpError, MalformedError):
        return reading.certificate(path)
    return data
