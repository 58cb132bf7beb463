# SPDX-License-Identifier: Apache-2.0
"""A policy that says nothing believes nobody and lets nothing pass; when its algorithms no longer count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

import pytest

from bundlefmt.evidence.certificate import Certificate
from bundlefmt.verify import Policy
from bundlefmt.verify.period import ended, used
from bundlefmt.verify.policy import RELAXATIONS
from tests.vectorgen import certificates, keys

ENDS = {"ECC-256": 200, "SHA-256": 100}


def test_it_believes_nobody_and_demands_nothing() -> None:
    policy = Policy()
    assert {
        each.name: getattr(policy, each.name) for each in fields(Policy) if getattr(policy, each.name)
    } == {}
    assert policy.relaxations == ()


def test_its_relaxations_are_those_that_are_on() -> None:
    assert {name.partition("_")[0] for name in RELAXATIONS} == {"allow"}
    assert len(RELAXATIONS) == 11
    assert Policy(allow_sha1=True, at=7, amended=True).relaxations == ("allow_sha1",)


def test_the_present_is_told_where_it_matters() -> None:
    assert Policy().at_present(7).now is None
    assert Policy().at_present(7, timed=True).now == 7
    assert Policy(algorithms=ENDS).at_present(7).now == 7


@pytest.mark.parametrize(
    ("now", "by", "found"),
    [
        (99, None, None),
        (100, None, ("SHA-256", 100)),
        (150, None, ("SHA-256", 100)),
        (250, None, ("SHA-256", 100)),
        (None, None, ("SHA-256", 100)),
        (250, 99, None),
        (250, 100, ("SHA-256", 100)),
        (50, 150, ("SHA-256", 100)),
    ],
)
def test_the_first_that_ended_counts(now: int | None, by: int | None, found: tuple[str, int] | None) -> None:
    assert ended(Policy(algorithms=ENDS, now=now), ["ECC-256", "SHA-256"], by=by) == found


@pytest.mark.parametrize("ends", [{}, {"RSA-2048": 0}])
def test_what_the_policy_does_not_end_counts(ends: Mapping[str, int]) -> None:
    assert ended(Policy(algorithms=ends), ["ECC-256", "SHA-256"], by=None) is None


def test_what_signs_without_a_hash_of_its_own_has_a_key_alone() -> None:
    """Ed25519, which a policy names by the size of its curve."""
    name, key = "Evidence Bundle Test Issuer (test key)", keys.ed25519_key("issuer")
    issuer = Certificate.decode(certificates.certificate(name, key.public_key(), name, key))
    assert list(used(issuer.algorithm, issuer)) == ["ECC-256"]
