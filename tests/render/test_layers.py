# SPDX-License-Identifier: Apache-2.0
"""The places of a drawn graph: nothing lies upon anything, and every link joins its boxes."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bundlefmt.render.layers import Link, Places, arrange

Size = tuple[float, float]
NAMES = [f"box {number}" for number in range(12)]
SIZES = st.tuples(st.floats(10, 300), st.floats(10, 90))
LINKS = st.lists(
    st.builds(
        Link,
        source=st.sampled_from(NAMES),
        target=st.sampled_from(NAMES),
        width=st.floats(1, 200),
        height=st.just(22.0),
    ),
    max_size=30,
)


def rectangles(places: Places, boxes: dict[str, Size], links: list[Link]) -> list[tuple[float, ...]]:
    """(left, top, right, bottom) of boxes and labels."""
    middles = [(places.boxes[name], size) for name, size in boxes.items()]
    middles += [(at, (links[n].width, links[n].height)) for n, (_, at) in places.links.items()]
    return [(x - w / 2, y - h / 2, x + w / 2, y + h / 2) for (x, y), (w, h) in middles]


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from(NAMES), SIZES, min_size=1), LINKS)
def test_nothing_lies_upon_anything(boxes: dict[str, Size], links: list[Link]) -> None:
    links = [link for link in links if {link.source, link.target} <= boxes.keys()]
    places = arrange(boxes, links)
    found = rectangles(places, boxes, links)
    for one, other in combinations(found, 2):
        apart = one[2] < other[0] + 1e-6 or other[2] < one[0] + 1e-6
        assert apart or one[3] < other[1] + 1e-6 or other[3] < one[1] + 1e-6
    for left, top, right, bottom in found:
        assert left > -1e-6
        assert top > -1e-6
        assert right < places.width + 1e-6
        assert bottom < places.height + 1e-6
    assert places.links.keys() == {n for n, link in enumerate(links) if link.source != link.target}
    assert arrange(boxes, links) == places


@settings(max_examples=60)
@given(LINKS)
def test_every_link_joins_its_boxes_by_way_of_its_label(links: list[Link]) -> None:
    boxes: dict[str, Size] = dict.fromkeys(NAMES, (100.0, 40.0))
    places = arrange(boxes, links)
    for n, (points, label) in places.links.items():
        for (x, y), name in ((points[0], links[n].source), (points[-1], links[n].target)):
            middle = places.boxes[name]
            assert abs(x - middle[0]) <= 50
            assert abs(abs(y - middle[1]) - 20) < 1e-6
        assert any(abs(x - label[0]) < 1e-6 for x, _ in points)
        heights = [y for _, y in points]
        assert heights in (sorted(heights), sorted(heights, reverse=True))


def test_a_chain_goes_straight_down() -> None:
    boxes: dict[str, Size] = dict.fromkeys("abc", (100.0, 40.0))
    places = arrange(boxes, [Link(source=s, target=t, width=50, height=20) for s, t in ("ab", "bc")])
    assert [places.boxes[name][0] for name in "abc"] == pytest.approx([50.0] * 3)
    assert places.boxes["a"][1] < places.boxes["b"][1] < places.boxes["c"][1]


def test_a_circle_is_drawn_with_one_link_upwards() -> None:
    boxes: dict[str, Size] = dict.fromkeys("abc", (100.0, 40.0))
    links = [Link(source=s, target=t, width=50, height=20) for s, t in ("ab", "bc", "ca", "aa")]
    places = arrange(boxes, links)
    ways = {n: points[-1][1] - points[0][1] for n, (points, _) in places.links.items()}
    assert [n for n, way in ways.items() if way < 0] == [2]
    assert 3 not in ways


def test_lines_do_not_cross_where_they_need_not() -> None:
    boxes: dict[str, Size] = dict.fromkeys(["a1", "a2", "a3", "b3", "b1", "b2"], (100.0, 40.0))
    pairs = [("a1", "b3"), ("a2", "b1"), ("a3", "b2")]
    places = arrange(boxes, [Link(source=s, target=t, width=50, height=20) for s, t in pairs])
    above = sorted(pairs, key=lambda pair: places.boxes[pair[0]][0])
    below = sorted(pairs, key=lambda pair: places.boxes[pair[1]][0])
    assert above == below


def test_nothing_has_no_size() -> None:
    assert arrange({}, []) == Places(width=0.0, height=0.0, boxes={}, links={})
