# SPDX-License-Identifier: Apache-2.0
"""What stands around the contents of every page: its head, the way to what matters, contents, footer."""

from __future__ import annotations

from collections.abc import Mapping

from bundlefmt.render.html import BREAK, Markup, document, element, join, sheet
from bundlefmt.render.html_style import CSS, SECURITY_POLICY


def framed(
    title: str, header: Markup, sections: Mapping[str, tuple[str, Markup]], *, skip: str, written_by: str
) -> str:
    """The whole file. `sections`: by id, the name in the contents and the section; `skip` says the first."""
    links = (element("li", element("a", name, href=f"#{id}")) for id, (name, _) in sections.items())
    body = element(
        "body",
        element("a", skip, href=f"#{next(iter(sections))}", class_="skip"),
        BREAK,
        header,
        BREAK,
        element("nav", element("ul", join(links, BREAK)), class_="contents", aria_label="Contents"),
        BREAK,
        element("main", join((part for _, part in sections.values()), BREAK)),
        BREAK,
        element("footer", element("p", "Written by ", element("code", written_by), ". Evidence Bundle 1.0.")),
    )
    return document(_head(title), body)


def _head(title: str) -> Markup:
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=SECURITY_POLICY),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        BREAK,
        sheet(CSS),
    )
