# SPDX-License-Identifier: Apache-2.0
"""One flipped bit, in a sample that is the same each time; `make exhaustive` flips every bit."""

from __future__ import annotations

from typing import Final

import pytest

from bundlefmt.verify import Verdict
from tests.attacks import flipping
from tests.test_checks import FORMAT

# one in so many bytes of each part is changed, in one bit; all unprotected ones are
EVERY: Final = {"magic": 1, "manifest": 37, "content": 83, "seals": 7, "renewals": 7}
SECURITY: Final = " ".join(FORMAT.split("\n## 12. ", 1)[1].split("\n## ", 1)[0].split())


def test_the_reference_passes() -> None:
    assert flipping.whole().verdict is Verdict.PASSED
    names = {name for name, _ in flipping.unprotected()}
    assert names == flipping.UNPROTECTED.keys()


@pytest.mark.parametrize("part", EVERY)
def test_a_flipped_bit_is_refused_or_fails(part: str) -> None:
    faults = {}
    for offset in flipping.regions()[part][:: EVERY[part]]:
        flipped = flipping.flip(offset, offset * 5 % 8)
        if (fault := flipping.fault(flipped)) is not None:
            faults[flipped.offset, flipped.bit] = fault
    assert faults == {}


@pytest.mark.parametrize("place", flipping.UNPROTECTED)
def test_an_unprotected_place_is_one(place: str) -> None:
    """Otherwise the list would excuse what is protected; and there too nothing rises."""
    offsets = [offset for offset, name in flipping.free().items() if name == place]
    found = [flipping.flip(offset, offset % 8) for offset in offsets[::3]]
    assert Verdict.PASSED in {each.outcome for each in found}
    assert [flipping.fault(each) for each in found if flipping.fault(each)] == []


def test_a_place_that_may_leave_a_doubt_never_passes() -> None:
    offsets = sorted(flipping.doubted() - flipping.free().keys())
    found = [flipping.flip(offset, 4) for offset in [offsets[0], *offsets[:: EVERY["seals"]]]]
    outcomes = {each.outcome for each in found}
    assert Verdict.INDETERMINATE in outcomes
    assert outcomes <= {"refused", Verdict.FAILED, Verdict.INDETERMINATE}


@pytest.mark.parametrize("words", [*flipping.UNPROTECTED.values(), *flipping.DOUBTED])
def test_the_specification_names_every_unprotected_place(words: str) -> None:
    assert words in SECURITY
