# SPDX-License-Identifier: Apache-2.0
"""The smallest file that a decoder accepts, as a tree, and ways to change one thing in it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

from tests.vectorgen.tree import Embedded, Raw, Row
from tests.vectorgen.vector import Refused

MAGIC: Final = Raw(bytes.fromhex("d9d9f7da45564231"), "/ 55799(1163280945( /")
CREATED: Final = 1768478400  # 2026-01-15T12:00:00Z
PROFILE: Final = "tag:evidence-bundle,2026:snapshot"
COLLECTION: Final = "tag:evidence-bundle,2026:content"
NONCE: Final = bytes(range(16))
MINUTES: Final = b"Minutes of a test ceremony.\n"
ITEM: Final[Mapping[object, object]] = {
    "type": "text/plain",
    "role": "minutes",
    "digest": [-16, hashlib.sha256(MINUTES).digest()],
    "size": len(MINUTES),
}
BINDING: Final[Mapping[object, object]] = {"alg": -16, "nonce": NONCE, "over": []}
SIGNER: Final[Mapping[object, object]] = {"item": "minutes", "part": "witness"}
MANIFEST: Final[Mapping[object, object]] = {
    "version": [1, 0],
    "profile": PROFILE,
    "created": CREATED,
    "items": {"minutes": ITEM},
    "binding": BINDING,
    "signers": [SIGNER],
}
RECORD: Final = ("text/plain", MINUTES)
CONTENT: Final[Mapping[object, object]] = {"__cmwc_t": COLLECTION, "minutes": RECORD}


def file(
    *,
    magic: object = MAGIC,
    manifest: object = MANIFEST,
    content: object = None,
    seals: object = (),
    renewals: object = (),
    after: tuple[object, ...] = (),
    **members: object,
) -> Row:
    """The file; `members` replace or add members of the manifest."""
    if isinstance(manifest, Mapping):
        whole: dict[object, object] = dict(manifest)
        whole.update(members)
        manifest = Embedded(whole)
    held = CONTENT if content is None else content
    return Row((magic, [manifest, held, seals, renewals], *after))


def refused(code: str, **changes: object) -> Refused:
    """The file with one change, which marks what is at fault."""
    return Refused(file=file(**changes), code=code)  # type: ignore[arg-type] # the keywords of `file`


def item(**members: object) -> dict[object, object]:
    """`items` with members of the one item replaced or added."""
    changed = dict(ITEM)
    changed.update(members)
    return {"minutes": changed}


def without(node: Mapping[object, object], name: str) -> dict[object, object]:
    return {key: value for key, value in node.items() if key != name}
