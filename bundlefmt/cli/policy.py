# SPDX-License-Identifier: Apache-2.0
"""The verbs below policy: what a verifier demands, kept in a file that can be passed on."""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final

import typer

from bundlefmt.cli import policy_file, trust_file
from bundlefmt.cli.files import write_atomic
from bundlefmt.cli.run import Exit, UsageError, complain, say
from bundlefmt.errors import MalformedError
from bundlefmt.evidence.x509 import CertificateError
from bundlefmt.render.words import plural
from bundlefmt.verify.policy_document import PolicyDocument
from bundlefmt.verify.policy_reading import MistakesError

app: Final = typer.Typer(
    name="policy",
    help="Write down what you demand of bundles: identities, anchors, conclusions, algorithms.",
    add_completion=False,
    rich_markup_mode=None,
)
PROFILES: Final = ("snapshot", "ceremony", "archive")


@app.command()
def init(
    profile: Annotated[
        str, typer.Option(metavar="NAME", help=f"What it is for: {', '.join(PROFILES)}.")
    ] = "ceremony",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The TOML file to write; default: standard output.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output file.")] = False,
) -> int:
    """Write a policy to begin with. It knows nobody yet: identities and anchors are yours to add."""
    if profile not in PROFILES:
        raise UsageError(f"there is no profile {profile!r}", hint=f"one of {', '.join(PROFILES)}")
    text = (files("bundlefmt") / "spec" / f"policy-{profile}.toml").read_text(encoding="utf-8")
    if output is None:
        sys.stdout.write(text)
    else:
        write_atomic(output, [text.encode()], force=force)
        say(f"{output}: written")
    return Exit.PASSED


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A policy in TOML.", metavar="POLICY")],
) -> int:
    """Say every mistake in a policy, by its line, and whether the files that it names are those it means."""
    try:
        found = policy_file.read(file)
    except MistakesError as error:
        for mistake in error.mistakes:
            where = f"{file}:{mistake.line}" if mistake.line is not None else f"{file}"
            complain(f"{where}: {mistake.message}")
        return Exit.MALFORMED
    except (MalformedError, CertificateError) as error:
        complain(f"{file}: {getattr(error, 'message', error)}")
        return Exit.MALFORMED
    identities, anchors = found.document.trust.count()
    said = (
        plural(identities, "identity", "identities"),
        plural(anchors, "anchor"),
        plural(len(found.document.require), "required conclusion"),
        plural(len(found.references), "file of reference values", "files of reference values"),
    )
    say(f"{file}: {', '.join(said)}")
    say(f"{file}: sha-256 {found.sha256.hex()}")
    return Exit.PASSED


@app.command()
def show(
    file: Annotated[Path | None, typer.Argument(help="A policy in TOML.", metavar="POLICY")] = None,
    trust: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Whom and what you know; default: the file of `bundle trust`."),
    ] = None,
    no_trust: Annotated[bool, typer.Option("--no-trust", help="Leave out the trust file.")] = False,
) -> int:
    """Print what `bundle verify` would judge by, the trust file included: a policy in TOML."""
    document = PolicyDocument()
    if file is not None:
        found = policy_file.load(file)
        document = found.document
        say(f"# policy {file}: sha-256 {found.sha256.hex()}")
    mine = trust_file.find(trust, none=no_trust)
    if mine is not None:
        document = document.knowing(mine.trust)
        say(f"# trust {mine.path}: sha-256 {mine.sha256.hex()}")
    sys.stdout.write(document.encode().decode())
    return Exit.PASSED
