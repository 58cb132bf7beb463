# SPDX-License-Identifier: Apache-2.0
"""The findings on a page: each check in the order of the steps, what it found, and what it asks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from bundlefmt.render.case import Case, worst
from bundlefmt.render.html import BREAK, Markup, Part, element, join
from bundlefmt.render.html_judgement import MAX_FINDINGS, finding_line
from bundlefmt.render.html_marks import WORST, mark, section, unfold
from bundlefmt.verify.verifier import PLAN

_LABEL: Final = re.compile(r"- \*\*(.+?)\.\*\* ")
_SPANS: Final = re.compile(r"`([^`]+)`|\*\*(.+?)\*\*|\*(.+?)\*")


def findings_section(case: Case) -> Markup:
    parts: list[Part] = []
    for number, title, checks in PLAN:
        parts.append(element("h3", f"Step {number}: {title}"))
        parts += [_check(check.id, case) for check in checks]
    lead = "Every check, with what it found. The texts are those of the specification."
    return section("findings", "Findings", element("p", lead), *parts)


def _check(check: str, case: Case) -> Markup:
    order = {outcome: place for place, outcome in enumerate(WORST)}
    found = sorted(case.of(check), key=lambda each: order[each.outcome])
    lines = [element("li", finding_line(each, case)) for each in found[:MAX_FINDINGS]]
    if len(found) > MAX_FINDINGS:
        lines.append(element("li", f"and {len(found) - MAX_FINDINGS} more, none of them worse"))
    text = case.texts.get(check)
    return element(
        "div",
        element("h4", element("code", check)),
        mark(worst(found)),
        element("ul", join(lines, BREAK)),
        None
        if text is None
        else unfold(f"What {check} asks, and why", element("dl", join(check_text(text)))),
        id=f"check-{check}",
        class_="check",
    )


def check_text(body: str) -> Iterator[Markup]:
    """The parts of a section of the specification's list of checks: terms and their descriptions."""
    for paragraph in re.split(r"\n(?=- )", body):
        words = " ".join(paragraph.split())
        label = _LABEL.match(words)
        if label is not None:
            yield element("dt", label[1])
            yield element("dd", *_spans(words[label.end() :]))


def _spans(text: str) -> Iterator[Part]:
    """Code and emphasis of Markdown; everything else stays text."""
    at = 0
    for span in _SPANS.finditer(text):
        yield text[at : span.start()]
        code, strong, emphasis = span.groups()
        yield (
            element("code", code)
            if code
            else element("strong", strong)
            if strong
            else element("em", emphasis)
        )
        at = span.end()
    yield text[at:]
