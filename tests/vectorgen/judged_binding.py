# SPDX-License-Identifier: Apache-2.0
"""TPM binding certificates: the operator's PIV key certifies the TPM's signing key.

Spec: "Verification", step 8; "TPM binding certificates".
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Final

from tests.vectorgen import keys
from tests.vectorgen import own_certificates as own
from tests.vectorgen import software_tpm as tpm
from tests.vectorgen.ceremonies import ak, ek, key, snapshot, whole
from tests.vectorgen.ceremony import Ceremony, fixed
from tests.vectorgen.certificates import YEAR
from tests.vectorgen.plain import CREATED
from tests.vectorgen.vector import Judged, Vectors

vector: Final = Vectors()
_LABEL: Final = "tpm.cert"


def _said(
    endorsing: tpm.Key | None = None,
    ak_name: bytes | None = None,
    key_name: bytes | None = None,
    **form: object,
) -> own.Extension:
    public = (endorsing or ek()).private.public_key()
    return own.tpm_binding(public, ak_name or ak().name, key_name or key().name, **form)  # type: ignore[arg-type] # its keywords


def binding_certificate(*extensions: own.Extension, **changes: object) -> bytes:
    given = extensions or (_said(),)
    return own.issued(own.BINDING, key().private.public_key(), *given, **changes)  # type: ignore[arg-type] # its keywords


@cache
def bound() -> Ceremony:
    """The whole ceremony with the TPM's signing key certified."""
    refs = {"by": "operator.piv", "ek": "ek.pub", "ak": "ak.pub", "key": "key.pub"}
    made = fixed("tpm-binding-certificate", binding_certificate(), refs)
    return whole().having(_LABEL, made).concluding(key_bound="proven")


def _with(value: bytes) -> Ceremony:
    return bound().changed(_LABEL, value=value).concluding(key_bound="unproven")


@vector("binding.contents")
def binding_whole() -> Judged:
    """The operator's PIV key certifies the TPM's signing key, and names its EK and attestation key."""
    return bound().judged()


@vector("binding.contents")
def binding_by_the_only_identity() -> Judged:
    """The operator has a PIV card alone, seals with its key and certifies the TPM's signing key by it."""
    ceremony = bound().without("operator.openpgp").under(pins_openpgp=())
    return replace(ceremony, signers={"operator.piv": "operator"}, seals=snapshot().seals).judged()


@vector("binding.form", "critical")
def binding_critical() -> Judged:
    """The extension is critical, which changes nothing for those who know it."""
    return bound().changed(_LABEL, value=binding_certificate(_said(critical=True))).judged()


@vector("binding.key", "rewrapped")
def binding_of_another_key() -> Judged:
    """The extension names the signing key, and the certificate is for another one."""
    other = tpm.ecc_key("other signing key", tpm.SIGNING).private.public_key()
    return _with(own.issued(own.BINDING, other, _said())).judged("binding.key")


@vector("binding.contents", "rewrapped")
def binding_to_another_ek() -> Judged:
    """The extension has the key of another endorsement key."""
    other = tpm.ecc_key("other endorsement key", tpm.STORING, scheme=None)
    return _with(binding_certificate(_said(other))).judged("binding.contents")


@vector("binding.contents", "rewrapped")
def binding_to_another_ak() -> Judged:
    """The extension has the Name of another attestation key."""
    other = tpm.ecc_key("other attestation key", tpm.ATTESTING)
    return _with(binding_certificate(_said(ak_name=other.name))).judged("binding.contents")


@vector("binding.contents", "rewrapped")
def binding_to_another_name() -> Judged:
    """The extension has another Name than that of the signing key."""
    other = tpm.ecc_key("other signing key", tpm.SIGNING)
    return _with(binding_certificate(_said(key_name=other.name))).judged("binding.contents")


@vector("binding.form")
def binding_without_extension() -> Judged:
    """The certificate has no extension that says what goes with the key."""
    return _with(own.issued(own.BINDING, key().private.public_key())).judged("binding.form")


@vector("binding.form")
def binding_of_version_2() -> Judged:
    """The extension is of a version that there is not yet."""
    return _with(binding_certificate(_said(version=b"\x02\x01\x02"))).judged("binding.form")


@vector("binding.form")
def binding_name_cut_short() -> Judged:
    """The Name of the attestation key lacks its last byte."""
    return _with(binding_certificate(_said(ak_name=ak().name[:-1]))).judged("binding.form")


@vector("binding.form")
def binding_of_an_authority() -> Judged:
    """The certificate says that the TPM's signing key is an authority."""
    return _with(binding_certificate(is_authority=True)).judged("binding.form")


@vector("binding.form", "bad-input")
def binding_constraints_cut_short() -> Judged:
    """The basic constraints, which are to say that the signing key is no authority, cannot be read."""
    made = binding_certificate(constraints=own.CONSTRAINTS_CUT_SHORT)
    return _with(made).judged("binding.form")


@vector("binding.form")
def binding_of_an_issuer_of_lists() -> Judged:
    """The certificate says that the TPM's signing key signs revocation lists."""
    made = binding_certificate(usage=("digital_signature", "crl_sign"))
    return _with(made).judged("binding.form")


@vector("names exactly one, and it names an item of the right role", "rewrapped")
def binding_by_an_openpgp_key() -> Judged:
    """The certificate names the operator's OpenPGP certificate as its issuer."""
    refs = {"by": "operator.openpgp", "ek": "ek.pub", "ak": "ak.pub", "key": "key.pub"}
    return bound().changed(_LABEL, refs=refs).concluding(key_bound="unproven").judged("container.refs")


@vector("binding.chain")
def binding_by_another_key() -> Judged:
    """The certificate names the operator's PIV certificate as issuer, and another key signed it."""
    return _with(binding_certificate(signer=keys.ec_key("other p256"))).judged("binding.chain")


@vector("binding.chain", "time")
def binding_expired() -> Judged:
    """The certificate had expired when the capture was made."""
    return _with(binding_certificate(validity=(CREATED - YEAR, CREATED - 86400))).judged("binding.chain")


def _listed(*revoked: bytes) -> Ceremony:
    listed = fixed("crl", own.revocation_list(*revoked), {"issuer": "operator.piv"})
    return bound().having("crl", listed)


@vector("binding.revocation")
def binding_not_revoked() -> Judged:
    """The PIV key's revocation list is in the bundle and is empty."""
    return _listed().judged()


@vector("binding.revocation")
def binding_revoked() -> Judged:
    """The PIV key's revocation list names the certificate."""
    ceremony = _listed(binding_certificate()).concluding(key_bound="unproven")
    return ceremony.judged("binding.revocation")


@vector("binding.chain", "anchor")
def binding_by_an_identity_not_pinned() -> Judged:
    """The PIV identity that certifies the key is not pinned: what it says is nobody's word."""
    return bound().under(pins_piv=()).concluding(key_bound="unproven").judged()
