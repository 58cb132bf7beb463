# SPDX-License-Identifier: Apache-2.0
"""Records of credential activation: what ties an attestation key to an endorsement key.

Spec: "Verification", step 8; "Credential activation".
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bundlefmt.cbor import encode
from tests.vectorgen import software_tpm as tpm
from tests.vectorgen.ceremonies import EK_POLICY, activated, activation, ak, ek, key, whole
from tests.vectorgen.ceremony import Ceremony, fixed
from tests.vectorgen.software_tpm import Key
from tests.vectorgen.vector import Judged, Vectors

vector: Final = Vectors()
_REFS: Final = {"ek": "ek.pub", "ak": "ak.pub"}


def other_ek() -> Key:
    """The endorsement key of another TPM."""
    attributes = tpm.STORING & ~tpm.A.userWithAuth | tpm.A.adminWithPolicy
    made = tpm.ecc_key("endorsement key of another TPM", attributes, scheme=None)
    return replace(made, public=replace(made.public, auth_policy=EK_POLICY))


def _with(record: bytes) -> Ceremony:
    return whole().changed("ek.activation", value=record)


def _members(**changes: object) -> bytes:
    """The sound record with other members, as CBOR."""
    record = activation(ek(), ak().name)
    members = {
        "blob": record.blob.encode(),
        "encrypted-secret": record.encrypted_secret,
        "credential": record.credential,
        "seed": record.seed,
        "ephemeral": record.ephemeral,
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }
    return encode({name: value for name, value in members.items() if value is not None})


@vector("activation.made", "valid")
def activation_whole() -> Judged:
    """A challenge to EK and AK, its answer and its randomness: consistent, so the operator vouches for it."""
    ceremony = whole().concluding(ak_resident="vouched", platform_state="vouched", key_resident="vouched")
    return ceremony.concluding(tpm_genuine="proven", identity_sealed="proven").judged()


@vector("activation.made", "partners")
def activation_missing() -> Judged:
    """An endorsement key and an attestation key together, and nothing says that they are of one TPM."""
    ceremony = whole().without("ek.activation").concluding(ak_resident="unproven", platform_state="unproven")
    return ceremony.judged(unsure=("activation.made",))


@vector("`allow_unactivated`", "valid")
def activation_missing_allowed() -> Judged:
    """Nothing ties the attestation key to the endorsement key, which the policy allows."""
    ceremony = whole().without("ek.activation").under(allow_unactivated=True)
    return ceremony.concluding(ak_resident="unproven").judged()


def _two() -> Ceremony:
    """A second endorsement key, of another TPM perhaps, was never challenged with the attestation key."""
    ceremony = whole().having("ek2.pub", fixed("ek-public", other_ek().area))
    return ceremony.concluding(ak_resident="unproven", platform_state="unproven", key_resident="unproven")


@vector("activation.made", "partners")
def activation_of_one_of_two() -> Judged:
    """A second endorsement key, of another TPM perhaps, was never challenged with the attestation key."""
    return _two().judged(unsure=("activation.made",))


@vector("`allow_unactivated`", "partners")
def activation_of_one_of_two_allowed() -> Judged:
    """The second endorsement key is allowed to stand beside the key, which is not said to be in its TPM."""
    return _two().under(allow_unactivated=True).judged()


@vector("activation.blob", "partners")
def activation_for_another_key() -> Judged:
    """The challenge was made for the Name of another key than the attestation key."""
    record = activation(ek(), key().name)
    return _with(record.encode()).concluding(ak_resident="unproven").judged("activation.blob")


@vector("activation.blob", "tampered")
def activation_other_credential() -> Judged:
    """The credential in the record is not the one in the challenge."""
    return whole().having("ek.activation", activated(credential=bytes(32))).judged("activation.blob")


@vector("activation.blob")
def activation_seed_too_short() -> Judged:
    """The seed is shorter than a digest of the endorsement key's nameAlg: no TPM makes such a challenge."""
    return _with(_members(seed=bytes(16))).judged("activation.blob", "activation.secret")


@vector("activation.secret", "partners")
def activation_to_another_ek() -> Judged:
    """The seed was encrypted to the endorsement key of another TPM; the blob fits all the same."""
    record = activation(other_ek(), ak().name)
    return _with(record.encode()).concluding(ak_resident="unproven").judged("activation.secret")


@vector("activation.secret", "tampered")
def activation_secret_changed() -> Judged:
    """The encrypted secret is not the one that the ephemeral value makes."""
    return _with(_members(encrypted_secret=bytes(68))).judged("activation.secret")


@vector("activation.blob", "valid")
def activation_without_seed() -> Judged:
    """As stock tools leave it: challenge and answer, and no randomness to compute them again."""
    record = _members(seed=None, ephemeral=None)
    return _with(record).concluding(ak_resident="vouched").judged()


@vector("activation.secret", "valid")
def activation_without_ephemeral() -> Judged:
    """The seed lets the blob be computed again; to which key it was encrypted is a claim."""
    return _with(_members(ephemeral=None)).concluding(ak_resident="vouched").judged()


@vector("activation.form")
def activation_unknown_member() -> Judged:
    """The record has a member that the format does not know."""
    return _with(_members(proof=b"signed, the TPM")).judged("activation.form")


@vector("activation.form")
def activation_without_credential() -> Judged:
    """The record does not say what the TPM answered."""
    return _with(_members(credential=None)).judged("activation.form")


@vector("activation.form")
def activation_ephemeral_without_seed() -> Judged:
    """The record has an ephemeral value and no seed."""
    return _with(_members(seed=None)).judged("activation.form")


@vector("activation.form", "embedded")
def activation_not_cbor() -> Judged:
    """The record is text."""
    return _with(b"the TPM answered").judged("activation.form")


@vector("activation.form", "bad-input")
def activation_empty() -> Judged:
    """The record has no bytes: there is one, and it cannot be read."""
    return _with(b"").judged("activation.form")


@vector("A check that could not run never passed", "absent")
def activation_withheld() -> Judged:
    """The record is withheld: that there was one is all that is known."""
    ceremony = replace(whole(), absent=frozenset({"ek.activation"})).concluding(ak_resident="unproven")
    unsure = ("activation.blob", "activation.form", "activation.made", "activation.secret")
    return ceremony.judged(unsure=(*unsure, "container.complete"))


def _withheld_ek(record: bytes) -> Ceremony:
    withheld = replace(_with(record), absent=frozenset({"ek.pub"})).under(allow_withheld=True)
    return withheld.concluding(tpm_genuine="unproven", ak_resident="unproven", platform_state="unproven")


@vector("keeping back what could speak against", "absent", "relaxed")
def activation_ek_withheld_allowed() -> Judged:
    """The endorsement key is withheld, which is allowed: that the challenge was for it cannot be seen."""
    return _withheld_ek(activation(ek(), ak().name).encode()).judged()


@vector("keeping back what could speak against", "absent", "relaxed")
def activation_to_another_ek_hidden() -> Judged:
    """The challenge was for another TPM, and the endorsement key that would show it is withheld."""
    return _withheld_ek(activation(other_ek(), ak().name).encode()).judged()
