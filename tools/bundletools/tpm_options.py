# SPDX-License-Identifier: Apache-2.0
"""What the verbs that talk to a TPM share: their options, and how a capture is written."""

from __future__ import annotations

import os
import string
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated, Final

import typer

from bundlefmt.cli import given_file
from bundlefmt.cli.files import write_atomic
from bundlefmt.cli.run import UsageError, say, warn
from bundlefmt.evidence.tpm import TpmAlg
from bundletools.attestation_key import Persistent, SavedContext
from bundletools.capture import Log, Request
from bundletools.capture import capture as take
from bundletools.recheck import persistent_handle
from bundletools.tpm2 import Tpm2, open_tpm

_TCTI_VARIABLE: Final = "TPM2TOOLS_TCTI"
_DEFAULT_TCTI: Final = "device:/dev/tpmrm0"
_ALLOCATE: Final = "tpm2_pcrallocate sha256:all, then a reboot"
_NONCE: Final = range(16, 65)  # bytes: what a binding may have

TctiOption = Annotated[
    str | None, typer.Option(help=f"Where the TPM is; default ${_TCTI_VARIABLE}, else {_DEFAULT_TCTI}.")
]
EndorsementAuthOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="All of FILE authorises for the endorsement hierarchy, if need be."),
]
OwnerAuthOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The same for the owner's hierarchy.")
]
OperatorOption = Annotated[
    list[Path] | None,
    typer.Option(metavar="CERT", help="OpenPGP or X.509 certificate that is to seal. Repeatable."),
]
WitnessOption = Annotated[
    list[Path] | None, typer.Option(metavar="CERT", help="As --operator, for a witness. Repeatable.")
]
FirmwareLogOption = Annotated[Path | None, typer.Option(metavar="FILE", help="TCG PC Client event log.")]
ImaLogOption = Annotated[Path | None, typer.Option(metavar="FILE", help="IMA measurement list.")]
UserspaceLogOption = Annotated[Path | None, typer.Option(metavar="FILE", help="systemd measurement log.")]
EkIssuerOption = Annotated[
    list[Path] | None,
    typer.Option(metavar="FILE", help="Certificates between EK certificate and its root. Repeatable."),
]
TitleOption = Annotated[str | None, typer.Option(help="A line for people.")]
NonceOption = Annotated[
    str | None, typer.Option(metavar="HEX", help="A challenger's nonce, 16 to 64 bytes; default: random.")
]
TemplateOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The AK's template, where the bundle withholds it.")
]


def tpm_of(
    tcti: str | None, endorsement_auth: Path | None, owner_auth: Path | None = None
) -> AbstractContextManager[Tpm2]:
    """The TPM that options and environment name."""
    endorsement, owner = (
        b"" if path is None else given_file.read(path) for path in (endorsement_auth, owner_auth)
    )
    where = tcti or os.environ.get(_TCTI_VARIABLE) or _DEFAULT_TCTI
    return open_tpm(where, endorsement_auth=endorsement, owner_auth=owner)


def logs_of(firmware: Path | None, ima: Path | None, userspace: Path | None) -> list[Log]:
    """The logs in these files, read now."""
    given = (("firmware-log", firmware), ("ima-log", ima), ("userspace-log", userspace))
    return [log_of(role, path) for role, path in given if path is not None]


def log_of(role: str, path: Path) -> Log:
    """One log, read now."""
    return Log(
        data=given_file.read(path, given_file.MAX_LARGE),
        role=role,
        source=os.fsencode(path).decode(errors="backslashreplace"),
    )


def nonce_of(text: str | None) -> bytes | None:
    """The bytes of a nonce in hexadecimal. Raises UsageError."""
    if text is None:
        return None
    cleaned = "".join(text.split())
    if set(cleaned) - set(string.hexdigits) or len(cleaned) % 2 or len(cleaned) // 2 not in _NONCE:
        raise UsageError(f"{text[:80]!r} is not a nonce", hint="16 to 64 bytes in hexadecimal")
    return bytes.fromhex(cleaned)


def kept_key(text: str) -> Persistent | SavedContext | None:
    """The key that `persistent:HANDLE` or `context:FILE` names; None for other words."""
    kind, _, name = text.partition(":")
    if kind == "persistent" and name:
        return Persistent(handle=persistent_handle(name))
    if kind == "context" and name:
        return SavedContext(data=given_file.read(Path(name)))
    return None


def take_and_write(tpm: Tpm2, request: Request, output: Path, *, force: bool) -> None:
    """Capture, and write the bundle and what is kept out of it."""
    if set(tpm.pcr_banks()) <= {TpmAlg.SHA1}:
        warn(f"this TPM has PCRs in no bank but SHA-1, which verifiers refuse: {_ALLOCATE}")
    captured = take(tpm, request)
    # the operator's own copies first: without them the bundle would be all there is
    for label, data in captured.withheld.items():
        beside = output.with_name(f"{output.stem}.{label}")
        write_atomic(beside, [data], force=force, private=True)
        say(f"{beside}: kept out of the bundle, for you alone")
    write_atomic(output, captured.bundle.chunks(), force=force)
    wanted = ", ".join(signer.item for signer in captured.bundle.manifest.signers)
    say(f"{output}: {len(captured.bundle.content)} items captured; to be sealed by {wanted}")
