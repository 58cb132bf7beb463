# SPDX-License-Identifier: Apache-2.0
"""In what two answers differ: one line for each thing, none where they are alike.

Spec: "Errors" (which of several faults is told is left to the decoder), "Verification".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.interop.run_vectors import Json

# areas whose checks follow references: where these are wrong, a check judges what is named, or is skipped
_FOLLOWING: Final = frozenset(
    {
        *("ak", "activation", "binding", "certify", "clock", "creation", "cross"),
        *("ek", "hardware", "key", "log", "nv", "quote", "reference"),
    }
)
_BY_ISSUER: Final = frozenset({"piv.chain", "piv.revocation"})
# what the second verifier says that it leaves out
LEFT_OUT: Final = frozenset({"openpgp.policy"})


def differences(ours: Json, theirs: Json) -> dict[str, str]:
    """By kind (`refused`, `verdict`, a check, a conclusion): what each says that the other may not say."""
    return {
        kind: told for kind, told in every_difference(ours, theirs).items() if not _open(kind, ours, theirs)
    }


def every_difference(ours: Json, theirs: Json) -> dict[str, str]:
    """Those too that the specification leaves open; none where the second verifier leaves something out."""
    found = {kind: f"{one} | {other}" for kind, one, other in _pairs(ours, theirs) if one != other}
    return {} if found.keys() & LEFT_OUT else found


def _open(kind: str, ours: Json, theirs: Json) -> bool:
    """Whether a verifier may say either: of a check by a wrong reference, or which has several reasons."""
    if kind in ("verdict", "refused", "internal") or kind.startswith("="):
        return False
    one, other = _outcomes(ours), _outcomes(theirs)
    if "container.refs" in one and "container.refs" in other:
        return kind.partition(".")[0] in _FOLLOWING or kind in _BY_ISSUER
    both = {one.get(kind, ""), other.get(kind, "")}
    if not all(_skipped(said, kind) for said in (ours, theirs)):
        return False
    unreadable = any(check.endswith(".form") for check in one.keys() & other.keys())
    return both == {"", "indeterminate"} or (unreadable and both == {"", "failed"})


def _skipped(report: Json, check: str) -> bool:
    """Whether the check did not pass for an item: it is undecided, or was skipped."""
    return any(each["check"] == check and each["outcome"] != "passed" for each in report["findings"])


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
