# SPDX-License-Identifier: Apache-2.0
"""`bundle inspect`: everything is shown, nothing is judged, and what is hostile stays on the page."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest

from bundlefmt.bundle import Bundle as Decoded
from bundlefmt.manifest import Item, Manifest
from bundlefmt.render.words import safe
from tests.cli.conftest import VECTORS, Bundle, vector
from tests.test_vectors import JUDGED, REFUSED, said

HOSTILE = "a\x1b[2J\r\n\x00\u202e\u2066\u200b\ufeff\u2028end\u00a0\u3164"


# the smallest of all is written by hand, and says nothing of values on the way
MADE = [name for name in JUDGED if said(name)["intermediates"]]


@pytest.mark.parametrize("name", MADE[::9])
def test_whatever_can_be_read_is_shown(name: str, bundle: Bundle) -> None:
    tree, structure = bundle("inspect", vector(name)), bundle("inspect", vector(name), "--json").json
    manifest = Decoded.open(vector(name)).manifest
    assert tree.code == 0
    assert structure["malformed"] is None
    assert {item["label"] for item in structure["items"]} == set(manifest.items)
    assert [label for label in manifest.items if f"    {label}  " not in tree.out] == []
    assert structure["binding"]["digest"] == said(name)["intermediates"]["binding_digest"]
    assert bundle("inspect", vector(name), "--diag").out == (VECTORS / name / "bundle.diag").read_text(
        "utf-8"
    )


@pytest.mark.parametrize("name", REFUSED)
def test_malformed_files_are_shown_as_far_as_they_can_be_read(name: str, bundle: Bundle) -> None:
    expected = said(name)["expect"]
    answer = bundle("inspect", vector(name))
    assert answer.code == 4
    assert answer.err.startswith(f"error: {expected['error']} at byte {expected['offset']}")
    assert f"stopped at byte {expected['offset']}" in answer.out
    fault = bundle("inspect", vector(name), "--json").json["malformed"]
    assert (fault["code"], fault["offset"]) == (expected["error"], expected["offset"])


def _hostile() -> Manifest:
    """A manifest with hostile text wherever text may stand."""
    good = Decoded.open(vector("container_cose-esp256")).manifest
    item = Item.of(
        b"x", type=f"text/{HOSTILE}", role=HOSTILE, refs={HOSTILE: "quote"}, claimed={HOSTILE: HOSTILE}
    )
    return replace(
        good,
        title=HOSTILE,
        profile=HOSTILE,
        items={**good.items, "hostile": item},
        extensions={HOSTILE: [HOSTILE, {HOSTILE: b"\x1b"}]},
    )


@pytest.mark.parametrize("options", [(), ("--diag",), ("--diag", "--full"), ("--json",)])
def test_hostile_text_does_not_reach_the_terminal(
    options: tuple[str, ...], bundle: Bundle, tmp_path: Path
) -> None:
    good = Decoded.open(vector("container_cose-esp256"))
    values = {label: record.value for label, record in good.content.items()}
    file = tmp_path / "hostile.evb"
    file.write_bytes(Decoded.assemble(_hostile(), values).encode())
    answer = bundle("inspect", file, *options)
    assert answer.code == 0
    assert "end" in answer.out
    unsafe = {
        char
        for char in answer.out
        if char != "\n" and (unicodedata.category(char)[0] == "C" or char == "\u2028")
    }
    assert unsafe == set()


def test_json_has_hostile_text_as_it_is(bundle: Bundle, tmp_path: Path) -> None:
    file = tmp_path / "hostile.evb"
    file.write_bytes(Decoded.assemble(_hostile(), {}).encode())
    shown = bundle("inspect", file, "--json").json
    assert shown["manifest"]["title"] == shown["manifest"]["profile"] == HOSTILE
    assert shown["manifest"]["extensions"] == {HOSTILE: [HOSTILE, {HOSTILE: "1b"}]}
    assert [item["claimed"] for item in shown["items"] if item["role"] == HOSTILE] == [{HOSTILE: HOSTILE}]


@pytest.mark.parametrize("options", ["--json --diag", "--full", "--full --json"])
def test_options_that_do_not_go_together(options: str, bundle: Bundle) -> None:
    answer = bundle("inspect", vector("container_cose-esp256"), *options.split())
    assert (answer.code, answer.out) == (2, "")


def test_safe_text_is_left_as_it_is() -> None:
    text = "Größe 3 µm, 東京, עברית, e\u0301"
    assert safe(text) == text


@pytest.mark.parametrize("size", [10_000, 65_536])
def test_long_text_does_not_flood_the_terminal(size: int, bundle: Bundle, tmp_path: Path) -> None:
    good = Decoded.open(vector("container_cose-esp256"))
    values = {label: record.value for label, record in good.content.items()}
    long = "long " * (size // 5)
    manifest = replace(good.manifest, title=long, extensions={"more": long})
    file = tmp_path / "long.evb"
    file.write_bytes(Decoded.assemble(manifest, values).encode())
    assert max(map(len, bundle("inspect", file).out.splitlines())) < 1_000
    assert bundle("inspect", file, "--json").json["manifest"]["title"] == long
