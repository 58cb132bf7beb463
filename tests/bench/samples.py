# SPDX-License-Identifier: Apache-2.0
"""What is measured: structured CBOR, bundles with many quotes, bundles with a large artifact."""

from __future__ import annotations

import mmap
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

from bundlefmt import cbor, labels
from bundlefmt.bundle import Bundle
from bundlefmt.manifest import Digest, Item
from bundlefmt.wire import Buffer
from tests.fuzz import resealing
from tests.vectorgen import ceremonies
from tests.vectorgen.ceremony import Artifact, fixed
from tests.vectorgen.tree import encoded

MEDIA: Final = "ceremony.video"
_HOLE: Final = 2**16  # longer pieces are not written, so that the file stays sparse
_ENTRY: Final = {"type": "text/plain", "digest": [-16, bytes(32)], "size": 1234, "of": ["first", "second"]}


@cache
def structured() -> bytes:
    """A CBOR text like a manifest, with nearly as many data items as one may have."""
    return cbor.encode({f"item-{number:05}": _ENTRY for number in range(labels.MAX_ITEMS // 16)})


def quoted(count: int) -> Bundle:
    """The smallest ceremony with so many quotes, each with signature and values."""
    small, by = ceremonies.snapshot(), ceremonies.ak()
    more = dict(small.artifacts)
    for number in range(count):
        label = f"quote-{number:04}"
        refs = {"by": "ak.pub", "over": label}
        more[label] = Artifact(role="quote", make=ceremonies.quote(by), refs={"by": "ak.pub"})
        more[f"{label}.sig"] = Artifact(role="tpm-signature", make=ceremonies.signature(by, label), refs=refs)
        more[f"{label}.pcrs"] = fixed("pcr-values", encoded(ceremonies.PCRS), {"quoted-by": label})
    return Bundle.decode(replace(small, artifacts=more).judged().file)


def with_media(value: Buffer, digest: Digest) -> Bundle:
    """The whole ceremony with a large artifact, sealed."""
    bundle = resealing.good()
    item = Item(type="video/mp4", role="media", digest=digest, size=len(value))
    manifest = replace(bundle.manifest, items={**bundle.manifest.items, MEDIA: item})
    record = replace(bundle.content["minutes"], type="video/mp4", value=value)
    return resealing.sealed(manifest.encode(), manifest, {**bundle.content, MEDIA: record})


def write_sparse(path: Path, size: int) -> None:
    """A bundle file with `size` zero bytes of media, which take no room on disk or in memory."""
    with mmap.mmap(-1, size) as zeros, path.open("wb") as file:
        view = memoryview(zeros)
        for chunk in with_media(view, Digest(alg=labels.HASH_SHA256, value=bytes(32))).chunks():
            if len(chunk) > _HOLE:
                file.seek(len(chunk), 1)
            else:
                file.write(chunk)
            del chunk
        view.release()
