# SPDX-License-Identifier: Apache-2.0
"""The whole ceremony with one thing exchanged and everything above it made anew: digest, size, seals.

The operator's test keys seal it again, so that what is exchanged is judged, not found out at its digest.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bundlefmt import cbor, labels
from bundlefmt.bundle import Bundle, Record, Seal
from bundlefmt.cose import CoseSign1, sig_structure
from bundlefmt.manifest import Digest, Manifest
from tests.fuzz import seeds
from tests.vectorgen import certificates, keys, openpgp

MANIFEST: Final = "manifest"
OPERATOR: Final = "operator.piv"
# may change and leave the verdict: words, what is no key yet, another form of a signature, and a challenge
# that whoever made it can make anew, with or without its randomness (section 10.7)
FREE_ROLES: Final = frozenset({"minutes", "ak-template", "tpm-signature", "credential-activation"})


def good() -> Bundle:
    return seeds.bundles()[seeds.GOOD]


def places() -> list[str]:
    """What can be exchanged: the manifest, and each artifact by its label."""
    return [MANIFEST, *sorted(good().content)]


def value_at(place: str) -> bytes:
    return good().manifest_raw if place == MANIFEST else bytes(good().content[place].value)


def exchanged(place: str, value: bytes) -> Bundle:
    """The ceremony with `value` at `place`. Raises MalformedError where that is to be no manifest."""
    content = dict(good().content)
    if place == MANIFEST:
        manifest = Manifest.decode(value)
        kept = {label: record for label, record in content.items() if label in manifest.items}
        return sealed(value, manifest, kept)
    old = good().manifest.items[place]
    item = replace(old, digest=Digest.of(value), size=len(value))
    manifest = replace(good().manifest, items={**good().manifest.items, place: item})
    content[place] = Record(type=old.type, value=value)
    return sealed(manifest.encode(), manifest, content)


def sealed(raw: bytes, manifest: Manifest, content: dict[str, Record]) -> Bundle:
    """A bundle of these with both seals of the operator, who has the certificate that is in `content`."""
    operator, cose_seal = certificates.operator("p256"), CoseSign1.decode(good().seals[0].value)
    identity = [labels.HASH_SHA256, Digest.of(content[OPERATOR].value).value] if OPERATOR in content else []
    protected = cbor.encode({**cose_seal.protected, labels.HDR_X5T: identity})
    payload = Digest.of(raw).value
    message = CoseSign1(
        protected_raw=protected,
        unprotected={},
        payload=payload,
        signature=keys.cose_signature(keys.ESP256, operator.key, sig_structure(protected, payload)),
    )
    seals = (
        Seal(type=labels.SEAL_COSE, value=message.encode()),
        Seal(type=labels.SEAL_OPENPGP, value=openpgp.OPERATOR.sign(raw)),
    )
    return Bundle(manifest_raw=raw, manifest=manifest, content=content, seals=seals)
