# SPDX-License-Identifier: Apache-2.0
"""In what two answers differ: one line for each thing, none where they are alike.

Spec: "Errors" (which of several faults is told is left to the decoder), "Verification".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.interop.run_vectors import Json

# areas whose checks follow references; where these are wrong, such a check judges what is named, or is skipped
_FOLLOWING: Final = frozenset(
    {
        "ak",
        "activation",
        "binding",
        "certify",
        "clock",
        "creation",
        "cross",
        "ek",
        "hardware",
        "key",
        "log",
        "nv",
        "quote",
        "reference",
    }
)
_BY_ISSUER: Final = frozenset({"piv.chain", "piv.revocation"})


def differences(ours: Json, theirs: Json) -> dict[str, str]:
    """By kind (`refused`, `verdict`, a check, a conclusion): what each says that the other may not say."""
    found = {kind: f"{one} | {other}" for kind, one, other in _pairs(ours, theirs) if one != other}
    if all("container.refs" in _outcomes(said) for said in (ours, theirs)):
        return {kind: said for kind, said in found.items() if not _follows(kind)}
    return found


def _follows(check: str) -> bool:
    return check.partition(".")[0] in _FOLLOWING or check in _BY_ISSUER


def other_fault(ours: Json, theirs: Json) -> bool:
    """Whether both refuse the file, and each for a fault of its own: of several, any may be told."""
    told = [(said["error"], said["offset"]) for said in (ours, theirs) if "error" in said]
    return len(told) > 1 and told[0] != told[1]


def _pairs(ours: Json, theirs: Json) -> Iterator[tuple[str, str, str]]:
    for said in (ours, theirs):
        if "internal" in said:
            yield "internal", _raised(ours), _raised(theirs)
            return
    if "error" in ours or "error" in theirs:
        if "error" not in ours or "error" not in theirs:
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
    for finding in report.get("findings", []):
        if finding["outcome"] in ("failed", "indeterminate"):
            found.setdefault(finding["check"], set()).add(finding["outcome"])
    return {check: "+".join(sorted(outcomes)) for check, outcomes in found.items()}


def _raised(said: Json) -> str:
    return said["internal"].strip().splitlines()[-1][:200] if "internal" in said else "answers"
