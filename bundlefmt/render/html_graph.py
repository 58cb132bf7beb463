# SPDX-License-Identifier: Apache-2.0
"""The graph of the evidence on a page: drawn, and the same as a list for those who do not see it.

Both have the same numbers. A line's outcome is in its sign and its stroke, not in its colour alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bundlefmt.render.case import Case
from bundlefmt.render.graph import Box, Graph, evidence_graph
from bundlefmt.render.graph_arrows import Arrow
from bundlefmt.render.html import BREAK, Markup, Part, element, foreign, join
from bundlefmt.render.html_marks import SIGNS, check_link, item_link, mark, region, section
from bundlefmt.render.layers import Link, Point, arrange
from bundlefmt.render.words import cut, plural, safe

# more would be a picture in which nobody finds anything; the list has them all
MAX_BOXES: Final = 48
MAX_DRAWN: Final = 96
_BOX: Final = (196.0, 64.0)
_LABEL_HEIGHT: Final = 22.0
_LETTER: Final = 7.4  # the width of a letter of 12 px in any monospaced font
_MARGIN: Final = 12.0
_KEPT: Final = {"kind": 28}  # characters of a line in a box, by what it is
_KEPT_OF_OTHERS: Final = 25  # wide letters among them


def graph_section(case: Case) -> Markup:
    graph = evidence_graph(case)
    legend = element(
        "p",
        "Each line is a statement of one part about another: its number in the list below, the outcome, and "
        "the check by which it stands or falls. A dashed box is the verifier's knowledge, not in the bundle.",
    )
    if len(graph.boxes) > MAX_BOXES or len(graph.arrows) > MAX_DRAWN:
        drawn: Part = element(
            "p",
            f"Too much to draw: {plural(len(graph.boxes), 'part')}, {len(graph.arrows)} statements.",
        )
    else:
        drawn = region(_picture(graph), "Drawing of the graph")
    more = (
        None
        if graph.whole
        else element("p", f"There are more than {len(graph.arrows)}; the rest is left out.")
    )
    return section(
        "graph",
        "Who signs and attests whom",
        legend,
        drawn,
        element("h3", "The same as a list"),
        _list(graph, case),
        more,
        element("h3", "The parts"),
        _parts(graph.boxes, case),
    )


# --- the list


def _list(graph: Graph, case: Case) -> Markup:
    boxes = {box.id: box for box in graph.boxes}
    items = (
        element("li", _sentence(arrow, boxes[arrow.source], boxes[arrow.target], case), value=n)
        for n, arrow in enumerate(graph.arrows, 1)
    )
    return element("ol", join(items, BREAK), id="graph-list", class_="arrows")


def _sentence(arrow: Arrow, source: Box, target: Box, case: Case) -> Markup:
    checks = dict.fromkeys(each.check for each in (*arrow.core, *arrow.more))
    by = None if arrow.item in (source.id, target.id) else join((" by ", item_link(arrow.item, case.listed)))
    parts: list[Part] = [
        mark(arrow.outcome),
        " ",
        _name(source, case),
        f" {arrow.says} ",
        _name(target, case),
        by,
    ]
    if checks:
        parts += [". Checked by ", join((check_link(check) for check in checks), ", "), "."]
    else:
        parts.append(". No check looked at it.")
    return join(parts)


def _name(box: Box, case: Case) -> Markup:
    if box.id in case.items:
        return join((f"{box.kind} ", item_link(box.id, case.listed)))
    return element("strong", f"{box.kind} ({box.title})" if box.id.startswith("seal ") else box.kind)


def _parts(boxes: Sequence[Box], case: Case) -> Markup:
    lines = []
    for box in boxes:
        trouble = None
        if box.against is not None:
            trouble = join((" ", mark(box.against.outcome), " ", check_link(box.against.check)))
        known = " Pinned or known by the verifier." if box.pinned else None
        lines.append(element("li", _name(box, case), ": ", foreign(box.detail), ".", known, trouble))
    return element("ul", join(lines, BREAK))


# --- the drawing


def _picture(graph: Graph) -> Markup:
    links = [
        Link(source=a.source, target=a.target, width=_label_width(n, a), height=_LABEL_HEIGHT)
        for n, a in enumerate(graph.arrows, 1)
    ]
    places = arrange({box.id: _BOX for box in graph.boxes}, links)
    width, height = round(places.width + 2 * _MARGIN), round(places.height + 2 * _MARGIN)
    lines, labels = [], []
    for n, (points, at) in places.links.items():
        lines.append(_line(graph.arrows[n], points))
        labels.append(_label(n + 1, graph.arrows[n], at))
    return element(
        "svg",
        element("title", "Who signs and attests whom", id="picture-title"),
        element("desc", "The list after this picture says the same.", id="picture-desc"),
        BREAK,
        join(lines, BREAK),
        BREAK,
        join(labels, BREAK),
        BREAK,
        join((_drawn(box, places.boxes[box.id]) for box in graph.boxes), BREAK),
        viewBox=f"{-_MARGIN:g} {-_MARGIN:g} {width} {height}",
        width=width,
        height=height,
        role="img",
        class_="graph",
        aria_labelledby="picture-title",
        aria_describedby="graph-list",
    )


def _drawn(box: Box, at: Point) -> Markup:
    """A box with three lines, and a fourth for a fault."""
    width, height = _BOX
    left, top = at[0] - width / 2, at[1] - height / 2
    lines = [
        ("kind", f"{box.kind}{' · pinned' if box.pinned else ''}"),
        ("title", box.title),
        ("detail", box.detail),
    ]
    if box.against is not None:
        outcome = box.against.outcome
        lines[2] = (f"against {outcome}", f"{SIGNS[outcome]} {box.against.check}")
    classes = "box outside" if box.outside else "box pinned" if box.pinned else "box"
    return element(
        "g",
        element("title", f"{box.kind}: {cut(box.title)}"),
        element("rect", x=_px(left), y=_px(top), width=_px(width), height=_px(height), rx=6),
        *(
            element(
                "text",
                _clip(text, _KEPT.get(name, _KEPT_OF_OTHERS)),
                x=_px(left + 10),
                y=_px(top + 19 + 18 * n),
                class_=name,
            )
            for n, (name, text) in enumerate(lines)
        ),
        class_=classes,
    )


def _clip(text: str, keep: int) -> str:
    shown = safe(text[: 2 * keep])
    return shown if len(shown) <= keep else f"{shown[: keep - 1]}…"


def _caption(n: int, arrow: Arrow) -> str:
    return f"{n} {SIGNS[arrow.outcome]} {arrow.decisive or 'not judged'}"


def _label_width(n: int, arrow: Arrow) -> float:
    return _LETTER * len(_caption(n, arrow)) + 14


def _label(n: int, arrow: Arrow, at: Point) -> Markup:
    width = _label_width(n, arrow)
    return element(
        "g",
        element("title", f"{n}: {arrow.says}, {arrow.outcome}"),
        element(
            "rect",
            x=_px(at[0] - width / 2),
            y=_px(at[1] - _LABEL_HEIGHT / 2),
            width=_px(width),
            height=_px(_LABEL_HEIGHT),
            rx=11,
        ),
        element("text", _caption(n, arrow), x=_px(at[0]), y=_px(at[1] + 4), text_anchor="middle"),
        class_=f"label {arrow.outcome}",
    )


def _line(arrow: Arrow, points: Sequence[Point]) -> Markup:
    """A curve through the points that leaves and enters upright, and a head."""
    (x, y), *rest = points
    steps = [f"M{_px(x)} {_px(y)}"]
    for next_x, next_y in rest:
        middle = (y + next_y) / 2
        steps.append(
            f"C{_px(x)} {_px(middle)} {_px(next_x)} {_px(middle)} {_px(next_x)} {_px(next_y)}"
            if next_x != x
            else f"L{_px(next_x)} {_px(next_y)}"
        )
        x, y = next_x, next_y
    back = -9 if points[-1][1] > points[-2][1] else 9
    head = f"M{_px(x)} {_px(y)}L{_px(x - 5)} {_px(y + back)}L{_px(x + 5)} {_px(y + back)}Z"
    return element(
        "g",
        element("path", d="".join(steps), class_="line"),
        element("path", d=head, class_="head"),
        class_=f"arrow {arrow.outcome}",
    )


def _px(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
