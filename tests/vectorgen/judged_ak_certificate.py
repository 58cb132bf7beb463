# SPDX-License-Identifier: Apache-2.0
"""Certificates of attestation keys.

Spec: "Verification", step 5.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from cryptography import x509

from tests.vectorgen import certificates
from tests.vectorgen import software_tpm as tpm
from tests.vectorgen.ceremonies import activation, ak, certify, ek, key, signature, whole
from tests.vectorgen.ceremony import Artifact, Ceremony, fixed
from tests.vectorgen.certificates import EK_USAGE
from tests.vectorgen.vector import Judged, Vectors

vector: Final = Vectors()


def certified(certificate: bytes | None = None) -> Ceremony:
    """The whole ceremony, in which an authority has certified the attestation key."""
    made = certificates.ak_certificate(ak().private.public_key()) if certificate is None else certificate
    named = whole().changed("ak.pub", refs={"certificate": "ak.cert"})
    return named.having("ak.cert", fixed("ak-certificate", made, {"issuer": "ek.issuer"}))


@vector("ak.certificate")
def ak_certified() -> Judged:
    """An authority that the verifier anchors says that the attestation key is in a TPM."""
    return certified().judged()


@vector("ak.certificate")
def ak_certificate_for_another_key() -> Judged:
    """The certificate beside the attestation key is for the signing key."""
    return certified(certificates.ak_certificate(key().private.public_key())).judged("ak.certificate")


@vector("ak.certificate")
def ak_certificate_of_no_key() -> Judged:
    """The certificate is there, and no attestation key names it."""
    return certified().changed("ak.pub", refs={}).judged("ak.certificate")


def _otherwise(**extensions: object) -> Ceremony:
    """Certified with other extensions than an attestation key's."""
    key = ak().private.public_key()
    return certified(certificates.ak_certificate(key, **extensions))  # type: ignore[arg-type] # its keywords


@vector("ak.certificate")
def ak_certificate_of_an_authority() -> Judged:
    """The certificate says that the attestation key is an authority, which could certify others."""
    authority = (x509.BasicConstraints(ca=True, path_length=None), True)
    return _otherwise(constraints=authority).judged("ak.certificate")


@vector("ak.certificate")
def ak_certificate_for_encryption() -> Judged:
    """The certificate's key usage lets the attestation key agree on keys, not sign."""
    return _otherwise(key_usage=certificates.usages("key_agreement")).judged("ak.certificate")


@vector("ak.certificate", "malformed")
def ak_certificate_key_usage_malformed() -> Judged:
    """The certificate's key usage is an octet string where a bit string should be."""
    usage = x509.UnrecognizedExtension(x509.ExtensionOID.KEY_USAGE, b"\x04\x01\x80")
    return _otherwise(key_usage=usage).judged("ak.certificate")


def _as_ek() -> Ceremony:
    return certified(certificates.ak_certificate(ak().private.public_key(), usage=EK_USAGE))


@vector("ak.certificate")
def ak_certificate_with_ek_usage() -> Judged:
    """The attestation key is certified with the extended key usage of endorsement keys."""
    return _as_ek().judged("ak.certificate")


@vector("allow_ak_with_ek_usage", "relaxed")
def ak_certificate_with_ek_usage_allowed() -> Judged:
    """The attestation key is certified with the extended key usage of endorsement keys, which is allowed."""
    return _as_ek().under(allow_ak_with_ek_usage=True).judged()


def _with_list(*revoked: bytes) -> Ceremony:
    listed = certificates.revocation_list(*revoked)
    return certified().having("ak.crl", fixed("crl", listed, {"issuer": "ek.issuer"}))


@vector("ak.revocation")
def ak_certificate_not_revoked() -> Judged:
    """The issuer's revocation list does not name the attestation key's certificate."""
    return _with_list().judged()


@vector("ak.revocation")
def ak_certificate_revoked() -> Judged:
    """The issuer's revocation list names the attestation key's certificate."""
    return _with_list(certificates.ak_certificate(ak().private.public_key())).judged("ak.revocation")


@vector("keeping back what could speak against", "absent", "relaxed")
def ak_revocation_list_withheld() -> Judged:
    """The list that names the attestation key's certificate is withheld, which is allowed."""
    listed = _with_list(certificates.ak_certificate(ak().private.public_key()))
    withheld = replace(listed, absent=frozenset({"ak.crl"})).under(allow_withheld=True)
    return withheld.concluding(ak_resident="vouched", platform_state="vouched").judged()


def _by_another_tpm(ceremony: Ceremony) -> Ceremony:
    """The signing key is certified by a second attestation key, as well certified as the first."""
    other = tpm.ecc_key("attestation key of another TPM", tpm.ATTESTING)
    made = certificates.ak_certificate(other.private.public_key())
    ceremony = ceremony.having("ak2.pub", fixed("ak-public", other.area, {"certificate": "ak2.cert"}))
    ceremony = ceremony.having("ak2.cert", fixed("ak-certificate", made, {"issuer": "ek.issuer"}))
    refs = {"by": "ak2.pub", "subject": "key.pub"}
    ceremony = ceremony.having("certify", Artifact(role="certify", make=certify(other, key()), refs=refs))
    signed = {"by": "ak2.pub", "over": "certify"}
    return ceremony.having(
        "certify.sig", Artifact(role="tpm-signature", make=signature(other, "certify"), refs=signed)
    )


@vector("nothing but those records says that several keys are in one TPM", "partners")
def key_certified_in_another_tpm() -> Judged:
    """One certified attestation key quotes, another certifies the signing key: they may be of two TPMs."""
    tied = ("ek.pub", "ek.cert", "ek.activation", "created", "created.sig", "key.creation", "key.ticket")
    ceremony = _by_another_tpm(certified().without(*tied))
    return ceremony.concluding(
        ak_resident="proven", key_resident="unproven", platform_state="unproven"
    ).judged()


@vector("nothing but those records says that several keys are in one TPM", "valid")
def key_certified_by_a_second_key() -> Judged:
    """Two certified attestation keys were activated for one endorsement key, as the operator says."""
    ceremony = _by_another_tpm(certified())
    other = tpm.ecc_key("attestation key of another TPM", tpm.ATTESTING)
    record = activation(ek(), other.name).encode()
    ceremony = ceremony.having(
        "ak2.activation", fixed("credential-activation", record, {"ek": "ek.pub", "ak": "ak2.pub"})
    )
    return ceremony.concluding(
        ak_resident="proven", key_resident="vouched", platform_state="vouched"
    ).judged()


def certified_alone() -> Ceremony:
    """An attestation key that an authority certified, its quote, and no more of the TPM."""
    more = ("ek.pub", "ek.cert", "ek.activation", "ak.name", "ak.template", "certify", "certify.sig")
    created = ("created", "created.sig", "key.creation", "key.ticket", "key.pub", "key.name", "key.parent")
    return certified().without(*more, *created)
