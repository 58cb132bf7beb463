# SPDX-License-Identifier: Apache-2.0
"""The second implementation, `interop/javascript`, says of every vector what is expected of it.

It shares no code, no language and no library with the package, so what both say is in the specification.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Final

from tests.conftest import Need
from tests.interop.run_vectors import VECTORS, command, disagreement, disagreements, every_vector, read

MAIN: Final = Path(__file__).resolve().parents[2] / "interop" / "javascript" / "main.js"
TIMEOUT: Final = 300  # seconds for all vectors; about twenty are needed


def _answers(names: list[str]) -> list[str]:
    """A line of JSON for each vector, all of one process."""
    asked = [json.dumps({"folder": str(VECTORS / name), "words": command(read(name))}) for name in names]
    done = subprocess.run(
        ["node", MAIN, "batch"],
        input="".join(f"{each}\n" for each in asked),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=True,
    )
    return done.stdout.splitlines()


def test_every_vector(part: Need) -> None:
    """Verdict, failed and undecided checks, and the basis of each conclusion that a vector names."""
    part("node")
    names = every_vector()
    others = {}
    for name, answer in zip(names, _answers(names), strict=True):
        said = json.loads(answer)
        found = said.get("internal") or disagreement(said, read(name)["expect"])
        if found is not None:
            others[name] = found
    assert others == {}


def test_by_the_two_verbs(part: Need) -> None:
    """As the runner of the vectors asks any implementation: a process for each, and its own exit."""
    part("node")
    assert list(disagreements(("node", str(MAIN)), ("container_float", "renewal_whole"))) == []
