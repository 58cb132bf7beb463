# SPDX-License-Identifier: Apache-2.0
"""On which line of a TOML text each table and member stands, for messages: the standard library does not say.

A line-wise reading: what stands inside an inline table or a dotted key has no line of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

Path = tuple[str | int, ...]
_NAME: Final = r"""(?:"[^"\n]*"|'[^'\n]*'|[A-Za-z0-9_-]+)"""
_HEAD: Final = re.compile(rf"\s*(\[\[?)\s*({_NAME}(?:\s*\.\s*{_NAME})*)\s*\]\]?\s*(?:#.*)?$")
_MEMBER: Final = re.compile(rf"\s*({_NAME})\s*=(.*)$")
_PART: Final = re.compile(_NAME)
_FENCE: Final = re.compile(r'"""|\'\'\'')


@dataclass(slots=True)
class Places:
    """Lines by path, counted from one; a table of an array has its number, from zero, in its path."""

    lines: Mapping[Path, int] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str) -> Places:
        """Of any text; of one that is not TOML some lines may be missing."""
        found: dict[Path, int] = {}
        for path, line in _walk(text):
            found.setdefault(path, line)
        return cls(found)

    def line(self, path: Path) -> int | None:
        """The line of `path`, or of the nearest thing around it that has one."""
        around = (path[:size] for size in range(len(path), 0, -1))
        return next((self.lines[each] for each in around if each in self.lines), None)


def _walk(text: str) -> Iterator[tuple[Path, int]]:
    """(path, line) of heads and members, outside of strings that span lines."""
    table: Path = ()
    counts: dict[str, int] = {}
    fence: str | None = None
    for number, line in enumerate(text.split("\n"), 1):
        if fence is not None:
            fence = _fence_after(line, fence)
            continue
        if head := _HEAD.match(line):
            names = tuple(_plain(part) for part in _PART.findall(head[2]))
            table = names
            if head[1] == "[[":
                key = ".".join(names)
                counts[key] = counts.get(key, -1) + 1
                table = (*names, counts[key])
                yield names, number
            yield table, number
        elif member := _MEMBER.match(line):
            yield (*table, _plain(member[1])), number
            fence = _fence_after(member[2], None)


def _plain(name: str) -> str:
    return name[1:-1] if name[0] in "\"'" else name


def _fence_after(line: str, fence: str | None) -> str | None:
    """The delimiter of the string that is open at the end of the line, if one is."""
    for found in _FENCE.findall(line):
        if fence is None:
            fence = found
        elif fence == found:
            fence = None
    return fence
