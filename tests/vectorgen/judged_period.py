# SPDX-License-Identifier: Apache-2.0
"""Signatures by algorithms that a policy no longer takes from some day on.

Spec: "Policies", algorithms.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Final

from tests.vectorgen import certificates, keys, openpgp, sealing
from tests.vectorgen import openpgp_maker as pgp
from tests.vectorgen import software_tpm as tpm
from tests.vectorgen.ceremonies import (
    ek_certificate,
    signature,
    snapshot,
    snapshot_with,
    storage,
    whole,
    whole_with_key,
)
from tests.vectorgen.ceremony import Artifact, Ceremony, Making, Sealed, fixed
from tests.vectorgen.certificates import YEAR
from tests.vectorgen.judged_cross import crossed
from tests.vectorgen.plain import CREATED
from tests.vectorgen.vector import Judged, Vectors

vector: Final = Vectors()
_LATER: Final = CREATED + 10 * YEAR
_UNDECIDED: Final = ("seal.anchor", "seal.required", "seal.signature")
_ISSUER_KEY: Final = "tpm-key-rsa2048"


def _ended(ceremony: Ceremony, name: str, end: int = _LATER, **terms: object) -> Ceremony:
    return ceremony.under(algorithms={name: end}, **terms)


def by_rsa() -> Ceremony:
    """The whole ceremony; the manufacturer's intermediate has an RSA key."""
    issuer, key = certificates.manufacturer_issuer(kind=_ISSUER_KEY), keys.rsa_key(_ISSUER_KEY)
    ceremony = whole().changed("ek.issuer", value=issuer)
    return ceremony.changed("ek.cert", value=ek_certificate(issuer_key=key))


@vector("seal.signature", "algorithm", "time")
def seal_algorithm_ended() -> Judged:
    """The policy ends SHA-384 after the seal was made, as it says; nothing but its word shows that."""
    ceremony = _ended(snapshot("p384"), "SHA-384").concluding(identity_sealed="unproven")
    return ceremony.judged(unsure=_UNDECIDED)


@vector("seal.signature", "algorithm", "time")
def seal_by_two_algorithms_of_which_one_ended() -> Judged:
    """The policy has ended SHA-384; P-384, with which it is made too, ends on a day that has not come."""
    ends = {"SHA-384": _LATER, "ECC-384": _LATER + YEAR}
    ceremony = snapshot("p384").under(algorithms=ends, now=_LATER + 1)
    return ceremony.concluding(identity_sealed="unproven").judged(unsure=_UNDECIDED)


@vector("seal.signature", "algorithm", "valid")
def seal_algorithm_not_yet_ended() -> Judged:
    """The policy ends SHA-384 on a day that has not come."""
    ceremony = _ended(snapshot("p384"), "SHA-384", now=_LATER - 1).concluding(identity_sealed="proven")
    return ceremony.judged()


@vector("seal.signature", "algorithm", "limit")
def seal_algorithm_ends_today() -> Judged:
    """The policy ends SHA-384 on the day that has just come."""
    return _ended(snapshot("p384"), "SHA-384", now=_LATER).judged(unsure=_UNDECIDED)


@vector("seal.signature", "algorithm", "limit")
def seal_made_when_its_algorithm_ended() -> Judged:
    """The seal says that it was made in the second in which the policy ends its algorithm."""
    return _ended(snapshot("p384"), "SHA-384", sealing.SEALED_AT).judged(*_UNDECIDED)


@vector("seal.signature", "algorithm", "two-items")
def seal_algorithm_ended_of_one_of_two() -> Judged:
    """The operator's seal stands; a witness sealed by an algorithm that the policy ends."""
    witness = certificates.operator("p384", who="witness")
    ceremony = snapshot().having("witness.piv", fixed("piv-certificate", witness.certificate))
    ceremony = _ended(ceremony.sealed_also(sealing.by(witness)), "SHA-384")
    return ceremony.concluding(identity_sealed="proven").judged(unsure=("seal.signature",))


@vector("seal.signature", "algorithm", "openpgp")
def seal_openpgp_algorithm_ended() -> Judged:
    """The operator's OpenPGP seal is by SHA-512, which the policy ends; the other seal stands."""
    seal = sealing.signed(lambda message: openpgp.OPERATOR.sign(message, hash_id=pgp.SHA512))
    ceremony = _ended(replace(whole(), seals=(whole().seals[0], seal)), "SHA-512")
    return ceremony.judged(unsure=_UNDECIDED)


@vector("of a family and all smaller ones", "algorithm")
def seal_smaller_than_the_size_that_ended() -> Judged:
    """The policy ends RSA up to 3072 bits; the seal is by a key of 2048."""
    return _ended(snapshot("rsa2048"), "RSA-3072").judged(unsure=_UNDECIDED)


@vector("of a family and all smaller ones", "algorithm", "valid")
def seal_of_another_family_than_ended() -> Judged:
    """The policy ends RSA of all sizes; the seal is by ECDSA."""
    return _ended(snapshot(), "RSA-16384").judged()


def crossed_by_sha512() -> Ceremony:
    """The OpenPGP key signed the X.509 certificate with SHA-512."""
    made = openpgp.OPERATOR.sign(certificates.operator().certificate, hash_id=pgp.SHA512)
    return crossed().changed("cross.sig", value=made)


@vector("cross.signature", "algorithm", "openpgp")
def cross_algorithm_ended() -> Judged:
    """The OpenPGP key signed the X.509 certificate with SHA-512, which the policy ends."""
    ceremony = _ended(crossed_by_sha512(), "SHA-512")
    return ceremony.concluding(identity_crossed="unproven").judged(unsure=("cross.signature",))


@vector("ek.chain", "algorithm")
def ek_chain_by_an_ended_algorithm() -> Judged:
    """The manufacturer's intermediate signs by RSA of 2048 bits, which the policy ends."""
    ceremony = _ended(by_rsa(), "RSA-2048").concluding(tpm_genuine="unproven", ak_resident="vouched")
    return ceremony.judged(unsure=("ek.chain",))


@vector("ek.chain", "algorithm", "valid")
def ek_chain_by_an_algorithm_not_yet_ended() -> Judged:
    """The manufacturer's intermediate signs by RSA of 2048 bits, which the policy will end."""
    return _ended(by_rsa(), "RSA-2048", now=CREATED).concluding(tpm_genuine="proven").judged()


@vector("ek.chain", "algorithm")
def ek_issued_after_its_algorithm_ended() -> Judged:
    """The EK certificate's validity begins after the policy ended the algorithm of its signature."""
    return _ended(by_rsa(), "RSA-2048", CREATED - 2 * YEAR).judged("ek.chain")


def listed(*revoked: bytes) -> Ceremony:
    """The whole ceremony with a list of the EK's authority, by ECDSA with SHA-384."""
    made = certificates.revocation_list(*revoked, digest="sha384")
    return whole().having("ek.crl", fixed("crl", made, {"issuer": "ek.issuer"}))


@vector("they can take away and cannot clear", "algorithm")
def ek_cleared_by_an_ended_algorithm() -> Judged:
    """The list that does not name the EK certificate is by an algorithm that the policy ends."""
    return _ended(listed(), "SHA-384").concluding(tpm_genuine="unproven").judged(unsure=("ek.revocation",))


@vector("they can take away and cannot clear", "algorithm")
def ek_revoked_by_an_ended_algorithm() -> Judged:
    """The list that names the EK certificate is by an algorithm that the policy ends, and counts."""
    ceremony = _ended(listed(ek_certificate()), "SHA-384").concluding(tpm_genuine="unproven")
    return ceremony.judged("ek.revocation")


def attested_by_rsa() -> Ceremony:
    """The smallest snapshot with an attestation key of RSA, 2048 bits."""
    attesting = tpm.rsa_key("tpm-ak-rsa2048", tpm.ATTESTING, scheme=(tpm.RSASSA, tpm.SHA256))
    return snapshot_with(attesting)


@vector("quote.signature", "algorithm")
def quote_algorithm_ended() -> Judged:
    """The attestation key is RSA of 2048 bits, which the policy ends; nothing shows when it quoted."""
    ceremony = _ended(attested_by_rsa(), "RSA-2048").concluding(platform_state="unproven")
    return ceremony.judged(unsure=("quote.signature",))


@vector("seal.signature", "algorithm")
def seal_payload_by_an_ended_hash() -> Judged:
    """The seal is by ECDSA with SHA-256, over a payload that is the SHA-384 of the manifest."""

    def seal(making: Making) -> Sealed:
        payload = hashlib.sha384(making.manifest).digest()
        return sealing.by(certificates.operator(), header={sealing.HASH_ALG: -43}, payload=payload)(making)

    ceremony = replace(snapshot(), seals=(seal,))
    return _ended(ceremony, "SHA-384").judged(unsure=_UNDECIDED)


def subkey_of_rsa() -> Ceremony:
    """A second seal by an Ed25519 subkey that an RSA key of 3072 bits bound."""
    primary, subkey = pgp.Key("holder", kind="rsa3072"), pgp.Key("holder's subkey")
    user_id = pgp.UserId(text=b"Evidence Bundle Test Holder (test key)")
    certificate = pgp.make(primary, user_ids=(user_id,), subkeys=(pgp.Subkey(key=subkey, back={}),))
    seal = sealing.signed(lambda message: subkey.detached(message))
    ceremony = snapshot().having("holder.openpgp", fixed("openpgp-certificate", certificate.encode()))
    return ceremony.sealed_also(seal)


@vector("for OpenPGP also the primary key", "algorithm", "openpgp")
def seal_subkey_of_an_ended_primary_key() -> Judged:
    """An Ed25519 subkey seals; the RSA key that bound it is of a size that the policy ends."""
    ceremony = _ended(subkey_of_rsa(), "RSA-3072")
    return ceremony.concluding(identity_sealed="proven").judged(unsure=("seal.signature",))


@vector("cross.tpm", "algorithm")
def cross_tpm_algorithm_ended() -> Judged:
    """The TPM's signing key, RSA of 2048 bits, signed the X.509 certificate; the policy ends RSA."""
    parent, scheme = storage().qualified_name, (tpm.RSASSA, tpm.SHA256)
    signing = tpm.rsa_key("tpm-key-rsa2048", tpm.SIGNING, scheme=scheme, parent=parent)
    refs = {"by": "key.pub", "over": "operator.piv"}
    signed = Artifact(role="tpm-signature", make=signature(signing, "operator.piv"), refs=refs)
    ceremony = _ended(whole_with_key(signing).having("piv.tpm", signed), "RSA-2048")
    return ceremony.judged(unsure=("cross.tpm",))
