# SPDX-License-Identifier: Apache-2.0
"""The gate into a page, the contrast of its colours, and the reader of pages itself: each rule can fail."""

from __future__ import annotations

from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundlefmt.render.html import ELEMENTS, MAX_MARKS, Markup, element, foreign, join, sheet
from bundlefmt.render.html_marks import SIGNS
from bundlefmt.render.html_style import CSS, DARK, DRAWN_ON, LIGHT, TEXT_ON
from bundlefmt.render.words import MAX_SHOWN, safe
from bundlefmt.verify import Basis, Outcome
from tests.render.page_reading import faults, read

ANY_TEXT = st.text(st.characters()) | st.sampled_from(
    [
        "<script>alert(1)</script>",
        '" onload="x',
        "]]>",
        "&lt;",
        "--><!--",
        "\u202eevil",
        "</bdi>",
        "\x00",
        "\ud800",
    ]
)


class _Heard(HTMLParser):
    """The text that an HTML reader takes from a page, and whether it saw anything but what was written."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text, self.tags = "", list[tuple[str, list[tuple[str, str | None]]]]()
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.text += data


@given(ANY_TEXT)
def test_text_stays_text(text: str) -> None:
    source = element("p", text).source
    assert read(source).text == (safe(text) or None)
    heard = _Heard(source)
    assert (heard.tags, heard.text) == ([("p", [])], safe(text))


@given(ANY_TEXT)
def test_attributes_stay_attributes(text: str) -> None:
    source = element("p", aria_label=text).source
    assert read(source).attrib == {"aria-label": safe(text)}
    assert _Heard(source).tags == [("p", [("aria-label", safe(text))])]


@given(st.text(st.characters(), max_size=3 * MAX_SHOWN))
def test_foreign_text_is_cut_and_stands_alone(text: str) -> None:
    found = read(foreign(text).source)
    shown = "".join(found.itertext())
    assert (found.tag, list(found)) == ("bdi", [])
    assert shown.isprintable()
    if len(text) > MAX_SHOWN:
        assert shown.endswith(f"… ({len(text)} characters)")


def test_marks_upon_marks_do_not_reach_other_lines() -> None:
    shown = read(foreign("a" + "\u0301" * 50 + "b").source).text or ""
    assert shown.startswith("a" + "\u0301" * MAX_MARKS + "\\u{301}" * 9)
    assert shown.count("\u0301") == MAX_MARKS
    assert len(shown) < MAX_SHOWN + 20


@pytest.mark.parametrize(
    "name", ["script", "img", "iframe", "object", "form", "link", "base", "foreignObject", "use"]
)
def test_other_elements_are_refused(name: str) -> None:
    assert name not in ELEMENTS
    with pytest.raises(ValueError, match="no element"):
        element(name)


@pytest.mark.parametrize(
    "name", ["onload", "style", "src", "srcset", "xlink:href", "formaction", "background"]
)
def test_other_attributes_are_refused(name: str) -> None:
    for each in ELEMENTS:
        with pytest.raises(ValueError, match="no attribute"):
            element(each, **{name: "x"})


@pytest.mark.parametrize(
    "target", ["javascript:alert(1)", "https://example.org/", "//x", "#", "#a b", "page.html", ""]
)
def test_other_addresses_are_refused(target: str) -> None:
    with pytest.raises(ValueError, match="no place in a page"):
        element("a", href=target)


@pytest.mark.parametrize("css", ["@import 'x'", "a{background:url(x)}", "</style>", "a{content:'\\3c'}"])
def test_a_style_that_could_load_is_refused(css: str) -> None:
    with pytest.raises(ValueError, match="plain rules"):
        sheet(css)


def test_what_is_joined() -> None:
    assert join(("a<", None, Markup("<b>")), ", ").source == "a&lt;, <b>"


def _luminance(colour: str) -> float:
    """WCAG 2.2, "relative luminance"."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    dark, light = sorted(map(_luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def test_the_contrast_of_colours_is_enough() -> None:
    assert round(_contrast("#000000", "#ffffff")) == 21
    assert _contrast("#777777", "#ffffff") < 4.5
    for colours in (LIGHT, DARK):
        low = {pair: _contrast(colours[pair[0]], colours[pair[1]]) for pair in TEXT_ON}
        assert {pair: ratio for pair, ratio in low.items() if ratio < 4.5} == {}
        drawn = {pair: _contrast(colours[pair[0]], colours[pair[1]]) for pair in DRAWN_ON}
        assert {pair: ratio for pair, ratio in drawn.items() if ratio < 3} == {}


def test_the_style_has_no_colours_but_those_that_are_named() -> None:
    assert LIGHT.keys() == DARK.keys()
    rules = CSS.replace("".join(f"--{name}:{value};" for name, value in LIGHT.items()), "")
    rules = rules.replace("".join(f"--{name}:{value};" for name, value in DARK.items()), "")
    assert "#" not in rules
    assert "rgb" not in rules
    assert all(f"var(--{name})" in rules for name in LIGHT)


GOOD = (
    "<!DOCTYPE html>\n<html lang='en'><head><meta http-equiv='Content-Security-Policy' content=\"default-src "
    "'none'; style-src 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='; base-uri 'none'; "
    "form-action 'none'\"/><title>t</title><style></style></head><body><main><h1>a</h1><h2 id='b'>b</h2>"
    "<a href='#b'>b</a><table><caption>c</caption><tbody><tr><th scope='row'>d</th></tr></tbody></table>"
    "</main></body></html>"
)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("<h1>a</h1>", "<h1>a</h1><p>", "not well-formed: "),
        ("<h1>a</h1>", "<h1>a</h1><script></script>", "element script"),
        ("<h1>", "<h1 onload='x'>", "attribute onload"),
        ("href='#b'", "href='javascript:x'", "address javascript:x"),
        ("href='#b'", "href='#c'", "nothing has the id c"),
        ("<h1>", "<h1 id='b'>", "id b twice"),
        ("<h2 id='b'>b</h2>", "<h3 id='b'>b</h3>", "a level of headings is left out"),
        ("<h1>a</h1>", "<h1>a</h1><h1>a</h1>", "not one main heading, or not one main part"),
        ("lang='en'", "", "no language or no title"),
        ("<title>t</title>", "<title></title>", "no language or no title"),
        ("<caption>c</caption>", "", "a table without a name"),
        (" scope='row'", "", "a heading of cells without a scope"),
        ("<style></style>", "<style>a{b:url(x)}</style>", "a style that loads something, or not one style"),
        ("<style></style>", "<style>a{b:c}</style>", "another Content Security Policy"),
        ("default-src 'none'", "default-src *", "another Content Security Policy"),
        ("<h1>a</h1>", "<h1>a</h1><svg/>", "a picture without a name"),
        ("<h1>a</h1>", "<h1>a</h1><p tabindex='0'/>", "a stop of the keyboard without a name"),
        ("<h1>a</h1>", "<h1>a</h1><p class='mark'>✓</p>", "a mark without a word"),
        ("<h1>a</h1>", "<h1>a</h1><div/>", "HTML and XML read different pages"),
    ],
)
def test_the_reader_of_pages_finds(old: str, new: str, fault: str) -> None:
    assert list(faults(GOOD)) == []
    assert old in GOOD
    assert any(found.startswith(fault) for found in faults(GOOD.replace(old, new, 1)))


def test_signs_differ() -> None:
    for words in (Outcome, Basis):
        signs = sorted(SIGNS[word] for word in words)
        assert all(one != other for one, other in pairwise(signs))
