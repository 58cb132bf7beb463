# SPDX-License-Identifier: Apache-2.0
"""COSE seals that are no hash envelope over the manifest, each beside a sound seal of the operator.

Spec: "COSE seals", "Verification", step 2.
"""

from __future__ import annotations

from typing import Final

from tests.vectorgen import sealing
from tests.vectorgen.ceremony import Making, Sealed
from tests.vectorgen.judged_seal import beside, second
from tests.vectorgen.sealing import CLAIMS, CRIT, HASH_ALG, IAT, ISS, KID, PREIMAGE_TYPE, SUB, TYP, X5T
from tests.vectorgen.vector import Judged, Vectors

vector: Final = Vectors()
_HEADER: Final = "All of these are required, except that exactly one"
_CRIT: Final = "a `crit` that is unprotected or is not the one above"
_DETERMINISTIC: Final = "refuse a header that is not deterministic CBOR"


@vector("seal.form")
def seal_not_cose() -> Judged:
    """A COSE seal whose value is text."""
    return beside(lambda _: sealing.other(sealing.COSE, b"sealed, honestly"), "seal.form")


@vector("`value` is a tagged COSE_Sign1")
def seal_untagged() -> Judged:
    """A COSE_Sign1 without its tag."""

    def untagged(making: Making) -> Sealed:
        node = second()(making).node
        return sealing.other(sealing.COSE, node[1][1:])  # type: ignore[index] # [type, value]

    return beside(untagged, "seal.form")


@vector("nothing left over", "trailing", "embedded")
def seal_trailing_byte() -> Judged:
    """One byte follows the COSE_Sign1."""
    return beside(second(after=b"\x00"), "seal.form")


@vector(_DETERMINISTIC, "embedded")
def seal_header_not_shortest() -> Judged:
    """The protected header holds an integer in more bytes than needed; the signature over it is right."""
    return beside(second(protected=b"\xa1\x01\x38\x08"), "seal.form")


@vector("a label in both headers")
def seal_label_in_both_headers() -> Judged:
    """The type of the seal stands in both headers."""
    return beside(second(unprotected={TYP: sealing.SEAL_TYP}), "seal.form")


@vector("compare every member of the table, and the payload, with what they must be")
def seal_other_typ() -> Judged:
    """A statement of another type, by the operator's key, over the same bytes."""
    return beside(second(header={TYP: "application/example+cose"}), "seal.form", "seal.signature")


@vector("compare every member of the table, and the payload, with what they must be")
def seal_other_preimage_type() -> Judged:
    """The header says that something else than a manifest was hashed."""
    return beside(second(header={PREIMAGE_TYPE: "text/plain"}), "seal.form", "seal.signature")


@vector("compare every member of the table, and the payload, with what they must be", "rewrapped")
def seal_of_another_manifest() -> Judged:
    """A sound seal that the operator made for another ceremony."""
    return beside(second(payload=bytes(range(32))), "seal.form", "seal.signature")


@vector("The payload is `H(manifest)` and is not detached")
def seal_payload_detached() -> Judged:
    """The payload is null, as if it were to be taken from elsewhere."""
    return beside(second(detached=True), "seal.form", "seal.signature")


@vector("Label 3 is in neither header")
def seal_content_type() -> Judged:
    """The unprotected header has a content type, which a hash envelope must not."""
    return beside(second(unprotected={3: sealing.MANIFEST_TYPE}), "seal.form", "seal.signature")


@vector(_HEADER)
def seal_hash_alg_missing() -> Judged:
    """Neither header says by which hash algorithm the payload was made."""
    return beside(second(header={HASH_ALG: None, CRIT: [TYP]}), "seal.form", "seal.signature")


@vector("the hash algorithm of the payload")
def seal_hash_alg_sha1() -> Judged:
    """The payload is said to be a SHA-1 digest (COSE algorithm -14)."""
    return beside(second(header={HASH_ALG: -14}), "seal.form", "seal.signature")


@vector(_CRIT, "critical")
def seal_crit_missing() -> Judged:
    """Nothing is critical: a reader who knows COSE only would take the digest for the message."""
    return beside(second(header={CRIT: None}), "seal.form", "seal.signature")


@vector(_CRIT, "critical")
def seal_crit_unknown() -> Judged:
    """One more label is critical, and nobody knows it."""
    header = {CRIT: [TYP, HASH_ALG, 65000], 65000: True}
    return beside(second(header=header), "seal.form", "seal.signature")


@vector(_CRIT, "critical")
def seal_crit_names_absent() -> Judged:
    """A label is critical that the header does not have."""
    return beside(second(header={CRIT: [TYP, HASH_ALG, KID]}), "seal.form", "seal.signature")


@vector(_CRIT, "critical")
def seal_crit_empty() -> Judged:
    """The list of critical labels is empty."""
    return beside(second(header={CRIT: []}), "seal.form", "seal.signature")


@vector(_CRIT, "critical")
def seal_crit_unprotected() -> Judged:
    """The critical labels are listed where no signature covers the list."""
    seal = second(header={CRIT: None}, unprotected={CRIT: [TYP, HASH_ALG]})
    return beside(seal, "seal.form", "seal.signature")


@vector("exactly one of `x5t` and `kid` says whose seal it is")
def seal_x5t_and_kid() -> Judged:
    """Both x5t and kid are there, so that two readers may see two signers."""
    return beside(second(header={KID: b"\x00\x0b" + bytes(32)}), "seal.form", "seal.signature")


@vector("exactly one of `x5t` and `kid` says whose seal it is")
def seal_nameless() -> Judged:
    """Neither x5t nor kid says whose seal it is."""
    return beside(second(header={X5T: None}), "seal.form", "seal.signer")


@vector("`[-16, SHA-256 of the certificate's DER]`")
def seal_x5t_sha1() -> Judged:
    """x5t names the certificate by a SHA-1 digest (COSE algorithm -14)."""
    return beside(second(header={X5T: [-14, bytes(20)]}), "seal.form", "seal.signer")


@vector("or the TPM key by `kid`")
def seal_kid_of_no_key() -> Judged:
    """kid is the Name of a key that is not among the items."""
    seal = second(header={X5T: None, KID: b"\x00\x0b" + bytes(32)})
    return beside(seal, "seal.signer")


@vector("two text strings and a time; claimed", "time")
def seal_no_time() -> Judged:
    """The seal does not say when it was made."""
    claims = {ISS: "Evidence Bundle Test", SUB: "a manifest"}
    return beside(second(header={CLAIMS: claims}), "seal.form", "seal.signature", "seal.validity")


@vector("two text strings and a time; claimed", "time")
def seal_time_is_text() -> Judged:
    """The seal says in words when it was made."""
    claims = {ISS: "Evidence Bundle Test", SUB: "a manifest", IAT: "this morning"}
    return beside(second(header={CLAIMS: claims}), "seal.form", "seal.signature", "seal.validity")


@vector("the TPM Name of the key (section 10.6)")
def seal_kid_is_no_name() -> Judged:
    """kid is a word, as COSE has it otherwise, and no TPM Name."""
    return beside(second(header={X5T: None, KID: b"me"}), "seal.form", "seal.signer")


@vector("two text strings and a time; claimed", "time")
def seal_no_claims() -> Judged:
    """The seal has no CWT claims at all."""
    return beside(second(header={CLAIMS: None}), "seal.form", "seal.signature", "seal.validity")


@vector("a protected header that is an empty map", "embedded")
def seal_header_empty_map() -> Judged:
    """The protected header is the encoding of an empty map, for which COSE has the empty byte string."""
    return beside(second(protected=b"\xa0"), "seal.form")
