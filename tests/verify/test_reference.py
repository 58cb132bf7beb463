# SPDX-License-Identifier: Apache-2.0
"""A verifier who gives reference values gets them compared, or is told that they were not."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Final

import pytest

from bundlefmt.bundle import Bundle
from bundlefmt.verify import Outcome, Report, Verdict, verify
from tests.test_vectors import policy_of
from tests.vectorgen.ceremonies import whole
from tests.vectorgen.ceremony import Ceremony
from tests.vectorgen.judged_later_log import after
from tests.vectorgen.judged_log import log_item, logged
from tests.vectorgen.measured import Log, boot

LOADER: Final = "reference-loader.json"
OTHER: Final = "reference-other-loader.pcrlock"


def judged(ceremony: Ceremony, reference: str, *absent: str) -> Report:
    """Under a policy that lets items be withheld."""
    withheld = replace(ceremony, absent=frozenset(absent))
    made = withheld.under(allow_withheld=True, references=(reference,)).judged()
    return verify(Bundle.decode(made.file), policy_of(asdict(made.terms)))


def outcome(report: Report, check: str) -> Outcome:
    (found,) = [finding.outcome for finding in report.findings if finding.check == check]
    return found


def test_values_that_are_withheld_are_not_passed_over() -> None:
    report = judged(whole(), "reference-good.toml", "quote.pcrs")
    assert outcome(report, "reference.pcrs") is Outcome.INDETERMINATE
    assert report.verdict is Verdict.INDETERMINATE


def test_one_quote_that_is_withheld_is_not_made_good_by_another() -> None:
    second = whole().artifacts["quote.pcrs"]
    two = whole().having("second.pcrs", replace(second, refs={"quoted-by": "quote"}))
    assert outcome(judged(two, "reference-good.toml"), "reference.pcrs") is Outcome.PASSED
    assert (
        outcome(judged(two, "reference-good.toml", "second.pcrs"), "reference.pcrs") is Outcome.INDETERMINATE
    )


def test_one_log_that_is_withheld_may_have_the_event() -> None:
    two = logged(boot()).having("second.log", log_item(Log(events=boot()).encode()))
    assert outcome(judged(two, OTHER), "reference.events") is Outcome.FAILED
    assert outcome(judged(two, OTHER, "second.log"), "reference.events") is Outcome.INDETERMINATE


@pytest.mark.parametrize("reference", [LOADER, OTHER])
def test_a_withheld_log_shows_neither_that_nor_the_opposite(reference: str) -> None:
    report = judged(logged(boot()), reference, "firmware.log")
    assert outcome(report, "reference.events") is Outcome.INDETERMINATE
    assert report.verdict is Verdict.INDETERMINATE


def test_firmware_logs_decide_about_firmware_without_those_of_userspace() -> None:
    with_list = logged(boot()).having("ima.log", log_item(b"no list", "ima-log"))
    assert outcome(judged(with_list, OTHER), "reference.events") is Outcome.FAILED


def test_a_withheld_userspace_log_may_have_the_event() -> None:
    ceremony = after("enter-initrd", quoted=["enter-initrd"])
    assert outcome(judged(ceremony, "reference-phase.json"), "reference.events") is Outcome.FAILED
    withheld = judged(ceremony, "reference-phase.json", "userspace.log")
    assert outcome(withheld, "reference.events") is Outcome.INDETERMINATE
