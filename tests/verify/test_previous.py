# SPDX-License-Identifier: Apache-2.0
"""The snapshot before: whatever is wrong in it or here, no key is said to have come back."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import replace
from typing import Final

import pytest

from bundlefmt.bundle import Bundle, Record
from bundlefmt.verify import Basis, Outcome, Policy, Report, verify
from tests.test_vectors import before, octets, policy_of, said
from tests.vectorgen import software_tpm as tpm
from tests.vectorgen.ceremonies import ak as attesting
from tests.vectorgen.ceremonies import quote, snapshot, snapshot_with, statement
from tests.vectorgen.ceremony import Ceremony, Making

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


def after(earlier: Ceremony, later: Ceremony) -> Bundle:
    """`later`, which names the manifest of `earlier`."""
    digest = hashlib.sha256(Making(earlier).manifest).digest()
    return Bundle.decode(replace(later, members={"previous": [-16, digest]}).judged().file)


def test_a_foreign_key_in_the_file_before_is_not_the_key_that_was_sealed_there() -> None:
    """The later key quotes for the earlier binding too, and is put where the earlier one stood."""
    key = tpm.ecc_key("a later attestation key", tpm.ATTESTING)
    made = quote(key)(Making(snapshot()))
    foreign = Bundle.decode(snapshot().judged().file)
    for label, value in {"ak.pub": key.area, "quote": made, "quote.sig": key.sign(made)}.items():
        foreign = changed(foreign, label, value)
    report = judged(after(snapshot(), snapshot_with(key)), foreign)
    assert report.of("previous.digest")[0].outcome is Outcome.PASSED
    assert ak(report)[0] is Outcome.SKIPPED
    # the same, where it was sealed there
    sealed = snapshot_with(key)
    report = judged(after(sealed, replace(sealed, nonce=bytes(16))), Bundle.decode(sealed.judged().file))
    assert ak(report)[0] is Outcome.PASSED


def test_what_is_no_quote_is_no_speaking() -> None:
    """A statement of time stands where the quote should, signed by the same key for the same binding."""
    time = struct.pack(">QQIIBQ", 3_500_000, 3_600_000, 7, 0, 1, 0)
    earlier = snapshot().changed("quote", make=statement(tpm.TIME, attesting(), time, {}))
    report = judged(after(earlier, snapshot()), Bundle.decode(earlier.judged().file))
    assert ak(report)[0] is Outcome.SKIPPED


@pytest.mark.parametrize("label", ["quote", "quote.sig"])
def test_a_key_that_does_not_speak_here_did_not_come_back(label: str) -> None:
    value = bytes(now().content[label].value)
    report = judged(changed(now(), label, value[:-1] + bytes([value[-1] ^ 1])), earlier())
    assert ak(report)[0] is Outcome.SKIPPED
    assert same(report) == {Basis.UNPROVEN}
