# SPDX-License-Identifier: Apache-2.0
"""A mutant put into a module that is already imported: its functions get the mutant's code, in place."""

from __future__ import annotations

import ast
import gc
import types
from collections.abc import Iterator

from tests.mutation.reach import file_of

Key = tuple[str, int]  # qualified name and first line


def functions(module: str) -> list[types.FunctionType]:
    """All functions whose code is in the module's file, methods and closures too."""
    file = str(file_of(module))
    gc.unfreeze()  # a verb that ran here before has put all there was out of sight
    return [
        each
        for each in gc.get_objects()
        if isinstance(each, types.FunctionType) and each.__code__.co_filename == file
    ]


def swapped(module: str, tree: ast.Module, live: list[types.FunctionType]) -> bool:
    """Whether it could be done to any; where not, some functions may have the new code already."""
    if not live:
        return False
    made: dict[Key, types.CodeType | None] = {}
    for code in _codes(compile(tree, str(file_of(module)), "exec")):
        key = (code.co_qualname, code.co_firstlineno)
        made[key] = None if key in made else code  # two of one name on one line cannot be told apart
    for function in live:
        old = function.__code__
        new = made.get((old.co_qualname, old.co_firstlineno))
        if new is None or new.co_freevars != old.co_freevars:
            return False
    for function in live:
        old = function.__code__
        function.__code__ = made[old.co_qualname, old.co_firstlineno] or old
    return True


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for each in code.co_consts:
        if isinstance(each, types.CodeType):
            yield from _codes(each)
