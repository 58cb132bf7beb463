# SPDX-License-Identifier: Apache-2.0
"""The runner of the vectors finds an implementation right that is, and wrong that is not."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import pytest

from tests.interop.run_vectors import VECTORS, disagreements

OURS: Final = (sys.executable, str(Path(__file__).with_name("implementation.py")))
SOME: Final = ("container_float", "container_whole", "ek_no-anchor", "quote_of-another-ceremony")
# what a verifier is given beside the bundle, and what is concluded
GIVEN: Final = ("previous_key-came-back", "activation_confirmed-whole", "activation_confirmed-by-guess")


def test_our_implementation_agrees() -> None:
    assert list(disagreements(OURS, (*SOME, *GIVEN))) == []


def test_a_wrong_conclusion_is_a_disagreement() -> None:
    """The right verdict and findings, and a key that nobody challenged said to be proven."""
    words = (
        'import json; e = json.load(open("vector.json"))["expect"]; '
        'print(json.dumps({"verdict": e["verdict"], "findings": [], '
        '"conclusions": [{"id": id, "basis": "proven"} for id in e["conclusions"]]}))'
    )
    (line,) = disagreements((sys.executable, "-c", words), ("activation_whole",))
    assert line.startswith("activation_whole: ")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ('{"error": "float", "offset": 0}', "is expected"),
        ('{"verdict": "PASSED", "findings": []}', "is expected"),
        ("{}", "is expected"),
        ("no words", "Expecting value"),
    ],
)
def test_another_one_does_not(words: str, complaint: str) -> None:
    """Whatever is said of every file alike is wrong of a refused and of a failing one."""
    one = (sys.executable, "-c", f"print({words!r})")
    lines = list(disagreements(one, ("container_float", "quote_of-another-ceremony")))
    assert [line.partition(":")[0] for line in lines] == ["container_float", "quote_of-another-ceremony"]
    assert complaint in lines[0]


def test_missing_program_is_said() -> None:
    assert [line.partition(":")[0] for line in disagreements(("/nonexistent/cmd",), SOME)] == list(SOME)


def test_vectors_are_there() -> None:
    assert all((VECTORS / name / "vector.json").is_file() for name in SOME)
