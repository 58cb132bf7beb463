# SPDX-License-Identifier: Apache-2.0
"""The one gate into a page: elements, attributes and text that are in its tables, and nothing else.

Text is made safe and escaped here and nowhere else, whoever wrote it. The tables have no element that runs,
loads or sends anything, and links lead into the page itself. What is written is HTML and XML alike.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from html import escape
from typing import Final

from bundlefmt.frozen import frozen
from bundlefmt.render.words import MAX_LINE, MAX_SHOWN, cut, safe

_EVERYWHERE: Final = frozenset(
    {"id", "class", "lang", "role", "tabindex"}
    | {f"aria-{name}" for name in ("label", "labelledby", "describedby", "hidden")}
)
_BARE: Final = (
    *("html", "head", "title", "body", "header", "nav", "main", "section", "footer", "div", "p", "span"),
    *("h1", "h2", "h3", "h4", "ul", "ol", "dl", "dt", "dd", "strong", "em", "code", "bdi"),
    *("table", "caption", "thead", "tbody", "tr", "details", "summary", "g", "desc"),
)
_PLACE: Final = frozenset({"x", "y", "width", "height"})
ELEMENTS: Final[dict[str, frozenset[str]]] = {
    **dict.fromkeys(_BARE, frozenset()),
    "meta": frozenset({"charset", "name", "content", "http-equiv"}),
    "style": frozenset(),
    "a": frozenset({"href"}),
    "li": frozenset({"value"}),
    "th": frozenset({"scope", "colspan"}),
    "td": frozenset({"colspan"}),
    "svg": frozenset({"viewBox", "width", "height"}),
    "rect": _PLACE | {"rx"},
    "text": frozenset({"x", "y", "text-anchor"}),
    "path": frozenset({"d"}),
}
_SET_UPON: Final = ("Mn", "Me")
MAX_MARKS: Final = 3  # Vietnamese and Hebrew have two, with a third in pointed scripture
_EMPTY: Final = frozenset({"meta", "rect", "path"})
_ID: Final = re.compile(r"[a-z0-9][a-z0-9._-]*")
_PLACES: Final = {
    **dict.fromkeys(("id", "aria-labelledby", "aria-describedby"), _ID),
    "href": re.compile(f"#{_ID.pattern}"),
}


@frozen(kw_only=False)
class Markup:
    """A piece of a page that went through this gate."""

    source: str


Part = Markup | str | None
BREAK: Final = Markup("\n")  # the end of a line in the source, which is nothing on the page


def element(name: str, /, *inner: Part, **attributes: str | int | None) -> Markup:
    """An element. `_` in an attribute's name stands for `-`, one at its end for nothing; None leaves it out.

    Raises ValueError for what the tables do not have: that is a fault of the program, not of a bundle.
    """
    allowed, written = ELEMENTS.get(name), []
    if allowed is None or (inner and name in _EMPTY):
        raise ValueError(f"no element {name!r} of this kind")
    for given, value in attributes.items():
        attribute = given.removesuffix("_").replace("_", "-")
        if value is None:
            continue
        if attribute not in allowed | _EVERYWHERE:
            raise ValueError(f"no attribute {attribute!r} in {name!r}")
        shown = safe(str(value))
        if attribute in _PLACES and not _PLACES[attribute].fullmatch(shown):
            raise ValueError(f"{value!r} is no place in a page")
        written.append(f' {attribute}="{escape(shown)}"')
    if name in _EMPTY:
        return Markup(f"<{name}{''.join(written)}/>")
    return Markup(f"<{name}{''.join(written)}>{join(inner).source}</{name}>")


def join(parts: Iterable[Part], between: Part = None) -> Markup:
    """Parts one after the other; text among them is escaped, None is nothing."""
    written = [
        part.source if isinstance(part, Markup) else escape(safe(cut(part, MAX_LINE)))
        for part in parts
        if part is not None
    ]
    gap = "" if between is None else join((between,)).source
    return Markup(gap.join(written))


def foreign(text: str, keep: int = MAX_SHOWN) -> Markup:
    """Text that others wrote, cut as it is shown, and apart from what stands around it.

    Of marks that are set above and below a letter a few are enough for any language; more would cover the
    lines around it, and are shown as escapes.
    """
    shown, length, marks = [], 0, 0
    for char in text[:keep]:
        marks = marks + 1 if unicodedata.category(char) in _SET_UPON else 0
        piece = safe(char) if marks <= MAX_MARKS else f"\\u{{{ord(char):x}}}"
        length += len(piece)
        if length > keep:
            break
        shown.append(piece)
    more = f"… ({len(text)} characters)" if len(shown) < len(text) else None
    return element("bdi", "".join(shown), more)


def sheet(css: str) -> Markup:
    """The page's own style. Raises ValueError where it could end or load anything."""
    if re.search(r"[<&@]import|[<&]|url\(|\\", css):
        raise ValueError("a style of plain rules only")
    return Markup(f"<style>{css}</style>")


def document(head: Markup, body: Markup) -> str:
    """The whole file."""
    page = element("html", head, BREAK, body, lang="en")
    return f"<!DOCTYPE html>\n{page.source}\n"
