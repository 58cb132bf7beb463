# SPDX-License-Identifier: Apache-2.0
"""Every target on its seeds, and on changed ones: the short and repeatable form of fuzzing."""

from __future__ import annotations

from functools import cache
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS
from tests.strategies import mutated

EXAMPLES: Final = 80  # of each target
EVERY: Final = 3  # one in so many seeds is run as it is; the vectors' own tests run them all


@cache
def starts(name: str) -> list[bytes]:
    """The distinct seeds of a target."""
    return list(dict.fromkeys(TARGETS[name].seeds()))


@pytest.mark.parametrize("name", TARGETS)
def test_holds_for_its_seeds(name: str) -> None:
    seeds = starts(name)
    assert seeds
    for seed in seeds[::EVERY]:
        TARGETS[name].run(seed)


@pytest.mark.parametrize("name", TARGETS)
def test_holds_for_changed_seeds(name: str) -> None:
    @settings(max_examples=EXAMPLES, derandomize=True, database=None)
    @given(mutated(st.sampled_from(starts(name))))
    def holds(data: bytes) -> None:
        TARGETS[name].run(data)

    holds()


@st.composite
def spliced(draw: st.DrawFn, sources: st.SearchStrategy[bytes]) -> bytes:
    """The beginning of one input and the end of another."""
    first, second = draw(sources), draw(sources)
    return first[: draw(st.integers(0, len(first)))] + second[draw(st.integers(0, len(second))) :]


@pytest.mark.parametrize("name", TARGETS)
def test_holds_for_spliced_seeds(name: str) -> None:
    @settings(max_examples=EXAMPLES // 2, derandomize=True, database=None)
    @given(spliced(st.sampled_from(starts(name))))
    def holds(data: bytes) -> None:
        TARGETS[name].run(data)

    holds()
