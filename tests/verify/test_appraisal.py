# SPDX-License-Identifier: Apache-2.0
"""Appraisals never affirm what no conclusion says, nor by a word that the policy does not take."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from typing import Final

import pytest

from bundlefmt.verify import Basis, Policy, Report, Verdict
from bundlefmt.verify.appraisal import CLAIMS, Appraisal, Attester, Category, Tier, appraise, overall, worst
from bundlefmt.verify.required import STRONGEST
from bundlefmt.verify.verifier import CHECK_IDS
from tests.test_cddl import ROOT
from tests.test_vectors import JUDGED, report_of
from tests.vectorgen.judged_hardware import attested
from tests.verify.judging import report

FORMAT: Final = (ROOT / "spec" / "evidence-bundle.md").read_text("utf-8")
WORD: Final = {"ak.resident": Basis.VOUCHED, "tpm.same": Basis.VOUCHED}
said = cache(report_of)


def taking_words(found: Report) -> Report:
    """The report under a policy that takes the word of those who sealed; what else it says stays."""
    return replace(found, policy=replace(found.policy, require=WORD))


def of_tpm(name: str, *, word: bool = False) -> Appraisal:
    found = said(name)
    return appraise(taking_words(found) if word else found)[Attester.TPM]


@pytest.mark.parametrize(
    ("value", "tier"),
    [
        (-128, Tier.CONTRAINDICATED),
        (-97, Tier.CONTRAINDICATED),
        (-96, Tier.WARNING),
        (-33, Tier.WARNING),
        (-32, Tier.AFFIRMING),
        (-2, Tier.AFFIRMING),
        (-1, Tier.NONE),
        (0, Tier.NONE),
        (1, Tier.NONE),
        (2, Tier.AFFIRMING),
        (31, Tier.AFFIRMING),
        (32, Tier.WARNING),
        (95, Tier.WARNING),
        (96, Tier.CONTRAINDICATED),
        (127, Tier.CONTRAINDICATED),
    ],
)
def test_tiers(value: int, tier: Tier) -> None:
    assert Tier.of(value) is tier


def test_the_worst_tier_is_the_least_trusted() -> None:
    assert worst([Tier.AFFIRMING, Tier.NONE]) is Tier.NONE
    assert worst([Tier.NONE, Tier.WARNING]) is Tier.WARNING
    assert worst([Tier.WARNING, Tier.CONTRAINDICATED, Tier.AFFIRMING]) is Tier.CONTRAINDICATED


def test_proof_affirms() -> None:
    found = of_tpm("ak_certified")
    assert (found.status, found.vector) == (Tier.AFFIRMING, {Category.HARDWARE: 2})


def test_a_word_affirms_only_where_the_policy_takes_it() -> None:
    assert of_tpm("activation_whole").vector == {Category.HARDWARE: 0}
    assert of_tpm("activation_whole").status is Tier.NONE
    taken = of_tpm("activation_whole", word=True)
    assert (taken.status, taken.vector) == (Tier.AFFIRMING, {Category.HARDWARE: -2})
    strict = said("activation_whole")
    strict = replace(strict, policy=replace(strict.policy, require={"ak.resident": Basis.PROVEN}))
    assert appraise(strict)[Attester.TPM].vector == {Category.HARDWARE: 0}


def test_a_tpm_is_recognised_by_the_snapshot_before() -> None:
    assert of_tpm("previous_certified-key").vector[Category.INSTANCE_IDENTITY] == 2
    assert Category.INSTANCE_IDENTITY not in of_tpm("previous_key-came-back").vector
    assert of_tpm("previous_key-came-back", word=True).vector[Category.INSTANCE_IDENTITY] == -2
    assert Category.INSTANCE_IDENTITY not in of_tpm("activation_whole", word=True).vector


@pytest.mark.parametrize(
    ("name", "category", "value"),
    [
        ("quote_signed-by-another-key", Category.EXECUTABLES, 99),
        ("reference_other-value", Category.EXECUTABLES, 33),
        ("ek_other-anchor", Category.HARDWARE, 97),
        ("ek_certificate-for-another-key", Category.HARDWARE, 99),
        ("ak_certificate-revoked", Category.HARDWARE, 96),
        ("previous_not-named", Category.INSTANCE_IDENTITY, 99),
    ],
)
def test_evidence_against(name: str, category: Category, value: int) -> None:
    found = of_tpm(name, word=True)
    assert found.vector[category] == value
    assert found.status is Tier.CONTRAINDICATED


def test_security_keys() -> None:
    found = appraise(report(attested()))
    assert found[Attester.SECURITY_KEYS].vector == {
        Category.INSTANCE_IDENTITY: 2,
        Category.HARDWARE: 2,
    }
    assert found[Attester.SECURITY_KEYS].status is Tier.AFFIRMING
    assert Attester.SECURITY_KEYS not in appraise(said("activation_whole"))


def test_an_advisory_warns() -> None:
    found = appraise(said("hardware_advisory-reported"))[Attester.SECURITY_KEYS]
    assert (found.vector[Category.HARDWARE], found.status) == (32, Tier.WARNING)


@pytest.mark.parametrize("name", JUDGED[::4])
def test_never_more_than_is_known(name: str) -> None:
    found = taking_words(said(name))
    bases = {conclusion.id: conclusion.basis for conclusion in found.conclusions}
    appraisals = appraise(found)
    for attester, appraisal in appraisals.items():
        assert appraisal.vector
        for category, value in appraisal.vector.items():
            rests_on = [bases[name] for name in CLAIMS[attester][category].affirmed if name in bases]
            if value == 2:
                assert rests_on and set(rests_on) == {Basis.PROVEN}
            elif Tier.of(value) is Tier.AFFIRMING:
                assert value == -2
                assert Basis.UNPROVEN not in rests_on and Basis.VOUCHED in rests_on
        claimed = worst(map(Tier.of, appraisal.vector.values()))
        assert worst([claimed, appraisal.status]) is appraisal.status
        if found.verdict is Verdict.FAILED:
            assert appraisal.status is Tier.CONTRAINDICATED
        if found.verdict is Verdict.INDETERMINATE:
            assert appraisal.status is not Tier.AFFIRMING
    assert overall(appraisals) is worst(each.status for each in appraisals.values())


@pytest.mark.parametrize("name", JUDGED[::12])
def test_nobody_known_affirms_nothing(name: str) -> None:
    nobody = replace(said(name), policy=Policy(require=WORD))
    nobody = replace(
        nobody, conclusions=tuple(replace(each, basis=Basis.UNPROVEN) for each in nobody.conclusions)
    )
    values = [value for each in appraise(nobody).values() for value in each.vector.values()]
    assert Tier.AFFIRMING not in map(Tier.of, values)


def test_claims_rest_on_what_there_is() -> None:
    for of in CLAIMS.values():
        for claim in of.values():
            assert set(claim.affirmed) <= set(STRONGEST)
            assert {check for _, checks in claim.against for check in checks} <= set(CHECK_IDS)


def test_the_table_of_the_specification_is_that_of_the_code() -> None:
    section = FORMAT.split("### 8.9 Attestation results")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(tpm|security-keys)` \| `([a-z-]+)` \| (.+?) \| (.+?) \|", section, re.M)
    written = {
        (attester, category): (tuple(re.findall(r"`([a-z.]+)`", affirmed)), _against(against))
        for attester, category, affirmed, against in rows
    }
    known = {
        (attester.value, category.label): (
            claim.affirmed,
            {value: sorted(checks) for value, checks in claim.against},
        )
        for attester, of in CLAIMS.items()
        for category, claim in of.items()
    }
    assert written == known


def _against(cell: str) -> dict[int, list[str]]:
    """`99: a.b, a.c; 33: d.e` as a map."""
    parts = (part.split(":") for part in cell.split(";"))
    return {int(value): sorted(name.strip() for name in checks.split(",")) for value, checks in parts}


def test_the_profile_is_pinned() -> None:
    assert "draft-ietf-rats-ear-03" in FORMAT
    assert json.dumps("tag:ietf.org,2026:rats/ear#03") in FORMAT
