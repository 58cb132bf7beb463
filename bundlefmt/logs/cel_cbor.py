# SPDX-License-Identifier: Apache-2.0
"""Canonical Event Log records in CBOR: an array of maps with integer keys.

TCG Canonical Event Log Format 1.0, 5.2 "CBOR encoding": {0 recnum, 1 pcr or 2 nv_index, 3 [{0 hashAlg, 1
digest}], 9 content_type, 10 content}. Read with the format's own strict scan, so only deterministic encodings
pass.
"""

from __future__ import annotations

from typing import Final

from bundlefmt.cbor import TEXT, Node, scan_elements
from bundlefmt.errors import Code
from bundlefmt.logs.cel import (
    CelContent,
    CelField,
    CelRecord,
    CelType,
    ImaContent,
    OtherContent,
    PcClientContent,
    check_digest,
)
from bundlefmt.logs.event import MAX_PCR
from bundlefmt.wire import Buffer

CONTENT_TYPE: Final = 9
CONTENT: Final = 10
PATH: Final = "CEL-CBOR"


def decode_cel_cbor(data: Buffer) -> tuple[CelRecord, ...]:
    """Raises MalformedError."""
    return tuple(_record(number, node) for number, node in enumerate(scan_elements(data)))


def _integers(node: Node, path: str) -> dict[int, Node]:
    return {key.integer(path): value for key, value in node.pairs(path)}


def _member(node: Node, members: dict[int, Node], key: int) -> Node:
    if key not in members:
        node.fail(Code.MISSING_MEMBER, f"no member {key}", PATH)
    return members[key]


def _record(number: int, node: Node) -> CelRecord:
    members = _integers(node, PATH)
    nv = CelField.NV_INDEX in members
    if nv == (CelField.PCR in members):
        node.fail(Code.MISSING_MEMBER, "not one of pcr and nv_index", PATH)
    index = members[CelField.NV_INDEX if nv else CelField.PCR]
    if index.uint(PATH) > (0xFFFFFFFF if nv else MAX_PCR):
        index.fail(Code.BAD_VALUE, f"index {index.number}", PATH)
    digests: dict[int, bytes] = {}
    for item in _member(node, members, CelField.DIGESTS).array(PATH):
        entry = _integers(item, PATH)
        alg, value = _member(item, entry, 0).uint(PATH), _member(item, entry, 1).octets(PATH)
        wrong = check_digest(alg, value, digests)
        if wrong is not None or alg > 0xFFFF:
            item.fail(*(wrong or (Code.BAD_VALUE, f"{alg} is not a TPM_ALG_ID")), PATH)
        digests[alg] = value
    return CelRecord(
        number=number,
        offset=node.start,
        untrusted_recnum=_member(node, members, CelField.RECNUM).uint(PATH),
        nv=nv,
        index=index.number,
        digests=digests,
        untrusted_content=_content(
            _member(node, members, CONTENT_TYPE).uint(PATH), _member(node, members, CONTENT)
        ),
    )


def _content(content_type: int, node: Node) -> CelContent:
    if content_type == CelType.PCCLIENT_STD:
        members = _integers(node, PATH)
        event_type = _member(node, members, 0).uint(PATH)
        if event_type > 0xFFFFFFFF:
            node.fail(Code.BAD_VALUE, f"event type {event_type}", PATH)
        return PcClientContent(event_type=event_type, event_data=_member(node, members, 1).octets(PATH))
    if content_type == CelType.IMA_TEMPLATE:
        members = _integers(node, PATH)
        return ImaContent(
            template_name=_name(_member(node, members, 0)),
            template_data=_member(node, members, 1).octets(PATH),
        )
    return OtherContent(content_type=content_type, data=node.raw())


def _name(node: Node) -> str:
    """A template name, which encoders write as text or as bytes."""
    name = node.text(PATH).encode() if node.kind == TEXT else node.octets(PATH)
    if not name.isascii():
        node.fail(Code.BAD_VALUE, "template name", PATH)
    return name.decode("ascii")
