# SPDX-License-Identifier: Apache-2.0
"""The snapshot before: whatever is wrong in it or here, no key is said to have come back."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from bundlefmt.bundle import Bundle, Record
from bundlefmt.verify import Basis, Outcome, Policy, Report, verify
from tests.test_vectors import before, octets, policy_of, said

NAME: Final = "previous_key-came-back"
SAME: Final = ("ak.same", "tpm.same")


def now() -> Bundle:
    return Bundle.decode(octets(NAME))


def earlier() -> Bundle:
    found = before(said(NAME))
    assert found is not None
    return found


def policy() -> Policy:
    return policy_of(said(NAME)["policy"])


def judged(bundle: Bundle, previous: Bundle | None) -> Report:
    return verify(bundle, policy(), previous=previous)


def ak(report: Report) -> tuple[Outcome, str]:
    (found,) = report.of("previous.ak")
    return found.outcome, found.message


def same(report: Report) -> set[Basis]:
    return {each.basis for each in report.conclusions if each.id in SAME}


def changed(bundle: Bundle, label: str, value: bytes | None) -> Bundle:
    """With other bytes of an artifact, or without it; the manifest stays as it was sealed."""
    content = {each: record for each, record in bundle.content.items() if each != label}
    if value is not None:
        content[label] = Record(type=bundle.content[label].type, value=value)
    return replace(bundle, content=content)


def test_the_key_came_back() -> None:
    report = judged(now(), earlier())
    assert ak(report) == (Outcome.PASSED, "ak.pub spoke in the snapshot before too: the same key")
    assert same(report) == {Basis.PROVEN, Basis.VOUCHED}


def test_what_is_not_given_is_not_compared() -> None:
    assert ak(judged(now(), None)) == (Outcome.SKIPPED, "the snapshot before this one was not given")
    assert ak(judged(earlier(), None)) == (Outcome.SKIPPED, "no snapshot before this one is named")


def test_one_statement_does_not_count_twice() -> None:
    """The same bundle as the one before: its quote would be both."""
    outcome, words = ak(judged(now(), now()))
    assert (outcome, words) == (
        Outcome.SKIPPED,
        "both have one binding: a statement made once would count twice",
    )
    assert same(judged(now(), now())) == {Basis.UNPROVEN}


@pytest.mark.parametrize("label", ["ak.pub", "quote", "quote.sig"])
@pytest.mark.parametrize("how", ["absent", "another"])
def test_a_key_spoke_before_only_if_all_of_it_is_there(label: str, how: str) -> None:
    """Another public area, statement or signature in the file of the snapshot before is no speaking."""
    value = bytes(earlier().content[label].value)
    other = None if how == "absent" else value[:-1] + bytes([value[-1] ^ 1])
    outcome, words = ak(judged(now(), changed(earlier(), label, other)))
    assert outcome is Outcome.SKIPPED
    assert words.startswith("no attestation key of the snapshot before speaks here")


def test_a_foreign_key_in_the_file_before_is_not_the_key_that_was_sealed_there() -> None:
    """The earlier file is given the later key, quote and signature; its manifest names other ones."""
    other = Bundle.decode(octets("previous_other-key"))
    foreign = earlier()
    for label in ("ak.pub", "quote", "quote.sig"):
        foreign = changed(foreign, label, bytes(other.content[label].value))
    outcome, _ = ak(verify(other, policy_of(said("previous_other-key")["policy"]), previous=foreign))
    assert outcome is Outcome.SKIPPED


@pytest.mark.parametrize("label", ["quote", "quote.sig"])
def test_a_key_that_does_not_speak_here_did_not_come_back(label: str) -> None:
    value = bytes(now().content[label].value)
    report = judged(changed(now(), label, value[:-1] + bytes([value[-1] ^ 1])), earlier())
    assert ak(report)[0] is Outcome.SKIPPED
    assert same(report) == {Basis.UNPROVEN}
