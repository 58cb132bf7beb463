# SPDX-License-Identifier: Apache-2.0
"""Seals that do not hold, and some that only look so. Most stand beside a sound seal of the operator.

Spec: "Seals", "Verification", step 2.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from tests.vectorgen import certificates, keys, openpgp, sealing
from tests.vectorgen.ceremonies import snapshot, whole
from tests.vectorgen.ceremony import Making, Sealed, Sealer, fixed
from tests.vectorgen.certificates import YEAR
from tests.vectorgen.plain import CREATED
from tests.vectorgen.sealing import CLAIMS, CRIT, HASH_ALG, IAT, ISS, KID, PREIMAGE_TYPE, SUB, TYP, X5T
from tests.vectorgen.vector import Judged, Terms, Vectors

vector: Final = Vectors()
_HEADER: Final = "All of these are required, except that exactly one"
_CRIT: Final = "a `crit` that is unprotected or is not the one above"
_DETERMINISTIC: Final = "refuse a header that is not deterministic CBOR"
_FIELD: Final = "ECDSA with SHA-256: `r || s` of 32 bytes each"


def _beside(sealer: Sealer, *failed: str, unsure: tuple[str, ...] = ()) -> Judged:
    """The smallest snapshot with a second seal."""
    return snapshot().sealed_also(sealer).judged(*failed, unsure=unsure)


def _second(**changes: object) -> sealing.CoseSeal:
    """A second seal by the operator, with something wrong in it."""
    return sealing.by(certificates.operator(), **changes)


@vector("seal.anchor", "anchor")
def seal_no_pin() -> Judged:
    """A sound bundle, and a verifier who knows nobody: it never passes."""
    return snapshot().under(pins_piv=()).judged(unsure=("seal.anchor",))


@vector("seal.anchor", "anchor")
def seal_other_pin() -> Judged:
    """The verifier knows another operator, who has not sealed."""
    other = certificates.operator("p384").certificate
    return snapshot().under(pins_piv=(bytes(sealing.x5t(other)[1]).hex(),)).judged("seal.anchor")  # type: ignore[call-overload] # the digest


@vector("seal.anchor", "anchor", "openpgp")
def seal_pin_is_subkey() -> Judged:
    """The pin is the fingerprint of a signing subkey; identities are pinned by their certificate's own."""
    operator = replace(openpgp.OPERATOR, subkey=True)
    seal = sealing.OpenPgpSeal(signer=operator)
    ceremony = snapshot().having("operator.openpgp", fixed("openpgp-certificate", operator.encode()))
    terms = Terms(pins_openpgp=(operator.signing.fingerprint.hex(),))
    return replace(ceremony.sealed_also(seal), terms=terms).judged("seal.anchor")


@vector("seal.required", "stripped")
def seal_stripped() -> Judged:
    """The operator's OpenPGP seal, which the manifest requires, was taken out; nobody pinned it."""
    return replace(whole(), seals=whole().seals[:1]).under(pins_openpgp=()).judged("seal.required")


@vector("seal.required", "stripped")
def seal_all_stripped() -> Judged:
    """Every seal was taken out."""
    return replace(snapshot(), seals=()).judged("seal.anchor", "seal.required")


@vector("seal.signer", "withheld")
def seal_certificate_withheld() -> Judged:
    """The only signer's certificate is withheld: nothing can be said of the seal."""
    unsure = ("container.complete", "seal.anchor", "seal.required", "seal.signature", "seal.signer")
    ceremony = replace(snapshot(), absent=frozenset({"operator.piv"}))
    return ceremony.judged(unsure=(*unsure, "seal.validity"))


@vector("seal.form")
def seal_not_cose() -> Judged:
    """A COSE seal whose value is text."""
    return _beside(lambda _: sealing.other(sealing.COSE, b"sealed, honestly"), "seal.form")


@vector("`value` is a tagged COSE_Sign1")
def seal_untagged() -> Judged:
    """A COSE_Sign1 without its tag."""

    def untagged(making: Making) -> Sealed:
        node = _second()(making).node
        return sealing.other(sealing.COSE, node[1][1:])  # type: ignore[index] # [type, value]

    return _beside(untagged, "seal.form")


@vector("nothing left over", "trailing", "embedded")
def seal_trailing_byte() -> Judged:
    """One byte follows the COSE_Sign1."""
    return _beside(_second(after=b"\x00"), "seal.form")


@vector(_DETERMINISTIC, "embedded")
def seal_header_not_shortest() -> Judged:
    """The protected header holds an integer in more bytes than needed; the signature over it is right."""
    return _beside(_second(protected=b"\xa1\x01\x38\x08"), "seal.form")


@vector("a label in both headers")
def seal_label_in_both_headers() -> Judged:
    """The type of the seal stands in both headers."""
    return _beside(_second(unprotected={TYP: sealing.SEAL_TYP}), "seal.form")


@vector("compare every member of the table, and the payload, with what they must be")
def seal_other_typ() -> Judged:
    """A statement of another type, by the operator's key, over the same bytes."""
    return _beside(_second(header={TYP: "application/example+cose"}), "seal.form", "seal.signature")


@vector("compare every member of the table, and the payload, with what they must be")
def seal_other_preimage_type() -> Judged:
    """The header says that something else than a manifest was hashed."""
    return _beside(_second(header={PREIMAGE_TYPE: "text/plain"}), "seal.form", "seal.signature")


@vector("compare every member of the table, and the payload, with what they must be", "rewrapped")
def seal_of_another_manifest() -> Judged:
    """A sound seal that the operator made for another ceremony."""
    return _beside(_second(payload=bytes(range(32))), "seal.form", "seal.signature")


@vector("The payload is `H(manifest)` and is not detached")
def seal_payload_detached() -> Judged:
    """The payload is null, as if it were to be taken from elsewhere."""
    return _beside(_second(detached=True), "seal.form", "seal.signature")


@vector("Label 3 is in neither header")
def seal_content_type() -> Judged:
    """The unprotected header has a content type, which a hash envelope must not."""
    return _beside(_second(unprotected={3: sealing.MANIFEST_TYPE}), "seal.form", "seal.signature")


@vector(_HEADER)
def seal_hash_alg_missing() -> Judged:
    """Neither header says by which hash algorithm the payload was made."""
    return _beside(_second(header={HASH_ALG: None, CRIT: [TYP]}), "seal.form", "seal.signature")


@vector("the hash algorithm of the payload")
def seal_hash_alg_sha1() -> Judged:
    """The payload is said to be a SHA-1 digest (COSE algorithm -14)."""
    return _beside(_second(header={HASH_ALG: -14}), "seal.form", "seal.signature")


@vector(_CRIT, "critical")
def seal_crit_missing() -> Judged:
    """Nothing is critical: a reader who knows COSE only would take the digest for the message."""
    return _beside(_second(header={CRIT: None}), "seal.form", "seal.signature")


@vector(_CRIT, "critical")
def seal_crit_unknown() -> Judged:
    """One more label is critical, and nobody knows it."""
    header = {CRIT: [TYP, HASH_ALG, 65000], 65000: True}
    return _beside(_second(header=header), "seal.form", "seal.signature")


@vector(_CRIT, "critical")
def seal_crit_names_absent() -> Judged:
    """A label is critical that the header does not have."""
    return _beside(_second(header={CRIT: [TYP, HASH_ALG, KID]}), "seal.form", "seal.signature")


@vector(_CRIT, "critical")
def seal_crit_empty() -> Judged:
    """The list of critical labels is empty."""
    return _beside(_second(header={CRIT: []}), "seal.form", "seal.signature")


@vector(_CRIT, "critical")
def seal_crit_unprotected() -> Judged:
    """The critical labels are listed where no signature covers the list."""
    seal = _second(header={CRIT: None}, unprotected={CRIT: [TYP, HASH_ALG]})
    return _beside(seal, "seal.form", "seal.signature")


@vector("exactly one of `x5t` and `kid` says whose seal it is")
def seal_x5t_and_kid() -> Judged:
    """Both x5t and kid are there, so that two readers may see two signers."""
    return _beside(_second(header={KID: b"\x00\x0b" + bytes(32)}), "seal.form", "seal.signature")


@vector("exactly one of `x5t` and `kid` says whose seal it is")
def seal_nameless() -> Judged:
    """Neither x5t nor kid says whose seal it is."""
    return _beside(_second(header={X5T: None}), "seal.form", "seal.signer")


@vector("`[-16, SHA-256 of the certificate's DER]`")
def seal_x5t_sha1() -> Judged:
    """x5t names the certificate by a SHA-1 digest (COSE algorithm -14)."""
    return _beside(_second(header={X5T: [-14, bytes(20)]}), "seal.form", "seal.signer")


@vector("find the certificate by `x5t`")
def seal_x5t_outside_manifest() -> Judged:
    """x5t names a certificate that is neither an item nor carried by the seal."""
    return _beside(sealing.by(certificates.operator("p384")), "seal.signer")


@vector("find the certificate by `x5t`", "witness")
def seal_brings_another_certificate() -> Judged:
    """A witness's seal brings along the certificate of somebody else."""
    witness, other = certificates.operator("p384", who="witness"), certificates.operator("ed25519")
    return _beside(sealing.by(witness, certificate=other.certificate), "seal.signer")


@vector("or the TPM key by `kid`")
def seal_kid_of_no_key() -> Judged:
    """kid is the Name of a key that is not among the items."""
    seal = _second(header={X5T: None, KID: b"\x00\x0b" + bytes(32)})
    return _beside(seal, "seal.signer")


@vector("seal.signature", "tampered")
def seal_signature_changed() -> Judged:
    """One bit of the signature is another."""

    def flipped(making: Making) -> Sealed:
        operator = certificates.operator()
        signed = _second()(making).sig_structure or b""
        made = keys.cose_signature(operator.alg, operator.key, signed)
        return _second(signature=made[:-1] + bytes([made[-1] ^ 1]))(making)

    return _beside(flipped, "seal.signature")


@vector("seal.signature")
def seal_by_another_key() -> Judged:
    """x5t names the operator, another key has signed."""
    return _beside(_second(key=certificates.operator(who="witness").key), "seal.signature")


@vector("seal.signature", "only-seal")
def seal_only_one_by_another_key() -> Judged:
    """As before, and it is the only seal: the required and pinned operator has not sealed."""
    seal = _second(key=certificates.operator(who="witness").key)
    return replace(snapshot(), seals=(seal,)).judged("seal.anchor", "seal.required", "seal.signature")


@vector(_FIELD, "algorithm")
def seal_ecdsa_in_der() -> Judged:
    """The ECDSA signature is in DER, as PIV cards return it."""

    def der(making: Making) -> Sealed:
        operator = certificates.operator()
        signed = _second()(making).sig_structure or b""
        made = keys.ecdsa_der(operator.key, signed)  # type: ignore[arg-type] # a key on P-256
        return sealing.by(operator, signature=made)(making)

    return _beside(der, "seal.signature")


@vector(_FIELD, "algorithm")
def seal_ecdsa_zero() -> Judged:
    """The ECDSA signature has r = s = 0, which careless libraries accept for any message."""
    return _beside(_second(signature=bytes(64)), "seal.signature")


@vector("Verifiers MAY accept the deprecated ones of section 10.3", "algorithm", "optional")
def seal_deprecated_alg() -> Judged:
    """The algorithm is ES256 (-7), and the key is on P-256: a verifier may accept it, this one does."""
    return _beside(_second(alg=-7))


@vector("only if the key is on the curve named there", "algorithm")
def seal_deprecated_alg_other_curve() -> Judged:
    """The algorithm is ES256 (-7), the key is on P-384."""
    return replace(snapshot("p384"), seals=(sealing.by(certificates.operator("p384"), alg=-7),)).judged(
        "seal.anchor", "seal.required", "seal.signature"
    )


@vector("A verifier MUST refuse RSA keys of less than 2048 bits", "algorithm")
def seal_rsa_1024() -> Judged:
    """The operator's RSA key has 1024 bits."""
    return snapshot("rsa1024").judged("seal.anchor", "seal.required", "seal.signature")


@vector("seal.validity", "time")
def seal_after_expiry() -> Judged:
    """The operator's certificate had expired when the seal was made."""
    expired = certificates.operator(who="late", validity=(CREATED - YEAR, CREATED))
    return _sealed_by_second(expired)


@vector("seal.validity", "time")
def seal_before_validity() -> Judged:
    """The operator's certificate was not yet valid when the seal was made."""
    early = certificates.operator(who="early", validity=(CREATED + YEAR, CREATED + 2 * YEAR))
    return _sealed_by_second(early)


def _sealed_by_second(identity: certificates.Identity) -> Judged:
    ceremony = snapshot().having("second.piv", fixed("piv-certificate", identity.certificate))
    return ceremony.sealed_also(sealing.by(identity)).judged("seal.validity")


@vector("two text strings and a time; claimed", "time")
def seal_no_time() -> Judged:
    """The seal does not say when it was made."""
    claims = {ISS: "Evidence Bundle Test", SUB: "a manifest"}
    return _beside(_second(header={CLAIMS: claims}), "seal.form", "seal.signature", "seal.validity")


@vector("two text strings and a time; claimed", "time")
def seal_time_is_text() -> Judged:
    """The seal says in words when it was made."""
    claims = {ISS: "Evidence Bundle Test", SUB: "a manifest", IAT: "this morning"}
    return _beside(_second(header={CLAIMS: claims}), "seal.form", "seal.signature", "seal.validity")


@vector("the TPM Name of the key (section 10.6)")
def seal_kid_is_no_name() -> Judged:
    """kid is a word, as COSE has it otherwise, and no TPM Name."""
    return _beside(_second(header={X5T: None, KID: b"me"}), "seal.form", "seal.signer")


@vector("two text strings and a time; claimed", "time")
def seal_no_claims() -> Judged:
    """The seal has no CWT claims at all."""
    return _beside(_second(header={CLAIMS: None}), "seal.form", "seal.signature", "seal.validity")
