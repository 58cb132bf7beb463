# SPDX-License-Identifier: Apache-2.0
"""Cross-signatures between the operator's keys, by the TPM's signing key, and by a witness.

Spec: "Verification", step 4; "Cross-signatures".
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from functools import cache
from typing import Final

from tests.vectorgen import certificates, keys, openpgp, sealing
from tests.vectorgen import own_certificates as own
from tests.vectorgen.ceremonies import ak, key, signature, whole
from tests.vectorgen.ceremony import Artifact, Ceremony, fixed
from tests.vectorgen.certificates import YEAR
from tests.vectorgen.plain import CREATED
from tests.vectorgen.vector import Judged, Vectors

vector: Final = Vectors()
_SIGNATURE, _CERTIFICATE = "cross.sig", "cross.cert"


def cross_certificate(**changes: object) -> bytes:
    """By the PIV key over the OpenPGP primary key."""
    primary = openpgp.OPERATOR.primary
    named = own.openpgp_key(primary.fingerprint)
    return own.issued(own.CROSS, primary.secret.public_key(), named, **changes)  # type: ignore[arg-type] # its keywords


@cache
def crossed() -> Ceremony:
    """The whole ceremony, in which the operator's two keys sign each other."""
    made = openpgp.OPERATOR.sign(certificates.operator().certificate)
    there = {"by": "operator.openpgp", "over": "operator.piv"}
    back = {"by": "operator.piv", "over": "operator.openpgp"}
    return (
        whole()
        .having(_SIGNATURE, fixed("cross-signature", made, there))
        .having(_CERTIFICATE, fixed("cross-certificate", cross_certificate(), back))
        .concluding(identity_crossed="proven")
    )


def _weaker(ceremony: Ceremony) -> Ceremony:
    return ceremony.concluding(identity_crossed="unproven")


def _with_signature(value: bytes) -> Ceremony:
    return _weaker(crossed().changed(_SIGNATURE, value=value))


def _with_certificate(value: bytes) -> Ceremony:
    return _weaker(crossed().changed(_CERTIFICATE, value=value))


@vector("cross.signature")
def cross_both_ways() -> Judged:
    """The operator's OpenPGP key and PIV key sign each other."""
    return crossed().judged()


@vector("cross.signature")
def cross_one_way() -> Judged:
    """The OpenPGP key signs the PIV certificate; nothing is signed the other way."""
    return _weaker(crossed().without(_CERTIFICATE)).judged()


@vector("cross.signature", "rewrapped")
def cross_signature_over_another_certificate() -> Judged:
    """The OpenPGP signature is over another certificate than the one that it names."""
    return _with_signature(openpgp.OPERATOR.sign(b"another certificate")).judged("cross.signature")


@vector("cross.signature")
def cross_signature_by_another_key() -> Judged:
    """The signature over the PIV certificate is by the witness's OpenPGP key."""
    made = openpgp.WITNESS.sign(certificates.operator().certificate)
    return _with_signature(made).judged("cross.signature")


@vector("cross.signature", "time")
def cross_signature_before_its_key() -> Judged:
    """The signature says that it was made before its key."""
    made = openpgp.OPERATOR.sign(certificates.operator().certificate, at=openpgp.KEY_TIME - 86400)
    return _with_signature(made).judged("cross.signature")


@vector("cross.signature", "time")
def cross_signature_time_unhashed() -> Judged:
    """When the signature was made stands outside its hashed area."""
    time = (openpgp.pgp.TIME, CREATED.to_bytes(4, "big"))
    certificate = certificates.operator().certificate
    made = openpgp.OPERATOR.primary.detached(certificate, at=None, unhashed=(time,))
    return _with_signature(made).judged("cross.signature")


@vector("cross.signature", "weak")
def cross_signature_over_sha1() -> Judged:
    """The signature is over a SHA-1 digest of the certificate."""
    made = openpgp.OPERATOR.sign(certificates.operator().certificate, hash_id=openpgp.SHA1)
    return _with_signature(made).judged("cross.signature")


@vector("cross.signature", "time")
def cross_signature_expired() -> Judged:
    """The signature says that it ends a day after it was made, and that was a year ago."""
    day = ((openpgp.SIGNATURE_EXPIRES, (86400).to_bytes(4, "big")),)
    made = openpgp.OPERATOR.sign(certificates.operator().certificate, at=openpgp.KEY_TIME + 86400, hashed=day)
    return _with_signature(made).judged("cross.signature")


@vector("cross.signature", "grafted")
def cross_signature_by_a_grafted_subkey() -> Judged:
    """The witness's key signed; it stands in the operator's certificate, which never took it on."""
    grafted = openpgp.OPERATOR.encode() + openpgp.WITNESS.primary.as_subkey()
    made = openpgp.WITNESS.sign(certificates.operator().certificate)
    return _with_signature(made).changed("operator.openpgp", value=grafted).judged("cross.signature")


@vector("names exactly one, and it names an item of the right role", "rewrapped")
def cross_signature_over_itself() -> Judged:
    """The OpenPGP key signed its own certificate, which says nothing about another key."""
    refs = {"by": "operator.openpgp", "over": "operator.openpgp"}
    made = openpgp.OPERATOR.sign(openpgp.OPERATOR.encode())
    return _weaker(crossed().changed(_SIGNATURE, value=made, refs=refs)).judged("container.refs")


@vector("identity.crossed")
def cross_stranger_signs_the_identity() -> Judged:
    """Somebody whom the verifier does not know signs the operator's PIV certificate, as anybody can."""
    refs = {"by": "witness.openpgp", "over": "operator.piv"}
    ceremony = _with_signature(openpgp.WITNESS.sign(certificates.operator().certificate))
    stranger = fixed("openpgp-certificate", openpgp.WITNESS.encode())
    return ceremony.changed(_SIGNATURE, refs=refs).having("witness.openpgp", stranger).judged()


@vector("cross.form")
def cross_signature_over_text() -> Judged:
    """The signature is over text, which a certificate is not."""
    made = openpgp.OPERATOR.sign(certificates.operator().certificate, kind=openpgp.TEXT)
    return _with_signature(made).judged("cross.form")


@vector("cross.form", "bad-input")
def cross_signature_armored() -> Judged:
    """The signature is armored."""
    lines = base64.encodebytes(openpgp.OPERATOR.sign(certificates.operator().certificate)).decode()
    text = f"-----BEGIN PGP SIGNATURE-----\n\n{lines}-----END PGP SIGNATURE-----\n"
    return _with_signature(text.encode()).judged("cross.form")


@vector("cross.key")
def cross_certificate_for_another_key() -> Judged:
    """The cross-certificate names the operator's fingerprint and certifies the witness's key."""
    named = own.openpgp_key(openpgp.OPERATOR.primary.fingerprint)
    made = own.issued(own.CROSS, openpgp.WITNESS.primary.secret.public_key(), named)
    return _with_certificate(made).judged("cross.key")


@vector("cross.key")
def cross_certificate_names_another_fingerprint() -> Judged:
    """The cross-certificate certifies the operator's key and names the witness's fingerprint."""
    named = own.openpgp_key(openpgp.WITNESS.primary.fingerprint)
    made = own.issued(own.CROSS, openpgp.OPERATOR.primary.secret.public_key(), named)
    return _with_certificate(made).judged("cross.key")


@vector("cross.key")
def cross_certificate_names_another_of_one_key_id() -> Judged:
    """The fingerprint that it names ends in the key id of the operator's key, and begins otherwise."""
    ours = openpgp.OPERATOR.primary
    named = own.openpgp_key(openpgp.WITNESS.primary.fingerprint[:-8] + ours.fingerprint[-8:])
    return _with_certificate(own.issued(own.CROSS, ours.secret.public_key(), named)).judged("cross.key")


@vector("cross.form")
def cross_certificate_names_a_key_id() -> Judged:
    """In place of the fingerprint there is a key id, which others can have too."""
    ours = openpgp.OPERATOR.primary
    named = own.openpgp_key(ours.fingerprint[-8:])
    return _with_certificate(own.issued(own.CROSS, ours.secret.public_key(), named)).judged("cross.form")


@vector("cross.form")
def cross_certificate_of_an_authority() -> Judged:
    """The cross-certificate says that the OpenPGP key is an authority, which could certify others."""
    return _with_certificate(cross_certificate(is_authority=True)).judged("cross.form")


@vector("cross.form")
def cross_certificate_names_no_key() -> Judged:
    """The cross-certificate has no extension that says which OpenPGP key it is about."""
    made = own.issued(own.CROSS, openpgp.OPERATOR.primary.secret.public_key())
    return _with_certificate(made).judged("cross.form")


@vector("cross.signature")
def cross_certificate_by_another_key() -> Judged:
    """The cross-certificate names the operator's PIV certificate as issuer, and another key signed it."""
    made = cross_certificate(signer=keys.ec_key("other p256"))
    return _with_certificate(made).judged("cross.signature")


@vector("cross.signature", "time")
def cross_certificate_expired() -> Judged:
    """The cross-certificate had expired when the capture was made."""
    made = cross_certificate(validity=(CREATED - YEAR, CREATED - 86400))
    return _with_certificate(made).judged("cross.signature")


def _listed(*revoked: bytes) -> Ceremony:
    listed = fixed("crl", own.revocation_list(*revoked), {"issuer": "operator.piv"})
    return crossed().having("crl", listed)


@vector("cross.revocation")
def cross_certificate_not_revoked() -> Judged:
    """The PIV key's revocation list is in the bundle and is empty."""
    return _listed().judged()


@vector("cross.revocation")
def cross_certificate_revoked() -> Judged:
    """The PIV key's revocation list names the cross-certificate."""
    return _weaker(_listed(cross_certificate())).judged("cross.revocation")


@vector("piv.usage")
def piv_issues_without_being_an_authority() -> Judged:
    """The operator's PIV certificate is not that of an authority, and its key issued a cross-certificate."""
    name, secret = own.OPERATOR, keys.ec_key("operator p256")
    usage = (certificates.usages("digital_signature"), True)
    extensions = (certificates.NO_AUTHORITY, usage)
    der = certificates.certificate(name, secret.public_key(), name, secret, extensions=extensions)
    identity = replace(certificates.operator(), certificate=der)
    changed = _weaker(crossed()).changed("operator.piv", value=der)
    changed = changed.changed(_SIGNATURE, value=openpgp.OPERATOR.sign(der))
    changed = replace(changed, seals=(sealing.by(identity), changed.seals[1]))
    pinned = changed.under(pins_piv=(hashlib.sha256(der).hexdigest(),))
    return pinned.judged("cross.signature", "piv.usage")


def _tpm_signed(over: str, by: str = "key.pub") -> Artifact:
    signer = key() if by == "key.pub" else ak()
    return Artifact(role="tpm-signature", make=signature(signer, over), refs={"by": by, "over": over})


@vector("cross.tpm")
def cross_tpm_signatures() -> Judged:
    """The TPM's signing key signs both of the operator's certificates."""
    ceremony = whole().having("openpgp.tpm", _tpm_signed("operator.openpgp"))
    return ceremony.having("piv.tpm", _tpm_signed("operator.piv")).judged()


@vector("cross.tpm", "rewrapped")
def cross_tpm_signature_over_another() -> Judged:
    """The TPM's signature names the PIV certificate, and was made over the OpenPGP certificate."""
    signed = replace(_tpm_signed("operator.openpgp"), refs={"by": "key.pub", "over": "operator.piv"})
    return whole().having("piv.tpm", signed).judged("cross.tpm")


@vector("cross.tpm")
def cross_tpm_signature_by_attestation_key() -> Judged:
    """The TPM's attestation key signs a certificate, as if that were a statement of the TPM."""
    return whole().having("piv.tpm", _tpm_signed("operator.piv", by="ak.pub")).judged("cross.tpm")


def _certified_by_witness() -> Ceremony:
    certified = replace(openpgp.OPERATOR, certified_by=openpgp.WITNESS)
    ceremony = whole().changed("operator.openpgp", value=certified.encode())
    return ceremony.having("witness.openpgp", fixed("openpgp-certificate", openpgp.WITNESS.encode()))


@vector("cross.certification")
def cross_certified_by_witness() -> Judged:
    """The witness's OpenPGP key certifies the operator's user id."""
    return _certified_by_witness().judged()


@vector("cross.certification", "absent")
def cross_certificate_withheld() -> Judged:
    """The witness's OpenPGP certificate was withheld: whether it certifies the operator's cannot be seen."""
    ceremony = replace(_certified_by_witness(), absent=frozenset({"witness.openpgp"}))
    openpgp_checks = (f"openpgp.{name}" for name in _OF_CERTIFICATES)
    return ceremony.judged(unsure=("container.complete", "cross.certification", *openpgp_checks))


_OF_CERTIFICATES: Final = (
    "form",
    "time",
    "binding",
    "expiry",
    "revocation",
    "algorithms",
    "critical",
    "policy",
)
