# SPDX-License-Identifier: Apache-2.0
"""A renewal's proof by blocks in words: what it attests and the headers beside it. Shows, does not judge.

Spec: "Renewals".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from bundlefmt.errors import MalformedError
from bundlefmt.evidence.block_header import BlockHeader
from bundlefmt.evidence.block_proof import BlockProof
from bundlefmt.evidence.opentimestamps import BITCOIN, OPERATIONS, PENDING, Attestation
from bundlefmt.moment import when
from bundlefmt.render.words import plural, short

MAX_SHOWN: Final = 16  # attestations, and headers; a proof may have thousands
Part = tuple[str, dict[str, str]]


def block_facts(proof: BlockProof) -> dict[str, str]:
    """The operations in brief."""
    count = Counter(proof.ots.operations)
    each = ", ".join(f"{count[number]} {name}" for number, name in OPERATIONS.items() if count[number])
    return {
        "proof is over": proof.ots.digest.hex(),
        "operations": f"{sum(count.values())}: {each}" if each else "none",
    }


def block_parts(proof: BlockProof) -> Iterator[Part]:
    """Each attestation, then each header, unverified."""
    for each in proof.ots.attestations[:MAX_SHOWN]:
        yield "attestation", _attestation(each)
    for height, header in list(proof.headers.items())[:MAX_SHOWN]:
        yield "block header", {"claims height": str(height), **_header(header)}
    hidden = {"attestation": len(proof.ots.attestations), "block header": len(proof.headers)}
    more = [plural(count - MAX_SHOWN, noun) for noun, count in hidden.items() if count > MAX_SHOWN]
    if more:
        yield "more", {"not shown": ", ".join(more)}


def _attestation(each: Attestation) -> dict[str, str]:
    try:
        height, calendar = each.height(), each.calendar()
    except MalformedError as error:
        name = {BITCOIN: "block of Bitcoin", PENDING: "promise of a calendar"}[each.kind]
        return {"kind": name, "cannot be read": str(error)}
    if height is not None:
        return {"claims block of Bitcoin": str(height)}
    if calendar is not None:
        return {"claims promise of calendar": calendar.decode("utf-8", "backslashreplace")}
    return {"kind": each.kind.hex(), "payload": short(each.payload)}


def _header(header: BlockHeader) -> dict[str, str]:
    return {"hash": header.hash.hex(), "claims time": when(header.time), "claims work": _work(header)}


def _work(header: BlockHeader) -> str:
    """How many hashes are tried on average until one is as small as the header's bits ask."""
    target = header.target()
    bits = f"bits {header.bits:#010x}"
    if target is None:
        return f"such as no hash has ({bits})"
    tried = 2**256 // (target + 1)
    return f"about 2^{tried.bit_length() - 1} hashes ({bits})"
