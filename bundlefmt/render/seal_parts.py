# SPDX-License-Identifier: Apache-2.0
"""What a COSE seal carries beside its signature, in words: timestamps and receipts. Shows, does not judge.

Spec: "COSE seals". RFC 9921, RFC 9942.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from bundlefmt import labels
from bundlefmt.cbor import Value
from bundlefmt.cose import CoseSign1
from bundlefmt.errors import MalformedError
from bundlefmt.receipt import InclusionProof, proofs_in
from bundlefmt.render.words import cut, plural, short

MAX_SHOWN: Final = 16  # receipts; a seal may carry thousands
Part = tuple[str, dict[str, str]]
_UNPROTECTED: Final = "unprotected"
# label -> kind, what it claims to be over, in which header it belongs
_TIMESTAMPS: Final = {
    labels.HDR_3161_CTT: ("3161-ctt", "the signature", _UNPROTECTED),
    labels.HDR_3161_TTC: ("3161-ttc", "the payload", "protected"),
}


def seal_parts(message: CoseSign1) -> Iterator[Part]:
    """Each timestamp and receipt by its kind: what it says of itself, unverified."""
    for place, header in (("protected", message.protected), (_UNPROTECTED, message.unprotected)):
        for label, (kind, over, wanted) in _TIMESTAMPS.items():
            if label in header:
                yield kind, {"claims to be over": over, **_astray(place, wanted), **_timestamp(header[label])}
        if labels.HDR_RECEIPTS in header:
            yield from _receipts(header[labels.HDR_RECEIPTS], _astray(place, _UNPROTECTED))


def _astray(place: str, wanted: str) -> dict[str, str]:
    return {} if place == wanted else {"stands in": f"the {place} header"}


def _timestamp(value: Value) -> dict[str, str]:
    if not isinstance(value, bytes):
        return {"cannot be read": "not a byte string"}
    # most seals have receipts alone, or nothing
    from bundlefmt.evidence.timestamp_token import TimeStampToken
    from bundlefmt.render.token_facts import token_facts

    try:
        return token_facts(TimeStampToken.decode(value))
    except MalformedError as error:
        return {"cannot be read": str(error)}


def _receipts(listed: Value, astray: dict[str, str]) -> Iterator[Part]:
    if not isinstance(listed, list) or not listed:
        yield "receipts", {**astray, "cannot be read": "not a list of byte strings"}
        return
    for each in listed[:MAX_SHOWN]:
        yield "receipt", {**astray, **_receipt(each)}
    if len(listed) > MAX_SHOWN:
        yield "receipts", {"not shown": plural(len(listed) - MAX_SHOWN, "more receipt")}


def _receipt(value: Value) -> dict[str, str]:
    if not isinstance(value, bytes):
        return {"cannot be read": "not a byte string"}
    try:
        receipt = CoseSign1.decode(value)
    except MalformedError as error:
        return {"cannot be read": str(error)}
    protected = receipt.protected
    alg, kid = protected.get(labels.HDR_ALG), protected.get(labels.HDR_KID)
    found = {"algorithm": labels.ALG_NAMES.get(alg, str(alg)) if isinstance(alg, int) else cut(str(alg), 66)}
    if isinstance(kid, bytes):
        found["claims log key"] = short(kid, 66)
    claims = protected.get(labels.HDR_CWT_CLAIMS)
    issuer = claims.get(labels.CLAIM_ISS) if isinstance(claims, Mapping) else None
    if isinstance(issuer, str):
        found["claims issuer"] = issuer
    return {**found, **_proof(receipt)}


def _proof(receipt: CoseSign1) -> dict[str, str]:
    try:
        proofs = proofs_in(receipt)
        if proofs is None:
            return {"proof": f"of another kind (tree {cut(str(receipt.protected.get(labels.HDR_VDS)), 66)})"}
        if len(proofs) != 1:
            return {"proof": f"{len(proofs)} proofs of inclusion"}
        proof = InclusionProof.decode(proofs[0])
    except MalformedError as error:
        return {"proof": f"cannot be read: {error}"}
    return {
        "claims tree size": str(proof.tree_size),
        "claims leaf index": str(proof.leaf_index),
        "path": plural(len(proof.path), "node"),
    }
