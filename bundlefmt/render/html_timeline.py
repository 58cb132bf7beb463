# SPDX-License-Identifier: Apache-2.0
"""Times on a page: a table of moments and validities, a drawing of the same, and the TPM's own clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from bundlefmt.moment import when
from bundlefmt.render.case import Case
from bundlefmt.render.html import BREAK, Markup, element, foreign, join
from bundlefmt.render.html_marks import item_link, mark, region, row, section, table
from bundlefmt.render.timeline import Known, Moment, Span, moments, readings, spans
from bundlefmt.render.words import cut

MAX_ROWS: Final = 300
_MAX_BARS: Final = 40
_YEAR: Final = 31_556_952
_WIDTH: Final = 880.0
_NAMES: Final = 250.0  # room for labels on the left
_STEP: Final = 24.0
_LINE: Final = 13.0
_KNOWN: Final = {
    Known.CLAIMED: "the word of whoever wrote or signed it",
    Known.CERTIFIED: "the word of an issuer whose signature holds",
    Known.STAMPED: "the word of an authority that the verifier trusts for time: not later than this",
    Known.MINED: "the time of a block of Bitcoin that the verifier knows, and two hours: not later than this",
    Known.CHOSEN: "the verifier's choice",
}


def timeline_section(case: Case) -> Markup:
    found, valid = sorted(moments(case), key=lambda each: each.seconds), list(spans(case))
    legend = join(
        (element("li", mark(known), f" {words}") for known, words in _KNOWN.items()),
        BREAK,
    )
    dropped = len(valid) - MAX_ROWS
    return section(
        "timeline",
        "Times, and how each is known",
        element("p", _lead(found)),
        element("ul", legend, class_="soft"),
        region(_strip(found, valid[:_MAX_BARS]), "Drawing of the times") if valid else None,
        region(_moments(found, valid[:MAX_ROWS], case), "Table of times"),
        element("p", f"and {dropped} more certificates, listed with the items") if dropped > 0 else None,
        *_clock(case),
    )


def _lead(found: Sequence[Moment]) -> str:
    if not any(each.known in (Known.STAMPED, Known.MINED) for each in found):
        return "No time here is proven: nobody outside attests when this was made. All times are UTC."
    return "Since when this existed is claimed; by when, what is stamped or mined attests. All times are UTC."


def _moments(found: Sequence[Moment], valid: Sequence[Span], case: Case) -> Markup:
    rows: list[tuple[int, Markup]] = [
        (
            each.seconds,
            row(when(each.seconds), _what(each, case), mark(each.known), join(("by ", foreign(each.by)))),
        )
        for each in found
    ]
    for each in valid:
        end = "without end" if each.end is None else f"to {when(each.end)}"
        what = join((item_link(each.item, case.listed), f" is valid {end}"))
        rows.append((each.start, row(when(each.start), what, mark(each.known), f"by {each.by}")))
    ordered = [line for _, line in sorted(rows, key=lambda pair: pair[0])]
    return table("Moments, and validities by their beginning", ("Time", "What", "Known", "By whom"), ordered)


def _what(moment: Moment, case: Case) -> Markup:
    if not moment.item:
        return join((moment.what,))
    return join((item_link(moment.item, case.listed), f" {moment.what}"))


def _strip(found: Sequence[Moment], valid: Sequence[Span]) -> Markup:
    """Bars for validities; lines for moments. What lies further away than the middle allows is cut off."""
    times = [each.seconds for each in found]
    low = max(min(span.start for span in valid), min(times) - 10 * _YEAR)
    low = min(low, *times)
    ends = [span.end for span in valid if span.end is not None]
    high = max(min(max(ends, default=max(times)), max(times) + 12 * _YEAR), *times, low + _YEAR // 12)
    reach = (high - low) * 0.04
    low, high = int(low - reach), int(high + reach)

    def x(seconds: int) -> float:
        share = (min(max(seconds, low), high) - low) / (high - low)
        return _NAMES + share * (_WIDTH - _NAMES)

    drawn = list(_drawn(found))
    # the words of moments are one above the other, and the bars begin below them all
    head = _LINE * (len(drawn) + 1)
    bars = [
        _bar(span, head + n * _STEP, x(span.start), x(high if span.end is None else span.end))
        for n, span in enumerate(valid)
    ]
    bottom = head + len(valid) * _STEP
    lines = [_line(each, x(each.seconds), _LINE * (n + 1), bottom) for n, each in enumerate(drawn)]
    return element(
        "svg",
        element("title", "Validities of certificates and the times of this bundle", id="strip-title"),
        element("desc", "The table that follows says the same."),
        join(bars, BREAK),
        join(lines, BREAK),
        element("text", when(low)[:10], x=f"{_NAMES:g}", y=f"{bottom + 16:.0f}", class_="detail"),
        element(
            "text",
            when(high)[:10],
            x=f"{_WIDTH:g}",
            y=f"{bottom + 16:.0f}",
            text_anchor="end",
            class_="detail",
        ),
        viewBox=f"0 0 {_WIDTH:g} {bottom + 22:g}",
        width=f"{_WIDTH:g}",
        height=f"{bottom + 22:g}",
        role="img",
        class_="strip",
        aria_labelledby="strip-title",
    )


def _bar(span: Span, y: float, start: float, end: float) -> Markup:
    """A validity; one that ends beyond the picture, or never, ends in an arrow."""
    beyond = end > _WIDTH - 2
    return element(
        "g",
        element("text", _short(span.item), x="0", y=f"{y + 15:.0f}", class_="title"),
        element(
            "rect",
            x=f"{start:.1f}",
            y=f"{y + 4:.0f}",
            width=f"{max(end - start, 2):.1f}",
            height=14,
            rx=2,
            class_="bar",
        ),
        element("text", "→", x=f"{end - 6:.1f}", y=f"{y + 15:.0f}", text_anchor="end") if beyond else None,
        class_=str(span.known),
    )


def _line(moment: Moment, x: float, y: float, bottom: float) -> Markup:
    left = x > (_WIDTH + _NAMES) / 2
    place, anchor = (x - 4, "end") if left else (x + 4, "start")
    words = f"{moment.what} ({moment.known})"
    return element(
        "g",
        element("path", d=f"M{x:.1f} {y - 8:.0f}V{bottom:.0f}", class_="at"),
        element("text", words, x=f"{place:.1f}", y=f"{y:.0f}", text_anchor=anchor, class_="detail"),
        class_=str(moment.known),
    )


def _drawn(found: Sequence[Moment]) -> Iterator[Moment]:
    """The manifest's claim and the time of judgement; the seals are in the table."""
    return (each for each in found if not each.item)


def _short(label: str) -> str:
    return label if len(label) <= 32 else cut(label, 31).split("…")[0] + "…"


def _clock(case: Case) -> Iterator[Markup]:
    """The TPM's clock: milliseconds since it was last cleared, and how often it was reset since."""
    found = list(readings(case))[:MAX_ROWS]
    if not found:
        return
    state = case.conclusion("platform.state")
    yield element("h3", "The TPM's own clock")
    yield element(
        "p",
        "Milliseconds that the TPM counted, and how often it was reset and resumed. They order statements of "
        "one TPM and say no date. As strong as the statements: ",
        mark(state.basis) if state is not None else None,
        ".",
    )
    rows = (
        row(
            item_link(each.item, case.listed),
            f"{each.attest.clock_info.clock} ms",
            "safe" if each.attest.clock_info.safe else "not safe: may have been set back",
            str(each.attest.clock_info.reset_count) + ("" if each.plain else " (obfuscated)"),
            str(each.attest.clock_info.restart_count) + ("" if each.plain else " (obfuscated)"),
            f"{each.attest.firmware_version:#x}",
            mark(each.outcome),
        )
        for each in found
    )
    heads = ("Statement", "Clock", "Is it safe?", "Resets", "Restarts", "Firmware", "Signature")
    yield region(table("What statements say of the TPM's clock", heads, rows), "Table of the TPM's clock")
