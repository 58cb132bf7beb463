# SPDX-License-Identifier: Apache-2.0
"""Which checks held, as conclusions ask.

Spec: "Conclusions".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bundlefmt import labels
from bundlefmt.verify.context import Context
from bundlefmt.verify.findings import Finding, Outcome

_REVOKING: Final = ("crl", "ocsp")
_ABOVE: Final = ("issuer", "by")


class Held:
    """Which checks held: passed at least once, and nothing that they cover was left out.

    A conclusion speaks of all items of its kind, so one that was skipped denies it; items that are private
    by nature are no evidence and deny nothing.
    """

    def __init__(self, context: Context, findings: Sequence[Finding]) -> None:
        self._items = context.manifest.items
        self._context = context
        self._findings: dict[str, list[Finding]] = {}
        for finding in findings:
            self._findings.setdefault(finding.check, []).append(finding)

    def holds(self, checks: Sequence[str]) -> bool:
        return all(self._holds(self._findings.get(check, [])) for check in checks)

    def every(self, check: str) -> bool:
        """Passed for each item that it covers, private by nature or not."""
        found = self._findings.get(check, [])
        return bool(found) and all(finding.outcome is Outcome.PASSED for finding in found)

    def unbroken(self, check: str) -> bool:
        """Nothing failed or was left undecided."""
        outcomes = {finding.outcome for finding in self._findings.get(check, [])}
        return not outcomes & {Outcome.FAILED, Outcome.INDETERMINATE}

    def unrevoked(self, check: str, *roles: str) -> bool:
        """Nothing says that a certificate is revoked, and nothing that could say so is kept back.

        That is, no list or response whose `issuer` has one of `roles` or is named above one that has.
        """
        line = set(self._context.labels(*roles))
        above = set(line)
        while line:
            line = {each for label in line for ref in _ABOVE for each in self._items[label].ref(ref)} - above
            above |= line
        return self.unbroken(check) and not any(
            label not in self._context.bundle.content and above & set(self._items[label].ref("issuer"))
            for label in self._context.labels(*_REVOKING)
        )

    def _holds(self, findings: Sequence[Finding]) -> bool:
        return any(finding.outcome is Outcome.PASSED for finding in findings) and all(
            finding.outcome is Outcome.PASSED or self._no_evidence(finding) for finding in findings
        )

    def _no_evidence(self, finding: Finding) -> bool:
        """Skipped, and of no item (a seal of a kind that is not known) or of a withholdable one."""
        return finding.outcome is Outcome.SKIPPED and all(
            label not in self._items or self._items[label].role in labels.WITHHOLDABLE
            for label in finding.items
        )

    def failed(self, checks: Sequence[str]) -> bool:
        """Whether any of them found fault."""
        return any(
            finding.outcome is Outcome.FAILED for check in checks for finding in self._findings.get(check, [])
        )
