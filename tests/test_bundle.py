# SPDX-License-Identifier: Apache-2.0
"""The container: symmetry, every refusal of its structure with its code and offset, files that are large."""

from __future__ import annotations

import copy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given

from bundlefmt import cbor, labels
from bundlefmt.bundle import Bundle, Record, Renewal, Seal, map_file, scan_file
from bundlefmt.cbor import encode
from bundlefmt.errors import Code, EncodeError, MalformedError
from bundlefmt.manifest import Binding, Item, Manifest, RequiredSigner
from tests.changes import Change, offset_of, put
from tests.strategies import bundles, mutated

AK, VIDEO = b"a public area", b"a film"
MANIFEST: Final = Manifest(
    profile="p",
    created=0,
    items={
        "ak": Item.of(AK, type="t/ak", role="ak-public"),
        "video": Item.of(VIDEO, type="t/video", role="media"),
    },
    binding=Binding(alg=labels.HASH_SHA256, nonce=b"\0" * 16, over=("ak",)),
    signers=(RequiredSigner(item="ak", part="operator"),),
)
TYPE_PAIR: Final[dict[Any, Any]] = {"__cmwc_t": "tag:evidence-bundle,2026:content"}
PLAIN: Final[list[Any]] = [
    MANIFEST.encode(),
    {**TYPE_PAIR, "ak": ["t/ak", AK], "video": ["t/video", VIDEO, 3]},
    [["seal/a", b"s1"], ["seal/b", b"s2", b"k2"]],
    [encode({"covers": b"c"})],
]
HEADER: Final = bytes.fromhex("d9d9f7da4556423184")
CONTENT: Final = encode(PLAIN[1])


def file(value: object) -> bytes:
    """A file that holds `value` behind the magic."""
    return labels.MAGIC + encode(value)


def changed(change: Change) -> bytes:
    value: Any = copy.deepcopy(PLAIN)
    change(value)
    return file(value)


def refusal(data: bytes) -> tuple[Code, int]:
    with pytest.raises(MalformedError) as caught:
        Bundle.decode(data)
    return caught.value.code, caught.value.offset


def test_every_part_is_read() -> None:
    bundle = Bundle.decode(file(PLAIN))
    assert bundle == Bundle(
        manifest_raw=MANIFEST.encode(),
        manifest=MANIFEST,
        content={"ak": Record(type="t/ak", value=AK), "video": Record(type="t/video", value=VIDEO, ind=3)},
        seals=(Seal(type="seal/a", value=b"s1"), Seal(type="seal/b", value=b"s2", key=b"k2")),
        renewals=(Renewal(raw=encode({"covers": b"c"})),),
    )
    assert bundle.encode() == file(PLAIN)
    assert bundle.encode().startswith(HEADER)


@given(bundles())
def test_symmetry(bundle: Bundle) -> None:
    data = bundle.encode()
    assert Bundle.decode(data) == bundle
    assert Bundle.decode(data).encode() == data == b"".join(bundle.chunks())


@given(mutated(bundles().map(Bundle.encode)))
def test_mutated_bundles_are_refused_or_read(data: bytes) -> None:
    try:
        bundle = Bundle.decode(data)
    except MalformedError as error:
        assert 0 <= error.offset <= len(data)
    else:
        assert bundle.encode() == data


def test_what_is_withheld_is_left_out() -> None:
    assert Bundle.decode(file([PLAIN[0], TYPE_PAIR, [], []])).content == {}


# --- the magic -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        "",
        "00",
        "7b",
        "d9d900",
        "d9d9f7da45564331",
        "8440a08080",
        "da4556423184",
        "00d9d9f7da45564231",
        "d9d9f7da4557",
    ],
)
def test_wrong_magic(data: str) -> None:
    assert refusal(bytes.fromhex(data)) == (Code.WRONG_MAGIC, 0)


@pytest.mark.parametrize("size", range(1, 8))
def test_a_file_that_ends_in_its_magic(size: int) -> None:
    assert refusal(labels.MAGIC[:size]) == (Code.TRUNCATED, 0)


@pytest.mark.parametrize("version", [b"0", b"2", b"\0", b"\xff"])
def test_unknown_major_version(version: bytes) -> None:
    assert refusal(labels.MAGIC[:-1] + version + encode(PLAIN)) == (Code.UNKNOWN_MAJOR_VERSION, 7)


@pytest.mark.parametrize("size", [8, 9, 40, -40, -1])
def test_a_file_cut_short(size: int) -> None:
    assert refusal(file(PLAIN)[:size])[0] is Code.TRUNCATED


def test_a_file_goes_on_behind_its_end() -> None:
    assert refusal(file(PLAIN) + b"\0") == (Code.TRAILING_BYTES, len(file(PLAIN)))


def test_tags_have_no_place_behind_the_magic() -> None:
    data = labels.MAGIC + labels.MAGIC + encode(PLAIN)
    assert refusal(data) == (Code.UNLISTED_TAG, 8)


def test_the_files_two_tags_do_not_count_as_depth() -> None:
    deepest = b"\x81" * (labels.MAX_DEPTH - 1) + b"\x80"
    assert scan_file(labels.MAGIC + deepest).end == len(labels.MAGIC + deepest)
    assert refusal(labels.MAGIC + b"\x81" + deepest) == (Code.DEPTH_LIMIT, 8 + labels.MAX_DEPTH)


# --- refusals of structure -------------------------------------------------------------------------

# (change, code, bytes before the item at fault, bytes of the item at fault)
REFUSALS: Final[dict[str, tuple[Change, Code, bytes, bytes]]] = {
    "manifest as map": (put({}, 0), Code.WRONG_TYPE, HEADER, b"\xa0"),
    "manifest empty": (put(b"", 0), Code.TRUNCATED, HEADER + b"\x40", CONTENT),
    "manifest of another version": (
        put(MANIFEST.encode().replace(encode("version") + b"\x82\1", encode("version") + b"\x82\2"), 0),
        Code.UNKNOWN_MAJOR_VERSION,
        encode("version") + b"\x82",
        b"\2",
    ),
    "manifest longer than needed": (
        put(b"\xa1\x18\x17\x00", 0),
        Code.NON_SHORTEST,
        HEADER + b"\x44\xa1",
        b"\x18\x17",
    ),
    "manifest with more behind": (put(b"\xa0\x00", 0), Code.TRAILING_BYTES, HEADER + b"\x42\xa0", b"\x00"),
    "content as array": (put([], 1), Code.WRONG_TYPE, encode(PLAIN[0]), b"\x80"),
    "content without its type": (put({}, 1), Code.MISSING_MEMBER, encode(PLAIN[0]), b"\xa0"),
    "content of another type": (
        put("tag:example,2026:x", 1, "__cmwc_t"),
        Code.BAD_VALUE,
        encode("__cmwc_t"),
        encode("tag:example,2026:x"),
    ),
    "content type as bytes": (put(b"t", 1, "__cmwc_t"), Code.WRONG_TYPE, encode("__cmwc_t"), encode(b"t")),
    "label as integer": (
        put({**TYPE_PAIR, 1: ["t", b""]}, 1),
        Code.WRONG_TYPE,
        encode(PLAIN[0]) + b"\xa2",
        b"\1",
    ),
    "label bad": (put(["t", b""], 1, "A"), Code.BAD_LABEL, encode(PLAIN[0]) + b"\xa4", encode("A")),
    "label unknown": (put(["t", b""], 1, "b"), Code.UNKNOWN_LABEL, encode(PLAIN[0]) + b"\xa4", encode("b")),
    "record as bytes": (
        put(AK, 1, "ak"),
        Code.WRONG_TYPE,
        encode(PLAIN[0]) + b"\xa3" + encode("ak"),
        encode(AK),
    ),
    "record of one": (put(["t/ak"], 1, "ak"), Code.WRONG_LENGTH, encode("ak"), encode(["t/ak"])),
    "record of four": (
        put(["t/ak", AK, 1, 2], 1, "ak"),
        Code.WRONG_LENGTH,
        encode("ak"),
        encode(["t/ak", AK, 1, 2]),
    ),
    "record type as bytes": (put([b"t", AK], 1, "ak"), Code.WRONG_TYPE, encode("ak") + b"\x82", encode(b"t")),
    "record value as text": (
        put(["t/ak", "AK"], 1, "ak"),
        Code.WRONG_TYPE,
        encode("ak") + b"\x82" + encode("t/ak"),
        encode("AK"),
    ),
    "record ind negative": (put(-3, 1, "video", 2), Code.WRONG_TYPE, encode(VIDEO), encode(-3)),
    "record ind null": (put(None, 1, "video", 2), Code.WRONG_TYPE, encode(VIDEO), b"\xf6"),
    "seals as map": (put({}, 2), Code.WRONG_TYPE, CONTENT, b"\xa0"),
    "seal as bytes": (put(b"s", 2, 0), Code.WRONG_TYPE, CONTENT + b"\x82", encode(b"s")),
    "seal of one": (put(["seal/a"], 2, 0), Code.WRONG_LENGTH, CONTENT + b"\x82", encode(["seal/a"])),
    "seal of four": (
        put(["a", b"", b"", b""], 2, 0),
        Code.WRONG_LENGTH,
        CONTENT + b"\x82",
        encode(["a", b"", b"", b""]),
    ),
    "seal type as bytes": (put(b"t", 2, 0, 0), Code.WRONG_TYPE, CONTENT + b"\x82\x82", encode(b"t")),
    "seal value as text": (put("s1", 2, 0, 1), Code.WRONG_TYPE, encode("seal/a"), encode("s1")),
    "seal key null": (put(None, 2, 1, 2), Code.WRONG_TYPE, encode(b"s2"), b"\xf6"),
    "renewals as map": (put({}, 3), Code.WRONG_TYPE, encode(PLAIN[2]), b"\xa0"),
    "renewal as map": (put({}, 3, 0), Code.WRONG_TYPE, encode(PLAIN[2]) + b"\x81", b"\xa0"),
    "renewal of an array": (put(b"\x80", 3, 0), Code.WRONG_TYPE, encode(PLAIN[2]) + b"\x81\x41", b"\x80"),
    "renewal empty": (put(b"", 3, 0), Code.TRUNCATED, encode(PLAIN[2]) + b"\x81\x40", b""),
    "renewal out of order": (
        put(bytes.fromhex("a2616200616100"), 3, 0),
        Code.KEY_ORDER,
        encode(PLAIN[2]) + bytes.fromhex("8147a2616200"),
        bytes.fromhex("6161"),
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusal(name: str) -> None:
    change, code, before, target = REFUSALS[name]
    data = changed(change)
    assert refusal(data) == (code, offset_of(data, before, target))


@pytest.mark.parametrize("value", [[], PLAIN[:3], [*PLAIN, []]])
def test_a_bundle_has_four_parts(value: list[object]) -> None:
    assert refusal(file(value)) == (Code.WRONG_LENGTH, 8)


@pytest.mark.parametrize("value", [{}, b"", 0, None])
def test_a_bundle_is_an_array(value: object) -> None:
    assert refusal(file(value)) == (Code.WRONG_TYPE, 8)


def test_encoding_comes_before_structure() -> None:
    assert refusal(labels.MAGIC + b"\x82\x00\x18\x17") == (Code.NON_SHORTEST, 10)


def test_the_largest_manifest() -> None:
    bare = [b"\xa0" + b"\0" * (labels.MAX_MANIFEST - 1), TYPE_PAIR, [], []]
    assert refusal(file(bare)) == (Code.TRAILING_BYTES, len(HEADER) + 5 + 1)
    bare[0] = bytes(labels.MAX_MANIFEST + 1)
    assert refusal(file(bare)) == (Code.SIZE_LIMIT, len(HEADER))


def test_the_most_seals() -> None:
    seals = [["seal/a", b"s"]] * labels.MAX_SEALS
    bundle = Bundle.decode(changed(put(seals, 2)))
    assert len(bundle.seals) == labels.MAX_SEALS
    with pytest.raises(EncodeError):
        bundle.with_seal(Seal(type="seal/a", value=b"s"))
    data = changed(put([*seals, ["seal/a", b"s"]], 2))
    assert refusal(data) == (Code.COUNT_LIMIT, offset_of(data, CONTENT, encode([*seals, ["seal/a", b"s"]])))


# --- making bundles --------------------------------------------------------------------------------


def test_assembling_and_sealing() -> None:
    bundle = Bundle.assemble(MANIFEST, {"ak": AK})
    assert Bundle.decode(bundle.encode()) == bundle
    assert bundle.content == {"ak": Record(type="t/ak", value=AK)}
    first, second = Seal(type="a", value=b"1"), Seal(type="b", value=b"2")
    sealed = bundle.with_seal(first).with_seal(second)
    assert (bundle.seals, sealed.seals) == ((), (first, second))
    assert sealed.manifest_raw == bundle.manifest_raw


def test_no_record_without_an_item() -> None:
    with pytest.raises(EncodeError, match="'other'"):
        Bundle.assemble(MANIFEST, {"ak": AK, "other": b""})


# --- files -----------------------------------------------------------------------------------------


def test_files_are_mapped(tmp_path: Path) -> None:
    path = tmp_path / "a.evb"
    path.write_bytes(file(PLAIN))
    bundle = Bundle.open(path)
    assert bundle == Bundle.decode(file(PLAIN))
    assert isinstance(bundle.content["ak"].value, memoryview)
    assert bundle.content["ak"].value.readonly


def test_an_empty_file_is_no_bundle(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.touch()
    assert bytes(map_file(path)) == b""
    with pytest.raises(MalformedError) as caught:
        Bundle.open(path)
    assert caught.value.code is Code.WRONG_MAGIC


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Bundle.open(tmp_path / "none")


LARGE: Final = 500_000_000
MEGABYTE: Final = 2**20
INSPECT: Final = """
import sys
from pathlib import Path
from bundlefmt.bundle import Bundle
from bundlefmt.render.inspection import inspection
video = next(item for item in inspection(Bundle.open(sys.argv[1]))["items"] if item["label"] == "video")
peak = Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]
print(video["size"], video["presence"], peak)
"""  # ru_maxrss would not do: a child takes it over from the process that started it


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the peak memory from Linux's /proc")
def test_inspecting_a_large_bundle_takes_little_memory(tmp_path: Path) -> None:
    video = replace(MANIFEST.items["video"], size=LARGE)
    manifest = replace(MANIFEST, items={**MANIFEST.items, "video": video})
    # the map's keys in order: "video", "__cmwc_t"
    before = HEADER + encode(manifest.encode()) + b"\xa2" + encode("video")
    before += b"\x82" + encode("t/video") + cbor.head(cbor.BYTES, LARGE)
    path = tmp_path / "large.evb"
    with path.open("wb") as sparse:
        sparse.write(before)
        sparse.truncate(len(before) + LARGE)
        sparse.seek(0, 2)
        sparse.write(encode("__cmwc_t") + encode(TYPE_PAIR["__cmwc_t"]) + b"\x80\x80")
    done = subprocess.run(
        [sys.executable, "-c", INSPECT, str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    size, presence, kibibytes = done.stdout.split()
    assert (int(size), presence) == (LARGE, "present")
    assert int(kibibytes) * 1024 < 80 * MEGABYTE
