# SPDX-License-Identifier: Apache-2.0
"""`bundle seal`: a signature by one of the ceremony's keys, wherever it is kept."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from bundlefmt import labels
from bundlefmt.bundle import Bundle
from bundlefmt.cli import reading
from bundlefmt.cli.arguments import FileArgument
from bundlefmt.cli.files import refuse_existing, write_atomic
from bundlefmt.cli.run import Exit, UsageError, say
from bundlefmt.cose import KeySigner
from bundletools import gnupg, keyfiles, sealing, signers
from bundletools.renew_cli import ask
from bundletools.seal_stamping import SealStamping


def seal(
    file: FileArgument,
    using: Annotated[
        str,
        typer.Option(
            "--with", metavar="SIGNER", help=f"gpg:KEY, {signers.USAGE}, or file:KEY.pem with --cert."
        ),
    ],
    cert: Annotated[
        Path | None, typer.Option(metavar="FILE", help="X.509 certificate of the key in file:.")
    ] = None,
    timestamp: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Have an authority of time at URL stamp the new COSE seal."),
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="The sealed bundle.")] = None,
    in_place: Annotated[bool, typer.Option("--in-place", help="Replace FILE by the sealed bundle.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output file.")] = False,
) -> int:
    """Sign the manifest and add the signature as a seal. Seals never disturb each other."""
    if (output is None) != in_place:
        raise UsageError("say where to write the sealed bundle", hint="-o FILE, or --in-place")
    kind, _, name = using.partition(":")
    if kind not in ("gpg", "file", *signers.BY_KIND) or (not name and kind != "yubikey"):
        raise UsageError(
            f"{using!r} is no signer", hint=f"gpg:KEY, {signers.USAGE}, or file:KEY.pem with --cert"
        )
    if cert is not None and kind != "file":
        raise UsageError("--cert goes with file:")
    if timestamp is not None and kind == "gpg":
        raise UsageError("an OpenPGP seal has no place for a timestamp", hint="bundle timestamp covers it")
    target = output or file
    refuse_existing(target, force=force or in_place)
    bundle = Bundle.open(file)
    if kind == "gpg":
        sealed = sealing.seal_openpgp(bundle, gnupg.sign(name, bundle.manifest_raw), [gnupg.export(name)])
    elif kind in signers.BY_KIND:
        sealed = signers.seal(bundle, kind, name)
    else:
        if cert is None:
            raise UsageError("file: needs the key's certificate", hint="--cert CERT.pem")
        signer = KeySigner(keyfiles.private_key(Path(name)))
        sealed = sealing.seal_cose(bundle, signer, reading.certificate(cert), issued_at=int(time.time()))
    if timestamp is not None:
        stamping = SealStamping(bundle=sealed, number=len(sealed.seals))
        digest = stamping.imprint(labels.HASH_SHA256)
        sealed = stamping.stamped(ask(timestamp, digest, labels.HASH_SHA256))
    if sealed.seals[-1].key is not None:
        print("note: the manifest does not name this signer: sealed as a later witness", file=sys.stderr)
    write_atomic(target, sealed.chunks(), force=force or in_place)
    say(f"{target}: seal {len(sealed.seals)} added")
    return Exit.PASSED
