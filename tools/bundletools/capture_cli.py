# SPDX-License-Identifier: Apache-2.0
"""`bundle capture`: the TPM attests a ceremony, and a bundle is made of it."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Annotated

import typer

from bundlefmt.bundle import Bundle
from bundlefmt.cli import reading
from bundlefmt.cli.files import refuse_existing, write_atomic
from bundlefmt.cli.run import Exit, UsageError, say
from bundlefmt.manifest import Digest
from bundletools import keyfiles
from bundletools.capture import Log, Request
from bundletools.capture import capture as take
from bundletools.tcti import TctiOption, chosen_tpm


def capture(
    output: Annotated[Path, typer.Option("-o", "--output", help="The bundle to write.")],
    operator: Annotated[
        list[Path] | None,
        typer.Option(metavar="CERT", help="OpenPGP or X.509 certificate that is to seal. Repeatable."),
    ] = None,
    witness: Annotated[
        list[Path] | None, typer.Option(metavar="CERT", help="As --operator, for a witness. Repeatable.")
    ] = None,
    tcti: TctiOption = None,
    ak: Annotated[
        str, typer.Option(metavar="KIND", help="rederivable: comes back from its template; session: dies.")
    ] = "rederivable",
    ak_key: Annotated[str, typer.Option(metavar="TYPE", help="ecc256 or rsa2048.")] = "ecc256",
    withhold_template: Annotated[
        bool,
        typer.Option("--withhold-template", help="Write the AK's template beside the bundle, not into it."),
    ] = False,
    firmware_log: Annotated[
        Path | None, typer.Option(metavar="FILE", help="TCG PC Client event log.")
    ] = None,
    ima_log: Annotated[Path | None, typer.Option(metavar="FILE", help="IMA measurement list.")] = None,
    userspace_log: Annotated[
        Path | None, typer.Option(metavar="FILE", help="systemd measurement log.")
    ] = None,
    ek_issuer: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Certificates between EK certificate and its root. Repeatable."),
    ] = None,
    title: Annotated[str | None, typer.Option(help="A line for people.")] = None,
    previous: Annotated[
        Path | None, typer.Option(metavar="BUNDLE", help="The snapshot before this one.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output file.")] = False,
) -> int:
    """Have the TPM attest this ceremony and write an unsealed bundle. Nothing stays in the TPM."""
    if ak not in ("rederivable", "session"):
        raise UsageError(f"there is no AK kind {ak!r}", hint="rederivable or session")
    if ak_key not in ("ecc256", "rsa2048"):
        raise UsageError(f"there is no AK type {ak_key!r}", hint="ecc256 or rsa2048")
    refuse_existing(output, force=force)
    created = int(time.time())
    logs = [
        Log(data=path.read_bytes(), role=role, source=os.fsencode(path).decode(errors="backslashreplace"))
        for role, path in (
            ("firmware-log", firmware_log),
            ("ima-log", ima_log),
            ("userspace-log", userspace_log),
        )
        if path is not None
    ]
    request = Request(
        identities=keyfiles.identities(operator or (), witness or (), at=created),
        created=created,
        ak_kind=ak_key,
        session_ak=ak == "session",
        withhold_template=withhold_template,
        logs=logs,
        ek_issuers=[der for path in ek_issuer or () for der in reading.certificates(path)],
        title=title,
        previous=None if previous is None else Digest.of(Bundle.open(previous).manifest_raw),
    )
    with chosen_tpm(tcti) as tpm:
        captured = take(tpm, request)
    # the operator's own copies first: without them the bundle would be all there is
    for label, data in captured.withheld.items():
        beside = output.with_name(f"{output.stem}.{label}")
        write_atomic(beside, [data], force=force, private=True)
        say(f"{beside}: kept out of the bundle, for you alone")
    write_atomic(output, captured.bundle.chunks(), force=force)
    wanted = ", ".join(signer.item for signer in captured.bundle.manifest.signers)
    say(f"{output}: {len(captured.bundle.content)} items captured; to be sealed by {wanted}")
    return Exit.PASSED
