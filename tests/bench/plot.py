# SPDX-License-Identifier: Apache-2.0
"""A run as a picture (SVG): a bar for each measure that has a limit, on a logarithmic scale of ratios."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final
from xml.sax.saxutils import escape

from tests.bench.measure import Measure

_ROW: Final = 26
_NAMES: Final = 470  # points for the names, and for the bars beside them
_BARS: Final = 420
_RIGHT: Final = 70
_TOP: Final = 64
_HOLDS, _BROKEN, _QUIET = "#3b7a57", "#b03030", "#777777"


class _Scale:
    """Ratios as places from left to right; whole powers of ten are at its ends."""

    def __init__(self, ratios: Sequence[float]) -> None:
        self.low = math.floor(math.log10(min(ratios)))
        self.high = max(math.ceil(math.log10(max(ratios))), self.low + 1)

    def place(self, ratio: float) -> float:
        return _NAMES + _BARS * (math.log10(ratio) - self.low) / (self.high - self.low)

    def ticks(self) -> Iterator[float]:
        for power in range(self.low, self.high + 1):
            yield 10.0**power


def svg(measures: Sequence[Measure]) -> str:
    """Measures without a limit are left out: the table has them."""
    shown = [each for each in measures if each.limit is not None and each.ratio > 0]
    if not shown:
        return '<svg xmlns="http://www.w3.org/2000/svg"/>\n'
    marks = [mark for each in shown for mark in (each.ratio, each.limit, each.goal, *each.spread) if mark]
    scale = _Scale(marks)
    width, bottom = _NAMES + _BARS + _RIGHT, _TOP + _ROW * len(shown)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {bottom + 12}" '
        f'width="{width}" height="{bottom + 12}" font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{bottom + 12}" fill="#ffffff"/>',
        _text(8, 22, "How many times as much; red line: limit, dashed line: goal", size=14),
    ]
    for tick in scale.ticks():
        at = scale.place(tick)
        lines.append(_line(at, _TOP - 8, at, bottom, "#dddddd"))
        lines.append(_text(at, _TOP - 14, f"{tick:g}", anchor="middle"))
    for number, each in enumerate(shown):
        lines.extend(_bar(each, scale, _TOP + _ROW * number))
    return "\n".join([*lines, "</svg>\n"])


def _bar(measure: Measure, scale: _Scale, top: int) -> Iterator[str]:
    middle, start, end = top + _ROW // 2, scale.place(10.0**scale.low), scale.place(measure.ratio)
    color = _BROKEN if measure.broken else _HOLDS
    yield _text(_NAMES - 8, middle + 4, measure.name, anchor="end")
    size = f'width="{end - start:.1f}" height="{_ROW - 12}"'
    yield f'<rect x="{start:.1f}" y="{top + 6}" {size} fill="{color}"/>'
    low, high = (scale.place(max(each, 10.0**scale.low)) for each in measure.spread)
    yield _line(low, middle, high, middle, "#000000")
    if measure.limit is not None:
        yield _line(
            scale.place(measure.limit), top + 2, scale.place(measure.limit), top + _ROW - 2, _BROKEN, 2
        )
    if measure.goal is not None:
        at = scale.place(measure.goal)
        yield _line(at, top + 2, at, top + _ROW - 2, _QUIET, 2, dashes="3 2")
    yield _text(_NAMES + _BARS + 12, middle + 4, f"{measure.ratio:.2f}")


def _line(
    x: float, y: float, to_x: float, to_y: float, color: str, width: int = 1, *, dashes: str = ""
) -> str:
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return (
        f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}" '
        f'stroke="{color}" stroke-width="{width}"{dashed}/>'
    )


def _text(x: float, y: float, words: str, *, anchor: str = "start", size: int = 12) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(words)}</text>'
