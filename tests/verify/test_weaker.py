# SPDX-License-Identifier: Apache-2.0
"""Worse evidence never concludes more: whichever findings get worse, whatever is kept back.

Outcomes from best to worst are passed, skipped, indeterminate, failed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bundlefmt.bundle import Bundle
from bundlefmt.labels import WITHHOLDABLE
from bundlefmt.verify import Basis, Finding, Outcome, Report, Verdict, verify
from bundlefmt.verify.conclusions import draw
from bundlefmt.verify.context import Context
from bundlefmt.verify.policy import Policy
from tests.test_vectors import JUDGED, before, octets, policy_of, said

ORDER: Final = (Outcome.FAILED, Outcome.INDETERMINATE, Outcome.SKIPPED, Outcome.PASSED)
RANK: Final = {Basis.UNPROVEN: 0, Basis.VOUCHED: 1, Basis.PROVEN: 2}
# one of each way to come to conclusions
WAYS: Final = (
    "container_complete",
    "container_complete-certified",
    "ak_session-under-ek",
    "activation_without-seed",
    "hardware_of-a-subkey",
    "creation_alone-certifies",
    "log_userspace",
    "piv_issued",
    "previous_certified-key",
    "previous_key-came-back",
)
EXAMPLES: Final = 60  # of each way
EVERY: Final = 9  # in one of so many vectors, items are kept back; `make bench` takes all


def ranks(conclusions: Iterable[object]) -> dict[str, int]:
    """How strong each conclusion's basis is, by id."""
    return {each.id: RANK[each.basis] for each in conclusions}  # type: ignore[attr-defined] # conclusions


def stronger(weak: Mapping[str, int], strong: Mapping[str, int]) -> set[str]:
    """The conclusions whose basis in `weak` is above that in `strong`."""
    return {id for id, rank in weak.items() if rank > strong.get(id, 0)}


@cache
def judged(name: str) -> tuple[Context, tuple[Finding, ...]]:
    vector = said(name)
    bundle, policy, previous = Bundle.decode(octets(name)), policy_of(vector["policy"]), before(vector)
    return Context(bundle, policy, previous), verify(bundle, policy, previous=previous).findings


def worse(findings: Sequence[Finding], levels: Sequence[int]) -> list[Finding]:
    """Each finding with an outcome no better than its level and than what it was."""
    return [
        replace(each, outcome=ORDER[min(level, ORDER.index(each.outcome))])
        for each, level in zip(findings, levels, strict=True)
    ]


@pytest.mark.parametrize("name", WAYS)
def test_worse_findings_never_conclude_more(name: str) -> None:
    """Of two sets of outcomes, one nowhere better than the other, both made by chance."""
    context, findings = judged(name)
    # most findings stay as they are, or nothing would be concluded of either
    level = st.sampled_from([3] * 24 + [2, 2, 1, 0])
    levels = st.lists(level, min_size=len(findings), max_size=len(findings))

    @settings(max_examples=EXAMPLES, derandomize=True, database=None)
    @given(levels, levels)
    def holds(first: list[int], second: list[int]) -> None:
        some = worse(findings, first)
        fewer = worse(some, second)
        assert stronger(ranks(draw(context, fewer)), ranks(draw(context, some))) == set()
        assert stronger(ranks(draw(context, some)), ranks(draw(context, findings))) == set()

    holds()


@pytest.mark.parametrize("name", WAYS)
def test_one_worse_finding_concludes_no_more(name: str) -> None:
    """Of each finding alone, each step down: nothing rises on the way."""
    context, findings = judged(name)
    for number, finding in enumerate(findings):
        drawn = ranks(draw(context, findings))
        for outcome in ORDER[: ORDER.index(finding.outcome)][::-1]:
            changed = [*findings]
            changed[number] = replace(finding, outcome=outcome)
            now = ranks(draw(context, changed))
            assert stronger(now, drawn) == set(), (finding, outcome)
            drawn = now


@pytest.mark.parametrize("name", WAYS)
def test_a_finding_that_is_left_out_concludes_no_more(name: str) -> None:
    """A check that found nothing of one item says nothing for the others."""
    context, findings = judged(name)
    whole = ranks(draw(context, findings))
    for check in {each.check for each in findings}:
        left = [each for each in findings if each.check != check]
        assert stronger(ranks(draw(context, left)), whole) == set(), check
    assert set(ranks(draw(context, ())).values()) == {0}


def kept_back(bundle: Bundle, *labels: str) -> Bundle:
    return replace(bundle, content={label: r for label, r in bundle.content.items() if label not in labels})


def gains(bundle: Bundle, policy: Policy, previous: Bundle | None) -> list[str]:
    """What is concluded, or passes, only once an item is kept back; in words."""
    whole: Report = verify(bundle, policy, previous=previous)
    found: list[str] = []
    for label in sorted(bundle.content):
        report = verify(kept_back(bundle, label), policy, previous=previous)
        risen = stronger(ranks(report.conclusions), ranks(whole.conclusions))
        found += [f"{id} without {label}" for id in sorted(risen)]
        # what is absent leaves a doubt, unless it is private by nature or the policy lets it be
        asked = not policy.allow_withheld and bundle.manifest.items[label].role not in WITHHOLDABLE
        if asked and report.verdict is Verdict.PASSED:
            found.append(f"{report.verdict} without {label}")
    return found


def as_sealed(bundle: Bundle) -> bool:
    """Whether what is in the content is what was sealed; a foreign artifact may be thrown out by anyone."""
    return all(
        bundle.manifest.items[label].digest.matches(record.value)
        and bundle.manifest.items[label].type == record.type
        and not bundle.manifest.items[label].detached
        for label, record in bundle.content.items()
    )


# what a renewal leaves out is here: a doubt, though by when the manifest existed is known without it
UNCOVERED: Final = {"renewal_artifact-not-covered", "block_artifact-not-covered"}


def without_any(name: str) -> list[str]:
    """What keeping back one item gains in a vector, if withheld items leave a doubt and if they do not."""
    vector = said(name)
    bundle, policy, previous = Bundle.decode(octets(name)), policy_of(vector["policy"]), before(vector)
    if name in UNCOVERED or not as_sealed(bundle):
        return []
    policies = (replace(policy, allow_withheld=allowed) for allowed in (False, True))
    return [gain for each in policies for gain in gains(bundle, each, previous)]


@pytest.mark.parametrize("name", JUDGED[::EVERY])
def test_what_is_kept_back_concludes_no_more(name: str) -> None:
    assert without_any(name) == []


@pytest.mark.parametrize("name", WAYS)
def test_what_is_kept_back_of_a_whole_concludes_no_more(name: str) -> None:
    assert without_any(name) == []
