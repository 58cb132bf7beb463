# SPDX-License-Identifier: Apache-2.0
"""Judgements on the snapshot before: is it the one named, and does the same attestation key speak again.

Spec: "Verification", step 9; "Continuity".
"""

from __future__ import annotations

from typing import Final

from bundlefmt.bundle import Bundle
from bundlefmt.verify import statement
from bundlefmt.verify.checks import Check, once
from bundlefmt.verify.context import Context, Fail, Judgement, Skip


def _before(context: Context) -> Bundle:
    """The bundle that the verifier gave. Raises Skip where there is none."""
    if context.previous is not None:
        return context.previous
    if context.manifest.previous is None:
        raise Skip("no snapshot before this one is named")
    raise Skip("the snapshot before this one was not given")


def _digest(context: Context) -> str:
    """The manifest names the given bundle's manifest by its digest."""
    before, named = _before(context), context.manifest.previous
    if named is None:
        raise Fail("this manifest names no snapshot before it")
    if not named.matches(before.manifest_raw):
        raise Fail("the given bundle is not the one that this manifest names")
    return "the given bundle is the one that this manifest names"


def _ak(context: Context) -> str:
    """An attestation key quotes here for this binding, and quoted in the bundle before for that one's."""
    before = Context(_before(context), context.policy)
    if before.binding == context.binding:
        raise Skip("both have one binding: a statement made once would count twice")
    then, now = set(_speaking(before).values()), _speaking(context)
    both = [label for label, name in now.items() if name in then]
    if not both:
        raise Skip("no attestation key of the snapshot before speaks here: it may be another TPM")
    return f"{', '.join(both)} spoke in the snapshot before too: the same key"


def _speaking(context: Context) -> dict[str, bytes]:
    """The Names of the attestation keys, by label, whose quote repeats exactly this manifest's binding.

    A key that is merely carried may be anyone's, and a quote that repeats less may be an old one, whatever
    the policy allows. Of another bundle the digests are not judged elsewhere, so they are here.
    """
    names = {}
    for label in context.labels("ak-public"):
        record = context.bundle.content.get(label)
        if record is None or not context.item(label).digest.matches(record.value):
            continue
        quotes = context.referring("quote", "by", label)
        if any(_repeats(context, quote) for quote in quotes):
            names[label] = context.publics(label).name()
    return names


def _repeats(context: Context, quote: str) -> bool:
    try:
        statement.form(context, quote)
        statement.signature(context, quote)
        statement.signer(context, quote)
        return context.attests(quote).extra_data == context.binding
    except Judgement:
        return False


CHECKS: Final = (
    Check("previous.digest", once(_digest)),
    Check("previous.ak", once(_ak)),
)
