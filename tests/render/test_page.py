# SPDX-License-Identifier: Apache-2.0
"""The page of a report: what is in it, for every kind of vector; nothing else, whatever is in the bundle."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bundlefmt.bundle import Bundle
from bundlefmt.errors import MalformedError
from bundlefmt.manifest import Item, Refs, RequiredSigner
from bundlefmt.render.case import Case
from bundlefmt.render.explanation import sections
from bundlefmt.render.html_page import page
from bundlefmt.render.words import safe
from bundlefmt.verify import Outcome, Policy, Report, Verdict, verify
from bundlefmt.verify.verifier import CHECK_IDS
from tests.render.hostile import HOSTILE, bundle
from tests.render.page_reading import faults, tree
from tests.test_vectors import JUDGED, before, octets, policy_of, said

TEXTS = sections((Path(__file__).parents[2] / "spec" / "checks.md").read_text("utf-8"))
# one of each kind of evidence, of each verdict, and what is read in ways of its own
CHOSEN = (
    *("activation_whole", "activation_missing", "certify_wrong-magic", "hardware_advisory-required"),
    *("log_firmware", "previous_key-came-back", "clock_of-another-boot-allowed", "activation_withheld"),
)
SAMPLE = sorted({*JUDGED[::29], *CHOSEN})


def case_of(name: str) -> Case:
    vector = said(name)
    found = Bundle.decode(octets(name))
    report = verify(found, policy_of(vector["policy"]), previous=before(vector))
    return Case(bundle=found, report=report, texts=TEXTS)


@cache
def written(name: str) -> tuple[str, Report]:
    case = case_of(name)
    return page(case), case.report


def words(element: ElementTree.Element | None) -> str:
    assert element is not None
    return re.sub(r"\s+", " ", "".join(element.itertext()))


def place(root: ElementTree.Element, id: str) -> ElementTree.Element:
    (found,) = (each for each in root.iter() if each.attrib.get("id") == id)
    return found


@pytest.mark.parametrize("name", SAMPLE)
def test_a_page_has_nothing_that_it_must_not_have(name: str) -> None:
    assert list(faults(written(name)[0])) == []


@pytest.mark.parametrize("name", SAMPLE)
def test_a_page_says_all_that_the_report_says(name: str) -> None:
    source, report = written(name)
    root = tree(source)
    assert words(place(root, "verdict")).count(report.verdict) == 1
    others = {verdict.value for verdict in Verdict} - {report.verdict.value}
    assert not any(other in words(place(root, "verdict")) for other in others)
    for conclusion in report.conclusions:
        said_there = words(place(root, f"conclusion-{conclusion.id}"))
        assert f"{conclusion.basis}: {safe(conclusion.statement)}" in said_there
        assert all(check in said_there for check in conclusion.rests_on)
    for check in CHECK_IDS:
        there = words(place(root, f"check-{check}"))
        for finding in report.of(check):
            assert finding.outcome in there
            assert safe(finding.message[:400]) in there
        assert "Why" in there
        assert "Rule" in there


@pytest.mark.parametrize("name", SAMPLE)
def test_what_speaks_against_stands_at_the_top(name: str) -> None:
    source, report = written(name)
    listed = words(place(tree(source), "verdict"))
    against = [each for each in report.findings if each.outcome in (Outcome.FAILED, Outcome.INDETERMINATE)]
    assert all(f"{each.outcome} {each.check}" in listed for each in against)
    assert ("What speaks against it" in listed) == bool(against)


@pytest.mark.parametrize("name", SAMPLE)
def test_every_item_and_seal_is_there(name: str) -> None:
    root, found = tree(written(name)[0]), Bundle.decode(octets(name))
    for label, item in found.manifest.items.items():
        row = words(place(root, f"item-{label}"))
        assert item.digest.value.hex() in row
        assert ("not in this file" in row) == (label not in found.content)
    for number in range(1, len(found.seals) + 1):
        assert f"seal {number}" in words(place(root, f"seal-{number}"))


@pytest.mark.parametrize("name", SAMPLE)
def test_what_was_skipped_is_said(name: str) -> None:
    source, report = written(name)
    listed = words(place(tree(source), "open"))
    skipped = {each.check for each in report.findings if each.outcome is Outcome.SKIPPED}
    assert all(check in listed for check in skipped)


def test_the_drawing_and_its_list_say_the_same() -> None:
    root = tree(written("activation_whole")[0])
    graph = place(root, "graph")
    listed = [words(each) for each in place(root, "graph-list")]
    labels = [
        words(each.find("text")) for each in graph.iter("g") if each.attrib["class"].startswith("label")
    ]
    assert len(labels) == len(listed) > 8
    for label in labels:
        number, sign, check = label.split(" ", 2)
        line = listed[int(number) - 1]
        assert line.strip().startswith(sign)
        assert check in line


def test_the_graph_of_a_failed_statement() -> None:
    """The arrow by which it fails is failed, and no other of another area."""
    root = tree(written("certify_wrong-magic")[0])
    lines = [words(each).strip() for each in place(root, "graph-list")]
    failed = [line for line in lines if line.startswith("✗ failed")]
    assert failed
    assert all("certify." in line for line in failed)
    assert any(line.startswith("✓ passed") and "quote." in line for line in lines)


def test_no_time_is_called_proven() -> None:
    root = tree(written("activation_whole")[0])
    times = place(root, "timeline")
    rows = [words(row) for row in times.iter("tr")]
    assert any("the manifest was made" in row and "claimed" in row for row in rows)
    assert any("seal 1 was made" in row and "claimed" in row for row in rows)
    assert not any("proven" in row for row in rows)


def test_a_time_that_an_authority_stamped_is_told_from_one_that_is_claimed() -> None:
    rows = [words(row) for row in place(tree(written("renewal_three-times")[0]), "timeline").iter("tr")]
    stamped = [row for row in rows if "stamped" in row]
    assert [row.split("renewal ")[1][0] for row in stamped] == ["1", "2", "3"]
    assert all("Evidence Bundle Test Time Root" in row for row in stamped)
    rows = [words(row) for row in place(tree(written("renewal_unknown-authority")[0]), "timeline").iter("tr")]
    assert [row for row in rows if "before renewal 1" in row and "claimed" in row]
    assert not any("stamped" in row for row in rows)


@pytest.mark.parametrize(
    ("name", "what", "known", "by"),
    [
        ("seal_timestamp", "seal 1 existed", "stamped", "Evidence Bundle Test Time Root"),
        ("seal_timestamp-by-a-stranger", "seal 1 existed", "claimed", "its authority"),
        ("block_whole", "before renewal 1", "mined", "block 123456 of Bitcoin"),
        ("block_of-nobody", "before renewal 1", "claimed", "block 123456 of Bitcoin"),
    ],
)
def test_a_seals_own_timestamp_and_a_block_are_among_the_times(
    name: str, what: str, known: str, by: str
) -> None:
    times = place(tree(written(name)[0]), "timeline")
    (row,) = [words(each) for each in times.iter("tr") if what in words(each)]
    assert known in row
    assert by in row
    assert ("No time here is proven" in words(times)) is (known == "claimed")


def test_a_check_that_one_of_two_renewals_passed_is_not_called_skipped() -> None:
    root = tree(written("block_and-timestamp")[0])
    assert "rests on 9 checks: 8 passed, 1 skipped" in words(place(root, "conclusion-time.existed"))
    unproven = words(place(tree(written("block_whole")[0]), "conclusion-time.existed"))
    assert "rests on 9 checks: 9 skipped" in unproven


def test_a_log_is_beneath_its_values() -> None:
    root = tree(written("log_firmware")[0])
    pcrs = place(root, "pcrs")
    assert "these events give the value" in words(pcrs)
    events = [each for each in pcrs.iter("ol") if each.attrib.get("class") == "events"]
    assert sum(len(list(each)) for each in events) > 3
    assert "Secure Boot" in words(place(root, "boot"))


@pytest.mark.parametrize("name", ["activation_whole", "log_firmware"])
def test_the_same_input_gives_the_same_page(name: str) -> None:
    assert page(case_of(name)) == page(case_of(name))


def test_a_relaxation_is_at_the_top() -> None:
    found = Bundle.decode(octets("activation_whole"))
    relaxed = Case(bundle=found, report=verify(found, Policy(allow_sha1=True)), texts=TEXTS)
    assert "allow_sha1" in words(place(tree(page(relaxed)), "verdict"))
    assert "allow_sha1" not in words(place(tree(written("activation_whole")[0]), "verdict"))


def judged(found: Bundle) -> Case:
    return Case(bundle=found, report=verify(found, Policy()), texts=TEXTS)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_what_strangers_write_stays_text(text: str) -> None:
    source = page(judged(bundle(text)))
    assert list(faults(source)) == []
    assert "\u202e" not in source
    assert "\u2066" not in source
    assert "x" * 5000 not in source
    root = tree(source)
    beginning = "".join(safe(text[:4]).split())
    for part in (root.find("body/header"), place(root, "items")):
        assert beginning in "".join(words(part).split())


@settings(max_examples=25)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=400))
def test_whatever_strangers_write_the_page_is_whole(text: str) -> None:
    try:
        found = Bundle.decode(bundle(text).encode())
    except MalformedError:
        found = bundle(text)
    assert list(faults(page(judged(found)))) == []


def test_a_file_may_name_any_number_of_things() -> None:
    """Pages stay of a size that can be read: what is left out is counted."""
    small = bundle("a")
    names = tuple(f"q{number}" for number in range(3000))
    refs: Refs = {"by": names, "subject": names}
    items = dict.fromkeys(names, Item.of(b"", type="x", role="quote", refs={"by": ("q1", "q2")}))
    items["certify"] = Item.of(b"", type="x", role="certify", refs=refs)
    binding = replace(small.manifest.binding, over=())
    signers = (RequiredSigner(item="q0", part="witness"),)
    manifest = replace(small.manifest, items=items, binding=binding, signers=signers)
    source = page(judged(Bundle.assemble(manifest, {})))
    assert list(faults(source)) == []
    assert len(source) < 8_000_000
    assert "Too much to draw" in source
    assert "There are more than 500" in source
    assert "and 1 more items" in source
