# SPDX-License-Identifier: Apache-2.0
"""Which lines of the format's functions a corpus reaches, replayed without the fuzzer."""

from __future__ import annotations

import inspect
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final

from bundlefmt import errors
from tests.fuzz.target import Run

TraceFunction = Callable[[FrameType, str, Any], Any]
PACKAGE: Final = Path(errors.__file__).parent


@dataclass
class Reached:
    """Lines by module, for modules of which at least one function ran."""

    hit: dict[str, set[int]] = field(default_factory=dict)
    _left: dict[CodeType, set[int]] = field(default_factory=dict)

    def replay(self, run: Run, inputs: Iterable[bytes], seconds: float) -> int:
        """Runs the inputs until the time is over; how many there were."""
        end, count = time.monotonic() + seconds, 0
        before = sys.gettrace()
        for data in inputs:
            if time.monotonic() > end:
                break
            sys.settrace(self._called)
            try:
                run(data)
            finally:
                sys.settrace(before)
            count += 1
        return count

    def share(self) -> tuple[int, int]:
        """(lines reached, lines that there are) in functions of the modules that were entered."""
        there = {name: lines(Path(name)) for name in self.hit}
        return sum(len(self.hit[name] & there[name]) for name in there), sum(map(len, there.values()))

    def _called(self, frame: FrameType, event: str, argument: object) -> TraceFunction | None:
        code = frame.f_code
        if code not in self._left:
            inside = code.co_filename.startswith(str(PACKAGE))
            self._left[code] = own(code) if inside else set()
        return self._line if self._left[code] else None

    def _line(self, frame: FrameType, event: str, argument: object) -> TraceFunction | None:
        left, number = self._left[frame.f_code], frame.f_lineno
        if event == "line" and number in left:
            left.discard(number)
            self.hit.setdefault(frame.f_code.co_filename, set()).add(number)
        return self._line


def lines(file: Path) -> set[int]:
    """The lines of a module's functions."""
    module = compile(file.read_text("utf-8"), str(file), "exec")
    return {number for code in _functions(module) for number in own(code)}


def own(code: CodeType) -> set[int]:
    """The lines of one function; not the line that defines it."""
    return {number for *_, number in code.co_lines() if number is not None and number != code.co_firstlineno}


def _functions(code: CodeType) -> Iterator[CodeType]:
    if code.co_flags & inspect.CO_OPTIMIZED:
        yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _functions(constant)
