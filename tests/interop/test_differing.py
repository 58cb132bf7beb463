# SPDX-License-Identifier: Apache-2.0
"""A sample of changed vectors is judged alike by both verifiers; what is not would be found and kept."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from tests.conftest import Need
from tests.fuzz import seeds
from tests.interop import differing, judges
from tests.interop.case import kept, of_vector
from tests.interop.disagreement import differences, every_difference, other_fault
from tests.interop.run_vectors import Json

SEED: Final = 2026
SAMPLE: Final = 400


def said(verdict: str = "FAILED", conclusions: dict[str, str] | None = None, **outcomes: str) -> Json:
    """A report; `quote_form="failed"` is a finding of quote.form."""
    return {
        "verdict": verdict,
        "findings": [
            {"check": name.replace("_", ".", 1), "outcome": outcome} for name, outcome in outcomes.items()
        ],
        "conclusions": [{"id": id, "basis": basis} for id, basis in (conclusions or {}).items()],
    }


def test_a_sample_is_judged_alike(part: Need) -> None:
    part("node")
    vectors, figures, found = sorted(seeds.files()), differing.Figures(), []
    for each in differing.run(SEED, vectors, until=math.inf, count=SAMPLE):
        figures.add(each)
        found += [str(each)] if each.differences else []
    assert found == []
    assert figures.outcomes.total() == SAMPLE
    # most are changed where a verifier looks, and some so that nothing is wrong
    assert (
        min(figures.outcomes[name] for name in ("PASSED", "FAILED", "INDETERMINATE", "refused")) > SAMPLE / 60
    )


def test_the_same_seed_makes_the_same_cases() -> None:
    vectors = sorted(seeds.files())
    plans = [differing.planned(SEED, number, vectors) for number in range(60)]
    made = [differing.changes.changed(*plan) for plan in plans]
    assert made == [differing.changes.changed(*plan) for plan in plans]
    done = Counter(what.partition(" ")[0] for case in made for what in case.done)
    assert len(done) > 8
    assert differing.planned(SEED + 1, 0, vectors) != plans[0]


@pytest.mark.parametrize(
    ("one", "other", "kinds"),
    [
        (said("PASSED"), said("FAILED", quote_form="failed"), {"verdict", "quote.form"}),
        (said(quote_form="failed"), said(quote_pcrs="failed"), {"quote.form", "quote.pcrs"}),
        (said(conclusions={"a.b": "proven"}), said(conclusions={"a.b": "vouched"}), {"= a.b"}),
        (said(), {"error": "float", "offset": 8}, {"refused"}),
        (said(), {"internal": "TypeError"}, {"internal"}),
        # one found a doubt, the other nothing at all: not even that it was skipped
        (said(quote_pcrs="indeterminate"), said(), {"quote.pcrs"}),
        (said(quote_pcrs="failed"), said(quote_pcrs="skipped"), {"quote.pcrs"}),
        (said(seal_form="failed", container_refs="failed"), said(container_refs="failed"), {"seal.form"}),
    ],
)
def test_what_is_different(one: Json, other: Json, kinds: set[str]) -> None:
    assert differences(one, other).keys() == kinds
    assert differences(other, one).keys() == kinds
    assert differences(one, one) == {}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (said(quote_pcrs="indeterminate"), said(quote_pcrs="skipped")),
        (
            said(container_refs="failed", quote_pcrs="failed"),
            said(container_refs="failed", quote_pcrs="passed"),
        ),
        (said(ak_form="failed", quote_pcrs="failed"), said(ak_form="failed", quote_pcrs="skipped")),
    ],
)
def test_what_is_left_open(one: Json, other: Json) -> None:
    """Of several reasons either may be found; a check by a wrong reference judges what is named, or not."""
    assert differences(one, other) == {}
    assert every_difference(one, other)


def test_of_several_faults_of_form_each_may_tell_its_own() -> None:
    one, other = {"error": "float", "offset": 8}, {"error": "truncated", "offset": 9}
    assert differences(one, other) == {}
    assert other_fault(one, other)
    assert not other_fault(one, one)


def test_a_disagreement_is_found_kept_and_asked_again(
    part: Need, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the package finds nothing wrong, each change of a run that the second verifier minds is found."""
    part("node")
    monkeypatch.setattr(differing, "KEPT", tmp_path)
    monkeypatch.setattr(judges, "first", lambda case: said("PASSED"))
    found = [
        each for each in differing.run(SEED, [seeds.SMALL], until=math.inf, count=10) if each.differences
    ]
    assert found
    found[0].keep()
    folder = tmp_path / found[0].name
    told = json.loads((folder / "said.json").read_text("utf-8"))
    assert told["differences"] == found[0].differences
    assert replace(kept(folder), start="", done=()) == replace(found[0].case, start="", done=())
    (asked,) = differing.again([folder])
    assert asked.differences == found[0].differences


def test_a_vector_as_it_is_asks_what_the_vector_asks() -> None:
    case = of_vector("previous_key-came-back")
    assert case.previous is not None
    assert case.bundle != case.previous
    assert of_vector("activation_confirmed-whole").confirmed is not None
