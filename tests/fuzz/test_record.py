# SPDX-License-Identifier: Apache-2.0
"""The record of fuzzing: its targets exist, the README tells it, figures are read from what is printed."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final

import pytest

from bundlefmt import renewal
from bundlefmt.errors import MalformedError
from bundlefmt.renewal import Stamp
from tests.fuzz import lines, record, seeds
from tests.fuzz.record import Figures
from tests.fuzz.targets import TARGETS

PRINTED: Final = """INFO: Seed: 7
#2\tINITED cov: 3 ft: 4 corp: 1/1b exec/s: 0 rss: 9Mb
#5000\tDONE   cov: 12 ft: 34 corp: 5/67b lim: 256 exec/s: 2500 rss: 9Mb
Done 5000 runs in 2 second(s)
stat::number_of_executed_units: 5000
stat::average_exec_per_sec:     2500
"""


def test_the_readme_tells_the_record() -> None:
    text = record.README.read_text("utf-8")
    assert record.with_table(text, record.read()) == text


def test_targets_of_the_record_exist_and_have_run() -> None:
    assert record.read().keys() == TARGETS.keys()
    for name, figures in record.read().items():
        assert figures.executions > 0, name
        assert 0 < figures.lines <= figures.of_lines, name


def test_figures_are_the_last_that_were_printed() -> None:
    first = record.figures(PRINTED, found=1)
    assert first == Figures(executions=5000, seconds=2, found=1, edges=12, corpus=5)
    later = Figures(executions=10, seconds=1, edges=11, corpus=6, lines=1, of_lines=2)
    assert first.plus(later) == Figures(
        executions=5010, seconds=3, found=1, edges=12, corpus=6, lines=1, of_lines=2
    )
    with pytest.raises(ValueError, match="no figures"):
        record.figures(PRINTED.partition("stat::")[0], found=0)


def refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        Stamp.decode(data)


def accepted(data: bytes) -> None:
    with contextlib.suppress(MalformedError):
        Stamp.decode(data)


def test_lines_that_a_good_input_alone_reaches() -> None:
    few, more = lines.Reached(), lines.Reached()
    assert few.replay(refused, [b"\x01"], 5) == 1
    (good,) = seeds.bundles()["renewal_whole"].renewals
    assert more.replay(accepted, [b"\x01", good.raw], 5) == 2
    module = str(Path(renewal.__file__))
    assert few.hit[module] < more.hit[module] <= lines.lines(Path(module))
    assert few.share()[0] < more.share()[0]


def test_a_replay_ends_with_its_time() -> None:
    assert lines.Reached().replay(refused, [b"\x01"], -1) == 0
