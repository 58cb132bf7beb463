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
    for name, words in (
        ("--help", ("--help",)),
        ("log --help", ("log", "--help")),
        ("inspect, the smallest ceremony", ("inspect", small)),
        ("inspect, the whole ceremony", ("inspect", reference_file())),
    ):
        yield paired(
            f"bundle {name} : python -c pass",
            partial(installed.bundle, *words),
            installed.nothing,
            clock=childrens_time,
            area=AREA,
            limit=10,
            goal=5,
        )
