# SPDX-License-Identifier: Apache-2.0
"""A run that breaks a limit says so in the record, the table and the picture; a missed goal is no fault."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from bundlefmt.bundle import Bundle
from tests.bench import bare, plot, record
from tests.bench.measure import Measure
from tests.bench.programs import REFERENCE, reference_file
from tests.fuzz import seeds


def measure(*ratios: float, limit: float | None = 3.0, goal: float | None = 1.5) -> Measure:
    return Measure(
        name="this < that : & more",
        area="area",
        values=ratios,
        bases=(1.0,) * len(ratios),
        unit="ms",
        limit=limit,
        goal=goal,
    )


@pytest.mark.parametrize(
    ("found", "broken"),
    [
        (measure(2.0, 2.9, 9.0), False),
        (measure(3.0), False),
        (measure(2.0, 3.1, 9.0), True),
        (measure(99.0, limit=None), False),
    ],
)
def test_a_limit_is_broken_by_the_median(found: Measure, broken: bool) -> None:
    written = record.record([found], (0.5, 1.5))
    assert written["schema"] == record.SCHEMA
    assert written["load"] == [0.5, 1.5]
    assert written["measures"][0]["holds"] is not broken
    assert record.line(found).endswith("BROKEN") is broken
    assert len(list(record.broken([found]))) == broken


def test_a_record_has_the_middle_half_of_the_ratios() -> None:
    (written,) = record.record([measure(1.0, 2.0, 3.0, 4.0, 100.0)], (0.0, 0.0))["measures"]
    assert (written["ratio"], written["spread"], written["repetitions"]) == (3.0, [2.0, 4.0], 5)


def test_a_picture_has_a_bar_for_each_limit() -> None:
    picture = ElementTree.fromstring(plot.svg([measure(2.0), measure(40.0), measure(1.0, limit=None)]))  # noqa: S314 - our own
    bars = [each for each in picture.iter("{http://www.w3.org/2000/svg}rect") if each.get("y")]
    assert len(bars) == 2
    assert float(bars[0].get("width", "")) < float(bars[1].get("width", ""))


def test_what_cannot_be_avoided_is_done() -> None:
    """Each signature of the reference bundle is there once, and one that is wrong is found out."""
    bundle = Bundle.decode(reference_file().read_bytes())
    found = bare.Bare.of(bundle, seeds.policy(REFERENCE))
    found.run()
    assert len(found.signatures) == len({each.message for each in found.signatures}) == 20
    assert len(found.openpgp) == 2
    first = found.signatures[0]
    assert not bare.Signed(first.spki, first.signature, first.message + b"\0").holds()
