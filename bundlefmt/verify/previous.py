# SPDX-License-Identifier: Apache-2.0
"""Judgements on the snapshot before: is it the one named, and does the same attestation key speak again.

Spec: "Verification", step 9; "Continuity".
"""

from __future__ import annotations

from typing import Final

from bundlefmt.bundle import Bundle
from bundlefmt.errors import MalformedError
from bundlefmt.evidence.tpm import TpmtPublic, UnsupportedAlgorithmError
from bundlefmt.verify.checks import Check, once
from bundlefmt.verify.context import Context, Fail, Skip


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
    """An attestation key of the bundle before has the Name of one that speaks here."""
    before, names = _names(_before(context)), {}
    for label in context.labels("ak-public"):
        names[context.name(label)] = label
    both = sorted(names[name] for name in set(names) & before)
    if not both:
        raise Skip("no attestation key of the snapshot before speaks here: it may be another TPM")
    return f"{', '.join(both)} spoke in the snapshot before: the same key, so the same TPM"


def _names(bundle: Bundle) -> set[bytes]:
    """The Names of the attestation keys of a bundle, from artifacts with the digest that was sealed."""
    found = set()
    for label, item in bundle.manifest.items.items():
        record = bundle.content.get(label)
        if item.role != "ak-public" or record is None or not item.digest.matches(record.value):
            continue
        try:
            found.add(TpmtPublic.decode(record.value).name())
        except (MalformedError, UnsupportedAlgorithmError):
            continue
    return found


CHECKS: Final = (
    Check("previous.digest", once(_digest)),
    Check("previous.ak", once(_ak)),
)
