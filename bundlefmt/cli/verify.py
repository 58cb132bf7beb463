# SPDX-License-Identifier: Apache-2.0
"""The verb verify: a bundle judged under what the verifier knows and allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from bundlefmt.bundle import Bundle
from bundlefmt.cli import reading
from bundlefmt.cli.arguments import FileArgument, JsonOption, print_json
from bundlefmt.cli.run import BY_VERDICT, UsageError
from bundlefmt.render import text
from bundlefmt.verify import RELAXATIONS, Policy
from bundlefmt.verify import verify as judge

# `sha1` on the command line is `allow_sha1` in the policy
_ALLOWABLE: Final = {name.removeprefix("allow_").replace("_", "-"): name for name in RELAXATIONS}


def verify(
    file: FileArgument,
    pin_openpgp: Annotated[
        list[str] | None,
        typer.Option(metavar="FPR", help="OpenPGP fingerprint that must have sealed. Repeatable."),
    ] = None,
    pin_piv: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SHA256", help="SHA-256 of the X.509 certificate that must have sealed. Repeatable."
        ),
    ] = None,
    anchor: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="TPM manufacturer's certificates, PEM or DER. Repeatable."),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Judge certificates at this time; default: the manifest's claim."),
    ] = None,
    previous: Annotated[
        Path | None, typer.Option(metavar="BUNDLE", help="The snapshot before: is it of the same TPM?")
    ] = None,
    confirmed: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What you kept of your own challenge, once it is confirmed."),
    ] = None,
    reference: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="What PCRs and events should be: bundle, TOML, JSON, CoRIM, pcrlock. Repeatable.",
        ),
    ] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help=f"Relax a rule; the report says so. Repeatable: {', '.join(_ALLOWABLE)}."
        ),
    ] = None,
    as_json: JsonOption = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Show every finding.")] = False,
) -> int:
    """Judge a bundle: PASSED, FAILED or INDETERMINATE. Without a pin nothing passes: trust comes from you."""
    policy = replace(
        known(pin_openpgp, pin_piv, anchor, at),
        references=tuple(reading.reference(path) for path in reference or ()),
        **relaxed(allow or ()),
    )
    before = None if previous is None else Bundle.open(previous)
    kept = None if confirmed is None else reading.kept(confirmed)
    report = judge(Bundle.open(file), policy, previous=before, confirmed=kept)
    if as_json:
        print_json(text.report_json(report))
    else:
        for line in text.report_lines(report, verbose=verbose):
            print(line)
    return BY_VERDICT[report.verdict]


def known(
    pin_openpgp: Sequence[str] | None,
    pin_piv: Sequence[str] | None,
    anchor: Sequence[Path] | None,
    at: str | None,
) -> Policy:
    """What the verifier knows: identities, manufacturers, the time."""
    return Policy(
        pins_openpgp=frozenset(reading.fingerprint(pin) for pin in pin_openpgp or ()),
        pins_piv=frozenset(reading.sha256(pin) for pin in pin_piv or ()),
        anchors=tuple(der for path in anchor or () for der in reading.certificates(path)),
        at=None if at is None else reading.moment(at),
    )


def relaxed(names: Sequence[str]) -> dict[str, Any]:
    """The policy's fields for relaxations by their names on the command line."""
    for name in names:
        if name not in _ALLOWABLE:
            raise UsageError(f"there is no relaxation {name!r}", hint=f"one of {', '.join(_ALLOWABLE)}")
    return {_ALLOWABLE[name]: True for name in names}
