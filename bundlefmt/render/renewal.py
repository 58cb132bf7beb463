# SPDX-License-Identifier: Apache-2.0
"""The essentials of one renewal in words: what it says of itself, not whether it is true."""

from __future__ import annotations

from bundlefmt import labels
from bundlefmt.bundle import Renewal
from bundlefmt.errors import MalformedError
from bundlefmt.render.words import plural
from bundlefmt.renewal import Coverage, Stamp

Part = tuple[str, dict[str, str]]


def renewal_facts(renewal: Renewal) -> tuple[dict[str, str], list[Part]]:
    """What a renewal and each part of its proof say of themselves, unverified."""
    try:
        stamp = Stamp.decode(renewal.raw)
        if stamp.type not in (labels.TYPE_TIMESTAMP, labels.TYPE_OPENTIMESTAMP):
            return {"proof": stamp.type}, []
        coverage = Coverage.decode(stamp.covers)
        proof, parts = _token(stamp.proof) if stamp.type == labels.TYPE_TIMESTAMP else _blocks(stamp.proof)
    except MalformedError as error:
        return {"cannot be read": str(error)}, []
    covered = (
        plural(len(coverage.content), "artifact"),
        plural(len(coverage.seals), "seal"),
        plural(len(coverage.renewals), "renewal"),
    )
    found = {**proof, "hash": labels.HASH_NAMES[coverage.alg], "covers": ", ".join(covered)}
    if carried := len(coverage.certificates) + len(coverage.revocation):
        found["carries"] = plural(carried, "certificate or list", "certificates and lists")
    return found, parts


def _token(data: bytes) -> tuple[dict[str, str], list[Part]]:
    from bundlefmt.evidence.timestamp_token import TimeStampToken  # each kind of proof loads its own
    from bundlefmt.render.token_facts import token_facts

    return token_facts(TimeStampToken.decode(data)), []


def _blocks(data: bytes) -> tuple[dict[str, str], list[Part]]:
    from bundlefmt.evidence.block_proof import BlockProof
    from bundlefmt.render.block_parts import block_facts, block_parts

    proof = BlockProof.decode(data)
    return {"proof": labels.TYPE_OPENTIMESTAMP, **block_facts(proof)}, list(block_parts(proof))
