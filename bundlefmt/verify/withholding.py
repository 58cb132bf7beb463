# SPDX-License-Identifier: Apache-2.0
"""What withholding artifacts costs: findings and conclusions of two reports of one manifest, side by side.

Spec: "Findings", "Conclusions".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from bundlefmt.frozen import frozen
from bundlefmt.verify.findings import Basis, Conclusion, Outcome
from bundlefmt.verify.report import Report

_JUDGED: Final = (Outcome.PASSED, Outcome.FAILED)
_STRENGTH: Final = tuple(Basis)  # strongest first
# checks that only an anchor can make pass, by the roles of what they read
_UNDER_ANCHORS: Final[Mapping[str, tuple[str, ...]]] = {
    "ek-certificate": ("ek.chain", "ek.revocation"),
    "ak-certificate": ("ak.certificate", "ak.revocation"),
    "certificate-issuer": ("ek.chain", "ak.certificate"),
    "crl": ("ek.revocation", "ak.revocation"),
    "ocsp": ("ek.revocation", "ak.revocation"),
}


@frozen
class Unjudged:
    """A check that gave an answer for `items` and now gives none; `outcome` is what it finds instead."""

    check: str
    items: tuple[str, ...]
    outcome: Outcome
    message: str


@frozen
class Weakened:
    """A conclusion and its basis before and after; `after` is None where it is not drawn at all."""

    conclusion: Conclusion
    after: Basis | None


def unjudged(before: Report, after: Report) -> tuple[Unjudged, ...]:
    """The checks that can no longer be judged, in the order of the verification."""
    answers = {
        (finding.check, label)
        for finding in before.findings
        if finding.outcome in _JUDGED
        for label in finding.items
    }
    known = set(before.findings)
    return tuple(
        Unjudged(check=finding.check, items=finding.items, outcome=finding.outcome, message=finding.message)
        for finding in after.findings
        if finding.outcome not in _JUDGED
        and finding not in known
        and (not finding.items or any((finding.check, label) in answers for label in finding.items))
    )


def weakened(before: Report, after: Report) -> tuple[Weakened, ...]:
    """The conclusions that are drawn on a weaker basis, or not at all."""
    now = {conclusion.id: conclusion.basis for conclusion in after.conclusions}
    return tuple(
        Weakened(conclusion=conclusion, after=now.get(conclusion.id))
        for conclusion in before.conclusions
        if conclusion.id not in now or _STRENGTH.index(now[conclusion.id]) > _STRENGTH.index(conclusion.basis)
    )


def at_stake(before: Report, after: Report, roles: Iterable[str]) -> tuple[Conclusion, ...]:
    """Conclusions that rest on a check which is no longer judged, whoever the verifier trusts.

    To be asked where no pins and anchors are known, so that nothing was proven before; `roles` are those
    of the withheld items.
    """
    lost = {each.check for each in unjudged(before, after)}
    lost |= _held(before) - _held(after)
    lost |= {check for role in roles for check in _UNDER_ANCHORS.get(role, ())}
    return tuple(each for each in before.conclusions if lost & set(each.rests_on))


def _held(report: Report) -> set[str]:
    """The checks that passed for something."""
    return {finding.check for finding in report.findings if finding.outcome is Outcome.PASSED}
