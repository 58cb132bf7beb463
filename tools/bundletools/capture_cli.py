# SPDX-License-Identifier: Apache-2.0
"""The verb capture: a machine's TPM attests a ceremony, or its state day after day."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Final

import typer

from bundlefmt.bundle import Bundle
from bundlefmt.cli import given_file, reading
from bundlefmt.cli.files import refuse_existing
from bundlefmt.cli.run import Exit, UsageError, say, warn
from bundlefmt.manifest import Digest
from bundletools import history, keyfiles
from bundletools.attestation_key import AkSource, NewTemplate, Session
from bundletools.capture import Request
from bundletools.recheck import returning, the_attestation_key
from bundletools.templates import AK_KINDS
from bundletools.tpm_options import (
    EkIssuerOption,
    EndorsementAuthOption,
    FirmwareLogOption,
    ImaLogOption,
    NonceOption,
    OperatorOption,
    OwnerAuthOption,
    TctiOption,
    TemplateOption,
    TitleOption,
    UserspaceLogOption,
    WitnessOption,
    kept_key,
    logs_of,
    nonce_of,
    take_and_write,
    tpm_of,
)

_AK_WORDS: Final = "template, session, previous, persistent:HANDLE or context:FILE"


def capture(
    output: Annotated[Path, typer.Option("-o", "--output", help="The bundle to write.")],
    operator: OperatorOption = None,
    witness: WitnessOption = None,
    tcti: TctiOption = None,
    endorsement_auth: EndorsementAuthOption = None,
    owner_auth: OwnerAuthOption = None,
    ak: Annotated[
        str,
        typer.Option(
            metavar="SOURCE",
            help="template: comes back from it; session: dies; previous: that of the snapshot before; "
            "persistent:HANDLE or context:FILE: one that is there.",
        ),
    ] = "template",
    ak_key: Annotated[str, typer.Option(metavar="TYPE", help="Of a new AK: ecc256 or rsa2048.")] = "ecc256",
    template: TemplateOption = None,
    withhold_template: Annotated[
        bool,
        typer.Option("--withhold-template", help="Write the AK's template beside the bundle, not into it."),
    ] = False,
    firmware_log: FirmwareLogOption = None,
    ima_log: ImaLogOption = None,
    userspace_log: UserspaceLogOption = None,
    ek_issuer: EkIssuerOption = None,
    title: TitleOption = None,
    nonce: NonceOption = None,
    previous: Annotated[
        Path | None, typer.Option(metavar="BUNDLE", help="The snapshot before this one.")
    ] = None,
    previous_latest: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The last snapshot in this directory is the one before, if any."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output file.")] = False,
) -> int:
    """Have the TPM attest this ceremony and write an unsealed bundle. Nothing stays in the TPM."""
    if ak_key not in AK_KINDS:
        raise UsageError(f"there is no AK type {ak_key!r}", hint="ecc256 or rsa2048")
    if previous is not None and previous_latest is not None:
        raise UsageError("--previous and --previous-latest exclude each other")
    refuse_existing(output, force=force)
    created = int(time.time())
    before = _before(previous, previous_latest, created)
    source = _source(ak, ak_key, before, template, chaining=previous_latest is not None)
    request = Request(
        identities=keyfiles.identities(operator or (), witness or (), at=created),
        created=created,
        ak=source,
        nonce=nonce_of(nonce),
        withhold_template=withhold_template,
        logs=logs_of(firmware_log, ima_log, userspace_log),
        ek_issuers=[der for path in ek_issuer or () for der in reading.certificates(path)],
        title=title,
        previous=None if before is None else Digest.of(before.manifest_raw),
    )
    with tpm_of(tcti, endorsement_auth, owner_auth) as tpm:
        take_and_write(tpm, request, output, force=force)
    return Exit.PASSED


def _before(previous: Path | None, previous_latest: Path | None, created: int) -> Bundle | None:
    """The snapshot before, where one is meant and there is one."""
    path = previous if previous_latest is None else history.latest(previous_latest)
    if path is None:
        if previous_latest is not None:
            say(f"{previous_latest}: no snapshot yet, this is the first")
        return None
    bundle = Bundle.open(path)
    if previous_latest is not None:
        say(f"after {path}")
    warn_of_clock(bundle, created)
    return bundle


def warn_of_clock(before: Bundle, created: int) -> None:
    """A clock that was set back is said: the claim in the new manifest will be wrong, or the old one is."""
    if created < before.manifest.created:
        warn("by this machine's clock the snapshot before is of the future: a clock was set back")


def _source(ak: str, kind: str, before: Bundle | None, template: Path | None, *, chaining: bool) -> AkSource:
    if template is not None and ak != "previous":
        raise UsageError("--template goes with --ak previous")
    if ak == "session":
        return Session(kind=kind)
    if ak == "template" or (ak == "previous" and before is None and chaining):
        return NewTemplate(kind=kind)
    if ak == "previous":
        if before is None:
            raise UsageError("--ak previous needs the snapshot before", hint="--previous FILE")
        given = None if template is None else given_file.read(template)
        return returning(before, the_attestation_key(before), given)
    found = kept_key(ak)
    if found is None:
        raise UsageError(f"there is no AK source {ak!r}", hint=_AK_WORDS)
    return found
