# SPDX-License-Identifier: Apache-2.0
"""Certificates of attestation keys.

Spec: "Verification", step 5.
"""

from __future__ import annotations

from typing import Final

from tests.vectorgen import certificates
from tests.vectorgen.ceremonies import ak, key, whole
from tests.vectorgen.ceremony import Ceremony, fixed
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
