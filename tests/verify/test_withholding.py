# SPDX-License-Identifier: Apache-2.0
"""What withholding costs: which answers are missed, which conclusions stand on less, and nothing else."""

from __future__ import annotations

import pytest

from bundlefmt.verify import Basis, Conclusion, Finding, Outcome, Policy, Report
from bundlefmt.verify.withholding import Unjudged, at_stake, unjudged, weakened

PASSED, FAILED, SKIPPED = Outcome.PASSED, Outcome.FAILED, Outcome.SKIPPED
UNSURE = Outcome.INDETERMINATE


def finding(outcome: Outcome, *items: str, check: str = "quote.form", message: str = "as told") -> Finding:
    return Finding(check=check, outcome=outcome, items=items, message=message)


def drawn(id: str, basis: Basis = Basis.PROVEN, *rests_on: str) -> Conclusion:
    return Conclusion(id=id, basis=basis, statement="so it is", rests_on=rests_on)


def report(*findings: Finding, conclusions: tuple[Conclusion, ...] = ()) -> Report:
    return Report(manifest_digest=bytes(32), policy=Policy(), findings=findings, conclusions=conclusions)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (finding(PASSED, "a"), finding(UNSURE, "a"), True),
        (finding(PASSED, "a"), finding(SKIPPED, "a"), True),
        (finding(FAILED, "a"), finding(SKIPPED, "a"), True),
        (finding(PASSED, "a"), finding(FAILED, "a"), False),
        (finding(SKIPPED, "a"), finding(SKIPPED, "a", message="for another reason"), False),
        (finding(UNSURE, "a"), finding(SKIPPED, "a"), False),
        (finding(PASSED, "a"), finding(SKIPPED, "b"), False),
        (finding(PASSED, "a"), finding(SKIPPED, "a", check="quote.signer"), False),
        # one of its items had an answer
        (finding(PASSED, "a"), finding(UNSURE, "b", "a"), True),
        # what is of no item in particular had one, unless it is told as before
        (finding(PASSED), finding(SKIPPED), True),
        (finding(SKIPPED), finding(SKIPPED), False),
    ],
)
def test_an_answer_is_missed_where_there_was_one(before: Finding, after: Finding, told: bool) -> None:
    lost = Unjudged(check=after.check, items=after.items, outcome=after.outcome, message="as told")
    assert unjudged(report(before), report(after)) == ((lost,) if told else ())


def test_a_conclusion_is_weaker_on_a_lesser_basis_or_where_it_is_not_drawn() -> None:
    before = [drawn(name, Basis.VOUCHED) for name in ("a.a", "b.b", "c.c", "d.d")]
    after = (drawn("a.a", Basis.UNPROVEN), drawn("b.b", Basis.VOUCHED), drawn("c.c", Basis.PROVEN))
    found = weakened(report(conclusions=tuple(before)), report(conclusions=after))
    assert [(each.conclusion, each.after) for each in found] == [
        (before[0], Basis.UNPROVEN),
        (before[3], None),
    ]


@pytest.mark.parametrize(
    ("findings", "role", "lost"),
    [
        ((finding(SKIPPED, "a"),), "quote", True),
        # it failed, or nothing is said of it any more: nothing passes that did
        ((finding(FAILED, "a"),), "quote", True),
        ((), "quote", True),
        ((finding(PASSED, "a"),), "quote", False),
        # an anchor would have made it pass
        ((finding(PASSED, "a"),), "crl", True),
    ],
)
def test_at_stake_is_what_rests_on_a_check_that_no_longer_passes(
    findings: tuple[Finding, ...], role: str, lost: bool
) -> None:
    resting = drawn("a.a", Basis.UNPROVEN, "quote.form", "ek.revocation")
    other = drawn("b.b", Basis.UNPROVEN, "quote.signer")
    failed = finding(FAILED, "a", check="quote.signer")
    before = report(finding(PASSED, "a"), failed, conclusions=(resting, other))
    assert at_stake(before, report(*findings, failed), (role,)) == ((resting,) if lost else ())


def test_what_did_not_pass_before_is_not_at_stake() -> None:
    before = report(finding(FAILED, "a"), conclusions=(drawn("a.a", Basis.UNPROVEN, "quote.form"),))
    assert at_stake(before, report(finding(FAILED, "a")), ()) == ()
    assert at_stake(before, report(), ()) == ()
