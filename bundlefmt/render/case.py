# SPDX-License-Identifier: Apache-2.0
"""What a page is about: a bundle, the report on it, the texts of the checks; findings by check and item."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Final

from bundlefmt import labels
from bundlefmt.bundle import Bundle
from bundlefmt.manifest import Item
from bundlefmt.render import Json
from bundlefmt.render.html_marks import WORST
from bundlefmt.verify import Conclusion, Finding, Outcome, Report
from bundlefmt.verify.context import Context

MAX_ITEMS: Final = 3000  # a manifest may have ten times as many; a page of them would not open


@dataclass(frozen=True, kw_only=True)
class Case:
    """One bundle judged once. `texts` has the section of each check; `trust` is that of the JSON report."""

    bundle: Bundle
    report: Report
    texts: Mapping[str, str]
    trust: Json = None

    @cached_property
    def context(self) -> Context:
        """The bundle as the checks saw it, to read artifacts by."""
        return Context(self.bundle, self.report.policy)

    @property
    def items(self) -> Mapping[str, Item]:
        return self.bundle.manifest.items

    @cached_property
    def listed(self) -> Mapping[str, Item]:
        """The items that have a place on the page, by role in the order of the registry."""
        order = {role: place for place, role in enumerate(labels.ROLES)}

        def key(pair: tuple[str, Item]) -> tuple[int, str, str]:
            label, item = pair
            return order.get(item.role, len(order)), item.role, label

        return dict(islice(sorted(self.items.items(), key=key), MAX_ITEMS))

    @cached_property
    def _by_check(self) -> Mapping[str, list[Finding]]:
        found: dict[str, list[Finding]] = {}
        for finding in self.report.findings:
            found.setdefault(finding.check, []).append(finding)
        return found

    def of(self, check: str) -> list[Finding]:
        return self._by_check.get(check, [])

    @cached_property
    def _by_place(self) -> Mapping[tuple[str, str], list[Finding]]:
        found: dict[tuple[str, str], list[Finding]] = {}
        for finding in self.report.findings:
            for label in finding.items:
                found.setdefault((finding.check, label), []).append(finding)
        return found

    def about(self, checks: Iterable[str], labels: Iterable[str]) -> tuple[Finding, ...]:
        """The findings of these checks that speak of one of these items, each once."""
        about = tuple(dict.fromkeys(labels))
        found = (
            each for check in checks for label in about for each in self._by_place.get((check, label), ())
        )
        return tuple(dict.fromkeys(found))

    def against(self, label: str) -> Finding | None:
        """The worst that was found of one item, where that is a fault or a doubt."""
        return self._against.get(label)

    @cached_property
    def _against(self) -> Mapping[str, Finding]:
        found: dict[str, Finding] = {}
        for outcome in (Outcome.FAILED, Outcome.INDETERMINATE):
            for finding in self.report.findings:
                if finding.outcome is outcome:
                    for label in finding.items:
                        found.setdefault(label, finding)
        return found

    def conclusion(self, id: str) -> Conclusion | None:
        return next((each for each in self.report.conclusions if each.id == id), None)


def worst(findings: Iterable[Finding]) -> Outcome:
    """Of several outcomes the worst; of none, skipped."""
    found = {finding.outcome for finding in findings}
    return next((outcome for outcome in WORST if outcome in found), Outcome.SKIPPED)
