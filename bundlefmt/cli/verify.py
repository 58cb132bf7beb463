# SPDX-License-Identifier: Apache-2.0
"""The verb verify: a bundle judged under what the verifier knows and allows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from bundlefmt.bundle import Bundle
from bundlefmt.cli import reading, trust_file
from bundlefmt.cli.arguments import FileArgument, JsonOption, NoTrustOption, TrustOption, print_json
from bundlefmt.cli.run import Exit, UsageError, say
from bundlefmt.cli.trust_file import TrustFile
from bundlefmt.render import Json
from bundlefmt.render.report import report_json, report_lines
from bundlefmt.render.words import plural
from bundlefmt.verify import RELAXATIONS, Policy, Verdict
from bundlefmt.verify import verify as judge

_BY_VERDICT: Final = {
    Verdict.PASSED: Exit.PASSED,
    Verdict.FAILED: Exit.FAILED,
    Verdict.INDETERMINATE: Exit.INDETERMINATE,
}
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
    anchor_piv: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Authorities above people's certificates. Repeatable."),
    ] = None,
    anchor_hardware: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Certificates of makers of security keys. Repeatable."),
    ] = None,
    pin_hardware: Annotated[
        list[str] | None,
        typer.Option(metavar="SHA256", help="SHA-256 of such a one that the bundle may carry. Repeatable."),
    ] = None,
    trust: TrustOption = None,
    no_trust: NoTrustOption = False,
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
    require_no_advisories: Annotated[
        bool,
        typer.Option("--require-no-advisories", help="Doubt a device that a security advisory concerns."),
    ] = False,
    as_json: JsonOption = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Show every finding.")] = False,
) -> int:
    """Judge a bundle: PASSED, FAILED or INDETERMINATE. Without a pin nothing passes: trust comes from you."""
    mine = trust_file.find(trust, none=no_trust)
    policy = Policy(
        pins_openpgp=frozenset(map(reading.fingerprint, pin_openpgp or ())),
        pins_piv=frozenset(map(reading.sha256, pin_piv or ())),
        pins_hardware=frozenset(map(reading.sha256, pin_hardware or ())),
        anchors=certificates(anchor),
        anchors_piv=certificates(anchor_piv),
        anchors_hardware=certificates(anchor_hardware),
        at=None if at is None else reading.moment(at),
        references=tuple(map(reading.reference, reference or ())),
        require_no_advisories=require_no_advisories,
        **relaxed(allow or ()),
    )
    if mine is not None:
        policy = mine.trust.within(policy)
    before = None if previous is None else Bundle.open(previous)
    kept = None if confirmed is None else reading.kept(confirmed)
    report = judge(Bundle.open(file), policy, previous=before, confirmed=kept)
    if as_json:
        print_json(report_json(report, None if mine is None else _trust_json(mine)))
    else:
        if mine is not None:
            identities, authorities = mine.trust.count()
            known = f"{plural(identities, 'identity', 'identities')}, {plural(authorities, 'anchor')}"
            say(f"trust: {known} from {mine.path}")
        for line in report_lines(report, verbose=verbose):
            print(line)
    return _BY_VERDICT[report.verdict]


def certificates(paths: Sequence[Path] | None) -> tuple[bytes, ...]:
    """Those in all of these files, DER."""
    return tuple(der for path in paths or () for der in reading.certificates(path))


def _trust_json(mine: TrustFile) -> dict[str, Json]:
    """What came from the trust file. Where it is, is the verifier's own business: reports are passed on."""
    identities, authorities = mine.trust.count()
    return {"sha256": mine.sha256.hex(), "identities": identities, "anchors": authorities}


def relaxed(names: Sequence[str]) -> dict[str, Any]:
    """The policy's fields for relaxations by their names on the command line."""
    for name in names:
        if name not in _ALLOWABLE:
            raise UsageError(f"there is no relaxation {name!r}", hint=f"one of {', '.join(_ALLOWABLE)}")
    return {_ALLOWABLE[name]: True for name in names}
