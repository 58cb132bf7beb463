# SPDX-License-Identifier: Apache-2.0
"""Mutators that know the structure: what they make is refused, or judged, deeper than at its framing.

A mutator is given an input, a source of chance and `havoc`, which changes bytes as the fuzzer would; the same
chance makes the same change. An input that is not of its format goes to `havoc`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from random import Random
from typing import Final

from bundletools.renewing import Material, coverage, stronger

from bundlefmt import labels
from bundlefmt.bundle import Bundle, Record, Renewal
from bundlefmt.errors import EncodeError, MalformedError
from bundlefmt.manifest import Digest, Manifest
from bundlefmt.renewal import Coverage, Stamp
from tests.fuzz import resealing, seeds, trees
from tests.fuzz.trees import Branch, Havoc, Node
from tests.vectorgen.timestamps import Token

Mutator = Callable[[bytes, Random, Havoc], bytes]
_EDITS: Final = 3  # at most, so that most of an input stays good


def _in_trees(read: Callable[[bytes], Node], write: Callable[[Node], bytes], leaf: trees.Leaf) -> Mutator:
    def mutate(data: bytes, chance: Random, havoc: Havoc) -> bytes:
        try:
            root = read(data)
        except MalformedError:
            return havoc(data)
        if not isinstance(root, Branch):
            return havoc(data)
        for _ in range(chance.randint(1, _EDITS)):
            trees.edit(root, chance, lambda node: leaf(node, chance, havoc))
        return write(root)

    return mutate


cbor_tree: Final = _in_trees(trees.read_cbor, trees.write_cbor, trees.cbor_leaf)
der_tree: Final = _in_trees(trees.read_der, trees.write_der, trees.der_leaf)


def file_tree(data: bytes, chance: Random, havoc: Havoc) -> bytes:
    """A bundle's array as a tree behind the magic: nothing is sealed again."""
    if not data.startswith(labels.MAGIC):
        return havoc(data)
    return labels.MAGIC + cbor_tree(data[len(labels.MAGIC) :], chance, havoc)


def cose_tree(data: bytes, chance: Random, havoc: Havoc) -> bytes:
    """A COSE message as a tree behind its tag."""
    return data[:1] + cbor_tree(data[1:], chance, havoc) if len(data) > 1 else havoc(data)


def any_tree(data: bytes, chance: Random, havoc: Havoc) -> bytes:
    """As DER, as CBOR, or as bytes: the first that it is."""
    if not chance.randrange(3):
        return havoc(data)
    return (der_tree if data[:1] == b"\x30" else cbor_tree)(data, chance, havoc)


def recomposed(data: bytes, chance: Random, havoc: Havoc) -> bytes:
    """A bundle with one thing changed, and everything above it made anew: digests, seals, timestamps."""
    try:
        bundle = Bundle.decode(data)
        return chance.choice(_CHANGES)(bundle, chance, havoc).encode()
    except (MalformedError, EncodeError, IndexError):
        return file_tree(data, chance, havoc)


def _another_artifact(bundle: Bundle, chance: Random, havoc: Havoc) -> Bundle:
    """One artifact is changed, and its digest is right."""
    label = chance.choice(sorted(bundle.content))
    return _with(bundle, {label: any_tree(bytes(bundle.content[label].value), chance, havoc)})


def _exchanged(bundle: Bundle, chance: Random, _: Havoc) -> Bundle:
    """Two artifacts in each other's place, or one of another vector in the place of one of its role."""
    one, two = chance.choice(sorted(bundle.content)), chance.choice(sorted(bundle.content))
    if chance.randrange(2):
        return _with(bundle, {one: bytes(bundle.content[two].value), two: bytes(bundle.content[one].value)})
    return _with(bundle, {one: chance.choice(_of_role(bundle.manifest.items[one].role))})


@cache
def _of_role(role: str) -> list[bytes]:
    return sorted(set(seeds.artifacts(role)))


def _another_manifest(bundle: Bundle, chance: Random, havoc: Havoc) -> Bundle:
    """The manifest is changed as a tree; artifacts that it no longer names are left out."""
    raw = cbor_tree(bundle.manifest_raw, chance, havoc)
    manifest = Manifest.decode(raw)
    content = {label: record for label, record in bundle.content.items() if label in manifest.items}
    return replace(resealing.sealed(raw, manifest, content), renewals=bundle.renewals)


def _wrapped(bundle: Bundle, chance: Random, _: Havoc) -> Bundle:
    """Seals and renewals in another order, once more or not at all; an artifact withheld."""
    match chance.randrange(4):
        case 0:
            return bundle.without({chance.choice(sorted(bundle.content))})
        case 1:
            return replace(bundle, renewals=tuple(chance.choices(bundle.renewals, k=chance.randrange(4))))
        case 2:
            return replace(bundle, seals=tuple(chance.sample(bundle.seals, len(bundle.seals))))
    other = chance.choice(sorted(seeds.bundles()))
    return replace(bundle, seals=(*bundle.seals, *seeds.bundles()[other].seals)[: labels.MAX_SEALS])


def _renewed(bundle: Bundle, chance: Random, havoc: Havoc) -> Bundle:
    """One more renewal, whose coverage is right or is changed, and is stamped as it is."""
    covered = coverage(bundle, stronger(bundle), Material()).encode()
    if chance.randrange(2):
        covered = cbor_tree(covered, chance, havoc)
    read = Coverage.decode(covered)
    token = Token(at=resealing.good().manifest.created + chance.choice((0, 1, 86400, 2**30)))
    proof = token(labels.HASH_NAMES[read.alg], read.imprint())
    stamp = Stamp(covers=covered, type=labels.TYPE_TIMESTAMP, proof=proof)
    return replace(bundle, renewals=(*bundle.renewals, Renewal(raw=stamp.encode())))


_CHANGES: Final[tuple[Callable[[Bundle, Random, Havoc], Bundle], ...]] = (
    _another_artifact,
    _another_artifact,
    _exchanged,
    _another_manifest,
    _wrapped,
    _renewed,
)


def _with(bundle: Bundle, values: dict[str, bytes]) -> Bundle:
    """The bundle with these artifacts, their digests and sizes right, sealed by the operator."""
    items, content = dict(bundle.manifest.items), dict(bundle.content)
    for label, value in values.items():
        items[label] = replace(items[label], digest=Digest.of(value), size=len(value))
        content[label] = Record(type=items[label].type, value=value)
    manifest = replace(bundle.manifest, items=items)
    return replace(resealing.sealed(manifest.encode(), manifest, content), renewals=bundle.renewals)
