# SPDX-License-Identifier: Apache-2.0
"""The verbs recheck and answer: the machine of an old bundle speaks again."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from bundlefmt.bundle import Bundle, map_file
from bundlefmt.challenge import Challenge
from bundlefmt.cli import given_file
from bundlefmt.cli.arguments import FileArgument
from bundlefmt.cli.files import refuse_existing, write_atomic
from bundlefmt.cli.run import Exit, UsageError, say
from bundlefmt.manifest import Digest
from bundletools import keyfiles
from bundletools.answer import answer as answered
from bundletools.attestation_key import Returning
from bundletools.capture import Identity, Request
from bundletools.capture_cli import warn_of_clock
from bundletools.recheck import derive, returning, the_attestation_key, whose
from bundletools.tpm_options import (
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

KeptKeyOption = Annotated[
    str | None,
    typer.Option(metavar="SOURCE", help="Where the AK is now: persistent:HANDLE or context:FILE."),
]


def _source(bundle: Bundle, ak: str, kept: str | None, template: Path | None) -> Returning:
    """How an AK comes back: as the bundle says, or as the options do."""
    if kept is not None and template is not None:
        raise UsageError("--ak and --template exclude each other")
    if kept is None:
        return returning(bundle, ak, None if template is None else given_file.read(template))
    found = kept_key(kept)
    if found is None:
        raise UsageError(f"there is no AK at {kept!r}", hint="persistent:HANDLE or context:FILE")
    return found


def recheck(
    file: FileArgument,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Write a snapshot after FILE, by the same AK, to be sealed."),
    ] = None,
    ak: KeptKeyOption = None,
    template: TemplateOption = None,
    nonce: NonceOption = None,
    operator: OperatorOption = None,
    witness: WitnessOption = None,
    firmware_log: FirmwareLogOption = None,
    ima_log: ImaLogOption = None,
    userspace_log: UserspaceLogOption = None,
    title: TitleOption = None,
    tcti: TctiOption = None,
    endorsement_auth: EndorsementAuthOption = None,
    owner_auth: OwnerAuthOption = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output file.")] = False,
) -> int:
    """Have this machine's TPM bring the bundle's AK back: the same key shows that it is the same TPM."""
    if output is None and any((operator, witness, firmware_log, ima_log, userspace_log, title)):
        raise UsageError("certificates, logs and titles go into a new snapshot", hint="-o FILE writes one")
    if output is not None:
        refuse_existing(output, force=force)
    bundle, given, created = Bundle.open(file), nonce_of(nonce), int(time.time())
    label = the_attestation_key(bundle)
    source = _source(bundle, label, ak, template)
    request = None
    if output is not None:
        warn_of_clock(bundle, created)
        named = operator or witness
        request = Request(
            identities=keyfiles.identities(operator or (), witness or (), at=created)
            if named
            else _identities(bundle),
            created=created,
            ak=source,
            nonce=given,
            withhold_template=template is not None,
            logs=logs_of(firmware_log, ima_log, userspace_log),
            ek_issuers=_values(bundle, "certificate-issuer"),
            title=title,
            previous=Digest.of(bundle.manifest_raw),
        )
    with tpm_of(tcti, endorsement_auth, owner_auth) as tpm:
        found = derive(tpm, bundle, source, nonce=given)
        say(f"{found.label} in the bundle  {found.recorded.hex()}")
        say(f"brought back by this TPM  {found.derived.hex()}")
        if not found.same:
            say(f"another key: {whose(tpm, bundle)}")
            return Exit.FAILED
        say("the same key: this is the TPM of the bundle")
        if output is not None and request is not None:
            take_and_write(tpm, request, output, force=force)
    return Exit.PASSED


def _values(bundle: Bundle, role: str) -> list[bytes]:
    """The artifacts of a role that are here and as sealed."""
    items = ((bundle.content.get(label), item) for label, item in bundle.manifest.items.items())
    return [
        bytes(record.value)
        for record, item in items
        if item.role == role and record is not None and item.digest.matches(record.value)
    ]


def _identities(bundle: Bundle) -> list[Identity]:
    """Who was to seal the bundle. Raises UsageError where a certificate is withheld."""
    found = []
    for signer in bundle.manifest.signers:
        item, record = bundle.manifest.items[signer.item], bundle.content.get(signer.item)
        if record is None or not item.digest.matches(record.value) or item.role == "key-public":
            raise UsageError(
                f"{signer.item} cannot be named again as it is in this bundle",
                hint="--operator and --witness name who is to seal the new snapshot",
            )
        found.append(Identity(data=bytes(record.value), role=item.role, part=signer.part))
    return found


def answer(
    challenge: Annotated[Path, typer.Argument(metavar="CHALLENGE", help="A verifier's challenge (.evc).")],
    file: FileArgument,
    output: Annotated[Path, typer.Option("-o", "--output", help="The answer, for the verifier (.eva).")],
    ak: KeptKeyOption = None,
    template: TemplateOption = None,
    tcti: TctiOption = None,
    endorsement_auth: EndorsementAuthOption = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output file.")] = False,
) -> int:
    """Answer a challenge with this machine's TPM, if it has the keys of the bundle. No secret goes out."""
    refuse_existing(output, force=force)
    bundle, asked = Bundle.open(file), Challenge.decode(map_file(challenge))
    keys = sorted({pair.ak for pair in asked.pairs})
    if len(keys) > 1 and (ak is not None or template is not None):
        raise UsageError(f"the challenge is for several attestation keys: {', '.join(keys)}")
    with tpm_of(tcti, endorsement_auth) as tpm:
        made = answered(tpm, bundle, asked, lambda label: _source(bundle, label, ak, template))
    write_atomic(output, [made.encode()], force=force)
    for pair in asked.pairs:
        say(f"{pair.ek} opened the challenge for {pair.ak}")
    say(f"{output}: for the verifier")
    return Exit.PASSED
