# SPDX-License-Identifier: Apache-2.0
"""The essentials of one timestamp token in words: what it says of itself, not whether it is true."""

from __future__ import annotations

from bundlefmt.errors import BundleError
from bundlefmt.evidence.certificate import Certificate
from bundlefmt.evidence.timestamp_token import TimeStampToken
from bundlefmt.moment import when


def token_facts(token: TimeStampToken) -> dict[str, str]:
    """When, by whom and over what, unverified."""
    return {
        "claims time": when(token.info.generated),
        "claims authority": _authority(token),
        "imprint": token.info.imprint.hash,
    }


def _authority(token: TimeStampToken) -> str:
    """The name in the certificate that the signer names, if the token brings it along."""
    try:
        raw = token.certificate(token.signer.certificate_id())
        return "its certificate is not in the token" if raw is None else str(Certificate.decode(raw))
    except BundleError as error:
        return f"cannot be read: {error}"
