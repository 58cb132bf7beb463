# SPDX-License-Identifier: Apache-2.0
"""The run over all bundles: groups in, lines out in the same order, never more under way than the window."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from itertools import islice
from typing import Final

from bundlefmt.many.engine import Engine
from bundlefmt.many.work import Done, Task, Terms, died

GROUP: Final = 16  # bundles sent together: sending costs little beside judging them
_AHEAD: Final = 4  # groups for each job, so that none waits while the first of them is a slow one
Waiting = deque[tuple[list[Task], Future[list[Done]]]]


def run(engine: Engine, terms: Terms, tasks: Iterable[Task]) -> Iterator[Done]:
    """What came of each task, in their order."""
    waiting: Waiting = deque()
    each = iter(tasks)
    while group := list(islice(each, GROUP)):
        waiting.append((group, engine.submit(group)))
        if len(waiting) >= engine.jobs * _AHEAD or engine.jobs == 1:
            yield from _first(engine, terms, waiting)
    while waiting:
        yield from _first(engine, terms, waiting)


def _first(engine: Engine, terms: Terms, waiting: Waiting) -> Iterator[Done]:
    try:
        done = waiting[0][1].result()
    except engine.deaths:
        yield from _one_by_one(engine, terms, waiting)
        return
    waiting.popleft()
    yield from done


def _one_by_one(engine: Engine, terms: Terms, waiting: Waiting) -> Iterator[Done]:
    """After a death: who it was for is found out by judging each that was under way alone."""
    under_way = [task for group, _ in waiting for task in group]
    waiting.clear()
    engine.restart()
    for task in under_way:
        try:
            yield from engine.submit([task]).result()
        except engine.deaths:
            engine.restart()
            yield died(terms, task)
