# SPDX-License-Identifier: Apache-2.0
"""Renewals that were made elsewhere: whether one covers what is in a bundle.

Spec: "Renewals". The proof in it is not judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from bundlefmt import cbor, labels
from bundlefmt.bundle import Bundle, Renewal
from bundlefmt.cbor import Value
from bundlefmt.errors import MalformedError
from bundlefmt.manifest import hash_bytes

_REQUIRED: Final = frozenset({"alg", "manifest", "content", "seals", "renewals"})
_OPTIONAL: Final = frozenset({"certificates", "revocation"})


class RenewalError(ValueError):
    """The renewal is none of this bundle; the message says why."""


def with_renewal(bundle: Bundle, raw: bytes) -> Bundle:
    """The bundle with one more renewal, which covers all that is in it. Raises RenewalError."""
    try:
        renewal = cbor.scan(raw).value()
        covers = renewal.get("covers") if isinstance(renewal, Mapping) else None
        proof = renewal.get("proof") if isinstance(renewal, Mapping) else None
        coverage = cbor.scan(covers).value() if isinstance(covers, bytes) else None
    except MalformedError as error:
        raise RenewalError(str(error)) from None
    if not isinstance(renewal, Mapping) or set(renewal) != {"covers", "proof"}:
        raise RenewalError("not a map of covers and proof")
    if not isinstance(proof, list) or [type(each) for each in proof] != [str, bytes]:
        raise RenewalError("the proof is not a type and its bytes")
    if not isinstance(coverage, Mapping) or not _REQUIRED <= set(coverage) <= _REQUIRED | _OPTIONAL:
        raise RenewalError("covers has not the members of a coverage")
    for fault in _faults(bundle, coverage):
        raise RenewalError(fault)
    return replace(bundle, renewals=(*bundle.renewals, Renewal(raw=raw)))


def _faults(bundle: Bundle, coverage: Mapping[Value, Value]) -> Iterator[str]:
    """Why this is no coverage of what the bundle has."""
    alg = coverage["alg"]
    if not isinstance(alg, int) or alg not in labels.HASH_NAMES:
        yield "the hash algorithm of the coverage is not accepted"
        return
    if coverage["manifest"] != hash_bytes(alg, bundle.manifest_raw):
        yield "it covers another manifest"
    yield from _row("seal", alg, coverage["seals"], [seal.value for seal in bundle.seals])
    yield from _row("renewal", alg, coverage["renewals"], [each.raw for each in bundle.renewals])
    content = coverage["content"]
    if not isinstance(content, Mapping):
        yield "content is not a map"
        return
    for label, record in sorted(bundle.content.items()):
        if content.get(label) != hash_bytes(alg, record.value):
            yield f"it does not cover {label} as it is here"
    # what is withheld by now was there when it was covered
    if not set(content) <= set(bundle.manifest.items):
        yield "it covers something that the manifest does not name"
    for name in sorted(_OPTIONAL):
        row = coverage.get(name, [b""])
        if not isinstance(row, list) or not row or not all(isinstance(each, bytes) for each in row):
            yield f"{name} is not a list of byte strings"


def _row(what: str, alg: int, covered: Value, present: Sequence[bytes]) -> Iterator[str]:
    if covered != [hash_bytes(alg, each) for each in present]:
        yield f"it does not cover each {what} that is here, in this order"
