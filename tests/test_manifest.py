# SPDX-License-Identifier: Apache-2.0
"""The manifest: symmetry, and every refusal of its structure with its code and offset."""

from __future__ import annotations

import copy
import hashlib
from typing import Any, Final

import pytest
from hypothesis import given

from bundlefmt import labels
from bundlefmt.cbor import encode
from bundlefmt.errors import Code, EncodeError, MalformedError
from bundlefmt.manifest import Binding, Digest, Item, Manifest, RequiredSigner, hash_bytes
from tests.changes import Change, drop, offset_of, put
from tests.strategies import manifests, mutated

PLAIN: Final[dict[str, Any]] = {
    "version": [1, 0],
    "profile": "tag:example,2026:p",
    "created": 1_700_000_000,
    "items": {
        "ak": {"type": "t/ak", "role": "ak-public", "digest": [-16, b"\xaa" * 32], "size": 7},
        "quote": {
            "type": "t/q",
            "role": "quote",
            "digest": [-43, b"\xbb" * 48],
            "size": 9,
            "refs": {"by": "ak", "over": ["ak", "quote"]},
            "claimed": {"place": [1, {"x": None}]},
        },
        "video": {
            "type": "t/v",
            "role": "media",
            "digest": [-44, b"\xcc" * 64],
            "size": 2**40,
            "detached": True,
        },
    },
    "binding": {"alg": -16, "nonce": b"\x11" * 16, "over": ["ak", "quote"]},
    "signers": [{"item": "ak", "part": "platform"}],
    "title": "A title",
    "previous": [-16, b"\xdd" * 32],
    "critical": ["profile", "title"],
    "x-later": {"any": [1]},
}


def changed(change: Change) -> bytes:
    """The encoding of PLAIN after `change`."""
    value = copy.deepcopy(PLAIN)
    change(value)
    return encode(value)


def refusal(data: bytes) -> tuple[Code, int]:
    with pytest.raises(MalformedError) as caught:
        Manifest.decode(data)
    return caught.value.code, caught.value.offset


def test_every_member_is_read() -> None:
    manifest = Manifest.decode(encode(PLAIN))
    assert manifest == Manifest(
        profile="tag:example,2026:p",
        created=1_700_000_000,
        items={
            "ak": Item(type="t/ak", role="ak-public", digest=Digest(alg=-16, value=b"\xaa" * 32), size=7),
            "quote": Item(
                type="t/q",
                role="quote",
                digest=Digest(alg=-43, value=b"\xbb" * 48),
                size=9,
                refs={"by": "ak", "over": ("ak", "quote")},
                claimed={"place": [1, {"x": None}]},
            ),
            "video": Item(
                type="t/v",
                role="media",
                digest=Digest(alg=-44, value=b"\xcc" * 64),
                size=2**40,
                detached=True,
            ),
        },
        binding=Binding(alg=-16, nonce=b"\x11" * 16, over=("ak", "quote")),
        signers=(RequiredSigner(item="ak", part="platform"),),
        minor=0,
        title="A title",
        previous=Digest(alg=-16, value=b"\xdd" * 32),
        critical=("profile", "title"),
        extensions={"x-later": {"any": [1]}},
    )
    assert manifest.encode() == encode(PLAIN)


def test_references_are_read_alike() -> None:
    item = Manifest.decode(encode(PLAIN)).items["quote"]
    assert (item.ref("by"), item.ref("over"), item.ref("of")) == (("ak",), ("ak", "quote"), ())


@given(manifests())
def test_symmetry(manifest: Manifest) -> None:
    data = manifest.encode()
    assert Manifest.decode(data) == manifest
    assert Manifest.decode(data).encode() == data


@given(mutated(manifests().map(Manifest.encode)))
def test_mutated_manifests_are_refused_or_read(data: bytes) -> None:
    try:
        manifest = Manifest.decode(data)
    except MalformedError as error:
        assert 0 <= error.offset <= len(data)
    else:
        assert manifest.encode() == data


# --- refusals of structure -------------------------------------------------------------------------

QUOTE: Final = ("items", "quote")

# (change, code, bytes before the item at fault, bytes of the item at fault)
REFUSALS: Final[dict[str, tuple[Change, Code, bytes, bytes]]] = {
    "version of one": (put([1], "version"), Code.WRONG_LENGTH, encode("version"), encode([1])),
    "version of three": (put([1, 0, 0], "version"), Code.WRONG_LENGTH, encode("version"), encode([1, 0, 0])),
    "version as text": (put("1.0", "version"), Code.WRONG_TYPE, encode("version"), encode("1.0")),
    "major 0": (put([0, 0], "version"), Code.UNKNOWN_MAJOR_VERSION, encode("version") + b"\x82", b"\0\0"),
    "major 2": (put([2, 0], "version"), Code.UNKNOWN_MAJOR_VERSION, encode("version") + b"\x82", b"\2\0"),
    "major as text": (put(["1", 0], "version"), Code.WRONG_TYPE, encode("version") + b"\x82", encode("1")),
    "minor negative": (put([1, -1], "version"), Code.WRONG_TYPE, encode("version") + b"\x82\1", encode(-1)),
    "profile as bytes": (put(b"p", "profile"), Code.WRONG_TYPE, encode("profile"), encode(b"p")),
    "created as text": (put("now", "created"), Code.WRONG_TYPE, encode("created"), encode("now")),
    "created negative": (put(-5, "created"), Code.WRONG_TYPE, encode("created"), encode(-5)),
    "created null": (put(None, "created"), Code.WRONG_TYPE, encode("created"), encode(None)),
    "title as integer": (put(3, "title"), Code.WRONG_TYPE, encode("title"), encode(3)),
    "title null": (put(None, "title"), Code.WRONG_TYPE, encode("title"), encode(None)),
    "previous as bytes": (
        put(b"\xdd" * 32, "previous"),
        Code.WRONG_TYPE,
        encode("previous"),
        encode(b"\xdd" * 32),
    ),
    "previous too short": (
        put([-16, b"\xdd" * 31], "previous"),
        Code.WRONG_LENGTH,
        encode("previous") + b"\x82" + encode(-16),
        encode(b"\xdd" * 31),
    ),
    "critical empty": (put([], "critical"), Code.WRONG_LENGTH, encode("critical"), encode([])),
    "critical as text": (put("title", "critical"), Code.WRONG_TYPE, encode("critical"), encode("title")),
    "critical unknown": (
        put(["title", "later"], "critical"),
        Code.UNKNOWN_CRITICAL,
        encode("critical") + b"\x82" + encode("title"),
        encode("later"),
    ),
    "critical present but unknown": (
        put(["x-later"], "critical"),
        Code.UNKNOWN_CRITICAL,
        encode("critical") + b"\x81",
        encode("x-later"),
    ),
    "critical absent": (
        drop("title"),
        Code.BAD_VALUE,
        encode("critical") + b"\x82" + encode("profile"),
        encode("title"),
    ),
    "critical as integer": (put([4], "critical"), Code.WRONG_TYPE, encode("critical") + b"\x81", encode(4)),
    "items as array": (put([], "items"), Code.WRONG_TYPE, encode("items"), encode([])),
    "items empty": (put({}, "items"), Code.WRONG_LENGTH, encode("items"), encode({})),
    "item as text": (
        put("x", "items", "ak"),
        Code.WRONG_TYPE,
        encode("items") + b"\xa3" + encode("ak"),
        encode("x"),
    ),
    "label as integer": (put({5: {}}, "items"), Code.WRONG_TYPE, encode("items") + b"\xa1", b"\5"),
    "type as bytes": (put(b"t/q", *QUOTE, "type"), Code.WRONG_TYPE, encode("type"), encode(b"t/q")),
    "role as bytes": (put(b"quote", *QUOTE, "role"), Code.WRONG_TYPE, encode("role"), encode(b"quote")),
    "size negative": (put(-1, *QUOTE, "size"), Code.WRONG_TYPE, encode("size"), encode(-1)),
    "size as text": (put("9", *QUOTE, "size"), Code.WRONG_TYPE, encode("size"), encode("9")),
    "digest as bytes": (put(b"d", *QUOTE, "digest"), Code.WRONG_TYPE, encode("digest"), encode(b"d")),
    "digest of one": (put([-16], *QUOTE, "digest"), Code.WRONG_LENGTH, encode("digest"), encode([-16])),
    "digest of three": (
        put([-16, b"", b""], *QUOTE, "digest"),
        Code.WRONG_LENGTH,
        encode("digest"),
        encode([-16, b"", b""]),
    ),
    "digest by SHA-1": (
        put([-14, b"\0" * 20], *QUOTE, "digest"),
        Code.BAD_VALUE,
        encode("digest") + b"\x82",
        encode(-14),
    ),
    "digest alg as text": (
        put(["sha256", b"\xbb" * 32], *QUOTE, "digest"),
        Code.WRONG_TYPE,
        encode("digest") + b"\x82",
        encode("sha256"),
    ),
    "digest of another length": (
        put([-16, b"\xbb" * 48], *QUOTE, "digest"),
        Code.WRONG_LENGTH,
        encode("digest") + b"\x82" + encode(-16),
        encode(b"\xbb" * 48),
    ),
    "digest value as text": (
        put([-16, "b" * 32], *QUOTE, "digest"),
        Code.WRONG_TYPE,
        encode("digest") + b"\x82" + encode(-16),
        encode("b" * 32),
    ),
    "refs empty": (put({}, *QUOTE, "refs"), Code.WRONG_LENGTH, encode("refs"), encode({})),
    "refs as array": (put(["ak"], *QUOTE, "refs"), Code.WRONG_TYPE, encode("refs"), encode(["ak"])),
    "refs key as integer": (put({1: "ak"}, *QUOTE, "refs"), Code.WRONG_TYPE, encode("refs") + b"\xa1", b"\1"),
    "ref as integer": (put(1, *QUOTE, "refs", "by"), Code.WRONG_TYPE, encode("by"), b"\1"),
    "ref to nothing": (put([], *QUOTE, "refs", "by"), Code.WRONG_LENGTH, encode("by"), encode([])),
    "ref no label": (put("A K", *QUOTE, "refs", "by"), Code.BAD_LABEL, encode("by"), encode("A K")),
    "ref unknown": (put("gone", *QUOTE, "refs", "by"), Code.UNKNOWN_LABEL, encode("by"), encode("gone")),
    "second ref unknown": (
        put(["ak", "gone"], *QUOTE, "refs", "over"),
        Code.UNKNOWN_LABEL,
        encode("over") + b"\x82" + encode("ak"),
        encode("gone"),
    ),
    "claimed empty": (put({}, *QUOTE, "claimed"), Code.WRONG_LENGTH, encode("claimed"), encode({})),
    "claimed as array": (put([1], *QUOTE, "claimed"), Code.WRONG_TYPE, encode("claimed"), encode([1])),
    "claimed key as integer": (
        put({1: 1}, *QUOTE, "claimed"),
        Code.WRONG_TYPE,
        encode("claimed") + b"\xa1",
        b"\1\1",
    ),
    "detached false": (put(False, "items", "video", "detached"), Code.BAD_VALUE, encode("detached"), b"\xf4"),
    "detached null": (put(None, "items", "video", "detached"), Code.BAD_VALUE, encode("detached"), b"\xf6"),
    "detached one": (put(1, "items", "video", "detached"), Code.BAD_VALUE, encode("detached"), b"\1"),
    "item member unknown": (put(1, *QUOTE, "note"), Code.UNKNOWN_MEMBER, b"", encode("note")),
    "item member as integer": (put(1, *QUOTE, 3), Code.WRONG_TYPE, encode("quote") + b"\xa7", b"\3\1"),
    "binding as array": (put([], "binding"), Code.WRONG_TYPE, encode("binding"), encode([])),
    "binding member unknown": (put(1, "binding", "salt"), Code.UNKNOWN_MEMBER, b"", encode("salt")),
    "binding by SHA-1": (put(-14, "binding", "alg"), Code.BAD_VALUE, encode("alg"), encode(-14)),
    "binding alg as text": (put("s", "binding", "alg"), Code.WRONG_TYPE, encode("alg"), encode("s")),
    "nonce as text": (put("n" * 16, "binding", "nonce"), Code.WRONG_TYPE, encode("nonce"), encode("n" * 16)),
    "nonce of 15": (
        put(b"n" * 15, "binding", "nonce"),
        Code.WRONG_LENGTH,
        encode("nonce"),
        encode(b"n" * 15),
    ),
    "nonce of 65": (
        put(b"n" * 65, "binding", "nonce"),
        Code.WRONG_LENGTH,
        encode("nonce"),
        encode(b"n" * 65),
    ),
    "over as text": (put("ak", "binding", "over"), Code.WRONG_TYPE, encode("over"), encode("ak")),
    "over unsorted": (
        put(["quote", "ak"], "binding", "over"),
        Code.BAD_VALUE,
        encode("over"),
        encode(["quote", "ak"]),
    ),
    "over twice": (
        put(["ak", "ak"], "binding", "over"),
        Code.BAD_VALUE,
        encode("over"),
        encode(["ak", "ak"]),
    ),
    "over no label": (put(["_"], "binding", "over"), Code.BAD_LABEL, encode("over") + b"\x81", encode("_")),
    "over unknown": (
        put(["ak", "gone"], "binding", "over"),
        Code.UNKNOWN_LABEL,
        encode("over") + b"\x82" + encode("ak"),
        encode("gone"),
    ),
    "signers as map": (put({}, "signers"), Code.WRONG_TYPE, encode("signers"), encode({})),
    "signers empty": (put([], "signers"), Code.WRONG_LENGTH, encode("signers"), encode([])),
    "signer as text": (put(["ak"], "signers"), Code.WRONG_TYPE, encode("signers") + b"\x81", encode("ak")),
    "signer member unknown": (put(1, "signers", 0, "name"), Code.UNKNOWN_MEMBER, b"", encode("name")),
    "signer no label": (put("A", "signers", 0, "item"), Code.BAD_LABEL, encode("item"), encode("A")),
    "signer unknown": (put("gone", "signers", 0, "item"), Code.UNKNOWN_LABEL, encode("item"), encode("gone")),
    "part unknown": (put("guest", "signers", 0, "part"), Code.BAD_VALUE, encode("part"), encode("guest")),
    "part as integer": (put(1, "signers", 0, "part"), Code.WRONG_TYPE, encode("part"), b"\1"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusal(name: str) -> None:
    change, code, before, target = REFUSALS[name]
    data = changed(change)
    assert refusal(data) == (code, offset_of(data, before, target))


@pytest.mark.parametrize("name", ["version", "profile", "created", "items", "binding", "signers"])
def test_missing_member(name: str) -> None:
    assert refusal(changed(drop(name))) == (Code.MISSING_MEMBER, 0)


@pytest.mark.parametrize("name", ["type", "role", "digest", "size"])
def test_missing_item_member(name: str) -> None:
    data = changed(drop(*QUOTE, name))
    assert refusal(data) == (Code.MISSING_MEMBER, offset_of(data, encode("quote"), b"\xa5"))


@pytest.mark.parametrize("name", ["alg", "nonce", "over"])
def test_missing_binding_member(name: str) -> None:
    data = changed(drop("binding", name))
    assert refusal(data) == (Code.MISSING_MEMBER, offset_of(data, encode("binding"), b"\xa2"))


@pytest.mark.parametrize("name", ["item", "part"])
def test_missing_signer_member(name: str) -> None:
    data = changed(drop("signers", 0, name))
    assert refusal(data) == (Code.MISSING_MEMBER, offset_of(data, encode("signers") + b"\x81", b"\xa1"))


@pytest.mark.parametrize("data", ["80", "00", "40", "f6"])
def test_a_manifest_is_a_map(data: str) -> None:
    assert refusal(bytes.fromhex(data)) == (Code.WRONG_TYPE, 0)


def test_members_have_text_keys() -> None:
    assert refusal(changed(put(0, 7))) == (Code.WRONG_TYPE, 1)


def test_the_version_comes_before_everything_else() -> None:
    assert refusal(encode({"version": [2, 0], "items": 5}))[0] is Code.UNKNOWN_MAJOR_VERSION


def test_encoding_comes_before_meaning() -> None:
    data = encode({"version": [2, 0]}) + b"\0"
    assert refusal(data) == (Code.TRAILING_BYTES, len(data) - 1)


# --- labels, limits --------------------------------------------------------------------------------


def _labelled(label: str) -> bytes:
    return changed(put(PLAIN["items"]["ak"], "items", label))


@pytest.mark.parametrize("label", ["a", "0", "a.b", "a-b", "a_b", "a..b", "x" * 64, "9" + "-" * 62 + "z"])
def test_labels(label: str) -> None:
    assert label in Manifest.decode(_labelled(label)).items


_EDGES: Final = ("", ".", "..", "-", "a.", ".a", "-a", "a-", "_a", "a_", "x" * 65)
_INSIDE: Final = ("A", "aBc", "a b", "a/b", "a\\b", "a:b", "a\n", "a\0b", "ä", "a\u0661b", "a\u200bb")


@pytest.mark.parametrize("label", [*_EDGES, *_INSIDE])
def test_bad_labels(label: str) -> None:
    data = _labelled(label)
    assert refusal(data) == (
        Code.BAD_LABEL,
        offset_of(data, b"", encode(label) + encode(PLAIN["items"]["ak"])),
    )


@pytest.mark.parametrize("size", [16, 64])
def test_nonces_at_the_limits(size: int) -> None:
    assert Manifest.decode(changed(put(b"n" * size, "binding", "nonce"))).binding.nonce == b"n" * size


def _sized(size: int) -> bytes:
    """A manifest of `size` bytes, filled with an extension."""
    filler = size - len(encode({**PLAIN, "y": b"\0" * 70_000})) + 70_000
    data = encode({**PLAIN, "y": b"\0" * filler})
    assert len(data) == size
    return data


def test_the_largest_manifest() -> None:
    data = _sized(labels.MAX_MANIFEST)
    assert Manifest.decode(data).encode() == data
    assert refusal(_sized(labels.MAX_MANIFEST + 1)) == (Code.SIZE_LIMIT, 0)


# --- encoding --------------------------------------------------------------------------------------


def _with(**fields: Any) -> Manifest:
    known: dict[str, Any] = {
        "profile": "p",
        "created": 0,
        "items": {"ak": Item.of(b"data", type="t/ak", role="ak-public")},
        "binding": Binding(alg=-16, nonce=b"\0" * 16, over=("ak",)),
        "signers": (RequiredSigner(item="ak", part="operator"),),
    }
    return Manifest(**{**known, **fields})


@pytest.mark.parametrize(
    "fields",
    [
        {"items": {}},
        {"items": {"AK": Item.of(b"", type="t", role="r")}},
        {"created": -1},
        {"created": 1.5},
        {"signers": ()},
        {"signers": (RequiredSigner(item="gone", part="operator"),)},
        {"binding": Binding(alg=-16, nonce=b"", over=())},
        {"critical": ("x",)},
        {"extensions": {"x": 1.5}},
        {"extensions": {"items": {"other": {}}}},
        {"extensions": {"title": "another"}},
        {"extensions": {"y": b"\0" * labels.MAX_MANIFEST}},
        {"previous": Digest(alg=-16, value=b"short")},
        {"minor": -1},
    ],
    ids=lambda fields: repr(fields)[:40],
)
def test_what_would_be_refused_is_not_written(fields: dict[str, Any]) -> None:
    assert _with().encode()
    with pytest.raises(EncodeError):
        _with(**fields).encode()


def test_the_item_of_an_artifact() -> None:
    item = Item.of(b"data", type="t", role="r", refs={"by": "ak"}, claimed={"x": 1})
    assert (item.digest.value, item.size) == (hashlib.sha256(b"data").digest(), 4)
    assert item.digest.matches(memoryview(b"data"))
    assert not item.digest.matches(b"date")


@pytest.mark.parametrize(("alg", "name"), [(-16, "sha256"), (-43, "sha384"), (-44, "sha512")])
def test_digests(alg: int, name: str) -> None:
    assert Digest.of(b"data", alg).value == hash_bytes(alg, b"data") == hashlib.new(name, b"data").digest()


def test_the_binding_covers_the_nonce_and_what_it_names_and_the_snapshot_before() -> None:
    manifest = Manifest.decode(encode(PLAIN))
    over = {"ak": [-16, b"\xaa" * 32], "quote": [-43, b"\xbb" * 48]}
    first = encode(["evidence-bundle/1 binding", b"\x11" * 16, over])
    assert manifest.binding.preimage(manifest.items, None) == first
    assert manifest.binding.digest(manifest.items, None) == hashlib.sha256(first).digest()
    later = encode(["evidence-bundle/1 binding", b"\x11" * 16, over, [-16, b"\xdd" * 32]])
    before = Digest(alg=-16, value=b"\xdd" * 32)
    assert manifest.binding.preimage(manifest.items, before) == later


def test_an_item_of_an_artifact_has_what_it_is_given() -> None:
    bare = Item.of(b"data", type="text/plain", role="minutes")
    assert (dict(bare.refs), dict(bare.claimed), bare.size) == ({}, {}, 4)
    assert bare.digest.matches(b"data")
    full = Item.of(b"data", type="text/plain", role="minutes", refs={"of": "ak"}, claimed={"at": 1})
    assert (dict(full.refs), dict(full.claimed)) == ({"of": "ak"}, {"at": 1})
