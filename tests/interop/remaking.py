# SPDX-License-Identifier: Apache-2.0
"""A bundle with other artifacts or another manifest, and all that stands above them made anew as it was.

Digests and sizes; statements that repeat the binding, and their signatures; each seal by its own key; pins.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from bundlefmt import labels
from bundlefmt.bundle import Bundle, Record, Seal
from bundlefmt.cose import CoseSign1, sig_structure
from bundlefmt.errors import MalformedError
from bundlefmt.manifest import Digest, Item, Manifest
from tests.interop import signing
from tests.interop.case import Case
from tests.vectorgen import openpgp

_HASHES: Final = ("sha256", "sha384", "sha512")


def remade(case: Case, values: Mapping[str, bytes], *, manifest: Manifest | None = None) -> Case:
    """The case with these artifacts, and with this manifest. Raises MalformedError, EncodeError."""
    old = Bundle.decode(case.bundle)
    content = dict(old.content)
    told = old.manifest if manifest is None else manifest
    content = {label: record for label, record in content.items() if label in told.items}
    items = dict(told.items)
    spoken = _repeated(old.manifest)

    def put(label: str, value: bytes) -> None:
        items[label] = replace(items[label], digest=Digest.of(value), size=len(value))
        content[label] = Record(type=items[label].type, value=value)

    for label, value in values.items():
        put(label, value)
    told = replace(told, items=items)
    spoken_now = _repeated(told)
    for label in sorted(content):
        if items[label].role == "tpm-signature":
            _sign_again(items, content, label, spoken, spoken_now, put)
    told = replace(told, items=items)
    bundle = replace(old, manifest_raw=told.encode(), manifest=told, content=content)
    bundle = replace(bundle, seals=tuple(_sealed(seal, old, bundle) for seal in old.seals))
    return replace(case, bundle=bundle.encode(), terms=_pinned(case, old, values))


def _repeated(manifest: Manifest) -> bytes:
    """The binding's digest, or none where it cannot be computed."""
    try:
        return manifest.binding.digest(manifest.items, manifest.previous)
    except KeyError:
        return b""


def _sign_again(
    items: Mapping[str, Item],
    content: Mapping[str, Record],
    label: str,
    old: bytes,
    new: bytes,
    put: Callable[[str, bytes], None],
) -> None:
    """The statement below a signature repeats the binding that there is now, and is signed by its key."""
    item = items[label]
    over, by = (item.ref(name) for name in ("over", "by"))
    if not (over and by and over[0] in content and by[0] in content):
        return
    statement = bytes(content[over[0]].value)
    if old and old != new and old in statement:
        statement = statement.replace(old, new)
        put(over[0], statement)
    put(
        label,
        signing.tpm_signature(bytes(content[by[0]].value), statement, bytes(content[label].value)),
    )


def _sealed(seal: Seal, old: Bundle, new: Bundle) -> Seal:
    """The seal over the new manifest."""
    if seal.type == labels.SEAL_OPENPGP:
        return replace(seal, value=openpgp.OPERATOR.sign(new.manifest_raw))
    try:
        message = CoseSign1.decode(seal.value)
    except MalformedError:
        return seal
    protected = message.protected_raw
    for name in _HASHES:
        was, now = (hashlib.new(name, each.manifest_raw).hexdigest().encode() for each in (old, new))
        protected = protected.replace(was, now)
    for label in set(old.content) & set(new.content):
        was, now = (hashlib.sha256(each.content[label].value).digest() for each in (old, new))
        protected = protected.replace(was, now)
    payload = None if message.payload is None else _payload(message.payload, old, new)
    return signed_again(replace(message, protected_raw=protected, payload=payload), seal, new)


def signed_again(message: CoseSign1, seal: Seal, bundle: Bundle) -> Seal:
    """The seal with this message, signed by the key that its header names, if it is known."""
    known = [bytes(record.value) for record in bundle.content.values()]
    known += [] if seal.key is None else [seal.key]
    try:
        header = message.protected
        (_, digest), alg = header[labels.HDR_X5T], header[labels.HDR_ALG]
    except (MalformedError, KeyError, TypeError, ValueError):
        return replace(seal, value=message.encode())
    content = bundle.manifest_raw if message.payload is None else message.payload
    for certificate in known:
        if hashlib.sha256(certificate).digest() == digest:
            made = signing.cose_signature(certificate, alg, sig_structure(message.protected_raw, content))
            message = replace(message, signature=made or message.signature)
    return replace(seal, value=message.encode())


def _payload(payload: bytes, old: Bundle, new: Bundle) -> bytes:
    for name in _HASHES:
        if payload == hashlib.new(name, old.manifest_raw).digest():
            return hashlib.new(name, new.manifest_raw).digest()
    return payload


def _pinned(case: Case, old: Bundle, values: Mapping[str, bytes]) -> dict[str, object]:
    """Who is pinned or known by a certificate that has changed is so by the new one."""
    terms = dict(case.terms)
    for label, value in values.items():
        if label in old.content:
            was, now = (hashlib.sha256(each).hexdigest() for each in (bytes(old.content[label].value), value))
            for name in ("pins_piv", "known_piv"):
                terms[name] = [now if each == was else each for each in terms[name]]
    return terms
