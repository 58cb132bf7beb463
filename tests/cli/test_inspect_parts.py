# SPDX-License-Identifier: Apache-2.0
"""What `bundle inspect` shows beneath seals and renewals: timestamps, receipts, attestations, headers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import cbor2
import pytest

from bundlefmt import labels
from bundlefmt.bundle import Bundle, Renewal
from bundlefmt.cose import CoseSign1
from bundlefmt.evidence.block_header import BlockHeader
from bundlefmt.render import seal_parts
from bundlefmt.render.facts import parts_of
from bundlefmt.render.renewal import renewal_facts
from tests.cli.conftest import Bundle as Called
from tests.cli.conftest import vector
from tests.evidence.test_opentimestamps import GENESIS
from tests.test_vectors import octets
from tests.vectorgen import blocks, transparency
from tests.vectorgen.blocks import BITCOIN, HEIGHT, PENDING, SHA1, STEPS, line, number, sized

HOSTILE: Final = "https://a\x1b[2J\n\u202eb"
DIGEST: Final = bytes(32)
Parts = list[tuple[str, dict[str, str]]]


def carried(name: str) -> Parts:
    return parts_of(Bundle.decode(octets(name)).seals[0])


def with_headers(**headers: object) -> Parts:
    """Of the smallest seal with these in its unprotected header."""
    seal = Bundle.decode(octets("seal_receipt")).seals[0]
    message = CoseSign1.decode(seal.value)
    return parts_of(replace(seal, value=replace(message, unprotected=_numbered(headers)).encode()))


def _numbered(headers: dict[str, object]) -> dict[object, object]:
    return {getattr(labels, f"HDR_{name.upper()}"): value for name, value in headers.items()}  # type: ignore[misc]


def by_block(
    ots: bytes, headers: dict[int, bytes], name: str = "block_whole"
) -> tuple[dict[str, str], Parts]:
    """The renewal of a vector with another proof."""
    renewal = cbor2.loads(Bundle.decode(octets(name)).renewals[0].raw)
    renewal["proof"][1] = cbor2.dumps({"ots": ots, "headers": headers}, canonical=True)
    return renewal_facts(Renewal(raw=cbor2.dumps(renewal, canonical=True)))


def proof(lines: Sequence[bytes]) -> bytes:
    return blocks.MAGIC + b"\x01" + blocks.SHA256 + DIGEST + b"".join(lines)


# --- seals ----------------------------------------------------------------------------------------------


def test_a_receipt() -> None:
    shown = {"algorithm": "ESP256", "claims log key": transparency.NAME.encode().hex()}
    place = {"claims tree size": "11", "claims leaf index": "5", "path": "4 nodes"}
    assert carried("seal_receipt") == [("receipt", {**shown, **place})]


def test_receipts_of_two_logs() -> None:
    seal = Bundle.decode(octets("seal_receipt-of-one-of-two")).seals[-1]
    assert [facts["claims log key"] for _, facts in parts_of(seal)] == [
        name.encode().hex() for name in (transparency.OTHER_NAME, transparency.NAME)
    ]


@pytest.mark.parametrize(
    ("name", "kind", "over", "more"),
    [
        ("seal_timestamp", "3161-ctt", "the signature", {}),
        ("seal_timestamp-of-the-payload", "3161-ttc", "the payload", {}),
        ("seal_timestamp-protected", "3161-ctt", "the signature", {"stands in": "the protected header"}),
        (
            "seal_timestamp-of-the-payload-unprotected",
            "3161-ttc",
            "the payload",
            {"stands in": "the unprotected header"},
        ),
    ],
)
def test_a_timestamp(name: str, kind: str, over: str, more: dict[str, str]) -> None:
    ((found, facts),) = carried(name)
    assert found == kind
    assert facts.pop("claims time").startswith("2026-")
    assert facts == {
        "claims to be over": over,
        "claims authority": "CN=Evidence Bundle Test Timestamps 2026 (test key)",
        "imprint": "sha256",
        **more,
    }


@pytest.mark.parametrize(
    ("name", "fact", "words"),
    [
        ("seal_receipt-behind-the-end", "proof", "cannot be read: bad-value at byte 2"),
        ("seal_receipt-cut-short", "cannot be read", "truncated"),
        ("seal_receipt-none", "cannot be read", "not a list of byte strings"),
        ("seal_receipt-not-wrapped", "cannot be read", "not a byte string"),
        ("seal_receipt-two-proofs", "proof", "2 proofs of inclusion"),
        ("seal_receipt-of-another-tree", "proof", "of another kind (tree "),
        ("seal_receipt-of-consistency", "proof", "of another kind (tree 1)"),
        ("seal_receipt-protected", "stands in", "the protected header"),
        ("seal_timestamp-cut-short", "cannot be read", "truncated"),
    ],
)
def test_what_is_bad_is_shown_as_such(name: str, fact: str, words: str) -> None:
    assert words in carried(name)[0][1][fact]


def test_what_is_behind_a_bad_one_is_shown() -> None:
    good = CoseSign1.decode(Bundle.decode(octets("seal_receipt")).seals[0].value)
    receipts = good.unprotected[labels.HDR_RECEIPTS]
    assert isinstance(receipts, list)
    shown = with_headers(**{"3161_ctt": 7, "receipts": [b"\x00", 1, *receipts]})
    assert [kind for kind, _ in shown] == ["3161-ctt", "receipt", "receipt", "receipt"]
    assert ["cannot be read" in facts for _, facts in shown] == [True, True, True, False]


def test_thousands_of_receipts_are_counted() -> None:
    shown = with_headers(receipts=[b"\x00"] * 5000)
    assert len(shown) == seal_parts.MAX_SHOWN + 1
    assert shown[-1] == ("receipts", {"not shown": "4984 more receipts"})
    assert len(with_headers(receipts=[b"\x00"] * seal_parts.MAX_SHOWN)) == seal_parts.MAX_SHOWN


def test_a_seal_with_nothing_beside_it() -> None:
    assert carried("container_cose-esp256") == []
    assert parts_of(Bundle.decode(octets("container_whole")).seals[1]) == []  # OpenPGP


# --- renewals by blocks ---------------------------------------------------------------------------------


def test_a_proof_by_blocks() -> None:
    renewal = Bundle.decode(octets("block_with-a-promise-beside")).renewals[0]
    facts, parts = renewal_facts(renewal)
    stamp = cbor2.loads(renewal.raw)
    assert facts == {
        "proof": blocks.TYPE,
        "proof is over": hashlib.sha256(stamp["covers"]).hexdigest(),
        "operations": "11: 6 SHA-256, 3 append, 2 prepend",
        "hash": "sha256",
        "covers": "5 artifacts, 1 seal, 0 renewals",
    }
    promise, block, header = parts
    assert promise == ("attestation", {"claims promise of calendar": "https://calendar.invalid"})
    assert block == ("attestation", {"claims block of Bitcoin": str(HEIGHT)})
    assert header == (
        "block header",
        {
            "claims height": str(HEIGHT),
            "hash": blocks.hash_of(renewal.raw),
            "claims time": "2026-01-15 14:00:00Z",
            "claims work": "about 2^1 hashes (bits 0x207fffff)",
        },
    )


def test_the_work_of_the_first_block() -> None:
    _, ((_, _), (_, header)) = by_block(proof([line((), BITCOIN, b"\x00")]), {0: GENESIS})
    assert header["hash"] == BlockHeader.decode(GENESIS).hash.hex()
    assert header["claims work"] == "about 2^32 hashes (bits 0x1d00ffff)"  # 2^32 / (1 - 2^-16)
    _, (_, (_, header)) = by_block(proof([line((), BITCOIN, b"\x00")]), {0: GENESIS[:72] + bytes(8)})
    assert header["claims work"] == "such as no hash has (bits 0x00000000)"


@pytest.mark.parametrize(
    ("kind", "payload", "facts"),
    [
        (b"unknown.", b"\x01\x02", {"kind": b"unknown.".hex(), "payload": "0102"}),
        (BITCOIN, b"\x80\x00", {"kind": "block of Bitcoin", "cannot be read": "non-shortest"}),
        (PENDING, sized(b"x" * 1001), {"kind": "promise of a calendar", "cannot be read": "size-limit"}),
        (PENDING, sized(b"x") + b"y", {"kind": "promise of a calendar", "cannot be read": "trailing-bytes"}),
        (PENDING, sized(b"a\xffb"), {"claims promise of calendar": "a\\xffb"}),
    ],
)
def test_attestations(kind: bytes, payload: bytes, facts: dict[str, str]) -> None:
    lines = [b"\xff" + line((), kind, payload), line(STEPS, BITCOIN, number(1))]
    _, ((_, bad), (_, good)) = by_block(proof(lines), {})
    assert bad.keys() == facts.keys()
    assert all(bad[name].startswith(words) for name, words in facts.items())
    assert good == {"claims block of Bitcoin": "1"}


def test_operations_that_are_not_computed_are_counted() -> None:
    facts, _ = by_block(proof([line(((SHA1, b""),), BITCOIN, number(1))]), {})
    assert facts["operations"] == "1: 1 SHA-1"
    facts, _ = by_block(proof([line((), BITCOIN, number(1))]), {})
    assert facts["operations"] == "none"


def test_thousands_of_attestations_are_counted() -> None:
    lines = [b"\xff" + line((), PENDING, sized(b"a"))] * 500 + [line((), BITCOIN, b"\x00")]
    _, parts = by_block(proof(lines), dict.fromkeys(range(17), GENESIS))
    assert [kind for kind, _ in parts] == ["attestation"] * 16 + ["block header"] * 16 + ["more"]
    assert parts[-1][1] == {"not shown": "485 attestations, 1 block header"}


def test_a_hostile_calendar_does_not_reach_the_terminal(bundle: Called, tmp_path: Path) -> None:
    good = Bundle.open(vector("block_promised"))
    renewal = cbor2.loads(good.renewals[0].raw)
    ots = proof([line((), PENDING, sized(HOSTILE.encode()))])
    renewal["proof"][1] = cbor2.dumps({"ots": ots, "headers": {}}, canonical=True)
    raw = cbor2.dumps(renewal, canonical=True)
    file = tmp_path / "hostile.evb"
    file.write_bytes(replace(good, renewals=(Renewal(raw=raw),)).encode())
    tree = bundle("inspect", file)
    assert (tree.code, r"https://a\u{1b}[2J\u{a}\u{202e}b" in tree.out) == (0, True)
    shown = bundle("inspect", file, "--json").json["renewals"][0]["parts"]
    assert shown == [{"kind": "attestation", "facts": {"claims promise of calendar": HOSTILE}}]


@pytest.mark.parametrize("name", ["seal_receipt", "seal_timestamp", "block_whole", "renewal_whole"])
def test_the_tree_has_all_that_the_json_has(name: str, bundle: Called) -> None:
    tree, shown = bundle("inspect", vector(name)).out, bundle("inspect", vector(name), "--json").json
    parts = [part for of in (*shown["seals"], *shown["renewals"]) for part in of["parts"]]
    assert bool(parts) == (name != "renewal_whole")
    for part in parts:
        assert f"\n    {part['kind']}\n" in tree
        assert [word for word in part["facts"].items() if f"      {word[0]}: {word[1]}\n" not in tree] == []
