# SPDX-License-Identifier: Apache-2.0
"""What it costs to start a command, beside a start of the interpreter that does nothing."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from tests.bench.installed import Installed
from tests.bench.measure import Measure, childrens_time, paired
from tests.bench.programs import reference_file
from tests.fuzz import seeds

AREA: Final = "starting"


def measures(installed: Installed) -> Iterator[Measure]:
    small = seeds.FOLDER / seeds.SMALL / "bundle.evb"
    for name, words, limit, goal in (
        ("inspect, the smallest ceremony", ("inspect", small), 10, 5),
        ("inspect, the whole ceremony", ("inspect", reference_file()), 20, 5),
        ("--help", ("--help",), 10, 5),
        ("log --help", ("log", "--help"), 15, 5),
    ):
        yield paired(
            f"bundle {name} : python -c pass",
            partial(installed.bundle, *words),
            installed.nothing,
            clock=childrens_time,
            area=AREA,
            limit=limit,
            goal=goal,
        )
