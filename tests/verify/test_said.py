# SPDX-License-Identifier: Apache-2.0
"""What a finding says, and why a check is skipped: a vector fails for its own reason, not for another one."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from bundlefmt.verify import Outcome
from tests.test_vectors import report_of
from tests.vectorgen import sealing, transparency
from tests.vectorgen import software_tpm as tpm
from tests.vectorgen.ceremonies import ak, attested_with, creation_data, quote, signature, snapshot, whole
from tests.vectorgen.ceremony import Ceremony
from tests.vectorgen.certificates import operator
from tests.vectorgen.judged_seal_receipt import registered
from tests.vectorgen.judged_seal_timestamp import STAMP, over_signature, stamped
from tests.vectorgen.plain import CREATED
from tests.vectorgen.timestamps import Token
from tests.vectorgen.transparency import Receipt
from tests.vectorgen.tree import encoded
from tests.verify.judging import concluded, finding, report

PASSED, FAILED, SKIPPED = Outcome.PASSED, Outcome.FAILED, Outcome.SKIPPED
UNSURE: Final = Outcome.INDETERMINATE
# [vector, check, item or none, outcome, words]: each reason that a check has, once
SAID: Final = json.loads(Path(__file__).with_name("said.json").read_text("utf-8"))


@pytest.mark.parametrize("name", sorted({name for name, *_ in SAID}))
def test_it_is_said(name: str) -> None:
    found = {
        (each.check, each.items[0] if each.items else "", each.outcome.value, each.message)
        for each in report_of(name).findings
        if len(each.items) <= 1
    }
    assert {tuple(rest) for vector, *rest in SAID if vector == name} <= found


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "renewal_one-authority-revoked",
            "by the word of CN=Evidence Bundle Other Test Time Root (test key), this manifest existed by "
            "2026-01-17 12:00:00Z; so did seal 1",
        ),
        (
            "renewal_certificate-carried",
            "by the word of CN=Evidence Bundle Test Time Root (test key), this manifest existed by "
            "2026-01-16 12:00:00Z; so did seal 1",
        ),
        ("renewal_revoked", "by when this manifest existed is not shown by an authority of time"),
    ],
)
def test_it_is_said_by_whose_word_it_existed(name: str, words: str) -> None:
    (existed,) = [each for each in report_of(name).conclusions if each.id == "time.existed"]
    assert existed.statement == words
    assert {"renewal.form", "renewal.chain", "renewal.revocation"} < set(existed.rests_on)


def test_a_block_is_no_word_of_an_authority() -> None:
    told = {each.id: (each.basis.value, each.statement) for each in report_of("block_whole").conclusions}
    assert told["time.existed"] == (
        "unproven",
        "by when this manifest existed is not shown by an authority of time",
    )
    assert told["time.mined"][0] == "proven"


def test_a_log_of_several_seals_is_named_once() -> None:
    witness = operator("p384", who="witness")
    second = registered(Receipt(index=3), seal=sealing.by(witness, certificate=witness.certificate))
    both = replace(snapshot(), seals=(registered(Receipt()),)).sealed_also(second)
    basis, words = concluded(report(both, anchors_log=(transparency.key(),)), "seal.registered")
    log = hashlib.sha256(transparency.key()).hexdigest()
    assert basis == "proven"
    assert words == f"the log with key {log} has registered seal 1 at leaf index 5, seal 2 at leaf index 3"


def test_an_authority_of_several_seals_is_named_once() -> None:
    witness = operator("p384", who="witness")
    later = sealing.by(witness, certificate=witness.certificate, added=over_signature(Token(at=CREATED + 60)))
    both = stamped(over_signature(STAMP)).sealed_also(later)
    assert concluded(report(both), "time.sealed") == (
        "proven",
        "by the word of CN=Evidence Bundle Test Time Root (test key), "
        "seal 1 existed by 2026-01-15 13:00:00Z, seal 2 existed by 2026-01-15 12:01:00Z",
    )


@pytest.mark.parametrize("name", ["block_whole", "block_twice", "block_and-timestamp"])
def test_it_is_said_by_which_block_it_existed(name: str) -> None:
    """The earliest, and what a miner's clock may be ahead."""
    (mined,) = [each for each in report_of(name).conclusions if each.id == "time.mined"]
    assert mined.statement == "by block 123456 of Bitcoin, this manifest existed by 2026-01-15 16:00:00Z"


def test_no_more_values_that_are_not_quoted_are_named_than_can_be_read() -> None:
    values = {tpm.SHA256: {index: bytes(32) for index in range(9)}}
    some = {tpm.SHA256: {0: bytes(32)}}
    beyond = snapshot().changed("quote", make=quote(ak(), some))
    beyond = beyond.changed("quote.pcrs", value=encoded(values))
    outcome, words = finding(report(beyond), "quote.selection", "quote")
    assert outcome is FAILED
    assert (
        words
        == f"quote.pcrs holds values that are not quoted: {', '.join(f'sha256:{n}' for n in range(1, 5))}"
    )


def test_of_a_creation_without_pcrs_nothing_is_said_about_them() -> None:
    bare = whole().changed("key.creation", value=creation_data(values={}))
    assert finding(report(bare), "creation.data", "key.creation") == (
        PASSED,
        "key.pub was created in this ceremony under key.parent",
    )


def _two_keys(**second: int) -> Ceremony:
    """A second attestation key beside the first, its quote with other fields."""
    other = tpm.ecc_key("another attestation key", tpm.ATTESTING)
    more = {
        f"second.{label}": replace(each, refs={ref: f"second.{name}" for ref, name in each.refs.items()})
        for label, each in attested_with(other).items()
    }
    more["second.quote"] = replace(more["second.quote"], make=quote(other, **second))
    more["second.quote.sig"] = replace(more["second.quote.sig"], make=signature(other, "second.quote"))
    small = snapshot()
    return replace(small, artifacts={**small.artifacts, **more})


@pytest.mark.parametrize(
    ("resets", "allowed", "outcome", "words"),
    [
        (7, False, PASSED, "the attestation keys speak of one boot"),
        (8, False, UNSURE, "the attestation keys speak of different boots, or of different TPMs"),
        (8, True, PASSED, "several boots, which is allowed"),
    ],
)
def test_it_is_said_whether_two_keys_speak_of_one_boot(
    resets: int, allowed: bool, outcome: Outcome, words: str
) -> None:
    found = report(_two_keys(resets=resets).under(allow_several_boots=allowed)).of("clock.boot")
    ((both, said),) = [(each.outcome, each.message) for each in found if len(each.items) == 2]
    assert (both, said) == (outcome, words)
