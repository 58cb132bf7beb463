# SPDX-License-Identifier: Apache-2.0
"""The marks of a page: outcomes and bases by sign and word, never by colour alone; links; tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from bundlefmt.render.html import BREAK, Markup, Part, element, foreign, join
from bundlefmt.verify import Basis, Outcome, Verdict

SIGNS: Final[Mapping[str, str]] = {
    Outcome.PASSED: "✓",
    Outcome.FAILED: "✗",
    Outcome.INDETERMINATE: "?",
    Outcome.SKIPPED: "–",
    Verdict.PASSED: "✓",
    Verdict.FAILED: "✗",
    Verdict.INDETERMINATE: "?",
    Basis.PROVEN: "●",
    Basis.VOUCHED: "◐",
    Basis.UNPROVEN: "○",
    "claimed": "“",
    "certified": "§",
    "stamped": "◷",
    "mined": "◧",
    "chosen": "→",
}
# worst first: of several outcomes the first that is there is shown
WORST: Final = (Outcome.FAILED, Outcome.INDETERMINATE, Outcome.SKIPPED, Outcome.PASSED)


def mark(word: str, text: str | None = None) -> Markup:
    """A sign and its word, or `text` in its place."""
    sign = element("span", SIGNS[word], aria_hidden="true", class_="sign")
    return element("span", sign, " ", text or word, class_=f"mark {word.lower()}")


def check_link(check: str) -> Markup:
    return element("a", element("code", check), href=f"#check-{check}")


def item_link(label: str, known: Iterable[str]) -> Markup:
    """The place of an item; what is none (`seal 1`) has its place among the seals."""
    if label in known:
        return element("a", element("code", label), href=f"#item-{label}")
    if label.startswith("seal ") and label[5:].isdecimal():
        return element("a", label, href=f"#seal-{label[5:]}")
    return foreign(label)


def digest(value: str) -> Markup:
    """Hexadecimal that may be broken over lines anywhere."""
    return element("code", value, class_="hex")


def region(inner: Part, name: str) -> Markup:
    """Something wide, which is scrolled by itself, with the keyboard too."""
    return element("div", inner, class_="wide", role="region", aria_label=name, tabindex=0)


def unfold(summary: Part, *inner: Part, class_: str | None = None) -> Markup:
    return element("details", element("summary", summary), *inner, class_=class_)


def table(caption: str, heads: Iterable[str], rows: Iterable[Markup], class_: str | None = None) -> Markup:
    """A table with its name and the names of its columns; each row brings its own cells."""
    top = element("tr", *(element("th", head, scope="col") for head in heads))
    return element(
        "table",
        element("caption", caption),
        element("thead", top),
        element("tbody", join(rows, BREAK)),
        class_=class_,
    )


def row(head: Part, *cells: Part, id: str | None = None, class_: str | None = None) -> Markup:
    """A row, named by its first cell."""
    return element(
        "tr",
        element("th", head, scope="row"),
        *(element("td", cell) for cell in cells),
        id=id,
        class_=class_,
    )


def section(id: str, title: str, *inner: Part) -> Markup:
    head = element("h2", title, id=f"{id}-title")
    return element("section", head, BREAK, join(inner, BREAK), id=id, aria_labelledby=f"{id}-title")
