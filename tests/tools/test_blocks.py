# SPDX-License-Identifier: Apache-2.0
"""Renewals by blocks from the command line: calendars and a miner that there are not, with little work."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bundlefmt import labels
from bundlefmt.bundle import Bundle as Decoded
from bundlefmt.evidence.block_header import BlockHeader
from bundlefmt.evidence.block_proof import BlockProof
from bundlefmt.renewal import Coverage, Stamp
from tests.cli.conftest import Bundle, vector
from tests.test_vectors import octets, said
from tests.tools.test_renew import carried
from tests.tools.time_authority import Authority
from tests.vectorgen import blocks
from tests.vectorgen.blocks import BITCOIN, HEIGHT, PENDING, SHA1, STEPS, after, line, number, sized

KEYS = Path(__file__).parents[2] / "test-vectors" / "keys"
PROMISE = line((), PENDING, sized(b"https://calendar.invalid"))
MINED = line(STEPS, BITCOIN, number(HEIGHT))


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    path = tmp_path / "ceremony.evb"
    path.write_bytes(octets("container_whole"))
    return path


def out(bundle: Bundle, path: Path) -> bytes:
    """The digest of the file that goes out, as ots takes it."""
    request = path.with_suffix(".request")
    answer = bundle("timestamp", path, "--opentimestamps", "--request-out", request, "--force")
    assert answer.code == 0, answer.err
    return hashlib.sha256(request.read_bytes()).digest()


def ots(digest: bytes, *lines: bytes) -> bytes:
    """A proof of these lines, the last of which ends it."""
    forks = b"".join(b"\xff" + each for each in lines[:-1])
    return blocks.MAGIC + b"\x01" + blocks.SHA256 + digest + forks + lines[-1]


def answer(bundle: Bundle, path: Path, proof: bytes, *headers: bytes, options: Any = ()) -> Any:
    """The proof and headers come in; the bundle is replaced."""
    response = path.with_suffix(".ots")
    response.write_bytes(proof)
    words: list[object] = []
    for place, header in enumerate(headers):
        file = path.with_suffix(f".{place}.header")
        file.write_bytes(header)
        words += ["--block-header", file]
    command = ["timestamp", path, "--opentimestamps", "--response-in", response, "--in-place"]
    return bundle(*command, *words, *options)


def mined(digest: bytes, **changes: Any) -> bytes:
    return blocks.header(after(digest, STEPS), **changes)


def refused(answer: Any, path: Path, before: bytes, words: str, hint: str = "", code: int = 1) -> None:
    assert (answer.code, answer.out) == (code, "")
    assert words in answer.err
    assert f"hint: {hint}" in answer.err or not hint
    assert path.read_bytes() == before


@pytest.mark.parametrize("form", ["bytes", "hexadecimal"])
def test_a_bundle_is_stamped_by_a_block(form: str, bundle: Bundle, sealed: Path) -> None:
    before = Decoded.open(sealed)
    digest = out(bundle, sealed)
    header = mined(digest)
    given = header if form == "bytes" else header.hex().encode() + b"\n"
    proof = ots(digest, PROMISE, MINED)
    done = answer(bundle, sealed, proof, given)
    assert (done.code, done.err) == (0, "")
    named = BlockHeader.decode(header).hash.hex()
    assert done.out == f"{sealed}: renewal 1, by block {named} of 2026-01-15 14:00:00Z\n"
    found = Decoded.open(sealed)
    assert (found.manifest_raw, found.seals) == (before.manifest_raw, before.seals)
    stamp = Stamp.decode(found.renewals[0].raw)
    coverage, kept = Coverage.decode(stamp.covers), BlockProof.decode(stamp.proof)
    assert (stamp.type, coverage.alg) == (labels.TYPE_OPENTIMESTAMP, labels.HASH_SHA256)
    assert set(coverage.content) == set(found.content)
    assert kept.ots.raw == proof
    assert {height: each.raw for height, each in kept.headers.items()} == {HEIGHT: header}
    known = said("container_whole")["policy"]
    pins = ["--pin-piv", known["pins_piv"][0], "--pin-openpgp", known["pins_openpgp"][0]]
    judge = ["verify", sealed, *pins, "--anchor", KEYS / "tpm-root.der", "--no-trust", "--json"]
    for options, basis in (["--pin-block", named], "proven"), ([], "unproven"):
        judged = bundle(*judge, *options)
        assert judged.code == 0, judged.out
        (time,) = (each for each in judged.json["conclusions"] if each["id"] == "time.mined")
        assert time["basis"] == basis


def test_it_stands_beside_a_timestamp(bundle: Bundle, sealed: Path, stamps: Authority) -> None:
    carried(bundle, "timestamp", sealed, stamps)
    digest = out(bundle, sealed)
    assert answer(bundle, sealed, ots(digest, MINED), mined(digest)).code == 0
    carried(bundle, "renew", sealed, stamps)
    judged = bundle("verify", sealed, "--no-trust", "--anchor-time", stamps.root, "--json").json
    bad = [each for each in judged["findings"] if each["outcome"] == "failed"]
    assert bad == []
    time = {each["id"]: each["basis"] for each in judged["conclusions"]}
    assert time["time.existed"] == "proven"


def test_two_blocks(bundle: Bundle, sealed: Path) -> None:
    digest = out(bundle, sealed)
    proof = ots(digest, line(STEPS[:2], BITCOIN, number(HEIGHT + 1)), MINED)
    second = blocks.header(after(digest, STEPS[:2]))
    assert answer(bundle, sealed, proof, mined(digest), second).code == 0
    kept = BlockProof.decode(Stamp.decode(Decoded.open(sealed).renewals[0].raw).proof)
    assert {height: each.raw for height, each in kept.headers.items()} == {
        HEIGHT: mined(digest),
        HEIGHT + 1: second,
    }


def test_a_block_that_is_known(bundle: Bundle, sealed: Path) -> None:
    before = sealed.read_bytes()
    digest = out(bundle, sealed)
    given = [bundle, sealed, ots(digest, MINED), mined(digest)]
    strange = answer(*given, options=["--pin-block", "00" * 32])
    refused(strange, sealed, before, "block.known: it leads to no block that is known")
    named = BlockHeader.decode(mined(digest)).hash.hex()
    assert answer(*given, options=["--pin-block", named]).code == 0


# --- refused --------------------------------------------------------------------------------------------


def test_a_proof_over_something_else(bundle: Bundle, sealed: Path) -> None:
    other = sealed.with_name("other.evb")
    other.write_bytes(octets("container_cose-esp384"))
    before, digest = other.read_bytes(), out(bundle, sealed)
    done = answer(bundle, other, ots(digest, MINED), mined(digest))
    refused(done, other, before, "the proof is over something else than what is in this bundle now")


def test_a_bundle_that_has_changed_since(bundle: Bundle, sealed: Path, stamps: Authority) -> None:
    digest = out(bundle, sealed)
    carried(bundle, "timestamp", sealed, stamps)
    before = sealed.read_bytes()
    done = answer(bundle, sealed, ots(digest, MINED), mined(digest))
    refused(done, sealed, before, "the proof is over something else than what is in this bundle now")


def test_a_block_with_other_transactions(bundle: Bundle, sealed: Path) -> None:
    before, digest = sealed.read_bytes(), out(bundle, sealed)
    done = answer(bundle, sealed, ots(digest, MINED), blocks.header(bytes(32)))
    refused(done, sealed, before, "has other transactions", f"by the proof it is block {HEIGHT}")


def test_a_second_header_that_the_proof_does_not_lead_to(bundle: Bundle, sealed: Path) -> None:
    before, digest = sealed.read_bytes(), out(bundle, sealed)
    done = answer(bundle, sealed, ots(digest, MINED), mined(digest), blocks.header(bytes(32)))
    refused(done, sealed, before, "has other transactions")


def test_a_header_without_its_work(bundle: Bundle, sealed: Path) -> None:
    before, digest = sealed.read_bytes(), out(bundle, sealed)
    done = answer(bundle, sealed, ots(digest, MINED), mined(digest, worked=False))
    refused(done, sealed, before, "lacks the work that it names")


def test_one_height_twice(bundle: Bundle, sealed: Path) -> None:
    """The proof says of two blocks that they are the same."""
    before, digest = sealed.read_bytes(), out(bundle, sealed)
    proof = ots(digest, line(STEPS[:2], BITCOIN, number(HEIGHT)), MINED)
    done = answer(bundle, sealed, proof, mined(digest))
    refused(done, sealed, before, f"block {HEIGHT} has other transactions than the proof leads to")


@pytest.mark.parametrize("lines", [(PROMISE,), (line(((SHA1, b""),), BITCOIN, number(HEIGHT)),)])
def test_a_proof_that_leads_to_no_block(lines: tuple[bytes, ...], bundle: Bundle, sealed: Path) -> None:
    before, digest = sealed.read_bytes(), out(bundle, sealed)
    done = answer(bundle, sealed, ots(digest, *lines), mined(digest))
    refused(done, sealed, before, "the proof leads to no block of Bitcoin", "ots upgrade")


@pytest.mark.parametrize(
    "proof", [b"\x00", b"\x00OpenTimestamps", ots(bytes(32), MINED) + b"\x00", ots(bytes(32), MINED[:-1])]
)
def test_what_is_no_proof(proof: bytes, bundle: Bundle, sealed: Path) -> None:
    before = sealed.read_bytes()
    done = answer(bundle, sealed, proof, blocks.header(bytes(32)))
    refused(done, sealed, before, "not an OpenTimestamps proof")


def test_a_height_that_is_none(bundle: Bundle, sealed: Path) -> None:
    before, digest = sealed.read_bytes(), out(bundle, sealed)
    done = answer(bundle, sealed, ots(digest, line(STEPS, BITCOIN, b"\x80\x00")), mined(digest))
    refused(done, sealed, before, "not an OpenTimestamps proof")


@pytest.mark.parametrize("header", [b"", bytes(79), b"0" * 79, b"x" * 160, b"00" * 81])
def test_what_is_no_header(header: bytes, bundle: Bundle, sealed: Path) -> None:
    before, digest = sealed.read_bytes(), out(bundle, sealed)
    done = answer(bundle, sealed, ots(digest, MINED), header)
    refused(done, sealed, before, "holds no block header", "80 bytes, or these in hexadecimal", code=2)


def test_the_block_is_named_that_is_wanted(bundle: Bundle, sealed: Path) -> None:
    before, digest = sealed.read_bytes(), out(bundle, sealed)
    done = answer(bundle, sealed, ots(digest, PROMISE, MINED))
    words = f"say which block it is: the proof names {HEIGHT}"
    wanted = "--block-header FILE, of what bitcoin-cli getblockheader "
    wanted += f"$(bitcoin-cli getblockhash {HEIGHT}) false"
    refused(done, sealed, before, words, wanted, code=2)


def test_a_proof_where_an_authoritys_answer_is_wanted(bundle: Bundle, sealed: Path) -> None:
    proof, digest = sealed.with_suffix(".ots"), out(bundle, sealed)
    proof.write_bytes(ots(digest, MINED))
    done = bundle("timestamp", sealed, "--response-in", proof, "-o", sealed.with_suffix(".new"))
    assert (done.code, "hint: --opentimestamps" in done.err) == (1, True)


def test_a_hash_that_is_none(bundle: Bundle, sealed: Path) -> None:
    proof, digest = sealed.with_suffix(".ots"), out(bundle, sealed)
    proof.write_bytes(ots(digest, MINED))
    done = bundle(
        *("timestamp", sealed, "--opentimestamps", "--response-in", proof, "--pin-block", "00"),
        *("-o", sealed.with_suffix(".new")),
    )
    assert (done.code, "'00' is not the hash of a block" in done.err) == (2, True)
    assert "hint: bitcoin-cli getblockhash" in done.err


def test_behind_a_stronger_renewal(bundle: Bundle, sealed: Path, stamps: Authority) -> None:
    carried(bundle, "renew", sealed, stamps, "--hash", "sha384")
    request = sealed.with_suffix(".request")
    done = bundle("timestamp", sealed, "--opentimestamps", "--request-out", request)
    assert (done.code, "sha256 is weaker than sha384" in done.err) == (1, True)
    assert "hint: a proof by blocks is by SHA-256 alone" in done.err
    assert not request.exists()


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--request-out", "x", "--response-in", "y"],
        ["--request-out", "x", "-o", "y"],
        ["--request-out", "x", "--block-header", "y"],
        ["--request-out", "x", "--pin-block", "00"],
        ["--request-out", "x", "--seal", "1"],
        ["--request-out", "x", "--hash", "sha256"],
        ["--url", "http://x.invalid"],
        ["--response-in", "x", "--anchor-time", "x", "-o", "y"],
        ["--response-in", "x"],
        ["--response-in", "x", "-o", "y", "--pin-block", "00"],
    ],
)
def test_usage(bundle: Bundle, sealed: Path, options: list[str]) -> None:
    assert bundle("timestamp", sealed, "--opentimestamps", *options).code == 2


@pytest.mark.parametrize("option", ["--block-header", "--pin-block"])
def test_options_of_blocks_alone(option: str, bundle: Bundle, sealed: Path) -> None:
    done = bundle("timestamp", sealed, "--request-out", sealed.with_suffix(".q"), option, "x")
    assert (done.code, "go with --opentimestamps" in done.err) == (2, True)


# --- made elsewhere -------------------------------------------------------------------------------------


def without_renewals(name: str, folder: Path) -> Path:
    """A vector without its renewal, which lies beside it as r."""
    whole, bare = Decoded.open(vector(name)), folder / "bare.evb"
    (folder / "r").write_bytes(whole.renewals[0].raw)
    bare.write_bytes(replace(whole, renewals=()).encode())
    return bare


@pytest.mark.parametrize(
    "name", ["block_whole", "block_with-a-promise-beside", "block_promised", "block_by-sha1"]
)
def test_a_renewal_is_attached(name: str, bundle: Bundle, tmp_path: Path) -> None:
    bare = without_renewals(name, tmp_path)
    done = bundle("attach", bare, "--renewal", tmp_path / "r", "--in-place")
    assert done.code == 0, done.err
    assert bare.read_bytes() == octets(name)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("block_over-something-else", "over something else than the coverage"),
        ("block_of-other-transactions", "has other transactions"),
        ("block_without-its-work", "lacks the work"),
        ("block_by-sha384", "not by SHA-256"),
        ("block_header-cut-short", "block header"),
        ("block_proof-with-more-behind", "trailing-bytes"),
        ("block_unknown-operation", "that is not known"),
    ],
)
def test_a_renewal_that_does_not_hold_is_not_attached(
    name: str, words: str, bundle: Bundle, tmp_path: Path
) -> None:
    bare = without_renewals(name, tmp_path)
    before = bare.read_bytes()
    done = bundle("attach", bare, "--renewal", tmp_path / "r", "--in-place")
    assert (done.code, words in done.err, "block.form" in done.err) == (2, True, True)
    assert bare.read_bytes() == before
