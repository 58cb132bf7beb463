# SPDX-License-Identifier: Apache-2.0
"""How verbs that judge come to their judgement: the options that say what one knows and allows.

They stand here once; a verb that judges has them and what it asks for itself.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Concatenate, Final, ParamSpec, TypeVar

import typer

from bundlefmt.bundle import Bundle
from bundlefmt.cli import reading, trust_file
from bundlefmt.cli.arguments import (
    AnchorHardwareOption,
    AnchorLogOption,
    AnchorOption,
    AnchorPivOption,
    AnchorTimeOption,
    FileArgument,
    NoTrustOption,
    PinBlockOption,
    TrustOption,
)
from bundlefmt.cli.run import Exit, UsageError
from bundlefmt.cli.trust_file import TrustFile
from bundlefmt.frozen import frozen
from bundlefmt.render import Json
from bundlefmt.verify import RELAXATIONS, Policy, Report, Verdict, verify
from bundlefmt.verify.seal_stamps import tells_time

if TYPE_CHECKING:
    from bundlefmt.cli.policy_file import PolicyFile

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")
BY_VERDICT: Final = {
    Verdict.PASSED: Exit.PASSED,
    Verdict.FAILED: Exit.FAILED,
    Verdict.INDETERMINATE: Exit.INDETERMINATE,
}
# `sha1` on the command line is `allow_sha1` in the policy
_ALLOWABLE: Final = {name.removeprefix("allow_").replace("_", "-"): name for name in RELAXATIONS}


@frozen
class Terms:
    """What bundles are judged under, and the trust file that had a part in it.

    `present` is when they are judged, by the verifier's clock or word; seconds since the epoch.
    """

    policy: Policy
    trust: TrustFile | None
    present: int


@frozen
class Judged:
    """A bundle, the name of its file, the report on it, and what it was judged under."""

    name: str
    bundle: Bundle
    report: Report
    terms: Terms

    @property
    def code(self) -> int:
        return BY_VERDICT[self.report.verdict]

    @property
    def trust(self) -> TrustFile | None:
        return self.terms.trust

    @property
    def present(self) -> int:
        return self.terms.present

    @property
    def trust_json(self) -> Json:
        """What came from the trust file. Where it is, is the verifier's own: reports are passed on."""
        if self.trust is None:
            return None
        identities, authorities = self.trust.trust.count()
        return {"sha256": self.trust.sha256.hex(), "identities": identities, "anchors": authorities}


def with_arguments_of(
    source: Callable[..., T],
) -> Callable[[Callable[Concatenate[T, P], R]], Callable[..., R]]:
    """Gives a function the arguments of `source` before its own, and hands it what `source` returns."""

    def decorate(function: Callable[Concatenate[T, P], R]) -> Callable[..., R]:
        shared, (_, *own) = (
            inspect.signature(each, eval_str=True).parameters.values() for each in (source, function)
        )
        names = [parameter.name for parameter in shared]
        # typer names each; by place, one without a default could not follow one with
        parameters = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in (*shared, *own)]

        @wraps(function)
        def called(**given: Any) -> R:
            found = source(**{name: given.pop(name) for name in names})
            return function(found, **given)  # type: ignore[call-arg] # what is left is the function's own

        called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # read by typer
        called.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return called

    return decorate


def terms(
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
    anchor: AnchorOption = None,
    anchor_piv: AnchorPivOption = None,
    anchor_hardware: AnchorHardwareOption = None,
    anchor_time: AnchorTimeOption = None,
    anchor_log: AnchorLogOption = None,
    pin_hardware: Annotated[
        list[str] | None,
        typer.Option(metavar="SHA256", help="SHA-256 of such a one that the bundle may carry. Repeatable."),
    ] = None,
    pin_block: PinBlockOption = None,
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
            metavar="TIME",
            help="The present, where algorithms end, renewals hold or results are written; default: now.",
        ),
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
) -> Terms:
    """What the options say. Raises UsageError, OSError."""
    mine = trust_file.find(trust, none=no_trust)
    demanded = None if policy is None else _demanded(policy)
    options = Policy(
        pins_openpgp=frozenset(map(reading.fingerprint, pin_openpgp or ())),
        pins_piv=frozenset(map(reading.sha256, pin_piv or ())),
        pins_hardware=frozenset(map(reading.sha256, pin_hardware or ())),
        pins_block=frozenset(map(reading.block, pin_block or ())),
        anchors=certificates(anchor),
        anchors_piv=certificates(anchor_piv),
        anchors_hardware=certificates(anchor_hardware),
        anchors_time=certificates(anchor_time),
        anchors_log=tuple(der for path in anchor_log or () for der in reading.log_keys(path)),
        at=None if at is None else reading.moment(at),
        references=tuple(map(reading.reference, reference or ())),
        require_no_advisories=require_no_advisories,
        **relaxed(allow or ()),
    )
    found = options if demanded is None else _together(demanded.policy, options)
    if mine is not None:
        found = mine.trust.within(found)
    if demanded is not None:
        found = replace(found, amended=found != demanded.policy)
    present = int(time.time()) if now is None else reading.moment(now)
    return Terms(policy=found.at_present(present), trust=mine, present=present)


@with_arguments_of(terms)
def judged(
    under: Terms,
    file: FileArgument,
    previous: Annotated[
        Path | None, typer.Option(metavar="BUNDLE", help="The snapshot before: is it of the same TPM?")
    ] = None,
    confirmed: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What you kept of your own challenge, once it is confirmed."),
    ] = None,
) -> Judged:
    """The bundle judged under what the options say. Raises MalformedError, UsageError, OSError."""
    before = None if previous is None else Bundle.open(previous)
    kept = None if confirmed is None else reading.kept(confirmed)
    bundle = Bundle.open(file)
    policy = under.policy.at_present(under.present, timed=tells_time(bundle))
    report = verify(bundle, policy, previous=before, confirmed=kept)
    return Judged(name=file.name, bundle=bundle, report=report, terms=under)


def _demanded(path: Path) -> PolicyFile:
    """A policy document is a language of its own, which those load who have one."""
    from bundlefmt.cli import policy_file

    return policy_file.load(path)


def _together(demanded: Policy, options: Policy) -> Policy:
    """The policy of a document, and what the options add to it. Raises UsageError where they contradict."""
    if None not in (demanded.at, options.at) and demanded.at != options.at:
        raise UsageError("the policy says at which time to judge, and --at says another")
    return replace(
        demanded,
        pins_openpgp=demanded.pins_openpgp | options.pins_openpgp,
        pins_piv=demanded.pins_piv | options.pins_piv,
        pins_hardware=demanded.pins_hardware | options.pins_hardware,
        pins_block=demanded.pins_block | options.pins_block,
        anchors=(*demanded.anchors, *options.anchors),
        anchors_piv=(*demanded.anchors_piv, *options.anchors_piv),
        anchors_hardware=(*demanded.anchors_hardware, *options.anchors_hardware),
        anchors_time=(*demanded.anchors_time, *options.anchors_time),
        anchors_log=(*demanded.anchors_log, *options.anchors_log),
        at=options.at if demanded.at is None else demanded.at,
        references=(*demanded.references, *options.references),
        require_no_advisories=demanded.require_no_advisories or options.require_no_advisories,
        **{name: getattr(demanded, name) or getattr(options, name) for name in RELAXATIONS},
    )


judging = with_arguments_of(judged)  # a verb on one bundle


def certificates(paths: Sequence[Path] | None) -> tuple[bytes, ...]:
    """Those in all of these files, DER."""
    return tuple(der for path in paths or () for der in reading.certificates(path))


def relaxed(names: Sequence[str]) -> dict[str, Any]:
    """The policy's fields for relaxations by their names on the command line."""
    for name in names:
        if name not in _ALLOWABLE:
            raise UsageError(f"there is no relaxation {name!r}", hint=f"one of {', '.join(_ALLOWABLE)}")
    return {_ALLOWABLE[name]: True for name in names}
