# SPDX-License-Identifier: Apache-2.0
"""The verb redact: artifacts taken out of a bundle, and what that costs said in full."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bundlefmt.bundle import Bundle
from bundlefmt.cli import reading
from bundlefmt.cli.arguments import FileArgument
from bundlefmt.cli.files import refuse_existing, write_atomic
from bundlefmt.cli.judging import relaxed
from bundlefmt.cli.run import Exit, UsageError, say, warn
from bundlefmt.verify import Policy
from bundlefmt.verify import verify as judge
from bundlefmt.verify.withholding import at_stake, unjudged, weakened


def redact(
    file: FileArgument,
    item: Annotated[
        list[str] | None, typer.Option(metavar="LABEL", help="An item to take out. Repeatable.")
    ] = None,
    role: Annotated[
        list[str] | None, typer.Option(metavar="ROLE", help="Take out all items of this role. Repeatable.")
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="The redacted bundle.")] = None,
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Replace FILE. What it alone holds is gone.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output file.")] = False,
    pin_openpgp: Annotated[
        list[str] | None, typer.Option(metavar="FPR", help="As with verify: judge before and after.")
    ] = None,
    pin_piv: Annotated[
        list[str] | None, typer.Option(metavar="SHA256", help="As with verify: judge before and after.")
    ] = None,
    anchor: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="As with verify: judge before and after.")
    ] = None,
    at: Annotated[str | None, typer.Option(metavar="TIME", help="As with verify.")] = None,
    allow: Annotated[list[str] | None, typer.Option(metavar="NAME", help="As with verify.")] = None,
) -> int:
    """Take artifacts out; seals stay whole. Their digests remain: a guess at one can be confirmed."""
    if (output is None) != in_place:
        raise UsageError("say where to write the redacted bundle", hint="-o FILE, or --in-place")
    target = output or file
    refuse_existing(target, force=force or in_place)
    policy = Policy(
        pins_openpgp=frozenset(reading.fingerprint(pin) for pin in pin_openpgp or ()),
        pins_piv=frozenset(reading.sha256(pin) for pin in pin_piv or ()),
        anchors=tuple(der for path in anchor or () for der in reading.certificates(path)),
        at=None if at is None else reading.moment(at),
        **relaxed(allow or ()),
    )
    bundle = Bundle.open(file)
    withheld = _chosen(bundle, item or (), role or ())
    redacted = bundle.without(withheld)
    lines = list(_cost(bundle, redacted, withheld, policy))
    for label in withheld:
        if not bundle.manifest.items[label].digest.matches(bundle.content[label].value):
            warn(f"{label} does not have the digest that was sealed: it cannot be attached again")
        elif bundle.content[label].ind is not None:
            warn(f"the indicator beside {label} goes too: attached again, the file is not the same")
    write_atomic(target, redacted.chunks(), force=force or in_place)
    say(f"{target}: withheld {', '.join(withheld)}")
    for line in lines:
        say(line)
    return Exit.PASSED


def _chosen(bundle: Bundle, items: list[str] | tuple[()], roles: list[str] | tuple[()]) -> list[str]:
    """The labels to take out, in label order. Raises UsageError where one is not there."""
    if not items and not roles:
        raise UsageError(
            "say what to take out", hint="--item LABEL or --role ROLE; bundle inspect lists them"
        )
    for label in items:
        if label not in bundle.manifest.items:
            raise UsageError(f"there is no item {label}", hint="bundle inspect lists the items")
        if label not in bundle.content:
            raise UsageError(f"{label} is not in this file")
    found = set(items)
    for role in roles:
        having = {label for label in bundle.content if bundle.manifest.items[label].role == role}
        if not having:
            raise UsageError(f"no item of role {role} is in this file", hint="bundle inspect lists the items")
        found |= having
    return sorted(found)


def _cost(bundle: Bundle, redacted: Bundle, withheld: list[str], policy: Policy) -> list[str]:
    """What a verifier no longer learns, in lines: exactly, under pins and anchors; else what may be lost."""
    before, after = judge(bundle, policy), judge(redacted, policy)
    lines = []
    if policy.pins_openpgp or policy.pins_piv or policy.anchors:
        for each in weakened(before, after):
            basis = "not drawn" if each.after is None else str(each.after)
            lines.append(
                f"  {each.conclusion.id}: {each.conclusion.basis} -> {basis}: {each.conclusion.statement}"
            )
        head = "conclusions that become weaker, for a verifier with these pins and anchors:"
        verdict = [f"verdict: {before.verdict} -> {after.verdict}"]
    else:
        roles = {bundle.manifest.items[label].role for label in withheld}
        lines += [f"  {each.id}" for each in at_stake(before, after, roles)]
        head = "conclusions that rest on it, and become weaker for whoever draws them:"
        verdict = []
    checks = [
        f"  {each.check} {', '.join(each.items)}: {each.outcome}: {each.message}"
        for each in unjudged(before, after)
        if each.check != "container.complete"
    ]
    return [
        *([head, *lines] if lines else ["no conclusion becomes weaker"]),
        *(["checks that can no longer be judged:", *checks] if checks else []),
        *verdict,
    ]
