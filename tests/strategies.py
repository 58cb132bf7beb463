# SPDX-License-Identifier: Apache-2.0
"""Hypothesis strategies for what the format carries, and for what it must survive."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from bundlefmt import cbor, labels
from bundlefmt.bundle import Bundle, Record, Renewal, Seal
from bundlefmt.cbor import Value
from bundlefmt.manifest import Binding, Digest, Item, Manifest, RequiredSigner

KNOWN_MEMBERS: Final = frozenset(
    {"version", "profile", "created", "items", "binding", "signers", "title", "previous", "critical"}
)
_UINT: Final = st.integers(0, 2**64 - 1) | st.integers(0, 300)
INTEGERS: Final = st.integers(-(2**64), 2**64 - 1) | st.integers(-300, 300)
SCALARS: Final[st.SearchStrategy[Value]] = (
    st.none() | st.booleans() | INTEGERS | st.binary(max_size=40) | st.text(max_size=40)
)


def values(depth: int = 3) -> st.SearchStrategy[Value]:
    """Values that a CBOR text of the format can hold, nested at most `depth` containers."""
    if depth == 0:
        return SCALARS
    inner = values(depth - 1)
    keys = INTEGERS | st.text(max_size=12)
    return SCALARS | st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4)


def label_texts() -> st.SearchStrategy[str]:
    return st.from_regex(labels.LABEL_PATTERN, fullmatch=True)


@st.composite
def digests(draw: st.DrawFn) -> Digest:
    alg = draw(st.sampled_from(sorted(labels.HASH_SIZES)))
    size = labels.HASH_SIZES[alg]
    return Digest(alg=alg, value=draw(st.binary(min_size=size, max_size=size)))


def _items(names: list[str]) -> st.SearchStrategy[Item]:
    target = st.sampled_from(names)
    return st.builds(
        Item,
        type=st.text(max_size=30),
        role=st.sampled_from(sorted(labels.ROLES)) | st.text(max_size=20),
        digest=digests(),
        size=_UINT,
        refs=st.dictionaries(
            st.sampled_from(labels.REF_NAMES) | st.text(max_size=8),
            target | st.lists(target, min_size=1, max_size=3).map(tuple),
            max_size=3,
        ),
        detached=st.booleans(),
        claimed=st.dictionaries(st.text(max_size=12), values(2), max_size=3),
    )


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    names = draw(st.lists(label_texts(), min_size=1, max_size=5, unique=True))
    over = draw(st.lists(st.sampled_from(names), unique=True))
    title, previous = draw(st.none() | st.text(max_size=30)), draw(st.none() | digests())
    present = KNOWN_MEMBERS - {"critical"}
    present -= {name for name, value in (("title", title), ("previous", previous)) if value is None}
    return Manifest(
        profile=draw(st.text(max_size=40)),
        created=draw(_UINT),
        items={name: draw(_items(names)) for name in names},
        binding=Binding(
            alg=draw(st.sampled_from(sorted(labels.HASH_NAMES))),
            nonce=draw(st.binary(min_size=16, max_size=64)),
            over=tuple(sorted(over)),
        ),
        signers=tuple(
            draw(
                st.lists(
                    st.builds(
                        RequiredSigner, item=st.sampled_from(names), part=st.sampled_from(labels.PARTS)
                    ),
                    min_size=1,
                    max_size=3,
                )
            )
        ),
        minor=draw(_UINT),
        title=title,
        previous=previous,
        critical=tuple(draw(st.lists(st.sampled_from(sorted(present)), max_size=3))),
        extensions=draw(
            st.dictionaries(st.text(max_size=12).filter(lambda name: name not in KNOWN_MEMBERS), values(2))
        ),
    )


@st.composite
def bundles(draw: st.DrawFn) -> Bundle:
    manifest = draw(manifests())
    present = draw(st.lists(st.sampled_from(sorted(manifest.items)), unique=True))
    record = st.builds(Record, type=st.text(max_size=30), value=st.binary(max_size=60), ind=st.none() | _UINT)
    seal = st.builds(
        Seal,
        type=st.sampled_from((labels.SEAL_COSE, labels.SEAL_OPENPGP)) | st.text(max_size=20),
        value=st.binary(max_size=60),
        key=st.none() | st.binary(max_size=30),
    )
    renewal = st.dictionaries(st.text(max_size=8), values(1), max_size=3).map(
        lambda value: Renewal(raw=cbor.encode(value))
    )
    return Bundle(
        manifest_raw=manifest.encode(),
        manifest=manifest,
        content={label: draw(record) for label in present},
        seals=tuple(draw(st.lists(seal, max_size=3))),
        renewals=tuple(draw(st.lists(renewal, max_size=2))),
    )


@st.composite
def mutated(draw: st.DrawFn, sources: st.SearchStrategy[bytes]) -> bytes:
    """Bytes of `sources` after a few edits: bytes changed, cut out, put in, doubled, or the end cut off."""
    data = bytearray(draw(sources))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        stop = min(len(data), start + draw(st.integers(0, 6)))
        edit = draw(st.sampled_from(("change", "remove", "insert", "double", "cut")))
        if edit == "cut":
            del data[start:]
        elif edit == "double":
            data[start:start] = data[start:stop]
        else:
            put = b"" if edit == "remove" else draw(st.binary(min_size=1, max_size=6))
            data[start : start if edit == "insert" else stop] = put
    return bytes(data)
