# SPDX-License-Identifier: Apache-2.0
"""The judgement on a page: the verdict and its meaning, what speaks against, conclusions, what is open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from bundlefmt.render.case import Case, worst
from bundlefmt.render.html import BREAK, Markup, Part, element, foreign, join
from bundlefmt.render.html_marks import check_link, item_link, mark, section, unfold
from bundlefmt.render.report import MAX_MESSAGE
from bundlefmt.render.words import plural
from bundlefmt.verify import Basis, Conclusion, Finding, Outcome, Verdict

MAX_FINDINGS: Final = 200  # of one kind; the rest is counted
_NOTHING: Final = "nothing of this kind here"
_MEANINGS: Final[Mapping[Verdict, str]] = {
    Verdict.PASSED: "Every check that could be made held, and identities that the verifier knows have "
    "sealed this bundle. Not everything in it is thereby proven: the conclusions say what is, and by what.",
    Verdict.FAILED: "At least one check found evidence that is wrong: altered, forged, or not what it is "
    "said to be. Do not rely on this bundle before the reason is known.",
    Verdict.INDETERMINATE: "No check found evidence that is wrong, but at least one could not be decided "
    "from what is here. This is not a pass.",
}
_BASES: Final[Mapping[Basis, str]] = {
    Basis.PROVEN: "follows from cryptography and from pins and anchors that the verifier chose",
    Basis.VOUCHED: "rests on the word of those who sealed",
    Basis.UNPROVEN: "is not shown by this bundle under this policy",
}


def verdict_section(case: Case) -> Markup:
    verdict = case.report.verdict
    box = element("div", mark(verdict), element("p", _MEANINGS[verdict]), class_=f"verdict {verdict.lower()}")
    counts = ", ".join(
        f"{sum(each.outcome is outcome for each in case.report.findings)} {outcome}" for outcome in Outcome
    )
    against = [
        each
        for outcome in (Outcome.FAILED, Outcome.INDETERMINATE)
        for each in case.report.findings
        if each.outcome is outcome
    ]
    relaxed = case.report.policy.relaxations
    return section(
        "verdict",
        "Verdict",
        box,
        element("p", f"Findings: {counts}."),
        element("p", element("strong", f"Rules relaxed by the verifier: {', '.join(relaxed)}."))
        if relaxed
        else None,
        element("h3", "What speaks against it") if against else None,
        _listed(against, case) if against else None,
        element(
            "p",
            "This page is a report and no evidence: anybody can write one. Whoever must know runs ",
            element("code", "bundle verify"),
            " on the bundle, whose manifest has the digest named above, with pins and anchors of their own.",
        ),
    )


def _listed(findings: list[Finding], case: Case) -> Markup:
    shown = (element("li", finding_line(each, case, named=True)) for each in findings[:MAX_FINDINGS])
    rest = len(findings) - MAX_FINDINGS
    return element("ul", join(shown, BREAK), element("li", f"and {rest} more") if rest > 0 else None)


def finding_line(finding: Finding, case: Case, *, named: bool = False) -> Markup:
    """The outcome, of what, and why; with the check's name where it does not stand above."""
    items = finding.items[:4]
    of: list[Part] = [join((item_link(each, case.listed) for each in items), ", ")] if items else []
    if len(finding.items) > len(items):
        of.append(f" and {len(finding.items) - len(items)} more")
    return join(
        (
            mark(finding.outcome),
            " ",
            check_link(finding.check) if named else None,
            " " if named and of else None,
            *of,
            ": " if of or named else None,
            foreign(finding.message, MAX_MESSAGE),
        )
    )


def conclusions_section(case: Case) -> Markup:
    legend = (
        element(
            "li", mark(basis), f" {words}: {sum(each.basis is basis for each in case.report.conclusions)}"
        )
        for basis, words in _BASES.items()
    )
    return section(
        "conclusions",
        "What follows",
        element("ul", join(legend, BREAK), class_="soft"),
        element("ul", join(_conclusions(case), BREAK), class_="conclusions"),
    )


def _conclusions(case: Case) -> Iterator[Markup]:
    for each in case.report.conclusions:
        rests_on = dict.fromkeys(each.rests_on)
        outcomes = {check: _rested_on(each, case.of(check)) for check in rests_on}
        lines = (element("li", mark(outcome), " ", check_link(check)) for check, outcome in outcomes.items())
        counted = {outcome: sum(each is outcome for each in outcomes.values()) for outcome in Outcome}
        counts = ", ".join(f"{count} {outcome}" for outcome, count in counted.items() if count)
        yield element(
            "li",
            element("p", mark(each.basis), ": ", foreign(each.statement, 4 * MAX_MESSAGE)),
            unfold(
                f"{each.id} rests on {plural(len(outcomes), 'check')}: {counts}",
                element("ul", join(lines, BREAK), class_="checks"),
            ),
            id=f"conclusion-{each.id}",
            class_=f"is-{each.basis}",
        )


def _rested_on(conclusion: Conclusion, findings: Sequence[Finding]) -> Outcome:
    """What a conclusion has of a check: what was skipped beside what passed took nothing from it."""
    outcome = worst(findings)
    passed = any(each.outcome is Outcome.PASSED for each in findings)
    if outcome is Outcome.SKIPPED and passed and conclusion.basis is not Basis.UNPROVEN:
        return Outcome.PASSED
    return outcome


def open_section(case: Case) -> Markup:
    """What nobody looked at, or could not; silence would be taken for approval."""
    skipped = [each for each in case.report.findings if each.outcome is Outcome.SKIPPED]
    empty = [each.check for each in skipped if each.message == _NOTHING]
    rest = [each for each in skipped if each.message != _NOTHING]
    absent = [label for label in sorted(case.items) if label not in case.bundle.content]
    lines: list[Part] = [
        "That a time in this page is true that is neither stamped nor mined: the only other clock here is the"
        " TPM's, which counts from its start.",
        "What happened on the machine before and after the quotes.",
    ]
    if absent:
        named = join((item_link(label, case.listed) for label in absent[:MAX_FINDINGS]), ", ")
        more = f" and {len(absent) - MAX_FINDINGS} more" if len(absent) > MAX_FINDINGS else ""
        lines.append(join(("Not in this file: ", named, f"{more}.")))
    return section(
        "open",
        "What was not judged",
        element("ul", *(element("li", line) for line in lines)),
        element("h3", "Skipped, with the reason") if rest else None,
        _listed(rest, case) if rest else None,
        element("h3", "Checks with nothing to look at") if empty else None,
        element("p", join(map(check_link, dict.fromkeys(empty)), ", "), ".") if empty else None,
    )
