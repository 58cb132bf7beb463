# SPDX-License-Identifier: Apache-2.0
"""Where certificates of a TPM's endorsement and attestation keys leave their profile.

TCG EK Credential Profile for TPM Family 2.0 (versions 2.0 to 2.6), "EK Certificate". Relaxations are the
caller's: each fault has a name by which it can be let pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from cryptography.hazmat.primitives.asymmetric import rsa

from bundlefmt.evidence.certificate import Certificate, KeyUsage
from bundlefmt.evidence.chain import Purpose
from bundlefmt.evidence.tpm_in_certificate import tpm_name
from bundlefmt.evidence.x509_signature import load_key
from bundlefmt.frozen import frozen

USAGE_EK: Final = "2.23.133.8.1"  # tcg-kp-EKCertificate
USAGE_AK: Final = "2.23.133.8.3"  # tcg-kp-AIKCertificate
EK_PURPOSE: Final = Purpose(usages=frozenset({USAGE_EK}))
AK_PURPOSE: Final = Purpose(usages=frozenset({USAGE_AK}))
# Google's virtual TPMs: attestation keys are certified with the usage of endorsement keys
AK_OR_EK_PURPOSE: Final = Purpose(usages=frozenset({USAGE_AK, USAGE_EK}))


class Deviation(StrEnum):
    """How a certificate may leave its profile."""

    AUTHORITY = "authority"
    KEY_USAGE = "key-usage"
    SIGNING = "signing"
    TPM_NAME = "tpm-name"


@frozen
class Fault:
    """One deviation, in words."""

    deviation: Deviation
    message: str


def ek_faults(certificate: Certificate) -> Iterator[Fault]:
    """Where an EK certificate leaves its profile; the extended key usage is the chain's business.

    Raises MalformedError for an extension and CertificateError for a key that cannot be read.
    """
    yield from _leaf_faults(certificate)
    usage = certificate.key_usage()
    is_rsa = isinstance(load_key(certificate.spki), rsa.RSAPublicKey)
    wanted = KeyUsage.keyEncipherment if is_rsa else KeyUsage.keyAgreement
    if usage is None:
        yield Fault(deviation=Deviation.KEY_USAGE, message=f"no key usage; {wanted.name} is needed")
    elif wanted not in usage:
        yield Fault(
            deviation=Deviation.KEY_USAGE, message=f"key usage {usage.describe()}; {wanted.name} is needed"
        )
    if usage is not None and usage & _SIGNING:
        yield Fault(
            deviation=Deviation.SIGNING,
            message=f"key usage {usage.describe()}: an endorsement key does not sign",
        )
    name = tpm_name(certificate)
    if name is None:
        message = "subjectAltName does not name manufacturer, model and version of a TPM, each once"
        yield Fault(deviation=Deviation.TPM_NAME, message=message)
    elif not name.critical and not certificate.subject.relative:
        message = "the subject is empty and subjectAltName is not critical"  # RFC 5280 4.2.1.6
        yield Fault(deviation=Deviation.TPM_NAME, message=message)


def ak_faults(certificate: Certificate) -> Iterator[Fault]:
    """Where an AK certificate leaves its profile. Raises MalformedError."""
    yield from _leaf_faults(certificate)
    usage = certificate.key_usage()
    if usage is not None and KeyUsage.digitalSignature not in usage:
        yield Fault(
            deviation=Deviation.SIGNING,
            message=f"key usage {usage.describe()}; digitalSignature is needed",
        )


_SIGNING: Final = (
    KeyUsage.digitalSignature | KeyUsage.nonRepudiation | KeyUsage.keyCertSign | KeyUsage.cRLSign
)


def _leaf_faults(certificate: Certificate) -> Iterator[Fault]:
    constraints = certificate.basic_constraints()
    if constraints is None:
        yield Fault(deviation=Deviation.AUTHORITY, message="no basic constraints")
    elif constraints.ca:
        yield Fault(deviation=Deviation.AUTHORITY, message="the certificate is that of an authority")
