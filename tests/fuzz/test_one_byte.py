# SPDX-License-Identifier: Apache-2.0
"""One byte of a good bundle is changed: it is refused, or does not pass, but for places that nothing covers.

Each such place is listed with its reason, and shown to be one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import pytest

from bundlefmt import labels
from bundlefmt.bundle import Bundle, scan_file
from bundlefmt.cbor import Node, Value
from bundlefmt.cose import CoseSign1
from bundlefmt.errors import MalformedError
from bundlefmt.verify import Verdict, verify
from tests.fuzz import seeds

HINTS: Final = (
    "subpackets and digest prefix of an OpenPGP signature that it does not cover: hints to find a key"
)
UNCOVERED: Final = {
    "ind": "a content indicator (RFC 9999) is the bearer's remark; nothing here looks at it",
    "renewals": "a proof of a kind that is not known is kept and not judged, and the report says so",
    "proof": "a renewal may be left out, so it may as well be of unknown type; it shows no time then",
    "type": "a seal that the manifest does not ask for may be left out, so it may as well be of unknown type",
    "hints": HINTS,
    "key": f"in a later witness's certificate: {HINTS}",
}
SUNDIAL: Final = b"application/x-sundial"  # a proof of no known kind
# vector -> (the uncovered places in it, one in how many of the other bytes is changed)
VECTORS: Final[dict[str, tuple[set[str], int]]] = {
    seeds.SMALL: (set(), 1),
    seeds.GOOD: ({"hints"}, 11),
    "container_openpgp": ({"hints"}, 5),
    "container_record-with-ind": ({"ind"}, 11),
    "container_renewal": ({"renewals"}, 11),
    "renewal_whole": ({"proof"}, 7),
    "container_later-witness": ({"type"}, 11),
    "container_later-witness-openpgp": ({"type", "hints", "key"}, 11),
}


def hints(data: memoryview, start: int) -> range:
    """Unhashed area and digest prefix of the version 4 signature packet at `start` (RFC 9580 5.2.3)."""
    body = start + (6 if data[start + 1] == 0xFF else 2)
    area = body + 6 + int.from_bytes(data[body + 4 : body + 6], "big")
    end = area + 2 + int.from_bytes(data[area : area + 2], "big")
    return range(area + 2, end + 2)


def last_packet(data: memoryview, start: int, end: int) -> int:
    """Where the last OpenPGP packet in `data[start:end]` begins; lengths have one octet or five."""
    while True:
        long = data[start + 1] == 0xFF
        size = int.from_bytes(data[start + 2 : start + 6], "big") + 6 if long else data[start + 1] + 2
        if start + size >= end:
            return start
        start += size


def uncovered(data: bytes) -> Iterator[tuple[str, range]]:
    """The places of a file that nothing covers, by the names of the table."""
    _, content, seals, renewals = scan_file(data).children
    view = memoryview(data)
    for record in content.children[1::2]:
        if len(record.children) == 3:
            yield "ind", _body(record.children[2])
    kind = data.find(labels.TYPE_TIMESTAMP.encode(), renewals.start)
    if kind >= 0:
        yield "proof", range(kind, kind + len(labels.TYPE_TIMESTAMP))
    if renewals.children and SUNDIAL in bytes(data[renewals.start : renewals.end]):
        yield "renewals", range(renewals.start, renewals.end)
    required = len(Bundle.decode(data).manifest.signers)
    for number, seal in enumerate(seals.children):
        kind, value, *key = seal.children
        openpgp = kind.text() == labels.SEAL_OPENPGP
        if number >= required:
            yield "type", _body(kind)
        if openpgp:
            yield "hints", hints(view, value.body)
        if openpgp and key:
            yield "key", hints(view, last_packet(view, key[0].body, key[0].end))


def _body(node: Node) -> range:
    """An item's content; of a small number, whose head is all there is, the head."""
    return range(node.body if node.body < node.end else node.start, node.end)


def passes(name: str, data: Sequence[int]) -> bool:
    try:
        bundle = Bundle.decode(bytes(data))
    except MalformedError:
        return False
    return verify(bundle, seeds.policy(name)).verdict is Verdict.PASSED


@pytest.mark.parametrize("name", VECTORS)
def test_one_changed_byte_never_passes(name: str) -> None:
    data, (expected, step) = seeds.files()[name], VECTORS[name]
    assert passes(name, data)
    places = list(uncovered(data))
    free = {offset: place for place, offsets in places for offset in offsets}
    still = set()
    for offset in range(len(data)):
        if offset not in free and offset % step:
            continue
        changed = bytearray(data)
        changed[offset] ^= 1 if offset in free else 1 << offset % 8
        if passes(name, changed):
            assert offset in free, f"byte {offset} changed, and it passes"
            still.add(free[offset])
    assert still == expected
    assert {place for place, _ in places} == expected <= UNCOVERED.keys()


def with_unprotected(header: dict[Value, Value]) -> bytes:
    """The smallest bundle, its seal with something that was put there after sealing."""
    bundle = seeds.bundles()[seeds.SMALL]
    message = replace(CoseSign1.decode(bundle.seals[0].value), unprotected=header)
    changed = replace(bundle, seals=(replace(bundle.seals[0], value=message.encode()),))
    return changed.encode()


def test_an_unprotected_header_is_not_covered() -> None:
    """What other standards put there after sealing is ignored."""
    assert passes(seeds.SMALL, with_unprotected({11: b"a countersignature", "note": "anything"}))


@pytest.mark.parametrize("label", [labels.HDR_3161_CTT, labels.HDR_RECEIPTS])
def test_what_stands_as_a_proof_has_to_be_one(label: int) -> None:
    assert not passes(seeds.SMALL, with_unprotected({label: [b"proof"]}))
