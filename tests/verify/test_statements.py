# SPDX-License-Identifier: Apache-2.0
"""What is skipped and what is said of statements and challenges, where no verdict shows it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from bundlefmt.bundle import Bundle
from bundlefmt.evidence import crl
from bundlefmt.verify import Outcome, Report, verify
from tests.test_vectors import octets, policy_of, said
from tests.vectorgen import certificates, ocsp, software_tpm
from tests.vectorgen.ceremonies import ek_certificate, snapshot_with, statement, whole
from tests.vectorgen.ceremony import Ceremony, fixed
from tests.vectorgen.complete import OPERATOR, complete
from tests.verify.judging import finding, report

SKIPPED, PASSED, FAILED = Outcome.SKIPPED, Outcome.PASSED, Outcome.FAILED


def of(name: str) -> Report:
    return verify(Bundle.decode(octets(name)), policy_of(said(name)["policy"]))


OBFUSCATED: Final = ": firmware version and reset counters are obfuscated"


@pytest.mark.parametrize(
    ("hierarchy", "plain"), [("endorsement", True), ("platform", True), ("owner", False), ("null", False)]
)
def test_it_is_said_whether_the_counters_of_a_quote_are_plain(hierarchy: str, plain: bool) -> None:
    key = software_tpm.ecc_key(
        "attestation key", software_tpm.ATTESTING, parent=software_tpm.HIERARCHIES[hierarchy]
    )
    outcome, words = finding(report(snapshot_with(key)), "quote.signer", "quote")
    assert outcome is PASSED
    assert words == f"ak.pub, in the {hierarchy} hierarchy{'' if plain else OBFUSCATED}"


def test_a_statement_of_another_type_says_nothing_of_the_boot() -> None:
    """Its form failed, so what it has for counters is not compared with those of sound statements."""
    ak, pcrs = OPERATOR.ak, OPERATOR.pcrs
    wrong = statement(software_tpm.QUOTE, ak, software_tpm.quote_info(pcrs), {"resets": 99})
    found = report(complete().changed("time", make=wrong))
    assert finding(found, "clock.form", "time")[0] is FAILED
    assert finding(found, "clock.boot", "ak.pub")[0] is PASSED


@pytest.mark.parametrize("check", ["activation.blob", "activation.secret"])
def test_a_challenge_without_its_randomness_is_skipped_and_never_passed(check: str) -> None:
    outcome, words = finding(of("activation_without-seed"), check, "ek.activation")
    assert outcome is SKIPPED
    assert words.endswith("the record is a claim")
    assert finding(of("activation_whole"), check, "ek.activation")[0] is PASSED


def test_it_is_said_what_a_record_holds() -> None:
    with_seed, without = (
        finding(of(name), "activation.form", "ek.activation")[1]
        for name in ("activation_whole", "activation_without-seed")
    )
    assert with_seed == "a challenge, its answer and its randomness"
    assert without == "a challenge and its answer, without the randomness to compute them again"


def test_it_is_said_which_endorsement_key_is_not_tied() -> None:
    assert "in the TPM of ek2.pub" in finding(of("activation_of-one-of-two"), "activation.made", "ak.pub")[1]
    bare = whole().without("ek.pub", "ek.activation")
    words = finding(report(bare), "activation.made", "ak.pub")[1]
    assert words == "nothing says that this key is in the TPM of the endorsement key"


def test_an_unreadable_certificate_has_no_chain_to_doubt() -> None:
    """Without anchors too: the form check says why, and it is said once."""
    broken = whole().changed("ek.cert", value=b"\x30\x00").under(anchors=())
    assert finding(report(broken), "ek.chain", "ek.cert") == (SKIPPED, "ek.cert cannot be read")


def _answered(count: int) -> Ceremony:
    """So many responses about the EK certificate, all good."""
    issuer, key = certificates.manufacturer_issuer(), certificates.keys.ec_key(certificates.ISSUER)
    ceremony = whole()
    for number in range(count):
        updates = (certificates.CREATED - ocsp.DAY - number, certificates.CREATED + ocsp.DAY)
        made = ocsp.response(ek_certificate(), issuer, key, updates=updates)
        ceremony = ceremony.having(f"ocsp.{number}", fixed("ocsp", made, {"issuer": "ek.issuer"}))
    return ceremony


def test_responses_beyond_the_limit_leave_a_doubt() -> None:
    most = report(_answered(crl.MAX_LISTS))
    assert finding(most, "ek.revocation", "ek.cert")[0] is PASSED
    more = replace(_answered(crl.MAX_LISTS + 1))
    assert finding(report(more), "ek.revocation", "ek.cert")[0] is Outcome.INDETERMINATE
