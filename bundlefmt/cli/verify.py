# SPDX-License-Identifier: Apache-2.0
"""The verb verify: a bundle judged under what the verifier knows and allows."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from bundlefmt.bundle import Bundle
from bundlefmt.cli import policy_file, reading, trust_file
from bundlefmt.cli.arguments import FileArgument, JsonOption, NoTrustOption, TrustOption, print_json
from bundlefmt.cli.ear_file import FORMATS, EarFile
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
    policy: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="All that you demand, in TOML; options add to it. See `bundle policy`."
        ),
    ] = None,
    trust: TrustOption = None,
    no_trust: NoTrustOption = False,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Judge certificates at this time; default: the manifest's claim."),
    ] = None,
    now: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="The present, where algorithms end or results are written; default: now."
        ),
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
    ear: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write attestation results (EAR), signed with --ear-key, for programs."
        ),
    ] = None,
    ear_key: Annotated[
        Path | None, typer.Option(metavar="KEY.pem", help="Your key that signs them: P-256, P-384, Ed25519.")
    ] = None,
    ear_format: Annotated[
        str | None, typer.Option(metavar="FORMAT", help=f"Their form: {' or '.join(FORMATS)}; default: jwt.")
    ] = None,
    as_json: JsonOption = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Show every finding.")] = False,
) -> int:
    """Judge a bundle: PASSED, FAILED or INDETERMINATE. Without a pin nothing passes: trust comes from you."""
    results = EarFile.asked(ear, ear_key, ear_format)
    mine = trust_file.find(trust, none=no_trust)
    demanded = None if policy is None else policy_file.load(policy)
    options = Policy(
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
    terms = options if demanded is None else _together(demanded.policy, options)
    if mine is not None:
        terms = mine.trust.within(terms)
    if demanded is not None:
        terms = replace(terms, amended=terms != demanded.policy)
    present = int(time.time()) if now is None else reading.moment(now)
    if terms.algorithms:
        terms = replace(terms, now=present)
    before = None if previous is None else Bundle.open(previous)
    kept = None if confirmed is None else reading.kept(confirmed)
    report = judge(Bundle.open(file), terms, previous=before, confirmed=kept)
    if results is not None:
        results.write(report, issued_at=present)
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


def _together(demanded: Policy, options: Policy) -> Policy:
    """The policy of a document, and what the options add to it. Raises UsageError where they contradict."""
    if None not in (demanded.at, options.at) and demanded.at != options.at:
        raise UsageError("the policy says at which time to judge, and --at says another")
    return replace(
        demanded,
        pins_openpgp=demanded.pins_openpgp | options.pins_openpgp,
        pins_piv=demanded.pins_piv | options.pins_piv,
        pins_hardware=demanded.pins_hardware | options.pins_hardware,
        anchors=(*demanded.anchors, *options.anchors),
        anchors_piv=(*demanded.anchors_piv, *options.anchors_piv),
        anchors_hardware=(*demanded.anchors_hardware, *options.anchors_hardware),
        at=options.at if demanded.at is None else demanded.at,
        references=(*demanded.references, *options.references),
        require_no_advisories=demanded.require_no_advisories or options.require_no_advisories,
        **{name: getattr(demanded, name) or getattr(options, name) for name in RELAXATIONS},
    )


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
