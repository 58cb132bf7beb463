# SPDX-License-Identifier: Apache-2.0
"""The places of a drawn graph: boxes in layers from top to bottom, links with a label each, none overlapping.

After Sugiyama, Tagawa and Toda (1981): cycles are broken, boxes ranked by their longest path, crossings
lessened by barycentres. A label is a box of the layer between; so it has its room as boxes have. The same
graph, given in the same order, has the same places. Sizes and places are in pixels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

Point = tuple[float, float]
_ACROSS: Final = 18.0  # between boxes of a layer
_DOWN: Final = 26.0  # between layers
_SWEEPS: Final = 12
_THREAD: Final = 4.0  # the width of a link that passes through a layer


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """From box `source` to box `target`, with a label of this size."""

    source: str
    target: str
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Centres of boxes; for each link that is drawn its points, in its own direction, and its label's centre.

    A link from a box to itself is not drawn.
    """

    width: float
    height: float
    boxes: Mapping[str, Point]
    links: Mapping[int, tuple[Sequence[Point], Point]]


@dataclass(slots=True)
class _Cell:
    """Something in a layer: a box, a label, or a link that passes through."""

    rank: int
    width: float
    height: float
    above: list[_Cell] = field(default_factory=list)
    below: list[_Cell] = field(default_factory=list)
    x: float = 0.0
    y: float = 0.0


def arrange(boxes: Mapping[str, tuple[float, float]], links: Sequence[Link]) -> Places:
    """Places for boxes by name, given as (width, height), and for the links between them."""
    drawn = {n: link for n, link in enumerate(links) if link.source != link.target}
    upward = _upward(boxes, drawn)
    ranks = _ranks(boxes, [_ends(link, n in upward) for n, link in drawn.items()])
    cells = {name: _Cell(ranks[name], *size) for name, size in boxes.items()}
    layers: list[list[_Cell]] = [[] for _ in range(max(ranks.values(), default=0) + 1)]
    for cell in cells.values():
        layers[cell.rank].append(cell)
    chains = {}
    for n, link in drawn.items():
        source, target = _ends(link, n in upward)
        chains[n] = _chain(layers, link, cells[source], cells[target])
    _order(layers)
    _place(layers)
    left = min((cell.x - cell.width / 2 for layer in layers for cell in layer), default=0.0)
    right = max((cell.x + cell.width / 2 for layer in layers for cell in layer), default=0.0)
    for layer in layers:
        for cell in layer:
            cell.x -= left
    bottom = max((cell.y + cell.height / 2 for layer in layers for cell in layer), default=0.0)
    return Places(
        width=right - left,
        height=bottom,
        boxes={name: (cell.x, cell.y) for name, cell in cells.items()},
        links={n: _route(chain, label, n in upward) for n, (chain, label) in chains.items()},
    )


def _ends(link: Link, upward: bool) -> tuple[str, str]:
    return (link.target, link.source) if upward else (link.source, link.target)


def _upward(boxes: Mapping[str, object], links: Mapping[int, Link]) -> set[int]:
    """The links that lead back to where a walk came from; they are drawn upwards."""
    leaving: dict[str, list[int]] = {name: [] for name in boxes}
    for number, link in links.items():
        leaving[link.source].append(number)
    entered = {link.target for link in links.values()}
    done: set[str] = set()
    back: set[int] = set()
    for start in sorted(boxes, key=lambda name: name in entered):
        if start in done:
            continue
        done.add(start)
        path, walk = {start}, [(start, iter(leaving[start]))]
        while walk:
            name, rest = walk[-1]
            if (n := next(rest, None)) is None:
                path.discard(name)
                walk.pop()
            elif (target := links[n].target) in path:
                back.add(n)
            elif target not in done:
                done.add(target)
                path.add(target)
                walk.append((target, iter(leaving[target])))
    return back


def _ranks(boxes: Mapping[str, object], ends: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Boxes have even ranks, below all that lead to them; what nothing leads to is as low as it can be."""
    ranks = dict.fromkeys(boxes, 0)
    for _ in boxes:  # the longest path has fewer links than there are boxes
        for source, target in ends:
            ranks[target] = max(ranks[target], ranks[source] + 2)
    entered = {target for _, target in ends}
    for name in boxes:
        below = [ranks[target] for source, target in ends if source == name]
        if name not in entered and below:
            ranks[name] = min(below) - 2
    return ranks


def _chain(layers: list[list[_Cell]], link: Link, top: _Cell, bottom: _Cell) -> tuple[list[_Cell], _Cell]:
    """The cells of a link from box to box, and which of them is its label: where the fewest are."""
    between = range(top.rank + 1, bottom.rank)
    at = min(
        (rank for rank in between if rank % 2),
        key=lambda rank: sum(cell.width for cell in layers[rank]),
    )
    chain = [top]
    for rank in between:
        size = (link.width, link.height) if rank == at else (_THREAD, 0.0)
        layers[rank].append(_Cell(rank, *size))
        chain.append(layers[rank][-1])
    chain.append(bottom)
    for upper, lower in pairwise(chain):
        upper.below.append(lower)
        lower.above.append(upper)
    return chain, chain[at - top.rank]


def _order(layers: list[list[_Cell]]) -> None:
    """Each cell near the middle of those it is linked to; the order with the fewest crossings stays."""
    best, fewest = [list(layer) for layer in layers], _crossings(layers)
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for layer in layers if down else reversed(layers):
            places = {id(cell): n for each in layers for n, cell in enumerate(each)}
            near = {id(cell): cell.above if down else cell.below for cell in layer}
            layer.sort(key=lambda cell: _mean([places[id(o)] for o in near[id(cell)]], places[id(cell)]))
        if (found := _crossings(layers)) < fewest:
            best, fewest = [list(layer) for layer in layers], found
    layers[:] = best


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _crossings(layers: list[list[_Cell]]) -> int:
    places = {id(cell): n for layer in layers for n, cell in enumerate(layer)}
    total = 0
    for layer in layers:
        ends = [sorted(places[id(other)] for other in cell.below) for cell in layer]
        flat = [end for each in ends for end in each]
        total += sum(a > b for n, a in enumerate(flat) for b in flat[n + 1 :])
    return total


def _place(layers: list[list[_Cell]]) -> None:
    """Rows one below the other; across, each cell as near to its neighbours' middle as its layer allows."""
    y = 0.0
    for layer in layers:
        tall = max((cell.height for cell in layer), default=0.0)
        for cell in layer:
            cell.y = y + tall / 2
            cell.height = cell.height or tall  # what passes through goes straight
        _settle(layer, [0.0] * len(layer))
        y += tall + _DOWN
    for sweep in range(4 * _SWEEPS):
        down = sweep % 2 == 0
        for layer in layers if down else reversed(layers):
            wished = [
                _mean(
                    [other.x for other in (cell.above if down else cell.below) or cell.above or cell.below],
                    0.0,
                )
                for cell in layer
            ]
            _settle(layer, wished)


def _settle(layer: Sequence[_Cell], wished: Sequence[float]) -> None:
    """Least squares from the wished places, in this order and apart: neighbours that collide move as one."""
    offsets, at = [], 0.0
    for n, cell in enumerate(layer):
        at += (layer[n - 1].width + cell.width) / 2 + _ACROSS if n else 0.0
        offsets.append(at)
    blocks: list[tuple[float, int]] = []
    for wish, offset in zip(wished, offsets, strict=True):
        total, count = wish - offset, 1
        while blocks and blocks[-1][0] / blocks[-1][1] > total / count:
            before = blocks.pop()
            total, count = total + before[0], count + before[1]
        blocks.append((total, count))
    starts = [total / count for total, count in blocks for _ in range(count)]
    for cell, start, offset in zip(layer, starts, offsets, strict=True):
        cell.x = start + offset


def _route(chain: Sequence[_Cell], label: _Cell, upward: bool) -> tuple[Sequence[Point], Point]:
    """From the lower edge of one box to the upper edge of the other, through the middle of each layer."""
    top, bottom = chain[0], chain[-1]
    points = [
        (_port(top, top.below, chain[1]), top.y + top.height / 2),
        *((cell.x, y) for cell in chain[1:-1] for y in (cell.y - cell.height / 2, cell.y + cell.height / 2)),
        (_port(bottom, bottom.above, chain[-2]), bottom.y - bottom.height / 2),
    ]
    return (points[::-1] if upward else points), (label.x, label.y)


def _port(box: _Cell, side: Sequence[_Cell], other: _Cell) -> float:
    """Where on its side a link meets a box: in the order of what they lead to."""
    order = sorted(side, key=lambda cell: cell.x)
    place = next(n for n, cell in enumerate(order) if cell is other)
    return box.x + box.width * 0.7 * ((place + 0.5) / len(order) - 0.5)
