# SPDX-License-Identifier: Apache-2.0
"""In what two answers differ: one line for each thing, none where they are alike.

Spec: "Errors" (which of several faults is told is left to the decoder), "Verification".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.interop.run_vectors import Json

# of several faults of form a decoder may tell any: another one than the other tells is none of these
FREE: Final = ("code", "offset")


def differences(ours: Json, theirs: Json) -> dict[str, str]:
    """By kind (`refused`, `code`, `offset`, `verdict`, a check or a conclusion): what each says."""
    return {kind: f"{one} | {other}" for kind, one, other in _pairs(ours, theirs) if one != other}


def _pairs(ours: Json, theirs: Json) -> Iterator[tuple[str, str, str]]:
    for said in (ours, theirs):
        if "internal" in said:
            yield "internal", _raised(ours), _raised(theirs)
            return
    if "error" in ours or "error" in theirs:
        if "error" in ours and "error" in theirs:
            yield "code", ours["error"], theirs["error"]
            yield "offset", str(ours["offset"]), str(theirs["offset"])
        else:
            yield "refused", *(f"{said.get('error', 'read')}@{said.get('offset')}" for said in (ours, theirs))
        return
    yield "verdict", ours["verdict"], theirs["verdict"]
    ours_by, theirs_by = _outcomes(ours), _outcomes(theirs)
    for check in sorted(ours_by | theirs_by):
        yield check, ours_by.get(check, "-"), theirs_by.get(check, "-")
    one, other = ({each["id"]: each["basis"] for each in said["conclusions"]} for said in (ours, theirs))
    for id in sorted(one | other):
        yield f"= {id}", one.get(id, "-"), other.get(id, "-")


def _outcomes(report: Json) -> dict[str, str]:
    """Of each check what of its outcomes counts: whether any failed, whether any is undecided."""
    found: dict[str, set[str]] = {}
    for finding in report["findings"]:
        if finding["outcome"] in ("failed", "indeterminate"):
            found.setdefault(finding["check"], set()).add(finding["outcome"])
    return {check: "+".join(sorted(outcomes)) for check, outcomes in found.items()}


def _raised(said: Json) -> str:
    return said["internal"].strip().splitlines()[-1][:200] if "internal" in said else "answers"
