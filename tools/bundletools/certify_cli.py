# SPDX-License-Identifier: Apache-2.0
"""`bundle certify`: an identity's key signs the other keys of a bundle, before anybody seals it."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from bundlefmt.bundle import Bundle
from bundlefmt.cli import reading
from bundlefmt.cli.arguments import FileArgument
from bundlefmt.cli.files import refuse_existing, write_atomic
from bundlefmt.cli.run import Exit, UsageError, say
from bundlefmt.cose import KeySigner
from bundlefmt.evidence import openpgp
from bundletools import crossing, gnupg, keyfiles, signers
from bundletools.issuing import Issuer, validity_under

_SIGNERS = f"gpg:KEY, {signers.USAGE}, or file:KEY.pem with --cert"


def certify(
    file: FileArgument,
    using: Annotated[str, typer.Option("--with", metavar="SIGNER", help=f"{_SIGNERS}.")],
    cert: Annotated[
        Path | None, typer.Option(metavar="FILE", help="X.509 certificate of the key in file:.")
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="The bundle to write.")] = None,
    in_place: Annotated[bool, typer.Option("--in-place", help="Replace FILE by it.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output file.")] = False,
) -> int:
    """Have an identity's key sign the other identity of its holder and, if X.509, the TPM's signing key."""
    if (output is None) != in_place:
        raise UsageError("say where to write the bundle", hint="-o FILE, or --in-place")
    kind, _, name = using.partition(":")
    if kind not in ("gpg", "file", *signers.BY_KIND) or (not name and kind != "yubikey"):
        raise UsageError(f"{using!r} is no signer", hint=_SIGNERS)
    if (cert is not None) != (kind == "file"):
        raise UsageError("file: needs the key's certificate, and others have their own", hint="--cert FILE")
    target = output or file
    refuse_existing(target, force=force or in_place)
    bundle = Bundle.open(file)
    certified = _certified(bundle, kind, name, cert)
    write_atomic(target, certified.chunks(), force=force or in_place)
    added = sorted(set(certified.manifest.items) - set(bundle.manifest.items))
    say(f"{target}: {', '.join(added)} added")
    return Exit.PASSED


def _certified(bundle: Bundle, kind: str, name: str, cert: Path | None) -> Bundle:
    """The bundle with what this key says. Raises IssuingError, UsageError, DeviceError."""
    if kind == "gpg":
        fingerprint = openpgp.certificate_facts(gnupg.export(name)).fingerprint
        return crossing.by_openpgp(bundle, fingerprint, partial(gnupg.sign, name))
    if cert is not None:
        signer = KeySigner(keyfiles.private_key(Path(name)))
        return _by_x509(bundle, Issuer(certificate=reading.certificate(cert), signer=signer))
    with signers.opened(kind, name) as (key, certificate):
        return _by_x509(bundle, Issuer(certificate=certificate, signer=key))


def _by_x509(bundle: Bundle, issuer: Issuer) -> Bundle:
    """Valid from the capture on: a verifier judges at that time."""
    start = min(bundle.manifest.created, int(time.time()))
    return crossing.by_x509(bundle, issuer, validity=validity_under(issuer, start=start))
