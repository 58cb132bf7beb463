# SPDX-License-Identifier: Apache-2.0
"""The essentials of one X.509 certificate in words: what it says of itself, not whether it is true."""

from __future__ import annotations

import hashlib

from bundlefmt.errors import MalformedError
from bundlefmt.evidence.certificate import Certificate
from bundlefmt.evidence.tpm_in_certificate import describe
from bundlefmt.moment import when
from bundlefmt.wire import Buffer


def certificate_facts(data: Buffer) -> dict[str, str]:
    """Raises CertificateError."""
    try:
        certificate = Certificate.decode(data)
    except MalformedError:
        from bundlefmt.evidence import x509  # which knows what stands there instead

        certificate = x509.load(data)
    return {
        "subject": str(certificate.subject) or "(empty)",
        "issuer": str(certificate.issuer) or "(empty)",
        "valid": f"{when(certificate.not_before)} to {when(certificate.not_after)}",
        **describe(certificate),
        "SHA-256": hashlib.sha256(data).hexdigest(),
    }
