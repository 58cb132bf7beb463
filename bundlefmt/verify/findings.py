# SPDX-License-Identifier: Apache-2.0
"""The words of a judgement: outcome, finding, basis, conclusion, verdict.

Spec: "Verification".
"""

from __future__ import annotations

from enum import StrEnum

from bundlefmt.frozen import frozen


class Outcome(StrEnum):
    """What one check found. A check that could not run is never passed."""

    PASSED = "passed"
    FAILED = "failed"
    INDETERMINATE = "indeterminate"
    SKIPPED = "skipped"


class Verdict(StrEnum):
    PASSED = "PASSED"
    FAILED = "FAILED"
    INDETERMINATE = "INDETERMINATE"


class Basis(StrEnum):
    """How a conclusion is known, strongest first."""

    PROVEN = "proven"
    VOUCHED = "vouched"
    UNPROVEN = "unproven"

    def suffices(self, wanted: Basis) -> bool:
        """Whether it is as strong as what is wanted."""
        order = list(Basis)
        return order.index(self) <= order.index(wanted)


@frozen
class Finding:
    """The outcome of check `check` for `items` (labels, or `seal N`), with its reason in a sentence."""

    check: str
    outcome: Outcome
    items: tuple[str, ...]
    message: str


@frozen
class Conclusion:
    """What follows from the findings of the checks `rests_on`, and how it is known."""

    id: str
    basis: Basis
    statement: str
    rests_on: tuple[str, ...]


def verdict_of(findings: tuple[Finding, ...]) -> Verdict:
    """Failed if anything failed; indeterminate if anything could not be decided; else passed."""
    outcomes = {finding.outcome for finding in findings}
    if Outcome.FAILED in outcomes:
        return Verdict.FAILED
    if Outcome.INDETERMINATE in outcomes or Outcome.PASSED not in outcomes:
        return Verdict.INDETERMINATE
    return Verdict.PASSED
