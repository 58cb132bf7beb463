# SPDX-License-Identifier: Apache-2.0
"""Keys that sign in the TPM: the attestation key and the key that it certifies.

Spec: "Verification", step 5.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bundlefmt.evidence.tpm import Opaque, TpmAlg
from tests.vectorgen import software_tpm as tpm
from tests.vectorgen.ceremonies import (
    activation,
    ak,
    attested_with,
    ek,
    key,
    snapshot,
    snapshot_with,
    storage,
    whole,
    whole_with_key,
)
from tests.vectorgen.ceremony import Ceremony, fixed
from tests.vectorgen.software_tpm import A, Key
from tests.vectorgen.vector import Judged, Vectors

vector: Final = Vectors()
OTHER_ROOT: Final = "other-root.der"


def _under_ek(child: Key) -> Ceremony:
    """The smallest ceremony with this attestation key, beside the EK with which it was challenged."""
    record = activation(ek(), child.name).encode()
    tied = fixed("credential-activation", record, {"ek": "ek.pub", "ak": "ak.pub"})
    with_ek = snapshot_with(child).having("ek.pub", fixed("ek-public", ek().area))
    return with_ek.having("ek.activation", tied)


def _without_creation() -> Ceremony:
    """The whole ceremony in which nothing is said of how the signing key was created."""
    return whole().without("created", "created.sig", "key.creation", "key.ticket")


@vector("ak.form", "trailing")
def ak_trailing_byte() -> Judged:
    """One byte follows the attestation key's public area."""
    return snapshot().changed("ak.pub", value=ak().area + b"\x00").judged("ak.form")


@vector("without a TPM2B size")
def ak_with_size() -> Judged:
    """The attestation key's public area stands behind its size, as TPM2B_PUBLIC and tool files have it."""
    return snapshot().changed("ak.pub", value=tpm.tpm2b(ak().area)).judged("ak.form")


@vector("ak.form")
def ak_point_not_on_curve() -> Judged:
    """The attestation key's point is not on its curve: no key at all, which nothing can be checked with."""
    point = replace(ak().public.unique, y=bytes(31) + b"\x05")  # type: ignore[type-var] # a point
    wrong = replace(ak().public, unique=point)
    key_ = replace(ak(), public=wrong)
    return snapshot_with(key_).judged(unsure=("ak.form", "quote.signature"))


@vector("ak.name")
def ak_name_of_another_key() -> Judged:
    """The Name beside the attestation key is that of the signing key."""
    return whole().changed("ak.name", value=key().name).judged("ak.name")


@vector("ak.name")
def ak_name_is_qualified() -> Judged:
    """The Name beside the attestation key is its qualified name."""
    return whole().changed("ak.name", value=ak().qualified_name).judged("ak.name")


def _attesting(attributes: int) -> Judged:
    """A snapshot by a key with other attributes, all else sound: exactly the attributes fail."""
    return snapshot_with(ak().with_attributes(attributes)).judged("ak.attributes")


@vector("ak.attributes", "attributes")
def ak_not_restricted() -> Judged:
    """The attestation key is not restricted: it signs whatever its holder makes look like a statement."""
    return _attesting(tpm.ATTESTING & ~A.restricted)


@vector("ak.attributes", "attributes")
def ak_not_fixed_to_tpm() -> Judged:
    """The attestation key may be duplicated to another TPM (fixedTPM is not set)."""
    return _attesting(tpm.ATTESTING & ~A.fixedTPM)


@vector("ak.attributes", "attributes")
def ak_not_fixed_to_parent() -> Judged:
    """The attestation key may be duplicated to another parent (fixedParent is not set)."""
    return _attesting(tpm.ATTESTING & ~A.fixedParent)


@vector("ak.attributes", "attributes")
def ak_imported() -> Judged:
    """The attestation key was made outside the TPM (sensitiveDataOrigin is not set)."""
    return _attesting(tpm.ATTESTING & ~A.sensitiveDataOrigin)


@vector("ak.attributes", "attributes")
def ak_may_not_sign() -> Judged:
    """The attestation key is no signing key."""
    return _attesting(tpm.ATTESTING & ~A.sign_encrypt)


@vector("ak.attributes", "attributes")
def ak_may_decrypt() -> Judged:
    """The attestation key may also decrypt."""
    return _attesting(tpm.ATTESTING | A.decrypt)


@vector("ak.attributes", "attributes", "two-items")
def ak_second_not_restricted() -> Judged:
    """Two attestation keys: the sound one is beside the matter, as the other one made the quote."""
    weak = tpm.ecc_key("second attestation key", tpm.ATTESTING & ~A.restricted)
    second = attested_with(weak, label="ak.second")
    ceremony = snapshot()
    return replace(ceremony, artifacts={**ceremony.artifacts, **second}).judged("ak.attributes")


@vector("ak.scheme", "weak")
def ak_scheme_sha1() -> Judged:
    """The attestation key signs SHA-1 digests."""
    return snapshot_with(_sha1_ak()).judged("ak.scheme")


@vector("SHA-1 banks, signing schemes and Names are accepted", "weak", "relaxation")
def ak_scheme_sha1_allowed() -> Judged:
    """The attestation key signs SHA-1 digests, and the verifier allows that."""
    return snapshot_with(_sha1_ak()).under(allow_sha1=True).judged()


def _sha1_ak() -> Key:
    return tpm.ecc_key("attestation key", tpm.ATTESTING, scheme=(tpm.ECDSA, tpm.SHA1))


@vector("ak.scheme")
def ak_no_scheme() -> Judged:
    """The attestation key fixes no scheme, so it does not say how PCR values are hashed."""
    return snapshot_with(tpm.ecc_key("attestation key", tpm.ATTESTING, scheme=None)).judged("ak.scheme")


@vector("ak.template")
def ak_template_of_another_key() -> Judged:
    """The template has other attributes than the key, so it never yields it."""
    other = replace(ak().public, attributes=A(tpm.ATTESTING | A.noDA))
    return whole().changed("ak.template", value=other.encode()).judged("ak.template")


@vector("ak.template", "trailing")
def ak_template_trailing_byte() -> Judged:
    """One byte follows the attestation key's template."""
    ceremony = whole().changed("ak.template", value=ak().area + b"\x00")
    return ceremony.concluding(ak_resident="vouched", ak_lifetime="unproven").judged("ak.template")


@vector("the public area it was made under; a primary has none", "shape", "session")
def ak_session_under_ek() -> Judged:
    """A session key made under the EK: its qualified name leads through the EK to the hierarchy."""
    child = tpm.ecc_key("session attestation key", tpm.ATTESTING, parent=ek().qualified_name)
    return _under_ek(child).changed("ak.pub", refs={"parent": "ek.pub"}).judged()


@vector("ak.template", "session")
def ak_template_of_a_child() -> Judged:
    """A template is given for a session key: a child is made by chance, and no template yields it again."""
    child = tpm.ecc_key("session attestation key", tpm.ATTESTING, parent=ek().qualified_name)
    template = fixed("ak-template", child.area, {"of": "ak.pub"})
    ceremony = _under_ek(child).changed("ak.pub", refs={"parent": "ek.pub"}).having("ak.template", template)
    return ceremony.concluding(ak_lifetime="unproven").judged("ak.template")


@vector("quote.signer", "session")
def ak_session_parent_unnamed() -> Judged:
    """A session key made under the EK, which the bundle does not say."""
    child = tpm.ecc_key("session attestation key", tpm.ATTESTING, parent=ek().qualified_name)
    return _under_ek(child).judged("quote.signer")


@vector("ak.form", "shape", "algorithm")
def ak_rsa() -> Judged:
    """An RSA-2048 attestation key that signs by PKCS #1 v1.5."""
    return snapshot_with(
        tpm.rsa_key("tpm-ak-rsa2048", tpm.ATTESTING, scheme=(tpm.RSASSA, tpm.SHA256))
    ).judged()


@vector("ak.form", "shape", "algorithm")
def ak_rsa_pss() -> Judged:
    """An RSA-2048 attestation key that signs by PSS."""
    return snapshot_with(
        tpm.rsa_key("tpm-ak-rsa2048", tpm.ATTESTING, scheme=(tpm.RSAPSS, tpm.SHA256))
    ).judged()


@vector("ak.form", "shape", "algorithm")
def ak_p384() -> Judged:
    """A P-384 attestation key that signs SHA-384 digests: the PCR digest is by SHA-384 too."""
    return snapshot_with(_p384_ak()).judged()


def _p384_ak() -> Key:
    return tpm.ecc_key("attestation key", tpm.ATTESTING, curve="p384", scheme=(tpm.ECDSA, tpm.SHA384))


@vector("key.form")
def key_cut_short() -> Judged:
    """The signing key's public area ends within its last coordinate."""
    return whole().changed("key.pub", value=key().area[:-1]).judged("key.form")


@vector("key.form", "trailing")
def key_parent_trailing_byte() -> Judged:
    """One byte follows the public area of the signing key's parent."""
    ceremony = whole().changed("key.parent", value=storage().area + b"\x00")
    return ceremony.judged("key.form")


@vector("key.name")
def key_name_of_another_key() -> Judged:
    """The Name beside the signing key is that of the attestation key."""
    return whole().changed("key.name", value=ak().name).judged("key.name")


@vector("key.attributes", "attributes")
def key_not_fixed_to_tpm() -> Judged:
    """The signing key may be duplicated to another TPM (fixedTPM is not set)."""
    return whole_with_key(key().with_attributes(tpm.SIGNING & ~A.fixedTPM)).judged("key.attributes")


@vector("key.attributes", "attributes")
def key_imported() -> Judged:
    """The signing key was made outside the TPM (sensitiveDataOrigin is not set)."""
    imported = key().with_attributes(tpm.SIGNING & ~A.sensitiveDataOrigin)
    return whole_with_key(imported).judged("key.attributes")


@vector("key.scheme", "weak")
def key_scheme_sha1() -> Judged:
    """The signing key signs SHA-1 digests."""
    weak = tpm.ecc_key(
        "signing key", tpm.SIGNING, scheme=(tpm.ECDSA, tpm.SHA1), parent=storage().qualified_name
    )
    return whole_with_key(weak).judged("key.scheme")


@vector("key.scheme")
def key_scheme_for_key_agreement() -> Judged:
    """The signing key fixes ECDH, by which nothing is signed."""
    agreeing = tpm.ecc_key(
        "signing key", tpm.SIGNING, scheme=(TpmAlg.ECDH, tpm.SHA256), parent=storage().qualified_name
    )
    return whole_with_key(agreeing).judged("key.scheme")


@vector("key.certified")
def key_not_certified() -> Judged:
    """No attestation key says that the signing key is in its TPM."""
    return _without_creation().without("certify", "certify.sig").judged("key.certified")


@vector("key.certified", "withheld")
def key_certify_withheld() -> Judged:
    """The statement that certifies the signing key is withheld."""
    statement = ("certify.binding", "certify.form", "certify.signature", "certify.signer", "certify.subject")
    unsure = ("container.complete", "key.certified", *statement)
    return replace(_without_creation(), absent=frozenset({"certify"})).judged(unsure=unsure)


@vector("key.certified", "two-items")
def key_second_not_certified() -> Judged:
    """Two signing keys: one is certified, the other one is not."""
    second = tpm.ecc_key("second signing key", tpm.SIGNING, parent=storage().qualified_name)
    item = fixed("key-public", second.area, {"parent": "key.parent"})
    return whole().having("key.second", item).judged("key.certified")


@vector("ak.scheme", "weak")
def ak_p224() -> Judged:
    """The attestation key is on P-224: less than 128 bits of strength."""
    return snapshot_with(tpm.ecc_key("attestation key", tpm.ATTESTING, curve="p224")).judged("ak.scheme")


@vector("ak.scheme", "weak")
def ak_name_by_sha1() -> Judged:
    """The attestation key's Name is a SHA-1 digest: two keys may be made that share it."""
    weak = replace(ak(), public=replace(ak().public, name_alg=tpm.SHA1))
    return snapshot_with(weak).judged("ak.scheme")


@vector("quote.signer", "unknown", "algorithm")
def ak_name_by_unknown_hash() -> Judged:
    """The attestation key's Name is by a hash that is not computed here."""
    other = replace(ak(), public=replace(ak().public, name_alg=tpm.UNKNOWN_HASH))
    return snapshot_with(other).judged(unsure=("quote.signer",))


@vector("ak.form", "unknown", "algorithm")
def ak_of_unknown_kind() -> Judged:
    """The attestation key is of a kind that is not read here, as ML-DSA keys are in TPM 2.0 1.85."""
    public = replace(
        ak().public, type=tpm.ML_DSA, parameters=Opaque(body=b"\x00\x02" + bytes(32)), unique=b""
    )
    return snapshot_with(replace(ak(), public=public)).judged(unsure=("ak.form", "quote.signature"))


@vector("certify.subject", "reference")
def key_parents_in_a_circle() -> Judged:
    """The signing key's parent is said to be its own parent."""
    return (
        whole()
        .changed("key.parent", refs={"parent": "key.parent"})
        .judged("certify.subject", "creation.data")
    )


def _below(parents: int) -> Ceremony:
    """The attestation key below so many storage keys, one under the other."""
    above, items, refs = tpm.ENDORSEMENT, {}, dict[str, str]()
    for number in range(1, parents + 1):
        held = tpm.ecc_key(f"storage key {number}", tpm.STORING | tpm.A.noDA, scheme=None, parent=above)
        items[f"parent.{number}"] = fixed("parent-public", held.area, refs)
        above, refs = held.qualified_name, {"parent": f"parent.{number}"}
    ceremony = snapshot_with(tpm.ecc_key("attestation key", tpm.ATTESTING, parent=above))
    ceremony = ceremony.changed("ak.pub", refs=refs)
    return replace(ceremony, artifacts={**ceremony.artifacts, **items})


@vector("quote.signer", "limit")
def quote_by_key_below_8_parents() -> Judged:
    """The attestation key is below eight storage keys, one under the other."""
    return _below(8).judged()


@vector("quote.signer", "limit")
def quote_by_key_below_9_parents() -> Judged:
    """The attestation key is below nine storage keys, one under the other: more than are followed."""
    return _below(9).judged("quote.signer")


@vector("A check that could not run never passed", "unknown", "algorithm")
def ak_scheme_by_unknown_hash() -> Judged:
    """The attestation key's scheme is by a hash that is not computed here."""
    other = tpm.ecc_key("attestation key", tpm.ATTESTING, scheme=(tpm.ECDSA, tpm.UNKNOWN_HASH))
    return snapshot_with(other).judged(unsure=("quote.pcrs", "quote.signature"))


def _with_second(second: tpm.Key) -> Ceremony:
    """The whole ceremony with a second attestation key, challenged as the first was."""
    record = activation(ek(), second.name).encode()
    tied = fixed("credential-activation", record, {"ek": "ek.pub", "ak": "ak2.pub"})
    return whole().having("ak2.pub", fixed("ak-public", second.area)).having("ak2.activation", tied)


@vector("what `claimed` says of its lifetime, the same for every ak-public", "session")
def ak_died_with_its_session() -> Judged:
    """No template, and a claim that the key died with its session, for which the operator vouches."""
    ceremony = whole().without("ak.template").changed("ak.pub", claimed={"lifetime": "session"})
    return ceremony.concluding(ak_lifetime="vouched").judged()


@vector("with an ak-template of every ak-public", "partners")
def ak_template_of_one_of_two() -> Judged:
    """One attestation key has a template, the other has none: of them together nothing is said."""
    ceremony = _with_second(tpm.ecc_key("second attestation key", tpm.ATTESTING))
    return ceremony.concluding(ak_resident="vouched", ak_lifetime="unproven").judged()


@vector("none of them withheld", "partners", "absent")
def ak_template_of_second_withheld() -> Judged:
    """The second key's template, which would not yield it, is withheld: of both together nothing is said."""
    other = ak().with_attributes(tpm.ATTESTING | tpm.A.noDA).public.encode()
    ceremony = _with_second(tpm.ecc_key("second attestation key", tpm.ATTESTING))
    ceremony = ceremony.having("ak2.template", fixed("ak-template", other, {"of": "ak2.pub"}))
    withheld = replace(ceremony, absent=frozenset({"ak2.template"}))
    return withheld.concluding(ak_resident="vouched", ak_lifetime="unproven").judged()
