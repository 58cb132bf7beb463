# SPDX-License-Identifier: Apache-2.0
"""The whole `bundle` command: the verbs on files, and those that talk to devices."""

from __future__ import annotations

import os
import sys
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated

import typer

from bundlefmt.bundle import Bundle
from bundlefmt.cli import reading
from bundlefmt.cli.app import app
from bundlefmt.cli.arguments import FileArgument
from bundlefmt.cli.files import refuse_existing, write_atomic
from bundlefmt.cli.run import Exit, UsageError, complain, run, say
from bundlefmt.cose import KeySigner
from bundlefmt.evidence import x509
from bundlefmt.evidence.tpm import UnsupportedAlgorithmError
from bundlefmt.manifest import Digest
from bundletools import gnupg, keyfiles, sealing, signers, yubikey_cli
from bundletools.attach import attach
from bundletools.bring import bring
from bundletools.capture import Log, Request
from bundletools.capture import capture as take
from bundletools.devices import DeviceError
from bundletools.export import export
from bundletools.recheck import NotRecheckableError
from bundletools.recheck import derive as rederive
from bundletools.tpm2 import Tpm2, open_tpm

_TCTI_VARIABLE = "TPM2TOOLS_TCTI"
_DEFAULT_TCTI = "device:/dev/tpmrm0"


app.command()(attach)
app.command()(export)
app.command("import")(bring)
app.add_typer(yubikey_cli.app, name="yubikey")

TctiOption = Annotated[
    str | None, typer.Option(help=f"Where the TPM is; default ${_TCTI_VARIABLE}, else {_DEFAULT_TCTI}.")
]


def _tpm(tcti: str | None) -> AbstractContextManager[Tpm2]:
    return open_tpm(tcti or os.environ.get(_TCTI_VARIABLE) or _DEFAULT_TCTI)


@app.command()
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
    with _tpm(tcti) as tpm:
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


@app.command()
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
    if sealed.seals[-1].key is not None:
        print("note: the manifest does not name this signer: sealed as a later witness", file=sys.stderr)
    write_atomic(target, sealed.chunks(), force=force or in_place)
    say(f"{target}: seal {len(sealed.seals)} added")
    return Exit.PASSED


@app.command()
def recheck(
    file: FileArgument,
    template: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The AK's template, where the bundle withholds it.")
    ] = None,
    tcti: TctiOption = None,
) -> int:
    """Have this machine's TPM make the bundle's AK again: the same Name shows that it is the same TPM."""
    bundle = Bundle.open(file)
    with _tpm(tcti) as tpm:
        found = rederive(tpm, bundle, None if template is None else template.read_bytes())
    say(f"{found.label} in the bundle  {found.recorded.hex()}")
    print(f"made again by this TPM  {found.derived.hex()}")
    if not found.same:
        print("another key: this is another TPM, or its endorsement seed was changed")
        return Exit.FAILED
    print("the same key: this is the TPM of the bundle")
    return Exit.PASSED


def main() -> int:
    """The entry point. Device errors end with exit code 5."""
    try:
        return run(app)
    except DeviceError as error:
        complain(str(error), error.hint)
        return Exit.DEVICE
    except sealing.SealError as error:
        complain(str(error), error.hint)
        return Exit.FAILED
    except NotRecheckableError as error:
        complain(str(error), error.hint)
        return Exit.USAGE
    except (x509.CertificateError, UnsupportedAlgorithmError) as error:
        complain(str(error))
        return Exit.USAGE
