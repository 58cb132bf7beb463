# SPDX-License-Identifier: Apache-2.0
"""The history of machines: lines for people, and the JSON for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bundlefmt.moment import when
from bundlefmt.render.history import SCHEMA, History, Platform, Step
from bundlefmt.render.words import lines, plural

UNJUDGED: Final = "not judged"
_VERDICT: Final = 14  # columns: INDETERMINATE
_NAME: Final = 24  # hexadecimal digits of a key's name that a line shows
_UNREAD: Final = 20


def title(platform: Platform) -> str:
    """By what a machine is known: its first attestation key, endorsement key or manifest, cut short."""
    for kind, names in (("attestation key", platform.ak_names), ("endorsement key", platform.ek_sha256)):
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            return f"{kind} {names[0][:_NAME]}…{more}"
    return f"manifest {platform.steps[0].snapshot.manifest[0].hex()[:_NAME]}…"


def span(platform: Platform) -> str:
    """How many snapshots, and the times that the first and the last claim."""
    first, last = platform.steps[0].snapshot.created, platform.steps[-1].snapshot.created
    return f"{plural(len(platform.steps), 'snapshot')}, {when(first)} to {when(last)}"


def runs(steps: tuple[Step, ...]) -> Iterator[Step | int]:
    """The steps at which something happened or whose verdict is another; between them how many did not."""
    quiet, verdict = 0, None
    for step in steps:
        if step.changes or step.snapshot.verdict != verdict:
            if quiet:
                yield quiet
            quiet, verdict = 0, step.snapshot.verdict
            yield step
        else:
            quiet += 1
    if quiet:
        yield quiet


@lines
def history_lines(history: History, *, verbose: bool = False) -> Iterator[str]:
    """A table for each machine: what happened and when; all snapshots when `verbose`."""
    for number, platform in enumerate(history.platforms, 1):
        yield f"machine {number}: {title(platform)}"
        yield f"  {span(platform)}"
        for step in platform.steps if verbose else runs(platform.steps):
            if isinstance(step, int):
                yield f"  {'':20}  ({plural(step, 'snapshot')} without a change)"
            else:
                yield from _step_lines(step)
    for path, code in history.unread[:_UNREAD]:
        yield f"not in it: {path} ({code})"
    if len(history.unread) > _UNREAD:
        yield f"not in it: {len(history.unread) - _UNREAD} more"
    yield f"{plural(len(history.platforms), 'machine')}, {plural(history.faults, 'fault')} in their histories"


def _step_lines(step: Step) -> Iterator[str]:
    snapshot = step.snapshot
    yield f"  {when(snapshot.created):20}  {snapshot.verdict or UNJUDGED:{_VERDICT}} {snapshot.path}"
    for change in step.changes:
        fault = "FAULT" if change.kind.is_fault else ""
        yield f"  {'':20}  {fault:{_VERDICT}} {change.kind}: {change.message}"


def history_json(history: History) -> dict[str, object]:
    """For programs; snapshots are written one after the other. Spec: "History of machines"."""
    return {
        "schema": SCHEMA,
        "interval": history.interval,
        "faults": history.faults,
        "platforms": iter(
            [
                {
                    "ak_names": each.ak_names,
                    "ek_sha256": each.ek_sha256,
                    "faults": each.faults,
                    "snapshots": map(_step_json, each.steps),
                }
                for each in history.platforms
            ]
        ),
        "unread": [{"path": path, "code": code} for path, code in history.unread],
    }


def _step_json(step: Step) -> dict[str, object]:
    snapshot = step.snapshot
    return {
        "path": snapshot.path,
        "copies": list(snapshot.copies),
        "verdict": snapshot.verdict,
        "created": snapshot.created,
        "manifest_sha256": snapshot.manifest[0].hex(),
        "after": None if step.after is None else step.after.manifest[0].hex(),
        "changes": [
            {"kind": change.kind.value, "fault": change.kind.is_fault, "message": change.message}
            for change in step.changes
        ],
    }
