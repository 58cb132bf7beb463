# SPDX-License-Identifier: Apache-2.0
"""Files of every valid shape, and files that break what their manifest says of them.

Spec: "Container", "Manifest", "Verification", step 1.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Final

from tests.vectorgen import certificates, keys, openpgp, sealing
from tests.vectorgen import software_tpm as tpm
from tests.vectorgen.ceremonies import key, quote, snapshot, storage, whole, whole_with_key
from tests.vectorgen.ceremony import CERTIFICATE, TPM, Ceremony, Making, fixed
from tests.vectorgen.judged_ak_certificate import certified_alone
from tests.vectorgen.plain import MINUTES, PROFILE, file
from tests.vectorgen.tree import Row, encoded
from tests.vectorgen.vector import Judged, Terms, Vectors

vector: Final = Vectors()


def _with_minutes(**members: object) -> Ceremony:
    return snapshot().having("minutes", fixed("minutes", MINUTES, **members))  # type: ignore[arg-type] # of Artifact


def _with_members(**members: object) -> Ceremony:
    return replace(snapshot(), members=members)


@vector("A bundle is CBOR in the core deterministic encoding", "shape")
def container_minimal() -> Judged:
    """The smallest file that a decoder accepts. It proves nothing: no seal, no evidence, an unmet profile."""
    failed = ("container.profile", "seal.required")
    return Judged(file=encoded(Row((file(),))), terms=Terms(), failed=failed, indeterminate=("seal.anchor",))


@vector("A verifier takes a decoded bundle and a *policy* and gives a *report*", "shape")
def container_cose_esp256() -> Judged:
    """The smallest snapshot, sealed with a P-256 key (ESP256): the example of the specification."""
    return snapshot().judged()


@vector("| ESP384 | -51 | P-384 |", "shape", "algorithm")
def container_cose_esp384() -> Judged:
    """The smallest snapshot, sealed with a P-384 key (ESP384)."""
    return snapshot("p384").judged()


@vector("| ESP512 | -52 | P-521 |", "shape", "algorithm")
def container_cose_esp512() -> Judged:
    """The smallest snapshot, sealed with a P-521 key (ESP512): r and s have 66 bytes each."""
    return snapshot("p521").judged()


@vector("| Ed25519 | -19 | Ed25519 |", "shape", "algorithm")
def container_cose_ed25519() -> Judged:
    """The smallest snapshot, sealed with an Ed25519 key."""
    return snapshot("ed25519").judged()


@vector("| PS256 | -37 | RSA |", "shape", "algorithm")
def container_cose_ps256() -> Judged:
    """The smallest snapshot, sealed with an RSA key by PSS (PS256)."""
    return snapshot("rsa2048").judged()


@vector("because many PIV keys can do nothing else", "shape", "algorithm")
def container_cose_rs256() -> Judged:
    """The smallest snapshot, sealed with an RSA key by PKCS #1 v1.5 (RS256)."""
    seal = sealing.by(certificates.operator("rsa2048"), alg=keys.RS256)
    return replace(snapshot("rsa2048"), seals=(seal,)).judged()


@vector("| ML-DSA-65 | -49 | ML-DSA-65 |", "shape", "algorithm")
def container_cose_ml_dsa_65() -> Judged:
    """The smallest snapshot, sealed with an ML-DSA-65 key."""
    return snapshot("ml-dsa-65").judged()


@vector("`value` is exactly one binary detached signature packet", "shape")
def container_openpgp() -> Judged:
    """The smallest snapshot of an operator who has an OpenPGP card only."""
    certificate = fixed("openpgp-certificate", openpgp.OPERATOR.encode())
    small = snapshot().without("operator.piv").having("operator.openpgp", certificate)
    return replace(
        small,
        signers={"operator.openpgp": "operator"},
        seals=(sealing.OpenPgpSeal(signer=openpgp.OPERATOR),),
        terms=Terms(pins_openpgp=(openpgp.OPERATOR.fingerprint,)),
    ).judged()


@vector("made to be checked offline", "shape")
def container_whole() -> Judged:
    """A whole ceremony: an operator with two cards, an EK that leads to its maker, a key, minutes."""
    return whole().judged()


@vector("`key`, where present, is the signer's own certificate", "shape", "witness")
def container_later_witness() -> Judged:
    """A witness whom the manifest does not name has sealed later and brings the certificate along."""
    witness = certificates.operator("p384", who="witness")
    return snapshot().sealed_also(sealing.by(witness, certificate=witness.certificate)).judged()


@vector("`key`, where present, is the signer's own certificate", "shape", "witness")
def container_later_witness_openpgp() -> Judged:
    """A witness with an OpenPGP key has sealed later and brings the certificate along."""
    seal = sealing.OpenPgpSeal(signer=openpgp.WITNESS, certificate=openpgp.WITNESS.encode())
    return snapshot().sealed_also(seal).judged()


@vector("for a key of role key-public", "shape")
def container_sealed_by_tpm_key() -> Judged:
    """The certified key in the TPM seals as well, named by its Name; the manifest requires it."""
    ceremony = whole().sealed_also(sealing.by_tpm(key(), keys.ESP256))
    return replace(ceremony, signers={**ceremony.signers, "key.pub": "platform"}).judged()


@vector("for a key of role key-public", "shape")
def container_sealed_by_tpm_rsa_key() -> Judged:
    """An RSA-2048 key in the TPM seals with PKCS #1 v1.5, named by its Name."""
    signing = tpm.rsa_key(
        "tpm-key-rsa2048", tpm.SIGNING, scheme=(tpm.RSASSA, tpm.SHA256), parent=storage().qualified_name
    )
    return whole_with_key(signing).sealed_also(sealing.by_tpm(signing, keys.RS256)).judged()


@vector("An item without a record is *withheld*", "shape", "withheld")
def container_template_withheld() -> Judged:
    """The operator keeps the attestation key's template back: its absence leaves no doubt about the rest."""
    return replace(whole(), absent=frozenset({"ak.template"})).judged()


@vector("container.complete", "withheld")
def container_pcr_values_withheld() -> Judged:
    """The PCR values are withheld, so what was quoted cannot be said."""
    unsure = ("container.complete", "quote.pcrs", "quote.selection")
    return replace(snapshot(), absent=frozenset({"quote.pcrs"})).judged(unsure=unsure)


@vector("checks of absent evidence are skipped", "withheld", "relaxation")
def container_pcr_values_withheld_allowed() -> Judged:
    """The PCR values are withheld, and the verifier allows that."""
    return replace(snapshot().under(allow_withheld=True), absent=frozenset({"quote.pcrs"})).judged()


@vector("the artifact never was in the file", "shape", "detached")
def container_media_detached() -> Judged:
    """The video of the ceremony is kept elsewhere; its digest is sealed."""
    video = fixed("media", b"a video of a test ceremony", detached=True)
    return snapshot().having("video", video).judged()


@vector("container.complete", "detached")
def container_detached_present() -> Judged:
    """An item is declared detached, yet its record is in the file."""
    ceremony = replace(_with_minutes(detached=True), records={"minutes": ["text/plain", MINUTES]})
    return ceremony.judged("container.complete")


@vector("Items of roles that a verifier does not know are kept and reported", "shape", "unknown")
def container_role_unknown() -> Judged:
    """An item has a role that a later version may define."""
    item = fixed("thermometer-log", b"21 degrees\n", type="text/plain", claimed={"source": "the wall"})
    return snapshot().having("thermometer", item).judged()


@vector("a later minor version may define it", "shape", "unknown", "versioning")
def container_member_unknown() -> Judged:
    """The manifest is of minor version 1 and has a member that this version does not know."""
    return _with_members(version=[1, 1], **{"x-weather": {"sky": "clear", "degrees": -3}}).judged()


@vector("A seal of an unknown type is kept and reported", "shape", "unknown")
def container_seal_type_unknown() -> Judged:
    """One seal more, of a type that a later version may define."""
    return snapshot().sealed_also(lambda _: sealing.other("application/x-wax", b"red")).judged()


@vector("one line for people", "shape")
def container_title_and_previous() -> Judged:
    """A title beyond ASCII, and the digest (SHA-512) of the manifest of the snapshot before this one."""
    previous = [-44, hashlib.sha512(b"the manifest before").digest()]
    return _with_members(title="Zeremonie für «Tests» 🔑", previous=previous).judged()


@vector("that a decoder must understand", "shape", "critical")
def container_critical_known() -> Judged:
    """A member is critical that this version knows."""
    return _with_members(title="Test", critical=["title"]).judged()


@vector("the conceptual-message indicator of RFC 9999, which a verifier ignores", "shape")
def container_record_with_ind() -> Judged:
    """A record has the conceptual-message indicator "evidence"."""
    return replace(_with_minutes(), records={"minutes": ["text/plain", MINUTES, 4]}).judged()


@vector("A proof of an unknown type is kept and reported", "shape", "renewal")
def container_renewal() -> Judged:
    """One renewal, whose proof is of a kind that nobody knows."""
    coverage = {"alg": -16, "manifest": bytes(32), "content": {}, "seals": [], "renewals": []}
    renewal = {"covers": encoded(coverage), "proof": ["application/x-sundial", b"noon"]}
    return replace(snapshot(), renewals=(renewal,)).judged()


@vector("and MUST accept what is at the limit", "shape", "limit")
def container_depth_at_limit() -> Judged:
    """An extension nests 15 arrays, 16 levels with the manifest's own map."""
    deep: object = []
    for _ in range(14):
        deep = [deep]
    return _with_members(**{"x-deep": deep}).judged()


@vector("and MUST accept what is at the limit", "shape", "limit")
def container_seals_at_limit() -> Judged:
    """64 seals: that of the operator, and 63 of a type that nobody knows."""
    return snapshot().sealed_also(*[lambda _: sealing.other("application/x-wax", b"")] * 63).judged()


@vector("and MUST accept what is at the limit", "shape", "limit")
def container_text_at_limit() -> Judged:
    """A title of 65 536 bytes."""
    return _with_members(title="t" * 65536).judged()


@vector("1 to 64 of `a-z 0-9 . _ -`", "shape", "label")
def container_label_at_limit() -> Judged:
    """A label of 64 characters, one of one character, and one with every kind of character in it."""
    more = dict.fromkeys(("m" * 64, "0", "a.b_c-d"), fixed("minutes", MINUTES))
    return replace(snapshot(), artifacts={**snapshot().artifacts, **more}).judged()


@vector("16 to 64 fresh random bytes", "shape", "algorithm")
def container_binding_sha512() -> Judged:
    """The binding digest is by SHA-512 over a nonce of 64 bytes."""
    return replace(snapshot(), nonce=bytes(range(64)), binding_alg=-44).judged()


@vector("container.types")
def container_record_of_another_type() -> Judged:
    """A record carries another media type than its item."""
    return replace(_with_minutes(), records={"minutes": ["text/html", MINUTES]}).judged("container.types")


@vector("container.types")
def container_role_with_another_type() -> Judged:
    """The PCR values have the media type of plain octets, in item and record alike."""
    return snapshot().changed("quote.pcrs", type="application/octet-stream").judged("container.types")


@vector("container.digest", "tampered")
def container_artifact_changed() -> Judged:
    """A letter of the minutes was changed after the sealing; the size is the same."""
    changed = MINUTES.replace(b"test", b"Test")
    return replace(_with_minutes(), records={"minutes": ["text/plain", changed]}).judged("container.digest")


@vector("container.digest", "tampered")
def container_artifact_longer() -> Judged:
    """A line was added to the minutes after the sealing."""
    longer = MINUTES + b"All were happy.\n"
    return replace(_with_minutes(), records={"minutes": ["text/plain", longer]}).judged("container.digest")


@vector("container.digest", "tampered")
def container_artifact_exchanged() -> Judged:
    """The attestation key was exchanged for another one after the sealing."""
    other = tpm.ecc_key("another attestation key", tpm.ATTESTING)
    ceremony = replace(snapshot(), records={"ak.pub": [TPM, other.area]})
    return ceremony.judged("container.digest", "quote.signature", "quote.signer")


@vector("container.refs", "reference")
def container_reference_missing() -> Judged:
    """The quote does not say which key made it."""
    return snapshot().changed("quote", refs={}).judged("container.refs")


@vector("container.refs", "reference")
def container_reference_to_another_role() -> Judged:
    """The quote says that it was made by the operator's certificate."""
    return snapshot().changed("quote", refs={"by": "operator.piv"}).judged("container.refs")


@vector("container.refs", "reference")
def container_reference_to_two() -> Judged:
    """The quote says that it was made by two keys at once, so that each reader could pick another."""
    second = fixed("ak-public", tpm.ecc_key("second attestation key", tpm.ATTESTING).area)
    ceremony = snapshot().having("ak.second", second).changed("quote", refs={"by": ["ak.pub", "ak.second"]})
    return ceremony.judged("container.refs")


@vector("container.profile", "profile")
def container_profile_unmet() -> Judged:
    """A snapshot without PCR values."""
    return snapshot().without("quote.pcrs").judged("container.profile", unsure=("quote.pcrs",))


@vector("container.profile", "profile", "unknown")
def container_profile_unknown() -> Judged:
    """The profile is one that nobody knows."""
    other = PROFILE.replace("snapshot", "moonshot")
    return _with_members(profile=other).judged(unsure=("container.profile",))


@vector("container.binding", "binding")
def container_binding_lacks_identity() -> Judged:
    """The binding covers the attestation key only: the operator could be exchanged under the same quote."""
    return replace(snapshot(), over=("ak.pub",)).judged("container.binding")


@vector("container.binding", "binding")
def container_binding_lacks_key() -> Judged:
    """The binding covers everything but the signing key."""
    over = ("ak.pub", "ek.cert", "ek.pub", "operator.openpgp", "operator.piv")
    return replace(whole(), over=over).judged("container.binding")


@vector("what was sealed is what is here", "partners", "tampered")
def container_evidence_of_another_tpm() -> Judged:
    """Sound evidence of another certified key stands in the content of a manifest that names other bytes."""
    other = tpm.ecc_key("attestation key of another TPM", tpm.ATTESTING)
    certificate = certificates.ak_certificate(other.private.public_key())
    ceremony = certified_alone()
    said = quote(other)(Making(ceremony))
    records = {
        "ak.pub": [TPM, other.area],
        "ak.cert": [CERTIFICATE, certificate],
        "quote": [TPM, said],
        "quote.sig": [TPM, other.sign(said)],
    }
    ceremony = replace(ceremony, records=records)
    ceremony = ceremony.concluding(ak_resident="unproven", platform_state="unproven")
    return ceremony.judged("container.digest")
