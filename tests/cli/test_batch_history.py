# SPDX-License-Identifier: Apache-2.0
"""The history of machines: what happened to them is what is told, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bundlefmt.render.history_changes import Kind, duration
from tests import snapshots
from tests.cli.conftest import ROOT, Bundle, vector
from tests.json_schema import faults
from tests.render.page_reading import faults as page_faults
from tests.render.page_reading import tree

SCHEMA = json.loads((ROOT / "spec" / "history.schema.json").read_text(encoding="utf-8"))
PINNED = ("--no-trust", "--pin-piv", snapshots.PIN, "--jobs", "1")
# what happens to a machine on its fifth day, and what is told of that day's snapshot or the next
EVENTS: dict[str, tuple[Mapping[str, object], list[str]]] = {
    "nothing": ({}, []),
    "reset": ({"resets": 9}, ["reset"]),
    "restart": ({"restarts": 1}, ["restart"]),
    "reset-and-pcr": ({"resets": 8, "pcr_7": bytes(32)}, ["reset", "pcrs"]),
    "pcr": ({"pcr_7": bytes(32)}, ["pcrs"]),
    "cleared": ({"resets": 0}, ["counters-back"]),
    "clock-set-back": ({"set_back": 2 * snapshots.DAY * 1000}, ["clock-back"]),
    "late": ({"late": snapshots.DAY}, ["gap"]),
    "lost": ({"lost": True}, ["missing-predecessor", "gap"]),
    "lost-with-a-reset": ({"lost": True, "resets": 8}, ["missing-predecessor", "gap", "reset"]),
    "another-firmware": ({"firmware": 2 << 32}, ["firmware"]),
    "unchained": ({"chained": False}, ["unchained"]),
}


def told(bundle: Bundle, *words: object) -> dict[str, Any]:
    """The history as JSON, as the schema has it."""
    answer = bundle("batch", "history", *map(str, words), "--json")
    found: dict[str, Any] = answer.json
    assert list(faults(found, SCHEMA)) == []
    assert answer.code == (1 if found["faults"] else 0)
    return found


def kinds(platform: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """(file, kinds of changes) of each snapshot at which something happened."""
    return [
        (Path(each["path"]).stem, [change["kind"] for change in each["changes"]])
        for each in platform["snapshots"]
        if each["changes"]
    ]


@pytest.mark.parametrize("name", EVENTS)
def test_what_happens_is_told(name: str, tmp_path: Path, bundle: Bundle) -> None:
    changes, expected = EVENTS[name]
    snapshots.written(tmp_path, "m", 10, {4: changes})
    (platform,) = told(bundle, tmp_path, "--interval", "36h")["platforms"]
    day = "m-000005" if "lost" in name else "m-000004"
    first, *others = kinds(platform)
    assert first == ("m-000000", ["first"])
    assert others == ([(day, expected)] if expected else [])
    assert platform["faults"] == sum(Kind(kind).is_fault for kind in expected)


def test_a_lost_snapshot_is_a_gap_too_where_the_next_does_not_name_it(tmp_path: Path, bundle: Bundle) -> None:
    snapshots.written(tmp_path, "m", 10, {4: {"lost": True}, 5: {"chained": False}})
    (platform,) = told(bundle, tmp_path, "--interval", "36h")["platforms"]
    assert kinds(platform)[1:] == [("m-000005", ["unchained", "gap"])]
    (platform,) = told(bundle, tmp_path, "--interval", "2d")["platforms"]
    assert kinds(platform)[1:] == [("m-000005", ["unchained"])]


def test_a_fork(tmp_path: Path, bundle: Bundle) -> None:
    """Two histories of one machine that part on the fourth day; both successors say so."""
    snapshots.written(tmp_path / "one", "m", 6)
    snapshots.written(tmp_path / "two", "m", 6, {4: {"pcr_7": bytes(32)}})
    found = told(bundle, tmp_path / "one", tmp_path / "two")
    (platform,) = found["platforms"]
    changed = dict[str, Any]()
    for each in platform["snapshots"]:
        changed[each["path"]] = {change["kind"]: change["message"] for change in each["changes"]}
    forks = {path: said["fork"] for path, said in changed.items() if "fork" in said}
    one, two = (str(tmp_path / side / "m-000004.evb") for side in ("one", "two"))
    assert forks == {
        one: f"the one before it has another after it: {two}",
        two: f"the one before it has another after it: {one}",
    }
    assert found["faults"] == 2
    # the days before are the same files, told once
    assert len(platform["snapshots"]) == 4 + 2 * 2
    assert changed[str(tmp_path / "one" / "m-000002.evb")] == {
        "copy": f"the same manifest in {tmp_path}/two/m-000002.evb"
    }


def test_a_manifest_is_found_by_each_of_its_digests(tmp_path: Path, bundle: Bundle) -> None:
    """Also a fork whose sides name it by different ones."""
    snapshots.written(tmp_path / "one", "m", 6, {2: {"named_by": -43}, 4: {"named_by": -44}})
    (platform,) = told(bundle, tmp_path / "one")["platforms"]
    assert kinds(platform) == [("m-000000", ["first"])]
    snapshots.written(tmp_path / "two", "m", 3, {2: {"named_by": -44}})
    (platform,) = told(bundle, tmp_path / "one", tmp_path / "two")["platforms"]
    assert [changes for name, changes in kinds(platform) if name == "m-000002"] == [["fork"], ["fork"]]


def test_a_fork_of_a_snapshot_that_is_lost(tmp_path: Path, bundle: Bundle) -> None:
    snapshots.written(tmp_path / "one", "m", 6, {3: {"lost": True}})
    snapshots.written(tmp_path / "two", "m", 6, {3: {"lost": True}, 4: {"pcr_7": bytes(32)}})
    (platform,) = told(bundle, tmp_path / "one", tmp_path / "two")["platforms"]
    found = [changes for name, changes in kinds(platform) if name == "m-000004"]
    assert found == [["missing-predecessor", "fork", "gap"], ["missing-predecessor", "fork", "pcrs"]]


def test_each_machine_has_its_own(tmp_path: Path, bundle: Bundle) -> None:
    snapshots.written(tmp_path, "a", 5, {2: {"resets": 8}})
    snapshots.written(tmp_path, "b", 5)
    first, second = told(bundle, tmp_path)["platforms"]
    assert [name for name, _ in kinds(first)] == ["a-000000", "a-000002"]
    assert [name for name, _ in kinds(second)] == ["b-000000"]
    assert not set(first["ak_names"]) & set(second["ak_names"])


def test_a_snapshot_that_claims_an_earlier_time(tmp_path: Path, bundle: Bundle) -> None:
    snapshots.written(tmp_path, "m", 4, {2: {"late": -2 * snapshots.DAY}})
    (platform,) = told(bundle, tmp_path)["platforms"]
    found = dict(kinds(platform))
    assert found["m-000002"] == ["created-back"]
    assert found["m-000003"] == ["gap"]


def test_results_and_bundles_tell_the_same(tmp_path: Path, bundle: Bundle) -> None:
    """From lines, from Parquet, and from bundles nobody judged; each but for the verdict."""
    folder = tmp_path / "snapshots"
    snapshots.written(folder, "m", 8, {3: {"resets": 8, "pcr_7": bytes(32)}, 5: {"lost": True}})
    (folder / "broken.evb").write_bytes(b"no bundle")
    rows, columns = tmp_path / "r.ndjson", tmp_path / "r.parquet"
    bundle("batch", "verify", folder, *PINNED, "-o", rows, "--parquet", columns)
    from_rows, from_columns, unjudged = (told(bundle, each) for each in (rows, columns, folder))
    assert from_rows == from_columns
    assert from_rows["unread"] == [{"path": f"{folder}/broken.evb", "code": "wrong-magic"}]
    for each in from_rows["platforms"][0]["snapshots"]:
        assert each.pop("verdict") == "PASSED"
    for each in unjudged["platforms"][0]["snapshots"]:
        assert each.pop("verdict") is None
    assert from_rows == unjudged


def test_the_table(tmp_path: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    snapshots.written(Path("s"), "m", 10, {4: {"resets": 8, "pcr_7": bytes(32)}, 6: {"lost": True}})
    bundle("batch", "verify", "s", *PINNED, "-o", "r.ndjson")
    answer = bundle("batch", "history", "r.ndjson")
    assert (answer.code, answer.err) == (1, "")
    head, *rest = answer.out.splitlines()
    assert head.startswith("machine 1: attestation key 000b")
    assert rest == [
        "  9 snapshots, 2026-01-15 12:00:00Z to 2026-01-24 12:00:00Z",
        "  2026-01-15 12:00:00Z  PASSED         s/m-000000.evb",
        "                                       first: names none before it",
        "                        (3 snapshots without a change)",
        "  2026-01-19 12:00:00Z  PASSED         s/m-000004.evb",
        "                                       reset: 1 more, 8 in all",
        "                                       pcrs: sha256: 7",
        "                        (1 snapshot without a change)",
        "  2026-01-22 12:00:00Z  PASSED         s/m-000007.evb",
        rest[9],
        "                        FAULT          gap: 2 days after the one before it",
        "                        (2 snapshots without a change)",
        "1 machine, 2 faults in their histories",
    ]
    assert rest[9].startswith(
        f"  {'':20}  {'FAULT':14} missing-predecessor: names one before it that is not here"
    )
    assert bundle("batch", "history", "r.ndjson", "-v").out.count(".evb\n") == 9


def test_the_page(tmp_path: Path, bundle: Bundle) -> None:
    folder, page = tmp_path / "s", tmp_path / "history.html"
    snapshots.written(folder, "m", 10, {4: {"resets": 8, "pcr_7": bytes(32)}, 6: {"lost": True}})
    (folder / "<script>alert(1)\u202e.evb").write_bytes(vector("certify_wrong-magic").read_bytes())
    (folder / "broken.evb").write_bytes(b"no bundle")
    bundle("batch", "verify", folder, *PINNED, "-o", tmp_path / "r")
    answer = bundle("batch", "history", tmp_path / "r", "-o", page)
    assert (answer.code, answer.out) == (1, f"{page}: 2 machines, 2 faults\n")
    source = page.read_text(encoding="utf-8")
    assert list(page_faults(source)) == []
    assert "<script" not in source and "\u202e" not in source
    root = tree(source)
    text = " ".join(" ".join(root.itertext()).split())
    assert "missing-predecessor : names one before it that is not here" in text
    assert "3 snapshots without a change" in text
    assert "9 snapshots, 2026-01-15 12:00:00Z to 2026-01-24 12:00:00Z" in text
    assert "broken.evb" in text and "wrong-magic" in text
    lanes = {each.text for each in root.iter() if each.attrib.get("class") == "title"}
    assert {"snapshots", "boots: 1", "PCR changes: 1", "faults: 2"} <= lanes
    ids = [each.attrib["id"] for each in root.iter() if "id" in each.attrib]
    assert len(ids) == len(set(ids))
    assert bundle("batch", "history", tmp_path / "r", "-o", page).code == 2
    assert bundle("batch", "history", tmp_path / "r", "-o", page, "--force").code == 1
    assert page.read_text(encoding="utf-8") == source


@pytest.mark.parametrize("text", ["36", "h", "-1h", "1.5d", "36 h", "1w", "٣h"])
def test_what_is_no_time_between_snapshots(text: str, tmp_path: Path, bundle: Bundle) -> None:
    answer = bundle("batch", "history", tmp_path, "--interval", text)
    assert answer.code == 2
    assert "no time between snapshots" in answer.err


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 seconds"),
        (59, "59 seconds"),
        (3_600, "1 hour"),
        (90_061, "1 day 1 hour"),
        (172_800, "2 days"),
    ],
)
def test_durations(seconds: int, words: str) -> None:
    assert duration(seconds) == words


def test_the_kinds_are_those_of_the_schema_and_the_specification() -> None:
    change = SCHEMA["$defs"]["snapshot"]["properties"]["changes"]["items"]["properties"]["kind"]
    assert set(change["enum"]) == set(Kind)
    text = (ROOT / "spec" / "evidence-bundle.md").read_text(encoding="utf-8")
    table = text.partition("| `kind` of a change | fault | |")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:3]] for line in table.splitlines()[2:]]
    said = {name.strip("`"): fault == "yes" for names, fault in rows for name in names.split(", ")}
    assert said == {kind.value: kind.is_fault for kind in Kind}


def test_parquet_of_something_else(tmp_path: Path, bundle: Bundle) -> None:
    file = tmp_path / "x.parquet"
    file.write_bytes(b"PAR1 and nothing")
    answer = bundle("batch", "history", file)
    assert answer.code == 2
    assert answer.err.startswith(f"error: {file}: ")
