# SPDX-License-Identifier: Apache-2.0
"""The mutants are what they say, and the known survivors are still mutants."""

from __future__ import annotations

import ast
import json

import pytest

from tests.mutation.__main__ import KNOWN
from tests.mutation.mutants import mutants
from tests.mutation.plan import PLAN
from tests.mutation.reach import ROOT, file_of

CASES = {
    "x = a == b": {"Eq to NotEq": "x = a != b"},
    "x = a < b <= c": {"operator 1 to LtE": "x = a <= b <= c", "operator 2 to Lt": "x = a < b < c"},
    "x = a and b": {"and to or": "x = a or b"},
    "x = not a": {"not removed": "x = a"},
    "x = a & ~b": {"BitAnd to BitOr": "x = a | ~b", "~ removed": "x = a & b"},
    "x = f(2, True)": {
        "2 to 3": "x = f(3, True)",
        "2 to 1": "x = f(1, True)",
        "True to False": "x = f(2, False)",
    },
    "x = any(y)": {"any to all": "x = all(y)"},
    "x = {y for y in z if f(y)}": {
        "condition 1 removed": "x = {y for y in z}",
        "condition 1 negated": "x = {y for y in z if not f(y)}",
    },
    "x = ('a', *b)": {"element 1 removed": "x = (*b,)", "element 2 removed": "x = ('a',)"},
    "x |= y": {"augmented to plain": "x = y"},
    "f(a)": {"statement removed": "pass"},
    "if f(a):\n    raise E('words', 1)": {
        "condition negated": "if not f(a):\n    raise E('words', 1)",
        "raise removed": "if f(a):\n    pass",
    },
    'def f():\n    """Words."""\n    return g(a)': {"returns None": 'def f():\n    """Words."""\n    return'},
    "def f():\n    return None": {},
    "def f():\n    return False": {"False to True": "def f():\n    return True"},
    "def f():\n    return f'words {a == 1}'": {},
    "@dataclass(frozen=True)\nclass A:\n    x: int = y": {},
}


@pytest.mark.parametrize("source", CASES)
def test_one_thing_is_wrong_in_a_mutant(source: str) -> None:
    found = {each.change: ast.unparse(each.tree) for each in mutants(source)}
    assert found == CASES[source]


def test_every_planned_module_and_test_is_there() -> None:
    assert [module for module in PLAN if not file_of(module).exists()] == []
    tests = {name for planned in PLAN.values() for name in planned}
    assert [name for name in tests if not (ROOT / name).exists()] == []


def test_every_known_survivor_is_still_a_mutant_and_has_a_reason() -> None:
    known = json.loads(KNOWN.read_text("utf-8"))
    for module, reasons in known.items():
        keys = {each.key for each in mutants(file_of(module).read_text("utf-8"))}
        assert reasons.keys() <= keys, module
        assert all(len(reason) > 3 for reason in reasons.values())
