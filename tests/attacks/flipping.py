# SPDX-License-Identifier: Apache-2.0
"""One bit of a complete bundle flipped: refused, or failed, or of no use in a place that nothing protects.

Spec: "Security considerations", what nothing protects.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from bundlefmt.bundle import Bundle, scan_file
from bundlefmt.cbor import Node, scan
from bundlefmt.errors import MalformedError
from bundlefmt.labels import HDR_ALG
from bundlefmt.verify import Basis, Policy, Report, Verdict, verify
from tests.fuzz.test_one_byte import hints, last_packet
from tests.vectorgen import openpgp, sealing
from tests.vectorgen.complete import OPERATOR, complete
from tests.vectorgen.plain import MINUTES
from tests.vectorgen.renewing import Renewed
from tests.vectorgen.timestamps import ROOT_FILE
from tests.verify.judging import policy_of

RANK: Final = {Basis.UNPROVEN: 0, Basis.VOUCHED: 1, Basis.PROVEN: 2}
SEALED_PLACES: Final = ("manifest", "content", "seals", "renewals")
# place -> the words of the specification that name it as unprotected
UNPROTECTED: Final = {
    "indicator": "`ind` of a record",
    "renewals": "renewals",
    "unprotected header": "the unprotected header of a COSE seal",
    "hints": "unhashed subpackets and the digest prefix of an OpenPGP signature in a seal",
    "witness type": "`type` of a seal that the manifest does not ask for",
}
# places where a change may leave a doubt in place of a failure, and never passes
DOUBTED: Final = (
    "the certificate in `key` of a seal",
    "`alg` of a COSE seal",
    "the hash algorithm of an OpenPGP seal",
)
_HASH_ALGORITHM: Final = 9  # behind header and length of six octets: version, type, key algorithm, hash


@cache
def reference() -> bytes:
    """The complete ceremony, and in it one of each place that nothing protects."""
    whole = complete()
    minutes = ["text/plain", MINUTES + OPERATOR.who.encode(), 1]
    annotated = sealing.by(OPERATOR.piv, unprotected={-65537: b"a word of somebody else"})
    witness = sealing.OpenPgpSeal(signer=openpgp.WITNESS, certificate=openpgp.WITNESS.encode())
    unknown = {"covers": b"covered", "proof": ["application/vnd.example.proof", b"a token"]}
    ceremony = replace(
        whole,
        records={"minutes": minutes},
        seals=(annotated, whole.seals[1], witness),
        renewals=(Renewed(seals=0), unknown),  # what a renewal covers, it protects
    )
    return ceremony.judged().file


@cache
def policy() -> Policy:
    return policy_of(complete().under(anchors_time=(ROOT_FILE,)))


@cache
def whole() -> Report:
    return verify(Bundle.decode(reference()), policy())


def _body(node: Node) -> range:
    """An item's content; of a small number, whose head is all there is, the head."""
    return range(node.body if node.body < node.end else node.start, node.end)


def unprotected() -> Iterator[tuple[str, range]]:
    """The places of the reference that nothing protects, with their names."""
    data = reference()
    view = memoryview(data)
    _, content, seals, renewals = scan_file(data).children
    yield from (
        ("indicator", _body(each.children[2])) for each in content.children[1::2] if len(each.children) == 3
    )
    yield "renewals", range(renewals.start, renewals.end)
    piv, operator, witness = seals.children
    start = piv.children[1].body + 1  # behind the tag
    header = scan(data[start : piv.children[1].end]).children[1]
    yield "unprotected header", range(start + header.start, start + header.end)
    yield "hints", hints(view, operator.children[1].body)
    kind, value, key = witness.children
    yield "witness type", _body(kind)
    yield "hints", hints(view, value.body)
    yield "hints", hints(view, last_packet(view, key.body, key.end))


@cache
def doubted() -> frozenset[int]:
    """The certificate that the later witness brings along, and the algorithms of seals."""
    data = reference()
    piv, operator, witness = scan_file(data).children[2].children
    key = witness.children[2]
    start = piv.children[1].body + 1  # behind the tag
    protected = scan(data[start : piv.children[1].end]).children[0]
    start += protected.body
    label, alg, *_ = scan(data[start : start + protected.end - protected.body]).children
    assert data[start + label.start] == HDR_ALG
    hashes = {seal.children[1].body + _HASH_ALGORITHM for seal in (operator, witness)}
    return frozenset({*range(key.body, key.end), *range(start + alg.start, start + alg.end), *hashes})


@cache
def free() -> Mapping[int, str]:
    return {offset: place for place, offsets in unprotected() for offset in offsets}


@dataclass(frozen=True, slots=True, kw_only=True)
class Flipped:
    """What came of one bit: `refused`, or a verdict; and the conclusions that are stronger for it."""

    offset: int
    bit: int
    outcome: str
    risen: tuple[str, ...] = ()


def flip(offset: int, bit: int) -> Flipped:
    """The reference with one bit flipped, judged."""
    data = bytearray(reference())
    data[offset] ^= 1 << bit
    try:
        report = verify(Bundle.decode(bytes(data)), policy())
    except MalformedError:
        return Flipped(offset=offset, bit=bit, outcome="refused")
    before = {each.id: RANK[each.basis] for each in whole().conclusions}
    risen = tuple(each.id for each in report.conclusions if RANK[each.basis] > before.get(each.id, 0))
    return Flipped(offset=offset, bit=bit, outcome=report.verdict.value, risen=risen)


def regions() -> Mapping[str, range]:
    """The parts of the file: the magic bytes, and the four of the bundle."""
    parts = scan_file(reference()).children
    found = {name: range(part.start, part.end) for name, part in zip(SEALED_PLACES, parts, strict=True)}
    return {"magic": range(parts[0].start), **found}


def fault(flipped: Flipped) -> str | None:
    """Why what came of a flip breaks the law; None where it keeps it."""
    place = free().get(flipped.offset)
    if flipped.risen:
        return f"{', '.join(flipped.risen)} rises"
    if flipped.outcome in ("refused", Verdict.FAILED) or place is not None:
        return None
    if flipped.outcome == Verdict.INDETERMINATE and flipped.offset in doubted():
        return None
    return f"{flipped.outcome} in no unprotected place"
