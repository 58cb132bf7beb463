# SPDX-License-Identifier: Apache-2.0
"""Targets of the format itself: CBOR, manifest, bundle, COSE, and what is shown of them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from typing import Final

from bundlefmt import cbor, cose, labels
from bundlefmt.bundle import Bundle, scan_file
from bundlefmt.challenge import Answer, Challenge, Kept
from bundlefmt.cose import CoseSign1, SignatureError
from bundlefmt.errors import MalformedError
from bundlefmt.manifest import Manifest
from bundlefmt.render import diag, inspection, text
from bundlefmt.render.words import safe
from bundlefmt.verify import seal_header
from tests.fuzz import mutators, seeds
from tests.fuzz.target import Targets, symmetric
from tests.vectorgen import certificates

target: Final = Targets("cbor", mutators.cbor_tree)
BROKEN: Final = b"\x82\x01"  # an array of two that ends after one
KEYS: Final = ("p256", "p384", "p521", "ed25519", "rsa2048", "ml-dsa-65")


@target("cbor", lambda: (BROKEN, *seeds.texts()))
def scan(data: bytes) -> None:
    """What is accepted is the one encoding of its value; the readable part of the rest ends at its fault."""
    try:
        node = cbor.scan(data)
    except MalformedError as error:
        read, found = cbor.scan_readable(data)
        assert found is not None
        assert (found.code, found.offset) == (error.code, error.offset)
        assert 0 <= error.offset <= len(data)
        assert read is None or read.end <= error.offset
        return
    assert cbor.encode(node.value()) == data


def _arrays() -> Iterable[bytes]:
    """The texts that are arrays; elements are read of nothing else."""
    return (data for data in seeds.texts() if data and data[0] >> 5 == cbor.ARRAY)


@target("cbor-elements", _arrays)
def elements(data: bytes) -> None:
    """Read one by one, an array has the elements that it has when it is read as a whole."""
    try:
        read = [node.raw() for node in cbor.scan_elements(data)]
    except MalformedError:
        with contextlib.suppress(MalformedError):
            assert cbor.scan(data).kind != cbor.ARRAY
        return
    with contextlib.suppress(MalformedError):
        assert [node.raw() for node in cbor.scan(data).children] == read


@target("manifest", lambda: (bundle.manifest_raw for bundle in seeds.bundles().values()))
def manifest(data: bytes) -> None:
    """Symmetry."""
    symmetric(Manifest, data)


@target("bundle", lambda: seeds.files().values(), mutate=mutators.file_tree)
def bundle(data: bytes) -> None:
    """Symmetry, of the manifest inside as well; mapped or held, a file is the same."""
    decoded = symmetric(Bundle, data)
    if decoded is not None:
        assert decoded.manifest.encode() == decoded.manifest_raw
        assert Bundle.decode(memoryview(data)) == decoded


@target("challenge", lambda: seeds.kept())
def challenge(data: bytes) -> None:
    """Symmetry of the three files; an answer to what was read proves all of it, and to nothing else."""
    for kind in (Challenge, Answer):
        symmetric(kind, data)
    kept = symmetric(Kept, data)
    if kept is None:
        return
    asked = kept.challenge
    proofs = tuple(
        asked.proof(pair, secret.credential) for pair, secret in zip(asked.pairs, kept.secrets, strict=True)
    )
    assert all(kept.proven(Answer(challenge=asked.digest, proofs=proofs)).values())
    assert not any(kept.proven(Answer(challenge=bytes(32), proofs=proofs)).values())


@target("cose", lambda: seeds.seals(labels.SEAL_COSE), mutate=mutators.cose_tree)
def cose_sign1(data: bytes) -> None:
    """Symmetry; verifying raises nothing but SignatureError, whatever the key."""
    message = symmetric(CoseSign1, data)
    if message is None:
        return
    cose.envelope_faults(message, b"", content_type=labels.MANIFEST_MEDIA_TYPE, typ=labels.SEAL_TYP)
    seal_header.faults(message.protected)
    for kind in KEYS:
        try:
            message.verify(certificates.operator(kind).key.public_key())
        except SignatureError:
            continue


def printed(lines: Iterable[str]) -> None:
    """Fit for any terminal: nothing in it controls one."""
    for line in lines:
        assert safe(line) == line


@target("inspect", lambda: seeds.files().values(), mutate=mutators.file_tree)
def inspect(data: bytes) -> None:
    """Anything can be inspected, as a tree, in diagnostic notation and as JSON."""
    try:
        shown = inspection.inspection(Bundle.decode(data))
        printed(text.tree(shown))
        printed(diag.notation(scan_file(data), limit=None).splitlines())
    except MalformedError as error:
        shown = inspection.malformed(data, error)
        printed(text.outline(shown))
        root = inspection.readable(data)
        if root is not None:
            printed(diag.notation(root).splitlines())
    json.dumps(shown, ensure_ascii=False).encode()
