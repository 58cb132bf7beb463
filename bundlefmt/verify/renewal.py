# SPDX-License-Identifier: Apache-2.0
"""Judgements on the renewals: what each covers, who stamped it, whether it holds; and by when all existed.

What one authority cannot show leaves no doubt where another shows it: that is what two are for.
Spec: "Verification", step 10; "Renewals".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Final

from bundlefmt import labels
from bundlefmt.moment import when
from bundlefmt.verify.checks import Check, numbered
from bundlefmt.verify.context import Context, Fail, Skip, Unsure
from bundlefmt.verify.findings import Basis, Conclusion
from bundlefmt.verify.held import Held

_OTHERS: Final = "it counts for nothing, and another renewal holds"


def _form(context: Context, number: int) -> str:
    """The renewal is two maps around one timestamp."""
    found = context.existence.stamps.form(number)
    return f"a timestamp of {when(found.token.info.generated)} over a coverage by {_hash(found.coverage.alg)}"


def _hash(alg: int) -> str:
    return labels.HASH_NAMES[alg]


def _covers(context: Context, number: int) -> str:
    """It covers everything before it, and that is what is here."""
    coverage = context.existence.stamps.covers(number)
    seals, renewals = len(coverage.seals), len(coverage.renewals)
    return f"covers the manifest, {len(coverage.content)} artifacts, {seals} seals, {renewals} renewals"


def _imprint(context: Context, number: int) -> str:
    """The timestamp is over the coverage."""
    return context.existence.stamps.imprint(number)


def _signature(context: Context, number: int) -> str:
    """The timestamp is signed by the key of the certificate that it names."""
    try:
        certificate, algorithm = context.existence.stamps.signer(number)
    except Unsure as unsure:
        raise _unless_others(context, unsure) from None
    return f"{algorithm} by {certificate}"


def _authority(context: Context, number: int) -> str:
    """The certificate is for timestamps alone, and was valid when it signed."""
    return f"{context.existence.stamps.authority(number)} is for timestamps alone"


def _chain(context: Context, number: int) -> str:
    """The authority leads to an anchor of the verifier, at the time of the timestamp."""
    try:
        return context.existence.stamps.chain(number).describe()
    except Unsure as unsure:
        raise _unless_others(context, unsure) from None


def _unless_others(context: Context, judgement: Fail | Unsure) -> Fail | Unsure | Skip:
    """What one authority lacks leaves no doubt where another renewal holds."""
    return Skip(f"{judgement}: {_OTHERS}") if context.existence.held else judgement


def _order(context: Context, number: int) -> str:
    """It was not made before what it covers."""
    return context.existence.order(number)


def _kept(context: Context, number: int) -> str:
    """It could still be believed when the next one took over, or can now."""
    existence = context.existence
    try:
        held = existence.kept(number)
    except Fail:
        raise Skip("renewal.revocation says why") from None
    except Unsure as unsure:
        if any(each < number for each in existence.held):
            raise Skip(f"{unsure}: an earlier renewal holds without it") from None
        raise
    return f"still to be believed at {when(held.until)}: everything before it existed by {when(held.by)}"


def _revocation(context: Context, number: int) -> str:
    """Nothing that is carried along says that the authority was revoked."""
    existence = context.existence
    try:
        held = existence.kept(number)
    except Fail as fail:
        raise _unless_others(context, fail) from None
    except Unsure:
        raise Skip("renewal.kept says why") from None
    if not held.listed:
        raise Skip("no usable revocation list or response of its authorities is carried along")
    return f"no certificate of the chain was revoked at {when(held.until)}"


def _every(context: Context) -> Iterable[int]:
    return range(context.existence.stamps.count)


_each: Final = partial(numbered, "renewal", _every)


CHECKS: Final = (
    Check("renewal.form", _each(_form)),
    Check("renewal.covers", _each(_covers)),
    Check("renewal.imprint", _each(_imprint)),
    Check("renewal.signature", _each(_signature)),
    Check("renewal.authority", _each(_authority)),
    Check("renewal.chain", _each(_chain)),
    Check("renewal.order", _each(_order)),
    Check("renewal.kept", _each(_kept)),
    Check("renewal.revocation", _each(_revocation)),
)
_REVOCATION: Final = "renewal.revocation"  # lists are not required: without one it is skipped
_EXISTED: Final = tuple(check.id for check in CHECKS if check.id != _REVOCATION)


def existed(context: Context, found: Held) -> Iterator[Conclusion]:
    """By when the manifest and its seals existed; only where there are renewals."""
    existence = context.existence
    if not existence.stamps.count:
        return
    by = existence.by if found.holds(_EXISTED) and found.unbroken(_REVOCATION) else None
    yield Conclusion(
        id="time.existed",
        basis=Basis.UNPROVEN if by is None else Basis.PROVEN,
        statement=(
            "by when this manifest existed is not shown by an authority of time"
            if by is None
            else _told(context, by)
        ),
        rests_on=(*_EXISTED, _REVOCATION),
    )


def _told(context: Context, by: int) -> str:
    return f"by the word of {_authorities(context)}, this manifest existed by {when(by)}{_seals(context)}"


def _seals(context: Context) -> str:
    """By when each seal existed, in words."""
    times: dict[int | None, list[int]] = {}
    for number in range(len(context.bundle.seals)):
        times.setdefault(context.existence.seal_by(number), []).append(number + 1)
    told = []
    for by, numbers in times.items():
        named = f"seal{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"
        if by is None:
            told.append(f"of {named} it is not shown")
        elif by == context.existence.by:
            told.append(f"so did {named}")
        else:
            told.append(f"{named} by {when(by)}")
    return "".join(f"; {each}" for each in told)


def _authorities(context: Context) -> str:
    """The anchors of the renewals that hold, each once."""
    anchors = (each.chain.certificates[-1] for _, each in sorted(context.existence.held.items()))
    return " and ".join(dict.fromkeys(map(str, anchors)))
