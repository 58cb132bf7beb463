# SPDX-License-Identifier: Apache-2.0
"""The three files of a challenge: symmetry, what is refused and where, and what a proof is of.

The CDDL is asked beside the decoder (cddl-verifier); what it cannot say is marked.
"""

from __future__ import annotations

import copy
import hashlib
import hmac
from collections.abc import Callable
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundlefmt import labels
from bundlefmt.cbor import encode
from bundlefmt.challenge import Answer, Challenge, Kept, Pair, Secret
from bundlefmt.errors import Code, MalformedError
from bundlefmt.manifest import Digest
from tests.test_cddl import faults

LABELS: Final = st.from_regex(rf"\A{labels.LABEL_PATTERN}\Z")
KINDS: Final[dict[str, tuple[Callable[[bytes], Any], bytes, str]]] = {
    "challenge": (Challenge.decode, labels.MAGIC_CHALLENGE, "challenge-file"),
    "answer": (Answer.decode, labels.MAGIC_ANSWER, "answer-file"),
    "kept": (Kept.decode, labels.MAGIC_KEPT, "kept-file"),
}


@st.composite
def kept_files(draw: st.DrawFn) -> Kept:
    names = sorted(draw(st.sets(st.tuples(LABELS, LABELS), min_size=1, max_size=4)))
    pairs = tuple(
        Pair(
            ek=ek,
            ak=ak,
            blob=draw(st.binary(min_size=4, max_size=132)),
            encrypted_secret=draw(st.binary(min_size=1, max_size=512)),
        )
        for ek, ak in names
    )
    challenge = Challenge(
        manifest=Digest.of(draw(st.binary())), created=draw(st.integers(0, 2**40)), pairs=pairs
    )
    secrets = tuple(
        Secret(credential=draw(st.binary(min_size=16, max_size=64)), seed=b"s", ephemeral=b"e") for _ in pairs
    )
    kept = Kept(challenge=challenge, secrets=secrets)
    return kept.answered(answer_to(kept), draw(st.integers(0, 2**40))) if draw(st.booleans()) else kept


def answer_to(kept: Kept) -> Answer:
    """What a machine says that has all the keys."""
    pairs = zip(kept.challenge.pairs, kept.secrets, strict=True)
    proofs = tuple(kept.challenge.proof(pair, secret.credential) for pair, secret in pairs)
    return Answer(challenge=kept.challenge.digest, proofs=proofs)


@given(kept_files())
def test_what_is_written_is_read(kept: Kept) -> None:
    assert Kept.decode(kept.encode()) == kept
    assert Kept.decode(kept.encode()).encode() == kept.encode()
    assert Challenge.decode(kept.challenge.encode()) == kept.challenge
    answer = answer_to(kept)
    assert Answer.decode(answer.encode()) == answer
    assert set(kept.proven(answer).values()) == {True}


def one(*, pairs: int = 2, created: int = 1) -> Kept:
    asked = tuple(Pair(ek=f"e{n}", ak="a", blob=bytes(4), encrypted_secret=b"x") for n in range(pairs))
    challenge = Challenge(manifest=Digest.of(b"m"), created=created, pairs=asked)
    secret = Secret(credential=bytes(16), seed=b"s", ephemeral=b"e")
    return Kept(challenge=challenge, secrets=(secret,) * pairs)


def test_a_proof_is_of_one_challenge_and_one_pair() -> None:
    """Written out, so that nothing of it is left to the code that is tried."""
    kept = one()
    digest = hashlib.sha256(kept.challenge.encode()).digest()
    said = encode(["evidence-bundle/1 answer", digest, "e1", "a"])
    pair = kept.challenge.pairs[1]
    assert kept.challenge.proof(pair, bytes(16)) == hmac.new(bytes(16), said, "sha256").digest()
    assert kept.challenge.proof(kept.challenge.pairs[0], bytes(16)) != kept.challenge.proof(pair, bytes(16))
    assert one(created=2).challenge.proof(pair, bytes(16)) != kept.challenge.proof(pair, bytes(16))


def test_an_answer_to_another_challenge_proves_nothing() -> None:
    kept, other = one(), one(created=2)
    assert kept.proven(answer_to(kept)) == {("e0", "a"): True, ("e1", "a"): True}
    assert set(kept.proven(answer_to(other)).values()) == {False}
    renamed = Answer(challenge=kept.challenge.digest, proofs=answer_to(other).proofs)
    assert set(kept.proven(renamed).values()) == {False}
    misnamed = Answer(challenge=bytes(32), proofs=answer_to(kept).proofs)
    assert set(kept.proven(misnamed).values()) == {False}
    short = Answer(challenge=kept.challenge.digest, proofs=answer_to(kept).proofs[:1])
    assert set(kept.proven(short).values()) == {False}


def test_proofs_do_not_change_places() -> None:
    kept = one()
    proofs = answer_to(kept).proofs[::-1]
    assert set(kept.proven(Answer(challenge=kept.challenge.digest, proofs=proofs)).values()) == {False}


# --- what is refused ------------------------------------------------------------------------------------


def pair() -> dict[str, object]:
    return {"ek": "e", "ak": "a", "blob": bytes(4), "encrypted-secret": b"x"}


def trees() -> dict[str, dict[str, Any]]:
    kept = one(pairs=1)
    secret = {"credential": bytes(16), "seed": b"s", "ephemeral": b"e"}
    return {
        "challenge": {"manifest": [-16, bytes(32)], "created": 1, "pairs": [pair()]},
        "answer": {"challenge": bytes(32), "proofs": [bytes(32)]},
        "kept": {
            "challenge": kept.challenge.encode(),
            "secrets": [secret],
            "answer": answer_to(kept).encode(),
            "confirmed": 2,
        },
    }


FAULTS: Final[dict[str, tuple[str, tuple[Any, ...], object, Code]]] = {
    "challenge without a manifest": ("challenge", ("manifest",), None, Code.MISSING_MEMBER),
    "challenge with a surprise": ("challenge", ("later",), 1, Code.UNKNOWN_MEMBER),
    "digest too short": ("challenge", ("manifest", 1), bytes(31), Code.WRONG_LENGTH),
    "created is negative": ("challenge", ("created",), -1, Code.WRONG_TYPE),
    "no pairs": ("challenge", ("pairs",), [], Code.WRONG_LENGTH),
    "no label": ("challenge", ("pairs", 0, "ek"), "Not a label", Code.BAD_LABEL),
    "no blob": ("challenge", ("pairs", 0, "blob"), None, Code.MISSING_MEMBER),
    "blob too short": ("challenge", ("pairs", 0, "blob"), bytes(3), Code.WRONG_LENGTH),
    "blob too long": ("challenge", ("pairs", 0, "blob"), bytes(133), Code.WRONG_LENGTH),
    "secret too long": ("challenge", ("pairs", 0, "encrypted-secret"), bytes(513), Code.WRONG_LENGTH),
    "secret empty": ("challenge", ("pairs", 0, "encrypted-secret"), b"", Code.WRONG_LENGTH),
    "proof too short": ("answer", ("proofs", 0), bytes(31), Code.WRONG_LENGTH),
    "no proofs": ("answer", ("proofs",), [], Code.WRONG_LENGTH),
    "challenge digest too long": ("answer", ("challenge",), bytes(33), Code.WRONG_LENGTH),
    "a weak credential": ("kept", ("secrets", 0, "credential"), bytes(15), Code.WRONG_LENGTH),
    "an empty seed": ("kept", ("secrets", 0, "seed"), b"", Code.WRONG_LENGTH),
    "a long ephemeral value": ("kept", ("secrets", 0, "ephemeral"), bytes(67), Code.WRONG_LENGTH),
    "an answer without its time": ("kept", ("confirmed",), None, Code.MISSING_MEMBER),
    "a time without its answer": ("kept", ("answer",), None, Code.MISSING_MEMBER),
    "no challenge inside": ("kept", ("challenge",), labels.MAGIC_ANSWER, Code.WRONG_MAGIC),
    "a challenge cut short": ("kept", ("challenge",), labels.MAGIC_CHALLENGE[:5], Code.TRUNCATED),
}


def changed(kind: str, path: tuple[Any, ...], value: object) -> bytes:
    tree = copy.deepcopy(trees()[kind])
    holder = tree
    for name in path[:-1]:
        holder = holder[name]
    if value is None:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return KINDS[kind][1] + encode(tree)


@pytest.mark.parametrize("kind", KINDS)
def test_the_unchanged_tree_is_accepted_by_both(kind: str) -> None:
    decode, magic, rule = KINDS[kind]
    data = magic + encode(trees()[kind])
    assert decode(data).encode() == data
    assert faults(data, rule) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_refused_by_both(fault: str) -> None:
    kind, path, value, code = FAULTS[fault]
    data = changed(kind, path, value)
    decode, _, rule = KINDS[kind]
    with pytest.raises(MalformedError) as caught:
        decode(data)
    assert caught.value.code is code
    assert faults(data, rule) != []


@pytest.mark.parametrize(
    ("pairs", "code"),
    [
        ([pair(), pair()], Code.BAD_VALUE),
        ([pair(), {**pair(), "ek": "d"}], Code.BAD_VALUE),
        ([{**pair(), "ek": f"e{n:03}"} for n in range(labels.MAX_PAIRS + 1)], Code.WRONG_LENGTH),
    ],
    ids=["twice", "not in order", "too many"],
)
def test_pairs_are_in_order_each_once_and_not_too_many(pairs: list[object], code: Code) -> None:
    with pytest.raises(MalformedError) as caught:
        Challenge.decode(changed("challenge", ("pairs",), pairs))
    assert caught.value.code is code


def test_as_many_pairs_as_there_may_be() -> None:
    pairs = [{**pair(), "ek": f"e{n:03}"} for n in range(labels.MAX_PAIRS)]
    assert len(Challenge.decode(changed("challenge", ("pairs",), pairs)).pairs) == labels.MAX_PAIRS


@pytest.mark.parametrize(
    "secrets", [[], [trees()["kept"]["secrets"][0]] * 2], ids=["none", "one more than pairs"]
)
def test_there_is_one_secret_for_each_pair(secrets: list[object]) -> None:
    with pytest.raises(MalformedError) as caught:
        Kept.decode(changed("kept", ("secrets",), secrets))
    assert caught.value.code is Code.WRONG_LENGTH


def test_there_is_one_proof_for_each_pair() -> None:
    answer = labels.MAGIC_ANSWER + encode({"challenge": bytes(32), "proofs": [bytes(32)] * 2})
    with pytest.raises(MalformedError) as caught:
        Kept.decode(changed("kept", ("answer",), answer))
    assert caught.value.code is Code.WRONG_LENGTH


@pytest.mark.parametrize("kind", KINDS)
def test_each_file_is_known_by_its_first_eight_bytes(kind: str) -> None:
    decode, magic, _ = KINDS[kind]
    body = encode(trees()[kind])
    for other in (labels.MAGIC, b"", *(each[1] for name, each in KINDS.items() if name != kind)):
        with pytest.raises(MalformedError) as caught:
            decode(other + body if other else b"")
        assert (caught.value.code, caught.value.offset) == (Code.WRONG_MAGIC, 0)
    with pytest.raises(MalformedError) as caught:
        decode(magic[:5])
    assert (caught.value.code, caught.value.offset) == (Code.TRUNCATED, 0)
    with pytest.raises(MalformedError) as caught:
        decode(magic + body + b"\0")
    assert caught.value.code is Code.TRAILING_BYTES
