# SPDX-License-Identifier: Apache-2.0
"""Every decoder has a target: in one of a single structure it accepts a seed, so fuzzing begins inside.

What a decoder is, is read from the syntax trees of the format's modules; that it is reached is observed.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Final

from tests.fuzz.targets import TARGETS
from tests.remembered import forget

ROOT: Final = Path(__file__).resolve().parents[2]
WHOLE: Final = frozenset({"verify", "evidence", "renewal", "inspect"})  # too slow to count as a decoder's own
INPUT: Final = frozenset({"Buffer", "bytes"})
VERBS: Final = (
    "decode",
    "scan",
    "split",
    "read",
    "load",
    "unwrap",
    "granted",
    "recognise",
    "packet",
    "facts",
)
SEEDS: Final = 20  # of each target, evenly chosen, the first among them
# rooms that hand on what they are given
ELSEWHERE: Final = frozenset({"cli", "render", "spec"})


def decoders() -> Iterator[str]:
    """`module:function` of each function whose name says that it reads and which is first given bytes."""
    for file in sorted((ROOT / "bundlefmt").rglob("*.py")):
        inside = file.relative_to(ROOT / "bundlefmt")
        if inside.parts[0] in ELSEWHERE or inside.name == "wire.py":
            continue
        for name, function in _functions(ast.parse(file.read_text("utf-8")), ""):
            given = [each for each in function.args.args if each.arg not in ("self", "cls")]
            annotation = given[0].annotation if given else None
            if annotation is not None and ast.unparse(annotation) in INPUT and _reads(function.name):
                yield f"{inside.with_suffix('').as_posix()}:{name}"


def _reads(name: str) -> bool:
    return name.startswith(VERBS) or name.endswith(("_facts", "_signatures"))


def _functions(tree: ast.Module | ast.ClassDef, prefix: str) -> Iterator[tuple[str, ast.FunctionDef]]:
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield from _functions(node, f"{prefix}{node.name}.")
        elif isinstance(node, ast.FunctionDef):
            yield prefix + node.name, node


class Returned:
    """The functions of the format that gave something back while it was watching."""

    def __init__(self) -> None:
        self.codes: set[CodeType] = set()

    def __call__(self, frame: FrameType, event: str, value: object) -> None:
        if event == "return" and value is not None:
            self.codes.add(frame.f_code)

    def names(self) -> set[str]:
        root = ROOT / "bundlefmt"
        inside = [code for code in self.codes if Path(code.co_filename).is_relative_to(root)]
        return {
            f"{Path(code.co_filename).relative_to(root).with_suffix('').as_posix()}:{code.co_qualname}"
            for code in inside
        }


def accepted(names: set[str]) -> set[str]:
    """What returns something in the targets of these names, of their seeds."""
    # what is remembered is not decoded again
    forget()
    watching = Returned()
    before = sys.getprofile()
    for name in sorted(names):
        target = TARGETS[name]
        starts = list(dict.fromkeys(target.seeds()))
        for seed in starts[:: max(len(starts) // SEEDS, 1)]:
            sys.setprofile(watching)
            try:
                target.run(seed)
            finally:
                sys.setprofile(before)
    return watching.names()


def test_every_decoder_accepts_a_seed_of_a_target() -> None:
    wanted = set(decoders())
    assert "cbor:scan" in wanted
    assert wanted - accepted(set(TARGETS) - WHOLE) == set()


def test_a_decoder_without_a_target_is_noticed() -> None:
    missing = set(decoders()) - accepted({"tpm-attest"})
    assert "evidence/tpm:TpmtPublic.decode" in missing
    assert "evidence/attest:TpmsAttest.decode" not in missing
