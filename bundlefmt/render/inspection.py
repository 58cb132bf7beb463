# SPDX-License-Identifier: Apache-2.0
"""What `inspect` says: one plain structure, from which the tree and the JSON are made.

Values are exact; who prints them escapes them. Spec: "Inspection and reports as JSON". Shows, does not judge.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from bundlefmt import bundle as container
from bundlefmt import cbor, labels
from bundlefmt.bundle import Bundle, Renewal, Seal
from bundlefmt.cbor import Node
from bundlefmt.errors import MalformedError
from bundlefmt.manifest import Digest, Item, hash_bytes
from bundlefmt.render import Json
from bundlefmt.render.facts import artifact_facts, parts_of, seal_facts
from bundlefmt.wire import Buffer

SCHEMA: Final = "evidence-bundle-inspection/1"


def plain(value: object) -> Json:
    """A CBOR value for JSON: byte strings become hexadecimal, numbers that are keys text."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    if isinstance(value, Mapping):
        pairs = {str(key): plain(item) for key, item in value.items()}
        if len(pairs) < len(value):  # 1 and "1" are two keys
            return [[plain(key), plain(item)] for key, item in value.items()]
        return pairs
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return str(value)


def _digest(digest: Digest) -> Json:
    return {"alg": labels.HASH_NAMES[digest.alg], "value": digest.value.hex()}


def _item(bundle: Bundle, label: str, item: Item) -> Json:
    record = bundle.content.get(label)
    absence = "detached" if item.detached else "withheld"
    facts = artifact_facts(item.role, record.type, record.value) if record else {}
    return {
        "label": label,
        "role": item.role,
        "type": item.type,
        "size": item.size,
        "digest": _digest(item.digest),
        "presence": "present" if record else absence,
        "refs": plain(item.refs),
        "facts": plain(facts),
        "claimed": plain(item.claimed),
    }


def _seal(seal: Seal) -> Json:
    shown: dict[str, Json] = {"type": seal.type, "size": len(seal.value), "facts": plain(seal_facts(seal))}
    return {**shown, "parts": _parts(parts_of(seal))}


def _renewal(renewal: Renewal) -> Json:
    """Most bundles have none, and timestamps are a format of their own."""
    from bundlefmt.render.renewal import renewal_facts

    facts, parts = renewal_facts(renewal)
    return {"size": len(renewal.raw), "facts": plain(facts), "parts": _parts(parts)}


def _parts(parts: Iterable[tuple[str, dict[str, str]]]) -> Json:
    return [{"kind": kind, "facts": plain(facts)} for kind, facts in parts]


def inspection(bundle: Bundle) -> dict[str, Json]:
    """Everything in a bundle that people and programs are shown."""
    manifest = bundle.manifest
    return {
        "schema": SCHEMA,
        "manifest": {
            "sha256": hash_bytes(labels.HASH_SHA256, bundle.manifest_raw).hex(),
            "size": len(bundle.manifest_raw),
            "version": [labels.MAJOR_VERSION, manifest.minor],
            "profile": manifest.profile,
            "created": manifest.created,
            "title": manifest.title,
            "previous": None if manifest.previous is None else _digest(manifest.previous),
            "critical": plain(manifest.critical),
            "extensions": plain(manifest.extensions),
        },
        "items": [_item(bundle, label, item) for label, item in sorted(manifest.items.items())],
        "binding": {
            "alg": labels.HASH_NAMES[manifest.binding.alg],
            "nonce": manifest.binding.nonce.hex(),
            "over": plain(manifest.binding.over),
            "digest": manifest.binding.digest(manifest.items, manifest.previous).hex(),
        },
        "signers": [{"item": signer.item, "part": signer.part} for signer in manifest.signers],
        "seals": [_seal(seal) for seal in bundle.seals],
        "renewals": [_renewal(renewal) for renewal in bundle.renewals],
        "malformed": None,
    }


def malformed(data: Buffer, error: MalformedError) -> dict[str, Json]:
    """What can still be read of a malformed file, and where reading stopped."""
    return {
        "schema": SCHEMA,
        "outline": _outline(data),
        "malformed": {
            "code": error.code.value,
            "offset": error.offset,
            "path": error.path,
            "message": error.message,
        },
    }


def readable(data: Buffer) -> Node | None:
    """The part of the file's structure that stands before its first fault in encoding."""
    if bytes(data[: len(labels.MAGIC)]) != labels.MAGIC:
        return None
    return cbor.scan_readable(data, len(labels.MAGIC))[0]


def _outline(data: Buffer) -> list[Json]:
    """The parts of the file that can be told apart: [{part, offset, bytes}]."""
    root = readable(data)
    parts: list[Json] = []
    for name, node in zip(container.PARTS, root.children if root else (), strict=False):
        parts.append({"part": name, "offset": node.start, "bytes": node.end - node.start})
        if name == "content" and node.kind == cbor.MAP:
            records = zip(node.children[::2], node.children[1::2], strict=False)
            for key, value in records:
                shown = key.text() if key.kind == cbor.TEXT else cbor.KIND_NAMES[key.kind]
                parts.append(
                    {"part": f"content {shown}", "offset": value.start, "bytes": value.end - value.start}
                )
    return parts
