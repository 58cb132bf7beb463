# SPDX-License-Identifier: Apache-2.0
"""The published vectors as quick tests: whether one gives what it expects."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

from bundlefmt.bundle import Bundle
from bundlefmt.challenge import Kept
from bundlefmt.errors import MalformedError
from bundlefmt.verify import Policy, verify
from tests.terms import policy_of

FOLDER: Final = Path(__file__).resolve().parents[2] / "test-vectors"


@cache
def _said() -> dict[str, dict[str, Any]]:
    paths = sorted(FOLDER.glob("*/vector.json"))
    return {path.parent.name: json.loads(path.read_text("utf-8")) for path in paths}


def names() -> list[str]:
    return list(_said())


def _octets(name: str) -> bytes:
    return (FOLDER / name / "bundle.evb").read_bytes()


@cache
def _given(name: str) -> tuple[Bundle, Policy, Bundle | None, Kept | None]:
    """What the verifier is given. Raises MalformedError, or ValueError if written otherwise than read."""
    said, data = _said()[name], _octets(name)
    bundle = Bundle.decode(data)
    if bundle.encode() != data:
        raise ValueError(name)
    previous = Bundle.decode(_octets(said["previous"])) if "previous" in said else None
    confirmed = Kept.decode((FOLDER / name / said["confirmed"]).read_bytes()) if "confirmed" in said else None
    policy = policy_of(said["policy"], FOLDER / "keys") if "policy" in said else Policy()
    return bundle, policy, previous, confirmed


def prepare() -> None:
    """What does not depend on the verifier is done before."""
    for name, said in _said().items():
        if "error" not in said["expect"]:
            _given(name)


def holds(name: str) -> bool:
    """Whether a vector gives exactly what it expects."""
    expected = dict(_said()[name]["expect"])
    try:
        bundle, policy, previous, confirmed = _given(name)
    except MalformedError as error:
        return expected == {"error": error.code.value, "offset": error.offset}
    if "error" in expected:
        return False
    report = verify(bundle, policy, previous=previous, confirmed=confirmed)
    found = {
        "verdict": report.verdict.value,
        **{
            outcome: sorted({each.check for each in report.findings if each.outcome == outcome})
            for outcome in ("failed", "indeterminate")
        },
    }
    concluded = expected.pop("conclusions", {})
    bases = {each.id: each.basis.value for each in report.conclusions}
    return found == expected and bases | concluded == bases
