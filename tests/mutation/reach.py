# SPDX-License-Identifier: Apache-2.0
"""Which statements of the planned modules each vector and each quick test runs: the others need not be tried.

Every statement inside a function is preceded by a call that notes its line. What runs while modules are
imported is noted as well: a change there takes effect only in a process that imports them anew.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.abc
import importlib.util
import sys
import time
import types
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
NOTED: Final = "__noted__"
IMPORT: Final = "import"
_OWN: Final = "tests.mutation."  # stays as it is, but for the vectors
_VECTORS: Final = "tests.mutation.vectors"
QUIET: Final = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist")

Place = tuple[str, int]  # module, line of the statement


def file_of(module: str) -> Path:
    return ROOT / f"{module.replace('.', '/')}.py"


class Loader(importlib.abc.Loader, importlib.abc.MetaPathFinder):
    """Gives some modules another code than their files'."""

    def __init__(
        self, trees: dict[str, ast.Module], names: dict[str, dict[str, object]] | None = None
    ) -> None:
        self._trees, self._names = trees, names or {}

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in self._trees:
            return None
        return importlib.util.spec_from_file_location(name, file_of(name), loader=self)

    def exec_module(self, module: types.ModuleType) -> None:
        name = module.__name__
        module.__dict__.update(self._names.get(name, {}))
        exec(compile(self._trees[name], str(file_of(name)), "exec"), module.__dict__)  # noqa: S102 - a module's own code, changed


def forget() -> None:
    """What was imported of the project is imported anew when it is next asked for."""
    for name in list(sys.modules):
        ours = name.partition(".")[0] in ("bundlefmt", "tests")
        if (
            ours
            and (not name.startswith(_OWN) or name == _VECTORS)
            and name not in ("tests", "tests.mutation")
        ):
            del sys.modules[name]
    for name in ("tests", "tests.mutation"):
        package = sys.modules[name]
        for child, value in list(vars(package).items()):
            if isinstance(value, types.ModuleType) and value.__name__ not in sys.modules:
                delattr(package, child)


@dataclass(slots=True, kw_only=True)
class Reach:
    """`seconds` and `lines` by item: a vector, the node id of a test, or IMPORT.

    `sources` are the SHA-256 of the modules whose lines they are, and of the files of tests.
    """

    sources: dict[str, bytes] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    lines: dict[str, set[Place]] = field(default_factory=dict)
    failing: list[str] = field(default_factory=list)

    def reaching(self, places: Iterable[Place]) -> list[str]:
        """The items that run one of these statements, the quickest first."""
        wanted = set(places)
        found = [name for name, lines in self.lines.items() if name != IMPORT and lines & wanted]
        return sorted(found, key=self.seconds.__getitem__)

    def of_data(self) -> list[str]:
        """The tests that run no statement of the modules: they may look at their tables."""
        return [name for name, lines in self.lines.items() if "::" in name and not lines]

    def is_of(self, modules: Iterable[str]) -> bool:
        """Whether the lines are those that the modules have now."""
        return all(self.sources.get(each) == digest(each) for each in modules)

    def on_import(self, place: Place) -> bool:
        return place in self.lines[IMPORT]


def digest(name: str) -> bytes:
    """SHA-256 of a module's file, or of a file of tests."""
    return hashlib.sha256((ROOT / name if "/" in name else file_of(name)).read_bytes()).digest()


def record(modules: Iterable[str], tests: Sequence[str], known: Reach) -> Reach:
    """`known`, and the vectors and the files `tests` that it lacks or that were written anew.

    In a process of its own, since it imports everything anew.
    """
    reach, seen = known, set[Place]()

    def noting(module: str) -> dict[str, object]:
        one = dict[int, Place]()  # one object for one place, however many run it
        return {NOTED: lambda line: seen.add(one.setdefault(line, (module, line)))}

    chosen = list(modules)
    files = {each.partition("::")[0] for each in reach.lines if "::" in each}
    lacking = [each for each in tests if each not in files or reach.sources.get(each) != digest(each)]
    for each in [name for name in reach.lines if name.partition("::")[0] in lacking]:
        del reach.lines[each], reach.seconds[each]
    reach.sources |= {each: digest(each) for each in (*chosen, *lacking)}
    forget()
    trees = {each: noted(ast.parse(file_of(each).read_text("utf-8"))) for each in chosen}
    sys.meta_path.insert(0, Loader(trees, {each: noting(each) for each in chosen}))
    vectors = importlib.import_module(_VECTORS)
    for each in chosen:
        importlib.import_module(each)
    reach.lines[IMPORT] = set(seen)

    def taken(name: str, start: float) -> None:
        reach.seconds[name] = time.process_time() - start
        reach.lines[name] = set(seen)
        seen.clear()

    seen.clear()
    for name in set(vectors.names()) - set(reach.lines):
        start = time.process_time()
        if not vectors.holds(name):
            reach.failing.append(name)
        taken(name, start)

    pytest = importlib.import_module("pytest")

    class Watching:
        @pytest.hookimpl(wrapper=True)  # type: ignore[untyped-decorator] # imported at run time
        def pytest_runtest_protocol(self, item: Any) -> Iterator[None]:
            seen.clear()
            start = time.process_time()
            result = yield
            taken(item.nodeid, start)
            return result

        def pytest_runtest_logreport(self, report: Any) -> None:
            if report.failed:
                reach.failing.append(report.nodeid)

    if lacking:
        pytest.main([*QUIET, *lacking], plugins=[Watching()])
    return reach


def noted(tree: ast.Module) -> ast.Module:
    """The module with a note before every statement inside its functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for inner in ast.walk(node):
                _note(inner)
    return ast.fix_missing_locations(tree)


def _note(node: ast.AST) -> None:
    for name in ("body", "orelse", "finalbody"):
        body = getattr(node, name, None)
        if isinstance(body, list) and body and not _is_note(body[0]):
            setattr(node, name, [each for one in body for each in (_call(one), one)])


def _call(statement: ast.stmt) -> ast.stmt:
    call = ast.Call(
        func=ast.Name(id=NOTED, ctx=ast.Load()), args=[ast.Constant(value=statement.lineno)], keywords=[]
    )
    return ast.copy_location(ast.Expr(value=call), statement)


def _is_note(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Name(id=name))):
            return name == NOTED
    return False


def every_place(module: str, source: str) -> list[Place]:
    return [(module, each.lineno) for each in ast.walk(ast.parse(source)) if isinstance(each, ast.stmt)]


def places(module: str, source: str, line: int) -> list[Place]:
    """Where a change outside of functions may show: where what is defined there is named.

    Of a name that other modules may use, and where none is found, everywhere in the module.
    """
    tree, every = ast.parse(source), every_place(module, source)
    names: set[str] = set()
    for statement in tree.body:
        if statement.lineno <= line <= (statement.end_lineno or line):
            names |= _defined(statement)
    before: set[str] = set()
    while names != before:
        before = set(names)
        for statement in tree.body:
            if not isinstance(statement, ast.FunctionDef) and _named(statement) & names:
                names |= _defined(statement)
    if not all(name.startswith("_") for name in names):
        return every
    functions = [each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)]
    inside = [each for one in functions for each in ast.walk(one) if isinstance(each, ast.stmt)]
    return [(module, each.lineno) for each in inside if _named(each) & names] or every


def _defined(statement: ast.stmt) -> set[str]:
    if isinstance(statement, ast.ClassDef | ast.FunctionDef):
        return {statement.name}
    return {
        each.id
        for each in ast.walk(statement)
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
    }


def _named(statement: ast.stmt) -> set[str]:
    return {
        each.id
        for each in ast.walk(statement)
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)
    }
