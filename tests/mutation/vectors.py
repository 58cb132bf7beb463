# SPDX-License-Identifier: Apache-2.0
"""The published vectors as one quick test: whether all of some areas give what they expect."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

from bundlefmt.bundle import Bundle
from bundlefmt.errors import MalformedError
from bundlefmt.verify import verify
from tests.terms import policy_of

FOLDER: Final = Path(__file__).resolve().parents[2] / "test-vectors"


@cache
def _said() -> dict[str, dict[str, Any]]:
    paths = sorted(FOLDER.glob("*/vector.json"))
    return {path.parent.name: json.loads(path.read_text("utf-8")) for path in paths}


def _octets(name: str) -> bytes:
    return (FOLDER / name / "bundle.evb").read_bytes()


def _names(areas: tuple[str, ...] | None, *, refused: bool) -> Iterator[str]:
    for name, said in _said().items():
        is_refused = "error" in said["expect"]
        if (refused and is_refused) or (
            not is_refused and (areas is None or name.partition("_")[0] in areas)
        ):
            yield name


def holds(name: str) -> bool:
    """Whether a vector gives exactly what it expects."""
    said, data = _said()[name], _octets(name)
    try:
        bundle = Bundle.decode(data)
    except MalformedError as error:
        return bool(said["expect"] == {"error": error.code.value, "offset": error.offset})
    if "error" in said["expect"] or bundle.encode() != data:
        return False
    previous = Bundle.decode(_octets(said["previous"])) if "previous" in said else None
    report = verify(bundle, policy_of(said["policy"], FOLDER / "keys"), previous=previous)
    found = {
        "verdict": report.verdict.value,
        **{
            outcome: sorted({each.check for each in report.findings if each.outcome == outcome})
            for outcome in ("failed", "indeterminate")
        },
    }
    expected = dict(said["expect"])
    concluded = expected.pop("conclusions", {})
    bases = {each.id: each.basis.value for each in report.conclusions}
    return found == expected and bases | concluded == bases


def hold(areas: tuple[str, ...] | None, *, refused: bool) -> bool:
    """Whether all judged vectors of `areas` (None: of all) hold, and those that are `refused`."""
    return all(holds(name) for name in _names(areas, refused=refused))
