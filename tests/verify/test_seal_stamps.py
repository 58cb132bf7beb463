# SPDX-License-Identifier: Apache-2.0
"""Timestamps in seals: what they rest on, and whether a bundle has something that ends some day."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Final

import pytest

from bundlefmt.bundle import Bundle, Renewal, Seal
from bundlefmt.evidence.certificate import Certificate
from bundlefmt.evidence.timestamp_token import TimeStampToken
from bundlefmt.labels import SEAL_COSE, SEAL_OPENPGP
from bundlefmt.verify import Outcome
from bundlefmt.verify.authority import used_by
from bundlefmt.verify.seal_stamps import tells_time
from tests.vectorgen import sealing
from tests.vectorgen.ceremonies import snapshot
from tests.vectorgen.certificates import YEAR
from tests.vectorgen.judged_seal_timestamp import STAMP, over_signature, stamped
from tests.vectorgen.plain import CREATED
from tests.vectorgen.timestamps import Authority
from tests.verify.judging import finding, report

PLAIN: Final = Bundle.decode(snapshot().judged().file)
STAMPED: Final = Bundle.decode(stamped(over_signature(STAMP)).judged().file)
UNREADABLE: Final = Seal(type=SEAL_COSE, value=b"\x80")
OF_ANOTHER_TYPE: Final = Seal(type=SEAL_OPENPGP, value=STAMPED.seals[0].value)


@pytest.mark.parametrize(
    ("bundle", "told"),
    [
        (PLAIN, False),
        (STAMPED, True),
        (replace(PLAIN, seals=(*PLAIN.seals, *STAMPED.seals)), True),
        (replace(PLAIN, renewals=(Renewal(raw=b"\xa0"),)), True),
        (replace(PLAIN, seals=(UNREADABLE,)), False),
        (replace(PLAIN, seals=(OF_ANOTHER_TYPE,)), False),
        (replace(PLAIN, seals=()), False),
    ],
)
def test_what_ends_some_day_is_a_renewal_or_a_timestamp(bundle: Bundle, told: bool) -> None:
    assert tells_time(bundle) is told


@pytest.mark.parametrize(
    ("curve", "imprint", "signed_over", "named_by", "used"),
    [
        ("p256", "sha256", "sha256", "sha256", {"ECC-256", "SHA-256"}),
        ("p384", "sha256", "sha256", "sha256", {"ECC-384", "SHA-256"}),
        ("p256", "sha384", "sha256", "sha256", {"ECC-256", "SHA-256", "SHA-384"}),
        ("p256", "sha256", "sha384", "sha256", {"ECC-256", "SHA-256", "SHA-384"}),
        ("p256", "sha256", "sha256", "sha384", {"ECC-256", "SHA-256", "SHA-384"}),
    ],
)
def test_a_token_rests_on_its_key_and_every_hash(
    curve: str, imprint: str, signed_over: str, named_by: str, used: set[str]
) -> None:
    token = STAMP.changed(by=Authority(curve=curve), signed_over=signed_over, named_by=named_by)
    made = TimeStampToken.decode(token(imprint, hashlib.new(imprint).digest()))
    assert set(used_by(made, Certificate.decode(token.by.certificate))) == used


@pytest.mark.parametrize("named", [True, False])
def test_the_hash_that_names_the_signers_certificate_is_rested_on(named: bool) -> None:
    """All else is by SHA-384, and SHA-256 ended."""
    by = Authority(digest="sha384")
    token = STAMP.changed(by=by, signed_over="sha384", named_by="sha384")
    ended = stamped(
        over_signature(token, by="sha384"),
        of=snapshot("p384"),
        header={sealing.HASH_ALG: -43, **({} if named else {sealing.X5T: None})},
        payload=hashlib.sha384(b"a manifest").digest(),
    ).under(algorithms={"SHA-256": CREATED + 5 * YEAR}, now=CREATED + 6 * YEAR)
    outcome, words = finding(report(ended), "seal.timestamp", "seal 1")
    assert outcome is (Outcome.INDETERMINATE if named else Outcome.PASSED), words
