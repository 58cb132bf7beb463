# SPDX-License-Identifier: Apache-2.0
"""The places of a drawn graph: boxes in layers from top to bottom, links with a label each, none overlapping.

After Sugiyama, Tagawa and Toda (1981), for graphs of some dozens: cycles are broken, boxes ranked by their
longest path, crossings lessened by barycentres. A label is a box of the layer between, so it has its room.
The same graph in the same order has the same places. Sizes and places are in pixels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import fmean

from bundlefmt.frozen import frozen

Point = tuple[float, float]
_ACROSS, _DOWN = 18.0, 26.0  # between cells of a layer, between layers
_THREAD, _SWEEPS = 4.0, 12  # the width of a link that passes through a layer; how often it is ordered


@frozen
class Link:
    """From box `source` to box `target`, with a label of this size."""

    source: str
    target: str
    width: float
    height: float


@frozen
class Places:
    """Centres of boxes; of each link but loops its points, in its direction, and its label's centre."""

    width: float
    height: float
    boxes: Mapping[str, Point]
    links: Mapping[int, tuple[Sequence[Point], Point]]


@dataclass(slots=True, eq=False)
class _Cell:
    """Something in a layer: a box, a label, or a link that passes through."""

    rank: int
    width: float
    height: float
    above: list[_Cell] = field(default_factory=list)
    below: list[_Cell] = field(default_factory=list)
    x: float = 0.0
    y: float = 0.0


Layers = list[list[_Cell]]


def arrange(boxes: Mapping[str, Point], links: Sequence[Link]) -> Places:
    """Places for boxes by name, given as (width, height), and for the links between them."""
    drawn = {n: link for n, link in enumerate(links) if link.source != link.target}
    upward = _upward(boxes, drawn)
    ends = {n: (at.target, at.source) if n in upward else (at.source, at.target) for n, at in drawn.items()}
    ranks = _ranks(boxes, list(ends.values()))
    cells = {name: _Cell(ranks[name], *size) for name, size in boxes.items()}
    layers: Layers = [[] for _ in range(max(ranks.values(), default=0) + 1)]
    for cell in cells.values():
        layers[cell.rank].append(cell)
    chains = {n: _chain(layers, drawn[n], cells[top], cells[bottom]) for n, (top, bottom) in ends.items()}
    layers = _ordered(layers)
    _place(layers)
    every = [cell for layer in layers for cell in layer]
    return Places(
        width=max((cell.x + cell.width / 2 for cell in every), default=0.0),
        height=max((cell.y + cell.height / 2 for cell in every), default=0.0),
        boxes={name: (cell.x, cell.y) for name, cell in cells.items()},
        links={n: _route(chain, label, n in upward) for n, (chain, label) in chains.items()},
    )


def _upward(boxes: Iterable[str], links: Mapping[int, Link]) -> set[int]:
    """The links that lead back to where a walk came from; they are drawn upwards."""
    entered = {link.target for link in links.values()}
    done: set[str] = set()
    back: set[int] = set()

    def walk(name: str, path: frozenset[str]) -> None:
        done.add(name)
        for n, link in links.items():
            if link.source == name and link.target in path:
                back.add(n)
            elif link.source == name and link.target not in done:
                walk(link.target, path | {link.target})

    for start in sorted(boxes, key=lambda name: name in entered):
        if start not in done:
            walk(start, frozenset({start}))
    return back


def _ranks(boxes: Iterable[str], ends: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Boxes have even ranks, below all that lead to them; what nothing leads to is as low as it can be."""
    ranks = dict.fromkeys(boxes, 0)
    for _ in ranks:  # the longest path has fewer links than there are boxes
        for source, target in ends:
            ranks[target] = max(ranks[target], ranks[source] + 2)
    for name in ranks.keys() - {target for _, target in ends}:
        ranks[name] = min((ranks[target] for source, target in ends if source == name), default=2) - 2
    return ranks


def _chain(layers: Layers, link: Link, top: _Cell, bottom: _Cell) -> tuple[list[_Cell], _Cell]:
    """The cells of a link from box to box, and which of them is its label: where there is most room."""
    room = {rank: sum(cell.width for cell in layers[rank]) for rank in range(top.rank + 1, bottom.rank, 2)}
    at = min(room, key=lambda rank: room[rank])
    chain = [top]
    for rank in range(top.rank + 1, bottom.rank):
        chain.append(_Cell(rank, *((link.width, link.height) if rank == at else (_THREAD, 0.0))))
        layers[rank].append(chain[-1])
    chain.append(bottom)
    for upper, lower in pairwise(chain):
        upper.below.append(lower)
        lower.above.append(upper)
    return chain, chain[at - top.rank]


def _ordered(layers: Layers) -> Layers:
    """Each cell near the middle of those it is linked to; the order with the fewest crossings stays."""
    best, fewest = [list(layer) for layer in layers], _crossings(layers)
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for layer in layers if down else reversed(layers):
            places = {cell: n for each in layers for n, cell in enumerate(each)}
            near = {cell: [places[other] for other in (cell.above if down else cell.below)] for cell in layer}
            middles = {cell: fmean(near[cell] or [places[cell]]) for cell in layer}
            layer.sort(key=middles.__getitem__)
        if (found := _crossings(layers)) < fewest:
            best, fewest = [list(layer) for layer in layers], found
    return best


def _crossings(layers: Layers) -> int:
    places = {cell: n for layer in layers for n, cell in enumerate(layer)}
    total = 0
    for layer in layers:
        ends = [end for cell in layer for end in sorted(places[other] for other in cell.below)]
        total += sum(one > other for n, one in enumerate(ends) for other in ends[n + 1 :])
    return total


def _place(layers: Layers) -> None:
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
            near = [(cell.above if down else cell.below) or cell.above or cell.below for cell in layer]
            _settle(layer, [fmean([other.x for other in others] or [0.0]) for others in near])
    left = min((cell.x - cell.width / 2 for layer in layers for cell in layer), default=0.0)
    for cell in (cell for layer in layers for cell in layer):
        cell.x -= left


def _settle(layer: Sequence[_Cell], wished: Sequence[float]) -> None:
    """Least squares from the wished places, in this order and apart: neighbours that collide move as one."""
    offsets = [0.0]
    for one, other in pairwise(layer):
        offsets.append(offsets[-1] + (one.width + other.width) / 2 + _ACROSS)
    blocks: list[tuple[float, int]] = []
    for wish, offset in zip(wished, offsets, strict=False):
        total, count = wish - offset, 1
        while blocks and blocks[-1][0] / blocks[-1][1] > total / count:
            before = blocks.pop()
            total, count = total + before[0], count + before[1]
        blocks.append((total, count))
    starts = [total / count for total, count in blocks for _ in range(count)]
    for cell, start, offset in zip(layer, starts, offsets, strict=False):
        cell.x = start + offset


def _route(chain: Sequence[_Cell], label: _Cell, upward: bool) -> tuple[Sequence[Point], Point]:
    """From the lower edge of one box to the upper edge of the other, straight through each layer."""
    top, bottom = chain[0], chain[-1]
    points = [(_port(top, top.below, chain[1]), top.y + top.height / 2)]
    for cell in chain[1:-1]:
        points += [(cell.x, cell.y - cell.height / 2), (cell.x, cell.y + cell.height / 2)]
    points.append((_port(bottom, bottom.above, chain[-2]), bottom.y - bottom.height / 2))
    return (points[::-1] if upward else points), (label.x, label.y)


def _port(box: _Cell, side: Sequence[_Cell], other: _Cell) -> float:
    """Where on its side a link meets a box: in the order of what they lead to."""
    place = sorted(side, key=lambda cell: cell.x).index(other)
    return box.x + box.width * 0.7 * ((place + 0.5) / len(side) - 0.5)
