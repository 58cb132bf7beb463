# SPDX-License-Identifier: Apache-2.0
"""No conclusion is stronger than what it rests on: take any check away and its basis falls.

A vector's own findings are taken, those of one check get another outcome, and the conclusions are drawn anew.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

import pytest

from bundlefmt.bundle import Bundle
from bundlefmt.verify import Basis, Conclusion, Finding, Outcome, verify
from bundlefmt.verify.conclusions import draw
from bundlefmt.verify.context import Context
from bundlefmt.verify.held import Held
from bundlefmt.verify.verifier import CHECK_IDS
from tests.test_checks import FORMAT
from tests.test_vectors import JUDGED, before, kept, octets, policy_of, said

# the vectors in which each conclusion has the best basis that it can have
BEST: Final = {
    "identity.sealed": "activation_whole",
    "identity.hardware": "hardware_attested",
    "identity.crossed": "cross_both-ways",
    "tpm.genuine": "activation_whole",
    "ak.resident": "activation_whole",
    "platform.state": "activation_whole",
    "key.resident": "activation_whole",
    "key.bound": "binding_whole",
    "platform.boot": "log_firmware",
    "ak.lifetime": "activation_whole",
    "ak.same": "previous_key-came-back",
    "tpm.same": "previous_key-came-back",
    "time.existed": "renewal_not-revoked",
    "time.mined": "block_whole",
    "time.sealed": "seal_timestamp",
    "seal.registered": "seal_receipt",
}
CERTIFIED: Final = "ak_certified"
CONFIRMED: Final = "activation_confirmed-whole"
PROVING: Final = {
    CERTIFIED: "in a TPM: an anchored authority certified it",
    CONFIRMED: "in that TPM: it answered the verifier's own challenge",
}
# every other way to come to each; some by another route have a better basis than above
WAYS_TO: Final[dict[str, tuple[str, ...]]] = {
    "identity.sealed": ("container_openpgp", "container_cose-esp256", "piv_issued", "piv_not-revoked"),
    "identity.hardware": ("hardware_of-a-subkey", "hardware_root-pinned", "container_complete"),
    "identity.crossed": ("cross_certificate-not-revoked", "container_complete"),
    "tpm.genuine": ("ek_certificate-not-revoked", "container_complete"),
    "ak.resident": ("activation_without-seed", CERTIFIED, "container_complete-certified"),
    "platform.state": (CERTIFIED, "container_complete"),
    "key.resident": ("creation_alone-certifies", CERTIFIED),
    "key.bound": ("binding_not-revoked", "container_complete-certified"),
    "platform.boot": ("log_userspace", "container_complete", "container_complete-certified"),
    "ak.lifetime": ("ak_died-with-its-session", "container_complete-certified"),
    "ak.same": ("previous_certified-key", "previous_same-key"),
    "tpm.same": ("previous_certified-key",),
    "time.existed": ("renewal_three-times", "renewal_two-authorities"),
    "time.mined": ("block_with-a-promise-beside", "block_and-timestamp"),
    "time.sealed": ("seal_timestamp-of-one-of-two",),
    "seal.registered": ("seal_receipt-of-one-of-two", "seal_receipt-of-the-last-entry"),
}
BY_CERTIFICATE: Final = {CERTIFIED, "container_complete-certified", "previous_certified-key"}
ROUTES: Final = [(id, name) for id in BEST for name in (BEST[id], *WAYS_TO[id])]
# where an outcome is good enough: lists of revocation are not required, randomness may stay away
TOLERATED: Final = {
    ("ek.revocation", Outcome.SKIPPED),
    ("ak.revocation", Outcome.SKIPPED),
    ("cross.revocation", Outcome.SKIPPED),
    ("binding.revocation", Outcome.SKIPPED),
    ("renewal.revocation", Outcome.SKIPPED),
    # an OpenPGP identity has no X.509 certificate, and one that issued itself no chain
    *((check, Outcome.SKIPPED) for check in CHECK_IDS if check.startswith("piv.")),
    ("activation.blob", Outcome.SKIPPED),
    ("activation.secret", Outcome.SKIPPED),
    # a record that is not there leaves activation.form undecided too
    ("activation.blob", Outcome.INDETERMINATE),
    ("activation.secret", Outcome.INDETERMINATE),
}
WORSE: Final = (Outcome.FAILED, Outcome.INDETERMINATE, Outcome.SKIPPED)


def judged(name: str) -> tuple[Context, tuple[Finding, ...], dict[str, Conclusion]]:
    """The view, the findings and the conclusions of a vector."""
    vector = said(name)
    bundle, policy, previous = Bundle.decode(octets(name)), policy_of(vector["policy"]), before(vector)
    confirmed = kept(name, vector)
    report = verify(bundle, policy, previous=previous, confirmed=confirmed)
    return (
        Context(bundle, policy, previous, confirmed),
        report.findings,
        {each.id: each for each in report.conclusions},
    )


def without(findings: tuple[Finding, ...], check: str, outcome: Outcome) -> list[Finding]:
    """The findings in which one check came to another outcome, for an item that is evidence."""
    changed = [
        replace(each, outcome=outcome, items=each.items or ("quote",)) if each.check == check else each
        for each in findings
    ]
    assert check in {each.check for each in changed if each.outcome is outcome}
    return changed


def test_each_conclusion_has_its_ways() -> None:
    """And each way is one: what is concluded there has a basis."""
    assert WAYS_TO.keys() == BEST.keys() == ROWS.keys()


@pytest.mark.parametrize("outcome", WORSE)
@pytest.mark.parametrize(("conclusion", "name"), ROUTES)
def test_each_check_it_rests_on_carries_it(conclusion: str, name: str, outcome: Outcome) -> None:
    context, findings, drawn = judged(name)
    best = drawn[conclusion]
    assert best.basis is not Basis.UNPROVEN
    for check in best.rests_on:
        weaker = {each.id: each for each in draw(context, without(findings, check, outcome))}[conclusion]
        if (check, outcome) in TOLERATED:
            assert weaker.basis is best.basis, check
        elif best.basis is Basis.VOUCHED:
            assert weaker.basis is Basis.UNPROVEN, check
        elif name in BY_CERTIFICATE:  # what it no longer proves, a challenge may still vouch for
            assert weaker.basis is not Basis.PROVEN, check
        else:
            assert weaker.basis is Basis.UNPROVEN, check


@pytest.mark.parametrize(("conclusion", "name"), ROUTES)
def test_what_it_does_not_rest_on_does_not_carry_it(conclusion: str, name: str) -> None:
    """Otherwise the list that a reader is given would not be the reason."""
    context, findings, drawn = judged(name)
    best = drawn[conclusion]
    others = [check for check in CHECK_IDS if check not in best.rests_on]
    present = {each.check for each in findings}
    for check in set(others) & present:
        found = {each.id: each for each in draw(context, without(findings, check, Outcome.FAILED))}
        assert found[conclusion].basis is best.basis, check


@pytest.mark.parametrize("outcome", WORSE)
@pytest.mark.parametrize("name", PROVING)
def test_an_attestation_key_is_proven_by_a_certificate_or_an_answer_alone(
    name: str, outcome: Outcome
) -> None:
    context, findings, drawn = judged(name)
    assert drawn["ak.resident"].basis is drawn["platform.state"].basis is Basis.PROVEN
    assert PROVING[name] in drawn["ak.resident"].statement
    for check in drawn["ak.resident"].rests_on:
        weaker = {each.id: each for each in draw(context, without(findings, check, outcome))}["ak.resident"]
        if (check, outcome) in TOLERATED:
            assert weaker.basis is Basis.PROVEN
        else:
            assert weaker.basis is not Basis.PROVEN


@pytest.mark.parametrize("outcome", WORSE)
@pytest.mark.parametrize(
    "check", ["ek.form", "activation.made", "activation.form", "seal.anchor", "container.digest"]
)
def test_two_certified_keys_that_speak_are_of_one_tpm_by_records_alone(check: str, outcome: Outcome) -> None:
    """That each is in a TPM is proven; that it is the same one, is the word of those who sealed."""
    context, findings, drawn = judged("key_certified-by-a-second-key")
    assert drawn["ak.resident"].basis is Basis.PROVEN
    for id in ("platform.state", "key.resident"):
        assert drawn[id].basis is Basis.VOUCHED
        weaker = {each.id: each for each in draw(context, without(findings, check, outcome))}
        assert weaker[id].basis is Basis.UNPROVEN


def test_without_a_pin_nothing_rests_on_anybodys_word() -> None:
    context, findings, _ = judged("activation_whole")
    unpinned = Context(
        context.bundle, replace(context.policy, pins_openpgp=frozenset(), pins_piv=frozenset())
    )
    assert Basis.VOUCHED not in {each.basis for each in draw(unpinned, findings)}


def test_vouched_never_becomes_proven_by_a_challenge() -> None:
    _, _, drawn = judged("activation_whole")
    assert drawn["ak.resident"].basis is Basis.VOUCHED
    assert "the word of those who sealed" in drawn["ak.resident"].statement


@pytest.mark.parametrize(
    ("items", "held"),
    [
        ((), True),
        (("seal 1",), True),
        (("minutes",), True),
        (("quote",), False),
        (("minutes", "quote"), False),
    ],
)
def test_what_is_skipped_denies_where_any_of_it_is_evidence(items: tuple[str, ...], held: bool) -> None:
    context, _, _ = judged("activation_whole")
    passed = Finding(check="quote.form", outcome=Outcome.PASSED, items=("quote",), message="as told")
    skipped = replace(passed, outcome=Outcome.SKIPPED, items=items)
    assert Held(context, [passed, skipped]).holds(["quote.form"]) is held


# --- the table of the specification, section 8 --------------------------------------------------------

ROWS: Final = {
    row[0].strip("`"): row
    for row in (
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in FORMAT.split("\n| conclusion |", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    )
}
# every way to come to a conclusion
WAYS: Final = tuple(dict.fromkeys((*(name for _, name in ROUTES), *PROVING, "ak_session-under-ek")))
SOUND: Final = {"container.digest", "container.refs"}
RANK: Final = {Basis.UNPROVEN: 0, Basis.VOUCHED: 1, Basis.PROVEN: 2}


def written(conclusion: str) -> set[str]:
    """The checks that the table says a conclusion rests on, also by way of another conclusion."""
    cell = ROWS[conclusion][2]
    named = set(re.findall(r"\b[a-z]+\.[a-z]+\b", cell))
    named |= SOUND if re.search(r"\bsound\b", cell) else set()
    for area in re.findall(r"\ball of ([a-z]+)", cell):
        named |= {check for check in CHECK_IDS if check.startswith(f"{area}.")}
    for some, area in re.findall(r"((?:[a-z]+, )+[a-z]+ and [a-z]+) of ([a-z]+)", cell):
        named |= {f"{area}.{name}" for name in re.split(r", | and ", some)}
    return {check for each in named for check in (written(each) if each in ROWS else {each})}


def given(conclusion: str) -> set[str]:
    """The checks that conclusions say they rest on, in any of the ways."""
    drawn = [judged(name)[2] for name in WAYS]
    return {check for each in drawn if conclusion in each for check in each[conclusion].rests_on}


@pytest.mark.parametrize("conclusion", BEST)
def test_it_rests_on_what_the_table_says(conclusion: str) -> None:
    # no vector has each conclusion by way of a certificate
    of_key = given("ak.resident") if "`ak.resident`" in ROWS[conclusion][2] else set()
    assert given(conclusion) | of_key == written(conclusion)


@pytest.mark.parametrize("name", JUDGED)
def test_no_basis_is_stronger_than_the_table_says(name: str) -> None:
    context, findings, drawn = judged(name)
    basis = {id: each.basis for id, each in drawn.items()}
    failed = {each.check for each in findings if each.outcome is Outcome.FAILED}
    for id, conclusion in drawn.items():
        word = ROWS[id][3]
        limit = basis["ak.resident"] if word.startswith("that of `ak.resident`") else Basis.PROVEN
        limit = Basis.VOUCHED if word.startswith("vouched at best") else limit
        assert RANK[conclusion.basis] <= RANK[limit], id
        assert conclusion.basis is Basis.UNPROVEN or not failed & set(conclusion.rests_on), id
    if basis["ak.resident"] is Basis.PROVEN:
        assert context.labels("ak-certificate") or context.confirmed is not None
    if Basis.VOUCHED in basis.values():
        assert basis["identity.sealed"] is Basis.PROVEN
