# SPDX-License-Identifier: Apache-2.0
"""A report: lines for people, and the JSON for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bundlefmt.render import Json, platform
from bundlefmt.render.words import cut, lines, plural
from bundlefmt.verify import Finding, Outcome, Report

MAX_MESSAGE: Final = 500  # characters of a finding in a line for people
_MARKS: Final = {
    Outcome.PASSED: "ok  ",
    Outcome.FAILED: "FAIL",
    Outcome.INDETERMINATE: "??  ",
    Outcome.SKIPPED: "-   ",
}


@lines
def report_lines(report: Report, *, verbose: bool = False) -> Iterator[str]:
    """A report: the findings that matter (all when `verbose`), the conclusions, the verdict."""
    yield f"manifest sha-256 {report.manifest_digest.hex()}"
    if report.policy.document is not None:
        more = ", and more was demanded or allowed beside it" if report.policy.amended else ""
        yield f"policy sha-256 {report.policy.document.hex()}{more}"
    for relaxation in report.policy.relaxations:
        yield f"relaxed: {relaxation}"
    passed = sum(finding.outcome is Outcome.PASSED for finding in report.findings)
    for finding in report.findings:
        if verbose or finding.outcome in (Outcome.FAILED, Outcome.INDETERMINATE):
            yield _finding_line(finding)
    if not verbose:
        skipped = sum(finding.outcome is Outcome.SKIPPED for finding in report.findings)
        yield f"{plural(passed, 'finding')} passed, {skipped} skipped (-v lists them)"
    yield "conclusions"
    for conclusion in report.conclusions:
        yield f"  {conclusion.basis:9} {conclusion.statement}"
    if verbose:
        for label, told in report.platforms:
            yield f"what booted, as {label} tells it"
            yield from (f"  {line}" for line in platform.summary(told))
    yield f"verdict: {report.verdict}"


def _finding_line(finding: Finding) -> str:
    items = (
        f" [{', '.join(finding.items[:4])}{', …' if len(finding.items) > 4 else ''}]" if finding.items else ""
    )
    return f"{_MARKS[finding.outcome]} {finding.check:20}{items} {cut(finding.message, MAX_MESSAGE)}"


def report_json(report: Report, trust: Json = None) -> dict[str, Json]:
    """The report for programs; `trust` says what of the policy was kept in a file. Spec: "Report as JSON"."""
    policy = report.policy
    document: Json = None
    if policy.document is not None:
        document = {"sha256": policy.document.hex(), "amended": policy.amended}
    return {
        "schema": "evidence-bundle-report/1",
        "verdict": report.verdict.value,
        "manifest_sha256": report.manifest_digest.hex(),
        "policy": {
            "pins_openpgp": list[Json](sorted(policy.pins_openpgp)),
            "pins_piv": list[Json](sorted(pin.hex() for pin in policy.pins_piv)),
            "known_openpgp": len(policy.known_openpgp),
            "known_piv": len(policy.known_piv),
            "anchors": len(policy.anchors),
            "anchors_piv": len(policy.anchors_piv),
            "anchors_hardware": len(policy.anchors_hardware),
            "anchors_time": len(policy.anchors_time),
            "anchors_log": len(policy.anchors_log),
            "pins_hardware": list[Json](sorted(pin.hex() for pin in policy.pins_hardware)),
            "pins_block": list[Json](sorted(pin.hex() for pin in policy.pins_block)),
            "require_no_advisories": policy.require_no_advisories,
            "at": policy.at,
            "now": policy.now,
            "require": {name: basis.value for name, basis in sorted(policy.require.items())},
            "algorithms": dict(sorted(policy.algorithms.items())),
            "relaxations": list[Json](policy.relaxations),
            "document": document,
            "trust": trust,
        },
        "sealed_by": [{"role": role, "identity": identity} for role, identity in report.sealed_by],
        "findings": [
            {
                "check": finding.check,
                "outcome": finding.outcome.value,
                "items": list[Json](finding.items),
                "message": finding.message,
            }
            for finding in report.findings
        ],
        "conclusions": [
            {
                "id": conclusion.id,
                "basis": conclusion.basis.value,
                "statement": conclusion.statement,
                "rests_on": list[Json](conclusion.rests_on),
            }
            for conclusion in report.conclusions
        ],
        "platforms": {label: list[Json](platform.summary(told)) for label, told in report.platforms},
    }
