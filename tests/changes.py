# SPDX-License-Identifier: Apache-2.0
"""One fault in a good value, and where its encoding has it: for the tests that refuse things at an offset."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Change = Callable[[Any], object]


def put(value: object, *path: str | int) -> Change:
    """A change that puts `value` at `path`."""

    def change(target: Any) -> None:
        for step in path[:-1]:
            target = target[step]
        target[path[-1]] = value

    return change


def drop(*path: str | int) -> Change:
    """A change that removes what is at `path`."""

    def change(target: Any) -> None:
        for step in path[:-1]:
            target = target[step]
        del target[path[-1]]

    return change


def offset_of(data: bytes, before: bytes, target: bytes) -> int:
    """The offset of `target` where it stands behind `before`, which must be one place."""
    assert data.count(before + target) == 1
    return data.index(before + target) + len(before)
