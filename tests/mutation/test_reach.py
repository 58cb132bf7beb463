# SPDX-License-Identifier: Apache-2.0
"""What is noted of a run, where a change may show, and what a swap does to functions in place."""

from __future__ import annotations

import ast
import pickle
from pathlib import Path

import pytest

from bundlefmt.verify import issued
from tests.mutation import swap, vectors
from tests.mutation.__main__ import reached_by
from tests.mutation.mutants import mutants
from tests.mutation.reach import IMPORT, NOTED, Reach, file_of, noted, places

SOURCE = """
_TABLE = (1, 2)
_WIDER = (*_TABLE, 3)
SHOWN = 4

def f(x):
    if x:
        return [
            g(y) for y in _WIDER
        ]
    else:
        for each in x:
            pass

def g(y):
    return y
"""


def test_what_runs_is_noted_and_nothing_else_is_changed() -> None:
    seen: list[int] = []
    names: dict[str, object] = {NOTED: seen.append}
    exec(compile(noted(ast.parse(SOURCE)), "noted", "exec"), names)  # noqa: S102 - the source above
    assert seen == []
    f = names["f"]
    assert callable(f)
    assert f(True) == [1, 2, 3]
    assert seen == [7, 8, 16, 16, 16]
    seen.clear()
    f(())
    assert seen == [7, 12]


@pytest.mark.parametrize(("line", "lines"), [(2, [8]), (3, [8]), (4, None)])
def test_a_change_outside_functions_shows_where_its_name_stands(line: int, lines: list[int] | None) -> None:
    found = [place for _, place in places("m", SOURCE, line)]
    every = [each.lineno for each in ast.walk(ast.parse(SOURCE)) if isinstance(each, ast.stmt)]
    assert set(lines or every) <= set(found)
    assert (len(found) < len(every)) is (lines is not None)


def test_the_quickest_of_what_runs_a_line_comes_first() -> None:
    reach = Reach(
        seconds={"a": 2.0, "b": 1.0, "c": 0.0},
        lines={"a": {("m", 7)}, "b": {("m", 7), ("m", 8)}, "c": {("n", 7)}, IMPORT: {("m", 7)}},
    )
    assert reach.reaching([("m", 7)]) == ["b", "a"]
    assert reach.on_import(("m", 7))
    assert not reach.on_import(("m", 8))


def test_what_runs_no_statement_may_look_at_a_table() -> None:
    reach = Reach(lines={"vector": set(), "a.py::table": set(), "a.py::other": {("m", 7)}})
    assert reach.of_data() == ["a.py::table"]


def test_a_swap_changes_what_was_imported_before() -> None:
    module = "bundlefmt.verify.issued"
    live = swap.functions(module)
    assert {each.__name__ for each in live} == {"issued_by", "require_signer"}
    source = file_of(module).read_text("utf-8")
    (mutant,) = [
        each
        for each in mutants(source)
        if each.key == "return Route(through=None, anchors=(by.raw,), purpose=purpose) [returns None]"
    ]
    before = issued.issued_by.__code__
    try:
        assert swap.swapped(module, mutant.tree, live)
        assert issued.issued_by.__code__ != before
    finally:
        assert swap.swapped(module, ast.parse(source), live)
    assert issued.issued_by.__code__ == before


def test_a_swap_that_cannot_be_done_is_told() -> None:
    live = swap.functions("bundlefmt.verify.issued")
    assert not swap.swapped("bundlefmt.verify.issued", ast.parse("x = 1"), live)
    assert not swap.swapped("bundlefmt.verify.issued", ast.parse("x = 1"), [])


def test_nothing_is_tried_where_something_fails_unchanged(tmp_path: Path) -> None:
    """Whatever else would be changed there would count as noticed."""
    file = tmp_path / "reach"
    file.write_bytes(pickle.dumps(Reach(failing=["quote_of-nothing"])))
    with pytest.raises(SystemExit, match="fails without any change: quote_of-nothing"):
        reached_by([], file)


@pytest.mark.parametrize(
    "name", ["activation_confirmed-whole", "previous_key-came-back", "container_float", "ak_imported"]
)
def test_a_vector_holds_unchanged(name: str) -> None:
    assert name in vectors.names()
    assert vectors.holds(name)
