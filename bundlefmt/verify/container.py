# SPDX-License-Identifier: Apache-2.0
"""Judgements on the container: types, digests, what is absent, references, profile, what the binding covers.

Spec: "Verification", step 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from bundlefmt import labels
from bundlefmt.verify.checks import Check, Result, judged
from bundlefmt.verify.context import Context, Fail
from bundlefmt.verify.findings import Outcome

# what a reference may name, where that decides which evidence is compared with which
_TARGETS: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    ("ak-name", "of"): ("ak-public",),
    ("ak-template", "of"): ("ak-public",),
    ("key-name", "of"): ("key-public",),
    ("quote", "by"): ("ak-public",),
    ("time", "by"): ("ak-public",),
    ("nv-certify", "by"): ("ak-public",),
    ("certify", "by"): ("ak-public",),
    ("certify", "subject"): ("key-public", "ak-public"),
    ("certify-creation", "by"): ("ak-public",),
    ("certify-creation", "subject"): ("key-public", "ak-public"),
    ("creation-data", "of"): ("key-public", "ak-public"),
    ("creation-ticket", "of"): ("key-public", "ak-public"),
    ("credential-activation", "ek"): ("ek-public",),
    ("credential-activation", "ak"): ("ak-public",),
    ("tpm-signature", "by"): ("ak-public", "key-public"),
    ("tpm-signature", "over"): (
        "quote",
        "certify",
        "certify-creation",
        "time",
        "nv-certify",
        "openpgp-certificate",
        "piv-certificate",
    ),
    ("openpgp-attestation", "subject"): ("openpgp-certificate",),
    ("piv-attestation", "subject"): ("piv-certificate",),
    ("openpgp-attestation", "issuer"): ("attestation-issuer",),
    ("piv-attestation", "issuer"): ("attestation-issuer",),
    ("cross-signature", "by"): ("openpgp-certificate",),
    ("cross-signature", "over"): ("piv-certificate",),
    ("cross-certificate", "by"): ("piv-certificate",),
    ("cross-certificate", "over"): ("openpgp-certificate",),
    ("tpm-binding-certificate", "by"): ("piv-certificate",),
    ("tpm-binding-certificate", "ek"): ("ek-public",),
    ("tpm-binding-certificate", "ak"): ("ak-public",),
    ("tpm-binding-certificate", "key"): ("key-public",),
    ("pcr-values", "quoted-by"): ("quote",),
    ("firmware-log", "pcrs"): ("pcr-values",),
    ("userspace-log", "pcrs"): ("pcr-values",),
    ("ima-log", "pcrs"): ("pcr-values",),
    ("ek-public", "certificate"): ("ek-certificate",),
    ("ak-public", "certificate"): ("ak-certificate",),
    ("ek-certificate", "issuer"): ("certificate-issuer",),
    ("ak-certificate", "issuer"): ("certificate-issuer",),
    ("ak-public", "parent"): ("ek-public", "parent-public"),
    ("key-public", "parent"): ("parent-public", "ek-public"),
    ("parent-public", "parent"): ("parent-public", "ek-public"),
}


def _types(context: Context) -> Iterator[Result]:
    """Each record carries the media type that its item names, and a role has its type."""
    agreeing = []
    for label, item in sorted(context.manifest.items.items()):
        record = context.bundle.content.get(label)
        wanted = labels.ROLE_TYPES.get(item.role)
        if wanted is not None and item.type != wanted:
            yield Result(Outcome.FAILED, (label,), f"role {item.role} has type {wanted}, not {item.type}")
        elif record is not None and record.type != item.type:
            yield Result(Outcome.FAILED, (label,), f"the record is {record.type}, the item says {item.type}")
        elif item.role not in labels.ROLES:
            yield Result(Outcome.SKIPPED, (label,), f"role {item.role} is not known here: kept, not judged")
        else:
            agreeing.append(label)
    if agreeing:
        yield Result(Outcome.PASSED, tuple(agreeing), f"{len(agreeing)} items have the type of their role")


def _digest(context: Context) -> Iterator[Result]:
    """Each artifact has the size and the digest that were sealed."""
    agreeing = []
    for label, record in sorted(context.bundle.content.items()):
        item = context.item(label)
        if len(record.value) != item.size:
            message = f"{len(record.value)} bytes, {item.size} were sealed"
            yield Result(Outcome.FAILED, (label,), message)
        elif not item.digest.matches(record.value):
            yield Result(Outcome.FAILED, (label,), "the digest is not the one that was sealed")
        else:
            agreeing.append(label)
    if agreeing:
        yield Result(Outcome.PASSED, tuple(agreeing), f"{len(agreeing)} artifacts have the sealed digest")


def _complete(context: Context) -> Iterator[Result]:
    """What the manifest names and the content lacks is said; evidence that is lacking leaves a doubt."""
    absent = sorted(set(context.manifest.items) - set(context.bundle.content))
    for label in absent:
        item = context.item(label)
        how = "detached" if item.detached else "withheld"
        tolerated = item.role in labels.WITHHOLDABLE or context.policy.allow_withheld
        outcome = Outcome.SKIPPED if tolerated else Outcome.INDETERMINATE
        yield Result(outcome, (label,), f"{item.role} is {how}: not in this file")
    for label in sorted(context.bundle.content):
        if context.item(label).detached:
            yield Result(Outcome.FAILED, (label,), "declared detached, yet in the content")
    if not absent:
        yield Result(Outcome.PASSED, (), f"all {len(context.manifest.items)} items are here")


def _refs(context: Context) -> Iterator[Result]:
    """Each role has the references it needs, and they name items of the right role."""

    def decide(label: str) -> str:
        item = context.item(label)
        for ref in labels.ROLES[item.role]:
            if not item.ref(ref):
                raise Fail(f"a {item.role} needs the reference {ref!r}")
        for ref in item.refs:
            if ref in labels.REF_NAMES and ref not in labels.PLURAL_REFS and len(item.ref(ref)) != 1:
                raise Fail(f"{ref!r} of a {item.role} names {len(item.ref(ref))} items, not one")
            allowed = _TARGETS.get((item.role, ref))
            for target in item.ref(ref):
                if allowed is not None and context.item(target).role not in allowed:
                    raise Fail(
                        f"{ref!r} of a {item.role} names {target}, which is a {context.item(target).role}"
                    )
        return f"{len(item.refs)} references"

    agreeing = []
    for label, item in sorted(context.manifest.items.items()):
        if item.role in labels.ROLES:
            result = judged((label,), partial(decide, label))
            if result.outcome is Outcome.PASSED:
                agreeing.append(label)
            else:
                yield result
    if agreeing:
        yield Result(Outcome.PASSED, tuple(agreeing), f"{len(agreeing)} items refer as their roles need")


def _profile(context: Context) -> Iterator[Result]:
    """The profile is known and the roles it asks for are there; what nobody here knows is said."""
    for name in sorted(context.manifest.extensions):
        yield Result(Outcome.SKIPPED, (), f"manifest member {name!r} is not known here: kept, not judged")
    profile = context.manifest.profile
    roles = labels.PROFILE_ROLES.get(profile)
    if roles is None:
        yield Result(Outcome.INDETERMINATE, (), f"profile {profile} is not known here")
        return
    missing = [role for role in roles if not context.labels(role)]
    if missing:
        yield Result(Outcome.FAILED, (), f"the profile asks for {', '.join(missing)}")
    else:
        yield Result(Outcome.PASSED, (), f"profile {profile}")


def _binding(context: Context) -> Iterator[Result]:
    """The binding covers every identity, EK, AK and signing key, so that no half finds another partner."""
    over = context.manifest.binding.over
    missing = tuple(label for label in context.labels(*labels.BOUND_ROLES) if label not in over)
    if missing:
        yield Result(Outcome.FAILED, missing, "not covered by the binding")
    else:
        yield Result(Outcome.PASSED, over, f"the binding covers {len(over)} items")


CHECKS: Final = (
    Check("container.types", _types),
    Check("container.digest", _digest),
    Check("container.complete", _complete),
    Check("container.refs", _refs),
    Check("container.profile", _profile),
    Check("container.binding", _binding),
)
