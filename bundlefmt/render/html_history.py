# SPDX-License-Identifier: Apache-2.0
"""The page of a history: for each machine a drawing of its snapshots over time, and a table of changes.

One file that needs nothing else, runs nothing and loads nothing. Spec: "History of machines".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from bundlefmt.moment import when
from bundlefmt.render.history import History, Platform, Step
from bundlefmt.render.history_changes import Change, Kind, duration
from bundlefmt.render.history_text import UNJUDGED, runs, span, title
from bundlefmt.render.html import BREAK, Markup, Part, element, foreign, join
from bundlefmt.render.html_frame import framed
from bundlefmt.render.html_marks import mark, region, row, section, table
from bundlefmt.render.words import plural
from bundlefmt.verify import Verdict

MAX_MACHINES: Final = 100
MAX_ROWS: Final = 1000
MAX_UNREAD: Final = 200
_MAX_MARKS: Final = 500  # in one lane; more could not be told apart
_WIDTH: Final = 880.0
_NAMES: Final = 130.0  # room for the names of lanes on the left
_STEP: Final = 26.0
_LANES: Final = {
    "boots": frozenset({Kind.RESET, Kind.RESTART, Kind.FIRMWARE}),
    "PCR changes": frozenset({Kind.PCRS}),
    "faults": frozenset(kind for kind in Kind if kind.is_fault),
}


def history_page(history: History) -> str:
    """The whole file as text; UTF-8 when it is written."""
    shown = history.platforms[:MAX_MACHINES]
    sections = {"machines": ("Machines", _machines(history, shown))}
    for number, platform in enumerate(shown, 1):
        sections[f"machine-{number}"] = (f"Machine {number}", _machine(number, platform))
    if history.unread:
        sections["unread"] = ("What is not in it", _unread(history))
    header = element(
        "header",
        element("h1", "History of machines"),
        element(
            "p",
            "As snapshots tell it. Times are those that they claim, in UTC. "
            "Nothing is judged here: what a snapshot says is as good as the verdict beside it.",
        ),
    )
    name = f"{plural(history.faults, 'fault')}: history of {plural(len(history.platforms), 'machine')}"
    return framed(name, header, sections, skip="To the machines", written_by="bundle batch history")


def _machines(history: History, shown: Sequence[Platform]) -> Markup:
    rows = (
        row(
            element("a", f"Machine {number}", href=f"#machine-{number}"),
            title(each),
            span(each),
            _verdicts(each),
            _faults(each.faults),
        )
        for number, each in enumerate(shown, 1)
    )
    dropped = len(history.platforms) - len(shown)
    return section(
        "machines",
        "Machines",
        element("p", f"A snapshot is late more than {duration(history.interval)} after the one before it."),
        region(
            table("Machines", ("Machine", "Known by", "Snapshots", "Verdicts", "Faults"), rows), "Machines"
        ),
        element("p", f"and {plural(dropped, 'machine')} more, which --json lists") if dropped else None,
    )


def _verdicts(platform: Platform) -> Markup:
    counts: dict[str | None, int] = {}
    for step in platform.steps:
        counts[step.snapshot.verdict] = counts.get(step.snapshot.verdict, 0) + 1
    order: list[str | None] = [Verdict.FAILED, Verdict.INDETERMINATE, Verdict.PASSED, None]
    return join((join((f"{counts[each]} ", _verdict(each))) for each in order if each in counts), ", ")


def _verdict(verdict: str | None) -> Part:
    return UNJUDGED if verdict is None else mark(Verdict(verdict))


def _faults(count: int) -> Markup:
    return mark("failed", plural(count, "fault")) if count else mark("passed", "none")


def _machine(number: int, platform: Platform) -> Markup:
    found = list(runs(platform.steps))
    dropped = len(found) - MAX_ROWS
    heads = ("Time", "Snapshot", "Verdict", "What happened")
    name = f"machine-{number}"
    return section(
        name,
        f"Machine {number}",
        element("p", "Known by ", title(platform), ". ", span(platform), "."),
        region(_drawing(name, platform), f"Drawing of machine {number}"),
        region(
            table("Changes, in the order of time", heads, map(_row, found[:MAX_ROWS])),
            f"Table of machine {number}",
        ),
        element("p", f"and {plural(dropped, 'row')} more, which --json lists") if dropped > 0 else None,
    )


def _row(step: Step | int) -> Markup:
    if isinstance(step, int):
        return element("tr", element("td", f"{plural(step, 'snapshot')} without a change", colspan=4))
    snapshot = step.snapshot
    return row(
        when(snapshot.created),
        foreign(snapshot.path),
        _verdict(snapshot.verdict),
        element("ul", join(map(_change, step.changes), BREAK)) if step.changes else None,
    )


def _change(change: Change) -> Markup:
    shown = (
        mark("failed", f"fault: {change.kind}")
        if change.kind.is_fault
        else element("strong", str(change.kind))
    )
    return element("li", shown, ": ", foreign(change.message))


def _drawing(name: str, platform: Platform) -> Markup:
    """A lane of bars, each as long as snapshots came in time, and a lane of marks for each kind of change."""
    times = [step.snapshot.created for step in platform.steps]
    low, high = times[0], max(times[-1], times[0] + 1)

    def x(seconds: int) -> float:
        return _NAMES + (seconds - low) / (high - low) * (_WIDTH - _NAMES - 8)

    bottom = _STEP * (len(_LANES) + 1)
    return element(
        "svg",
        element("title", f"Snapshots and changes of {name.replace('-', ' ')}", id=f"{name}-drawing"),
        element("desc", "The table that follows says the same."),
        element("text", "snapshots", x="0", y="15", class_="title"),
        join((_bar(x(first), x(last)) for first, last in _unbroken(platform)), BREAK),
        join((_lane(n, lane, platform, x) for n, lane in enumerate(_LANES, 1)), BREAK),
        element("text", when(low)[:10], x=f"{_NAMES:g}", y=f"{bottom + 14:g}", class_="detail"),
        element(
            "text", when(high)[:10], x=f"{_WIDTH:g}", y=f"{bottom + 14:g}", text_anchor="end", class_="detail"
        ),
        viewBox=f"0 0 {_WIDTH:g} {bottom + 20:g}",
        width=f"{_WIDTH:g}",
        height=f"{bottom + 20:g}",
        role="img",
        class_="strip",
        aria_labelledby=f"{name}-drawing",
    )


def _unbroken(platform: Platform) -> Iterator[tuple[int, int]]:
    """First and last of the snapshots that followed in time; as many as can be told apart."""
    first = last = platform.steps[0].snapshot.created
    drawn = 0
    for step in platform.steps[1:]:
        if any(change.kind is Kind.GAP for change in step.changes) and drawn < _MAX_MARKS:
            yield first, last
            first, drawn = step.snapshot.created, drawn + 1
        last = step.snapshot.created
    yield first, last


def _bar(start: float, end: float) -> Markup:
    width = f"{max(end - start, 2):.1f}"
    return element("rect", x=f"{start:.1f}", y=4, width=width, height=14, rx=2, class_="bar")


def _lane(number: int, lane: str, platform: Platform, x: Callable[[int], float]) -> Markup:
    """A mark for each snapshot at which something of the lane happened; no two where one would be seen."""
    found = [
        step.snapshot.created
        for step in platform.steps
        for change in step.changes
        if change.kind in _LANES[lane]
    ]
    places = dict.fromkeys(f"{x(each):.0f}" for each in found)
    top = number * _STEP
    return element(
        "g",
        element("text", f"{lane}: {len(found)}", x="0", y=f"{top + 15:g}", class_="title"),
        join(
            (element("path", d=f"M{at} {top + 3:g}V{top + 19:g}", class_="at") for at in places),
            BREAK,
        ),
    )


def _unread(history: History) -> Markup:
    rows = (row(foreign(path), code) for path, code in history.unread[:MAX_UNREAD])
    dropped = len(history.unread) - MAX_UNREAD
    return section(
        "unread",
        "What is not in it",
        region(table("Files of which nothing is known", ("File", "Why"), rows), "Table of files"),
        element("p", f"and {plural(dropped, 'file')} more, which --json lists") if dropped > 0 else None,
    )
