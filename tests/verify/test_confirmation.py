# SPDX-License-Identifier: Apache-2.0
"""How the verifier's own challenge is made: for every pair of keys, of randomness asked for by size."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from bundlefmt import labels
from bundlefmt.bundle import Bundle
from bundlefmt.challenge import Answer, Kept
from bundlefmt.manifest import Digest
from bundlefmt.verify import Outcome, verify
from bundlefmt.verify.confirmation import ask
from bundlefmt.verify.context import Context, Skip, Unsure
from tests.vectorgen import software_tpm as tpm
from tests.vectorgen.ceremonies import ek, whole
from tests.vectorgen.ceremony import Ceremony, fixed
from tests.verify.judging import finding, policy_of

CREATED = 1_767_312_000


class Random:
    """Bytes that are never the same twice, and how many were asked for."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __call__(self, size: int) -> bytes:
        self.asked.append(size)
        return hashlib.shake_256(str(len(self.asked)).encode()).digest(size)


def bundle_of(ceremony: Ceremony) -> Bundle:
    return Bundle.decode(ceremony.judged().file)


def asked(ceremony: Ceremony, random: Random | None = None) -> Kept:
    context = Context(bundle_of(ceremony), policy_of(ceremony))
    return ask(context, created=CREATED, random=random or Random())


def answered(kept: Kept) -> Kept:
    """As the machine answers, which finds each credential in its question."""
    pairs = zip(kept.challenge.pairs, kept.secrets, strict=True)
    proofs = tuple(kept.challenge.proof(pair, secret.credential) for pair, secret in pairs)
    return replace(
        kept, answer=Answer(challenge=kept.challenge.digest, proofs=proofs), confirmed=CREATED + 60
    )


def with_keys(number: int) -> Ceremony:
    """The whole ceremony with so many more attestation keys, of which nothing is said."""
    ceremony = whole()
    for each in range(number):
        area = tpm.ecc_key(f"attestation key {each}", tpm.ATTESTING).area
        ceremony = ceremony.having(f"ak.{each:03}", fixed("ak-public", area))
    return ceremony


def test_every_endorsement_key_is_asked_for_every_attestation_key() -> None:
    random, bundle = Random(), bundle_of(with_keys(1))
    kept = asked(with_keys(1), random)
    assert [(pair.ek, pair.ak) for pair in kept.challenge.pairs] == [
        ("ek.pub", "ak.000"),
        ("ek.pub", "ak.pub"),
    ]
    assert kept.challenge.created == CREATED
    assert kept.challenge.manifest.matches(bundle.manifest_raw)
    assert kept.answer is None
    assert len({secret.credential for secret in kept.secrets}) == 2
    # a credential, and 256 bits and 64 more for a point of P-256
    assert random.asked == [32, 40, 32, 40]
    assert Kept.decode(kept.encode()) == kept


def test_what_was_asked_and_answered_is_confirmed() -> None:
    bundle, kept = bundle_of(whole()), asked(whole())
    open_ = verify(bundle, policy_of(whole()), confirmed=kept)
    assert finding(open_, "activation.confirmed", "ak.pub")[0] is Outcome.INDETERMINATE
    closed = verify(bundle, policy_of(whole()), confirmed=answered(kept))
    outcome, words = finding(closed, "activation.confirmed", "ak.pub")
    assert outcome is Outcome.PASSED
    assert words.startswith(
        f"answered for ek.pub, between {CREATED} and {CREATED + 60} by the verifier's own clock"
    )


def test_without_keys_there_is_nothing_to_ask() -> None:
    with pytest.raises(Skip, match="no endorsement key with a public area, or no attestation key"):
        asked(whole().without("ek.pub", "ek.activation"))


def test_no_more_is_asked_than_a_challenge_may_hold() -> None:
    assert len(asked(with_keys(labels.MAX_PAIRS - 1)).challenge.pairs) == labels.MAX_PAIRS
    with pytest.raises(Unsure, match=f"{labels.MAX_PAIRS + 1} pairs of keys"):
        asked(with_keys(labels.MAX_PAIRS))


def test_a_key_that_cannot_be_asked_ends_it() -> None:
    """Of a key whose Name is by a hash that is not known here no seed can be derived."""
    strange = replace(ek().public, name_alg=0x7FFF)
    with pytest.raises(Unsure, match=r"ek\.pub: "):
        asked(whole().changed("ek.pub", value=strange.encode()))


@pytest.mark.parametrize(("name_alg", "size"), [(tpm.SHA1, 20), (tpm.SHA256, 32), (tpm.SHA384, 32)])
def test_a_credential_is_no_longer_than_a_digest_of_the_name_algorithm(name_alg: int, size: int) -> None:
    random, endorsing = Random(), replace(ek().public, name_alg=name_alg)
    ceremony = whole().changed("ek.pub", value=endorsing.encode()).without("ek.activation")
    assert len(asked(ceremony, random).secrets[0].credential) == size
    assert random.asked == [size, 40]


def test_a_question_that_cannot_be_computed_again_leaves_a_doubt() -> None:
    """The key in the bundle is of a kind that is not known here, so whom the question was to is not known."""
    strange = whole().changed("ek.pub", value=replace(ek().public, name_alg=0x7FFF).encode())
    kept, bundle = asked(whole()), bundle_of(strange)
    manifest = Digest.of(bundle.manifest_raw)
    moved = answered(replace(kept, challenge=replace(kept.challenge, manifest=manifest)))
    found = verify(bundle, policy_of(strange), confirmed=moved)
    assert finding(found, "activation.confirmed", "ak.pub")[0] is Outcome.INDETERMINATE
