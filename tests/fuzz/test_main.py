# SPDX-License-Identifier: Apache-2.0
"""The command: what counts as found, how runs are limited, what a dictionary is written as."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest

from tests.fuzz import __main__ as command
from tests.fuzz import dictionary
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize(
    ("name", "slow", "kept"), [("slow-unit-1", 1, False), ("slow-unit-1", 0, True), ("crash-1", 1, True)]
)
def test_an_input_that_the_processor_does_quickly_is_not_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, slow: int, kept: bool
) -> None:
    monkeypatch.setattr(command, "SLOW", slow)
    file = tmp_path / name
    file.write_bytes(b"\x01")
    assert command.quick("cbor", file) is not kept
    assert file.exists() is kept


def test_limits_are_those_of_the_fuzzer() -> None:
    given = Namespace(seconds=60, minutes=None, executions=None, longest=None)
    assert command.limits(given) == ["-max_total_time=60"]
    given = Namespace(seconds=60, minutes=0.5, executions=7, longest=256)
    assert command.limits(given) == ["-max_total_time=30", "-runs=7", "-max_len=256"]


def test_a_corpus_has_the_seeds_and_keeps_what_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "CORPUS", tmp_path)
    (tmp_path / "ima").mkdir()
    (tmp_path / "ima" / "found").write_bytes(b"earlier")
    folder = command.grow_from_seeds("ima", TARGETS["ima"])
    held = {file.read_bytes() for file in folder.iterdir()}
    assert held == {b"earlier", *TARGETS["ima"].seeds()}


def test_a_dictionary_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "WORDS", tmp_path / "words")
    assert command.write_words("der").read_text("ascii") == dictionary.lines("der")
