# SPDX-License-Identifier: Apache-2.0
"""Imports run one way, and the core does no I/O: read from every module's syntax tree.

The rules are tables; a rule is tried on synthetic modules so that it is known to be able to fail.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[1]
FORMAT, TOOLS = "bundlefmt", "bundletools"

# room -> the rooms it may import, besides itself; a room is a module or package directly under bundlefmt
_GROUND: Final = frozenset({"wire", "labels", "errors", "frozen", "moment", "small_order"})
_CONTAINER: Final = (
    frozenset({"bundle", "renewal", "manifest", "challenge", "receipt", "cose", "cbor"}) | _GROUND
)
_FACTS: Final = frozenset({"evidence", "logs"})
ALLOWED: Final[dict[str, frozenset[str]]] = {
    "errors": frozenset(),
    "frozen": frozenset(),
    "labels": frozenset(),
    "moment": frozenset(),
    "small_order": frozenset(),
    "wire": frozenset({"errors"}),
    "cbor": _GROUND,
    "cose": frozenset({"cbor"}) | _GROUND,
    "receipt": frozenset({"cose", "cbor"}) | _GROUND,
    "manifest": frozenset({"cbor"}) | _GROUND,
    "bundle": frozenset({"manifest", "cbor"}) | _GROUND,
    "renewal": frozenset({"manifest", "cbor"}) | _GROUND,
    "challenge": frozenset({"manifest", "cbor"}) | _GROUND,
    "evidence": frozenset({"cbor"}) | _GROUND,
    "logs": frozenset({"evidence", "cbor"}) | _GROUND,
    "verify": _FACTS | _CONTAINER,
    "render": frozenset({"verify"}) | _FACTS | _CONTAINER,
    "many": frozenset({"render", "verify"}) | _FACTS | _CONTAINER,
    "cli": frozenset({"many", "render", "verify"}) | _FACTS | _CONTAINER,
    TOOLS: frozenset({"cli", "render", "verify"}) | _FACTS | _CONTAINER,
}
# a library with one purpose has one place
PLACES: Final[dict[str, frozenset[str]]] = {
    "cbor2": frozenset({"cbor", "cose"}),
    "typer": frozenset({"cli", TOOLS}),
    "click": frozenset({"cli", TOOLS}),
    "rich": frozenset({"cli", TOOLS}),
    "pysequoia": frozenset({"evidence"}),
    "pgpy": frozenset({"evidence"}),
    "tpm2_pytss": frozenset({TOOLS}),
    **dict.fromkeys(("fsspec", "pyarrow", "distributed", "ray"), frozenset({"many"})),
}
WORLDLY: Final = frozenset({"many", "cli", TOOLS})  # the rooms that may touch the world
_FILES: Final = frozenset({"getpass", "glob", "io", "mmap", "os", "pathlib", "shutil", "tempfile"})
_NETWORK: Final = frozenset({"asyncio", "http", "select", "socket", "ssl", "urllib"})
_PROCESS: Final = frozenset(
    {"ctypes", "importlib", "multiprocessing", "platform", "subprocess", "sys", "threading"}
)
_CHANCE: Final = frozenset({"locale", "random", "secrets", "time", "uuid"})
WORLD: Final = _FILES | _NETWORK | _PROCESS | _CHANCE
CALLS: Final = frozenset({"open", "input", "print", "exec", "eval", "__import__", "breakpoint"})
CLOCKS: Final = frozenset({"now", "utcnow", "today"})
# (module, what) -> why; one that is no longer needed fails
EXCEPTIONS: Final[dict[tuple[str, str], str]] = {
    ("bundlefmt.cbor", "io"): "foreign: BytesIO is memory, and tells how far the decoder came",
    ("bundlefmt.bundle", "mmap"): "map_file: a file with large media is never copied",
    ("bundlefmt.bundle", "os"): "map_file opens without waiting for a pipe, and looks what it is",
    ("bundlefmt.bundle", "pathlib"): "map_file and Bundle.open take the path of the file",
    ("bundlefmt.bundle", "open()"): "map_file opens the file to map it, for reading only",
    ("bundlefmt.frozen", "exec()"): "an __init__ of the names of fields: no text from outside",
}


def room(module: str) -> str:
    """The part of the project that `module` belongs to."""
    parts = module.split(".")
    return parts[1] if parts[0] == FORMAT and len(parts) > 1 else parts[0]


def imports(tree: ast.AST) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(module, names taken from it) of every import statement, wherever it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, ()) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names)
            if node.level:
                yield "." * node.level + (node.module or ""), names
            elif node.module == FORMAT:
                yield from ((f"{FORMAT}.{name}", ()) for name in names)
            else:
                yield node.module or "", names


def calls(tree: ast.AST) -> Iterator[str]:
    """Calls that reach outside by a built-in name, a file's `open` method or a clock."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id in CALLS:
            yield f"{node.func.id}()"
        elif isinstance(node.func, ast.Attribute) and node.func.attr in {"open", *CLOCKS}:
            yield f"{node.func.attr}()"


def faults(module: str, source: str) -> Iterator[tuple[str, str]]:
    """(what, why it is wrong) for each thing in `source` that `module` must not have; exceptions included."""
    here, tree = room(module), ast.parse(source)
    for target, names in imports(tree):
        there, top = room(target), target.split(".")[0]
        if target.startswith("."):
            yield target, "imports are absolute"
        elif target == FORMAT and here != TOOLS:
            yield target, "a room is imported, not the whole house"
        elif top in (FORMAT, TOOLS) and there != here and there not in ALLOWED.get(here, frozenset()):
            yield target, f"{here} does not know {there}"
        elif here not in PLACES.get(top, {here}):
            yield target, f"{top} has no place in {here}"
        elif top in WORLD and here not in WORLDLY:
            yield top, f"{here} does not touch the world"
        private = [part for part in (*target.split("."), *names) if part.startswith("_")]
        if top in (FORMAT, TOOLS) and private:
            yield target, f"{private[0]} is private to its module"
    if here not in WORLDLY:
        for call in calls(tree):
            yield call, f"{here} does not touch the world"


def modules() -> Iterator[tuple[str, str]]:
    """(dotted name, source) of every module of the project."""
    for package, folder in ((FORMAT, ROOT), (TOOLS, ROOT / "tools")):
        for path in sorted((folder / package).rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path.read_text("utf-8")


MODULES: Final = dict(modules())


def test_all_rooms_are_known() -> None:
    assert {room(module) for module in MODULES} - {FORMAT} <= ALLOWED.keys()
    assert {"cbor", "cose", "bundle", "evidence", "verify", "render", "cli", TOOLS} <= set(map(room, MODULES))


@pytest.mark.parametrize("module", MODULES)
def test_layers(module: str) -> None:
    found = [fault for fault in faults(module, MODULES[module]) if (module, fault[0]) not in EXCEPTIONS]
    assert found == []


@pytest.mark.parametrize(("module", "what"), EXCEPTIONS)
def test_exceptions_are_needed(module: str, what: str) -> None:
    assert what in [found for found, _ in faults(module, MODULES[module])]


@pytest.mark.parametrize(
    ("module", "source", "what"),
    [
        ("bundlefmt.evidence.x", "from bundlefmt.manifest import Manifest", "bundlefmt.manifest"),
        ("bundlefmt.evidence.x", "from bundlefmt import bundle as b", "bundlefmt.bundle"),
        ("bundlefmt.evidence.x", "import bundlefmt.cose", "bundlefmt.cose"),
        ("bundlefmt.bundle", "from bundlefmt.evidence import tpm", "bundlefmt.evidence"),
        ("bundlefmt.manifest", "from bundlefmt.bundle import Seal", "bundlefmt.bundle"),
        ("bundlefmt.manifest", "from bundlefmt.evidence.tpm import TpmtPublic", "bundlefmt.evidence.tpm"),
        ("bundlefmt.cbor", "from bundlefmt.manifest import Digest", "bundlefmt.manifest"),
        ("bundlefmt.wire", "from bundlefmt.labels import MAX_TEXT", "bundlefmt.labels"),
        ("bundlefmt.cose", "def f():\n    from bundlefmt.bundle import Seal", "bundlefmt.bundle"),
        ("bundlefmt.logs.x", "from bundlefmt.verify import Report", "bundlefmt.verify"),
        ("bundlefmt.verify.x", "from bundlefmt.render import text", "bundlefmt.render"),
        ("bundlefmt.render.x", "from bundlefmt.cli import app", "bundlefmt.cli"),
        ("bundlefmt.render.x", "from bundlefmt.many.run import run", "bundlefmt.many.run"),
        ("bundlefmt.many.x", "from bundlefmt.cli.run import say", "bundlefmt.cli.run"),
        ("bundlefmt.cli.x", "import fsspec", "fsspec"),
        ("bundlefmt.cli.x", "from bundletools.tpm2 import open_tpm", "bundletools.tpm2"),
        ("bundlefmt.verify.x", "from . import context", "."),
        ("bundlefmt.verify.x", "import bundlefmt", "bundlefmt"),
        ("bundletools.x", "from bundlefmt.cbor import _head", "bundlefmt.cbor"),
        ("bundlefmt.verify.x", "from bundlefmt.verify._core import a", "bundlefmt.verify._core"),
        ("bundlefmt.verify.x", "import cbor2", "cbor2"),
        ("bundlefmt.evidence.x", "import cbor2", "cbor2"),
        ("bundlefmt.render.x", "from rich.console import Console", "rich.console"),
        ("bundlefmt.cli.x", "import tpm2_pytss", "tpm2_pytss"),
        ("bundlefmt.verify.x", "import os", "os"),
        ("bundlefmt.verify.x", "from os.path import join", "os"),
        ("bundlefmt.evidence.x", "from pathlib import Path", "pathlib"),
        ("bundlefmt.verify.x", "import socket", "socket"),
        ("bundlefmt.verify.x", "import subprocess", "subprocess"),
        ("bundlefmt.verify.x", "from time import time", "time"),
        ("bundlefmt.verify.x", "import random", "random"),
        ("bundlefmt.verify.x", "import datetime\ndatetime.datetime.now(datetime.UTC)", "now()"),
        ("bundlefmt.verify.x", "from datetime import date\ndate.today()", "today()"),
        ("bundlefmt.verify.x", "open('f')", "open()"),
        ("bundlefmt.verify.x", "path.open()", "open()"),
        ("bundlefmt.render.x", "print('x')", "print()"),
    ],
)
def test_a_forbidden_edge_is_found(module: str, source: str, what: str) -> None:
    assert what in [found for found, _ in faults(module, source)]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("bundlefmt.cli.x", "import os, sys, typer\nfrom pathlib import Path\nopen('f')"),
        ("bundletools.x", "import subprocess, tpm2_pytss\nfrom bundlefmt.verify import verify"),
        ("bundlefmt.verify.x", "from bundlefmt import cose, labels\nfrom bundlefmt.evidence import tpm"),
        (
            "bundlefmt.evidence.x",
            "import hashlib\nfrom bundlefmt import cbor\nfrom bundlefmt.evidence import tpm",
        ),
        ("bundlefmt.render.x", "import datetime\ndatetime.datetime.fromtimestamp(0, datetime.UTC)"),
    ],
)
def test_an_allowed_edge_is_not(module: str, source: str) -> None:
    assert list(faults(module, source)) == []
