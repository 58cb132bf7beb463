# SPDX-License-Identifier: Apache-2.0
"""The verifier's own challenge: the file that it kept, beside the bundle whose keys were asked.

The file is written field by field, not with the package's own encoder. Spec: "Challenges".
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from tests.vectorgen import software_tpm as tpm
from tests.vectorgen.ceremonies import (
    PCRS,
    activation,
    ak,
    certify,
    creation,
    ek,
    key,
    quote,
    signature,
    whole,
)
from tests.vectorgen.ceremony import Artifact, Ceremony, Making, fixed
from tests.vectorgen.judged_activation import other_ek
from tests.vectorgen.plain import CREATED
from tests.vectorgen.software_tpm import Key
from tests.vectorgen.tree import encoded
from tests.vectorgen.vector import Judged, Vectors

vector: Final = Vectors()
_CHALLENGE, _ANSWER, _KEPT = (bytes.fromhex(f"d9d9f7da4556{letter}31") for letter in ("43", "41", "4b"))
_DAY: Final = 86_400
Question = tuple[str, Key, str, bytes]  # label and key of the EK, label and Name of the AK


def _question(endorsing: Key | None = None, name: bytes | None = None) -> Question:
    """The one question of the whole ceremony, or one made for another key under these labels."""
    return "ek.pub", endorsing or ek(), "ak.pub", name or ak().name


def _file(manifest: bytes, questions: Sequence[Question], seed: str) -> tuple[bytes, list[dict[str, bytes]]]:
    """A challenge file, and the secrets of its pairs."""
    pairs, secrets = [], []
    for ek_label, endorsing, ak_label, name in questions:
        record = activation(endorsing, name, seed=f"{seed} {ek_label} {ak_label}")
        assert record.seed is not None
        assert record.ephemeral is not None
        blob = {"blob": record.blob.encode(), "encrypted-secret": record.encrypted_secret}
        pairs.append({"ek": ek_label, "ak": ak_label, **blob})
        secrets.append({"credential": record.credential, "seed": record.seed, "ephemeral": record.ephemeral})
    digest = [-16, hashlib.sha256(manifest).digest()]
    body = {"manifest": digest, "created": CREATED + _DAY, "pairs": pairs}
    return _CHALLENGE + encoded(body), secrets


def _answer(challenge: bytes, questions: Sequence[Question], secrets: Sequence[dict[str, bytes]]) -> bytes:
    digest, proofs = hashlib.sha256(challenge).digest(), []
    for (ek_label, _, ak_label, _), secret in zip(questions, secrets, strict=True):
        said = encoded(["evidence-bundle/1 answer", digest, ek_label, ak_label])
        proofs.append(hmac.digest(secret["credential"], said, "sha256"))
    return _ANSWER + encoded({"challenge": digest, "proofs": proofs})


def _kept(
    *questions: Question,
    of: Ceremony | None = None,
    answered: bool = True,
    with_answer_to: str = "verifier",
    with_credential: bytes | None = None,
) -> Callable[[Making], bytes]:
    """The file that the verifier keeps; an answer to another challenge, or by one who guessed, is wrong."""
    asked = questions or (_question(),)

    def make(making: Making) -> bytes:
        manifest = making.manifest if of is None else Making(of).manifest
        challenge, secrets = _file(manifest, asked, "verifier")
        members: dict[str, object] = {"challenge": challenge, "secrets": secrets}
        if answered:
            other, known = _file(manifest, asked, with_answer_to)
            if with_credential is not None:
                known = [{**each, "credential": with_credential} for each in known]
            answer = _answer(other, asked, known)
            members |= {"answer": answer, "confirmed": CREATED + 2 * _DAY}
        return _KEPT + encoded(members)

    return make


def _confirmed(ceremony: Ceremony, kept: Callable[[Making], bytes]) -> Ceremony:
    return replace(ceremony, kept=kept)


def _proven(ceremony: Ceremony) -> Ceremony:
    return ceremony.concluding(ak_resident="proven", platform_state="proven", key_resident="proven")


def _vouched(ceremony: Ceremony) -> Ceremony:
    """What those who sealed say of the key stands as it did."""
    return ceremony.concluding(ak_resident="vouched", platform_state="vouched", key_resident="vouched")


@vector("activation.confirmed", "valid")
def activation_confirmed_whole() -> Judged:
    """The machine answered the verifier's own challenge: to this verifier the key is proven to be there."""
    return _proven(_confirmed(whole(), _kept())).judged()


@vector("activation.made", "valid")
def activation_confirmed_without_record() -> Judged:
    """Nobody challenged the key at the ceremony, and the verifier did."""
    return _proven(_confirmed(whole().without("ek.activation"), _kept())).judged()


@vector("activation.confirmed")
def activation_confirmed_not_yet() -> Judged:
    """The verifier's challenge has not been answered."""
    ceremony = _vouched(_confirmed(whole(), _kept(answered=False)))
    return ceremony.judged(unsure=("activation.confirmed",))


@vector("activation.confirmed", "partners")
def activation_confirmed_not_yet_for_another_key() -> Judged:
    """The verifier's challenge was made for another key than the attestation key, and is not answered."""
    ceremony = _confirmed(whole(), _kept(_question(name=key().name), answered=False))
    return _vouched(ceremony).judged("activation.confirmed")


@vector("activation.confirmed", "rewrapped")
def activation_confirmed_another_bundle() -> Judged:
    """The verifier's challenge was made for another bundle with the same keys."""
    other = replace(whole(), members={"title": "another"})
    return _vouched(_confirmed(whole(), _kept(of=other))).judged("activation.confirmed")


@vector("activation.confirmed", "replayed")
def activation_confirmed_by_old_answer() -> Judged:
    """The answer is one to an earlier challenge to the same keys."""
    ceremony = _confirmed(whole(), _kept(with_answer_to="the verifier, earlier"))
    return _vouched(ceremony).judged("activation.confirmed")


@vector("activation.confirmed", "tampered")
def activation_confirmed_by_guess() -> Judged:
    """The answer names this challenge, and is by one who did not get the credential out."""
    ceremony = _confirmed(whole(), _kept(with_credential=bytes(32)))
    return _vouched(ceremony).judged("activation.confirmed")


@vector("activation.confirmed", "partners")
def activation_confirmed_by_another_ek() -> Judged:
    """The TPM that answered has another endorsement key than the bundle: the challenge was made for it."""
    ceremony = _confirmed(whole(), _kept(_question(endorsing=other_ek())))
    return _vouched(ceremony).judged("activation.confirmed")


@vector("activation.confirmed", "partners")
def activation_confirmed_for_another_key() -> Judged:
    """The TPM answered for another key than the attestation key."""
    ceremony = _confirmed(whole(), _kept(_question(name=key().name)))
    return _vouched(ceremony).judged("activation.confirmed")


@vector("activation.confirmed", "partners", "two-items")
def activation_confirmed_by_one_of_two() -> Judged:
    """A second endorsement key is in the bundle, of another TPM perhaps, and was not challenged."""
    ceremony = whole().having("ek2.pub", fixed("ek-public", other_ek().area))
    ceremony = _confirmed(ceremony, _kept()).concluding(ak_resident="unproven", platform_state="unproven")
    return ceremony.judged(unsure=("activation.confirmed", "activation.made"))


@vector("every ak-public answered through every ek-public", "two-items", "valid")
def activation_confirmed_two_keys() -> Judged:
    """Two attestation keys quote, and each answered: both are in the TPM of the endorsement key."""
    second = tpm.ecc_key("another attestation key", tpm.ATTESTING)
    more = {
        "ak2.pub": fixed("ak-public", second.area),
        "quote2": Artifact(role="quote", make=quote(second), refs={"by": "ak2.pub"}),
        "quote2.sig": Artifact(
            role="tpm-signature",
            make=signature(second, "quote2"),
            refs={"by": "ak2.pub", "over": "quote2"},
        ),
        "quote2.pcrs": fixed(
            "pcr-values", encoded(PCRS), {"quoted-by": "quote2"}, pcr_digest=tpm.pcr_digest(PCRS)
        ),
    }
    ceremony = replace(whole(), artifacts={**whole().artifacts, **more})
    asked = (_question(), ("ek.pub", ek(), "ak2.pub", second.name))
    return _proven(_confirmed(ceremony, _kept(*asked))).judged()


@vector("A key that may leave its TPM", "attributes")
def activation_confirmed_key_that_may_leave() -> Judged:
    """The attestation key that answered is not fixed to its TPM: it may be elsewhere too."""
    loose = ak().with_attributes(tpm.ATTESTING & ~tpm.A.fixedTPM)
    ceremony = whole().changed("ak.pub", value=loose.area).changed("ak.name", value=loose.name)
    ceremony = ceremony.without("ek.activation", "ak.template")
    ceremony = ceremony.changed("quote", make=quote(loose)).changed("certify", make=certify(loose, key()))
    ceremony = ceremony.changed("created", make=creation(loose, key()))
    ceremony = _confirmed(ceremony, _kept(_question(name=loose.name)))
    return ceremony.concluding(ak_resident="unproven", platform_state="unproven").judged("ak.attributes")


@vector("is not restricted would open the challenge", "attributes")
def activation_confirmed_by_open_ek() -> Judged:
    """The endorsement key that answered is not restricted: it decrypts whatever it is given."""
    loose = ek().with_attributes(tpm.STORING & ~tpm.A.restricted)
    record = activation(loose, ak().name).encode()
    ceremony = whole().changed("ek.pub", value=loose.area).changed("ek.activation", value=record)
    ceremony = _confirmed(ceremony, _kept(_question(endorsing=loose)))
    return _vouched(ceremony).judged("ek.template")


@vector("anyone can answer for an endorsement key of their own", "unanchored")
def activation_confirmed_unanchored() -> Judged:
    """The endorsement key leads to no anchor: anybody could have answered with a key of their own."""
    ceremony = _confirmed(whole().under(anchors=()), _kept())
    return _vouched(ceremony).concluding(tpm_genuine="unproven").judged(unsure=("ek.chain",))
