# SPDX-License-Identifier: Apache-2.0
"""How verbs that judge a bundle come to their judgement: the options that say what one knows and allows.

They stand here once; a verb that judges has them and what it asks for itself.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Concatenate, Final, ParamSpec

import typer

from bundlefmt.bundle import Bundle
from bundlefmt.cli import reading, trust_file
from bundlefmt.cli.arguments import FileArgument
from bundlefmt.cli.run import Exit, UsageError
from bundlefmt.cli.trust_file import TrustFile
from bundlefmt.render import Json
from bundlefmt.verify import RELAXATIONS, Policy, Report, Verdict, verify

P = ParamSpec("P")
BY_VERDICT: Final = {
    Verdict.PASSED: Exit.PASSED,
    Verdict.FAILED: Exit.FAILED,
    Verdict.INDETERMINATE: Exit.INDETERMINATE,
}
# `sha1` on the command line is `allow_sha1` in the policy
_ALLOWABLE: Final = {name.removeprefix("allow_").replace("_", "-"): name for name in RELAXATIONS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A bundle, the name of its file, the report on it, and the trust file that had a part in it."""

    name: str
    bundle: Bundle
    report: Report
    trust: TrustFile | None

    @property
    def code(self) -> int:
        return BY_VERDICT[self.report.verdict]

    @property
    def trust_json(self) -> Json:
        """What came from the trust file. Where it is, is the verifier's own: reports are passed on."""
        if self.trust is None:
            return None
        identities, authorities = self.trust.trust.count()
        return {"sha256": self.trust.sha256.hex(), "identities": identities, "anchors": authorities}


def judged(
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
    trust: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Whom and what you know; default: the file of `bundle trust`."),
    ] = None,
    no_trust: Annotated[
        bool, typer.Option("--no-trust", help="Know nothing but what the options say.")
    ] = False,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Judge certificates at this time; default: the manifest's claim."),
    ] = None,
    previous: Annotated[
        Path | None, typer.Option(metavar="BUNDLE", help="The snapshot before: is it of the same TPM?")
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
) -> Judged:
    """The bundle judged under what the options say. Raises MalformedError, UsageError, OSError."""
    mine = trust_file.find(trust, none=no_trust)
    policy = Policy(
        pins_openpgp=frozenset(map(reading.fingerprint, pin_openpgp or ())),
        pins_piv=frozenset(map(reading.sha256, pin_piv or ())),
        pins_hardware=frozenset(map(reading.sha256, pin_hardware or ())),
        anchors=_certificates(anchor),
        anchors_piv=_certificates(anchor_piv),
        anchors_hardware=_certificates(anchor_hardware),
        at=None if at is None else reading.moment(at),
        references=tuple(map(reading.reference, reference or ())),
        require_no_advisories=require_no_advisories,
        **relaxed(allow or ()),
    )
    if mine is not None:
        policy = mine.trust.within(policy)
    before = None if previous is None else Bundle.open(previous)
    bundle = Bundle.open(file)
    return Judged(name=file.name, bundle=bundle, report=verify(bundle, policy, previous=before), trust=mine)


def judging(verb: Callable[Concatenate[Judged, P], int]) -> Callable[..., int]:
    """Gives a verb the arguments of `judged` before its own, and hands it what comes of them."""
    shared, (_, *own) = (
        inspect.signature(function, eval_str=True).parameters.values() for function in (judged, verb)
    )
    names = [parameter.name for parameter in shared]
    # typer names each; by place, one without a default could not follow one with
    parameters = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in (*shared, *own)]

    @wraps(verb)
    def called(**given: Any) -> int:
        found = judged(**{name: given.pop(name) for name in names})
        return verb(found, **given)  # type: ignore[call-arg] # what is left is the verb's own

    called.__signature__ = inspect.Signature(parameters, return_annotation=int)  # type: ignore[attr-defined] # read by typer
    called.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return called


def _certificates(paths: Sequence[Path] | None) -> tuple[bytes, ...]:
    return tuple(der for path in paths or () for der in reading.certificates(path))


def relaxed(names: Sequence[str]) -> dict[str, Any]:
    """The policy's fields for relaxations by their names on the command line."""
    for name in names:
        if name not in _ALLOWABLE:
            raise UsageError(f"there is no relaxation {name!r}", hint=f"one of {', '.join(_ALLOWABLE)}")
    return {_ALLOWABLE[name]: True for name in names}
