# SPDX-License-Identifier: Apache-2.0
"""Where fuzzing starts: the published vectors, whole and in pieces, and what they are judged under."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from bundlefmt import labels
from bundlefmt.bundle import Bundle
from bundlefmt.challenge import Kept
from bundlefmt.errors import MalformedError
from bundlefmt.renewal import Stamp
from bundlefmt.verify import Policy
from tests.terms import policy_of

FOLDER: Final = Path(__file__).parents[2] / "test-vectors"
GOOD: Final = "container_whole"  # the vector with an item of every role that is judged
SMALL: Final = "container_cose-esp256"  # as little as passes
MAX_SEED: Final = 20_000  # bytes; larger files are about limits, and slow the fuzzer down


@cache
def files() -> dict[str, bytes]:
    """The vectors' files by name."""
    found = {path.parent.name: path.read_bytes() for path in sorted(FOLDER.glob("*/bundle.evb"))}
    return {name: data for name, data in found.items() if len(data) <= MAX_SEED}


@cache
def bundles() -> dict[str, Bundle]:
    """The vectors that decode."""
    found = {}
    for name, data in files().items():
        try:
            found[name] = Bundle.decode(data)
        except MalformedError:
            continue
    return found


@cache
def policy(name: str) -> Policy:
    """What a vector is judged under."""
    vector = json.loads((FOLDER / name / "vector.json").read_text(encoding="utf-8"))
    return policy_of(vector["policy"], FOLDER / "keys")


def artifacts(*roles: str) -> Iterator[bytes]:
    """What the vectors carry in items of these roles."""
    for bundle in bundles().values():
        for label, record in bundle.content.items():
            if bundle.manifest.items[label].role in roles:
                yield bytes(record.value)


def kept() -> Iterator[bytes]:
    """What verifiers keep of their challenges in the vectors, and the files inside."""
    for path in sorted(FOLDER.glob("*/kept.evk")):
        file = Kept.decode(path.read_bytes())
        yield file.encode()
        yield file.challenge.encode()
        if file.answer is not None:
            yield file.answer.encode()


def seals(kind: str) -> Iterator[bytes]:
    """The seals of one type."""
    for bundle in bundles().values():
        yield from (seal.value for seal in bundle.seals if seal.type == kind)


def renewals() -> Iterator[bytes]:
    """The renewals of all vectors."""
    for bundle in bundles().values():
        yield from (renewal.raw for renewal in bundle.renewals)


def proofs() -> Iterator[bytes]:
    """What is in them: coverages and tokens."""
    for raw in renewals():
        try:
            stamp = Stamp.decode(raw)
        except MalformedError:
            continue
        yield from (stamp.covers, stamp.proof)


def texts() -> Iterator[bytes]:
    """CBOR texts: bundle arrays, manifests, renewals, PCR values, COSE messages without their tag."""
    for data in files().values():
        yield data[len(labels.MAGIC) :]
    for bundle in bundles().values():
        yield bundle.manifest_raw
    yield from renewals()
    yield from artifacts("pcr-values")
    yield from (seal[1:] for seal in seals(labels.SEAL_COSE))
