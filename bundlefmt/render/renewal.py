# SPDX-License-Identifier: Apache-2.0
"""The essentials of one renewal in words: what it says of itself, not whether it is true."""

from __future__ import annotations

from bundlefmt import labels
from bundlefmt.bundle import Renewal
from bundlefmt.errors import MalformedError
from bundlefmt.evidence.timestamp_token import TimeStampToken
from bundlefmt.moment import when
from bundlefmt.render.words import plural
from bundlefmt.renewal import Coverage, Stamp


def renewal_facts(renewal: Renewal) -> dict[str, str]:
    """What a renewal says of itself, unverified."""
    try:
        stamp = Stamp.decode(renewal.raw)
        if stamp.type != labels.TYPE_TIMESTAMP:
            return {"proof": stamp.type}
        coverage, info = Coverage.decode(stamp.covers), TimeStampToken.decode(stamp.proof).info
    except MalformedError as error:
        return {"cannot be read": str(error)}
    covered = (
        plural(len(coverage.content), "artifact"),
        plural(len(coverage.seals), "seal"),
        plural(len(coverage.renewals), "renewal"),
    )
    found = {
        "claims time": when(info.generated),
        "hash": labels.HASH_NAMES[coverage.alg],
        "covers": ", ".join(covered),
    }
    if carried := len(coverage.certificates) + len(coverage.revocation):
        found["carries"] = plural(carried, "certificate or list", "certificates and lists")
    return found
