# SPDX-License-Identifier: Apache-2.0
"""What a page must not have, whatever is in the bundle: read by parsers that know nothing of how it was made.

The list of what is allowed is written here a second time, so that the program's own cannot widen it unseen.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from typing import Final
from xml.etree import ElementTree

ELEMENTS: Final = frozenset(
    re.findall(
        r"\w+",
        """a bdi body caption code dd desc details div dl dt em footer g h1 h2 h3 h4 head header html li main
        meta nav ol p path rect section span strong style summary svg table tbody td text th thead title tr
        ul""",
    )
)
ATTRIBUTES: Final = frozenset(
    re.findall(
        r"[\w-]+",
        """aria-describedby aria-hidden aria-label aria-labelledby charset class colspan content d height href
        http-equiv id lang name role rx scope tabindex text-anchor value viewBox width x y""",
    )
)
_POLICY: Final = "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'"
_VOID: Final = frozenset({"meta", "rect", "path"})
_LOADING: Final = re.compile(r"[a-z]+:|//|url\(|@import", re.IGNORECASE)


def read(source: str) -> ElementTree.Element:
    """Well-formed XML without a document type, so without entities. Raises ElementTree.ParseError."""
    return ElementTree.fromstring(source)  # noqa: S314 - what can be harmful in XML needs a document type


def tree(page: str) -> ElementTree.Element:
    """The page as XML. Raises ElementTree.ParseError where it is not well-formed."""
    first, rest = page.split("\n", 1)
    assert first == "<!DOCTYPE html>"
    return read(rest)


class Tags(HTMLParser):
    """The same as HTML: the tags in their order, each with what was open around it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.started: list[str] = []
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.started.append(tag)
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.started.append(tag)
        if tag not in _VOID:
            self.wrong.append(tag)  # to HTML that is a beginning

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def faults(page: str) -> Iterator[str]:
    """All that is wrong with a page."""
    try:
        root = tree(page)
    except ElementTree.ParseError as error:
        yield f"not well-formed: {error}"
        return
    tags = Tags(page)
    if tags.wrong or tags.open or tags.started != [each.tag.lower() for each in root.iter()]:
        yield "HTML and XML read different pages"
    for each in root.iter():
        if each.tag not in ELEMENTS:
            yield f"element {each.tag}"
        yield from (f"attribute {name}" for name in each.attrib if name not in ATTRIBUTES)
        if _LOADING.search(each.attrib.get("href", "")):
            yield f"address {each.attrib['href']}"
    ids = Counter(each.attrib["id"] for each in root.iter() if "id" in each.attrib)
    yield from (f"id {id} twice" for id, count in ids.items() if count > 1)
    for each in root.iter():
        targets = [each.attrib["href"].removeprefix("#")] if "href" in each.attrib else []
        for name in ("aria-labelledby", "aria-describedby"):
            targets += each.attrib.get(name, "").split()
        yield from (f"nothing has the id {target}" for target in targets if target not in ids)
    yield from _sealed(root)
    yield from _readable(root)


def _sealed(root: ElementTree.Element) -> Iterator[str]:
    """The browser is told to load nothing and to apply this one style."""
    styles = [each.text or "" for each in root.iter("style")]
    if len(styles) != 1 or _LOADING.search(re.sub(r"[a-z-]+:(?!/)|\w+:hover", "", styles[0])):
        yield "a style that loads something, or not one style"
        return
    policies = [each.attrib["content"] for each in root.iter("meta") if "http-equiv" in each.attrib]
    digest = base64.b64encode(hashlib.sha256(styles[0].encode()).digest()).decode()
    if policies != [_POLICY.format(digest)]:
        yield "another Content Security Policy"


def _readable(root: ElementTree.Element) -> Iterator[str]:
    """What those need who do not see the page. WCAG 2.2: 1.1.1, 1.3.1, 2.4.2, 2.4.6, 3.1.1."""
    if root.attrib.get("lang") != "en" or not (root.findtext("head/title") or "").strip():
        yield "no language or no title"
    levels = [int(each.tag[1]) for each in root.iter() if re.fullmatch("h[1-6]", each.tag)]
    if levels[:1] != [1] or levels.count(1) != 1 or len([*root.iter("main")]) != 1:
        yield "not one main heading, or not one main part"
    if any(after > before + 1 for before, after in pairwise(levels)):
        yield "a level of headings is left out"
    for table in root.iter("table"):
        if not (table.findtext("caption") or "").strip():
            yield "a table without a name"
        if any("scope" not in each.attrib for each in table.iter("th")):
            yield "a heading of cells without a scope"
    for picture in root.iter("svg"):
        if picture.attrib.get("role") != "img" or "aria-labelledby" not in picture.attrib:
            yield "a picture without a name"
    for each in root.iter():
        if "tabindex" in each.attrib and not (each.attrib.get("role") and each.attrib.get("aria-label")):
            yield "a stop of the keyboard without a name"
        classes = each.attrib.get("class", "").split()
        if "mark" in classes and not re.search(r"[a-z]{4}", "".join(each.itertext()).lower()):
            yield "a mark without a word"
