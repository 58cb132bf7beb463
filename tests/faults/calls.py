# SPDX-License-Identifier: Apache-2.0
"""The calls by which a process changes files, counted; at one of them something goes wrong."""

from __future__ import annotations

import builtins
import errno
import io
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

KILLED: Final = "killed"  # before the call: nothing of it has happened
FULL: Final = "disk full"  # from this call on nothing new finds room
FAILING: Final = "input/output error"  # of this call alone
KINDS: Final = (KILLED, FULL, FAILING)
# in os; a write counts twice, before it and when half of it is in the file
_CALLS: Final = (
    *("chmod", "fchmod", "chown", "fchown", "fsync", "link", "mkdir", "remove", "rename", "replace"),
    *("rmdir", "symlink", "truncate", "ftruncate", "unlink"),
)
_NEED_ROOM: Final = frozenset({"open", "write", "half", "link", "mkdir", "fsync"})
TIDYING: Final = frozenset({"unlink", "rmdir", "remove"})  # one that fails leaves what it was to remove
_WRITES: Final = os.O_WRONLY | os.O_RDWR


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong, and at which call, from 1."""

    kind: str
    at: int


class Calls:
    """Counts from `install` on, for the rest of the process."""

    def __init__(self, fault: Fault | None) -> None:
        self.made: list[str] = []
        self._fault = fault

    def install(self) -> None:
        for name in _CALLS:
            setattr(os, name, self._counted(name, getattr(os, name)))
        os.open = self._opening(os.open)
        io.open = builtins.open = self._filing(io.open)  # type: ignore[assignment] # open by any name

    def come_to(self, name: str) -> None:
        """The process is about to make this call."""
        self.made.append(name)
        number, fault = len(self.made), self._fault
        if fault is None:
            return
        if fault.kind == KILLED and number == fault.at:
            os.kill(os.getpid(), signal.SIGKILL)
        if fault.kind == FAILING and number == fault.at:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        if fault.kind == FULL and number >= fault.at and name in _NEED_ROOM:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _counted(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **named: Any) -> Any:
            self.come_to(name)
            return call(*args, **named)

        return counted

    def _opening(self, call: Callable[..., int]) -> Callable[..., int]:
        def opening(path: Any, flags: int, *args: Any, **named: Any) -> int:
            if flags & _WRITES:
                self.come_to("open")
            return call(path, flags, *args, **named)

        return opening

    def _filing(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def filing(file: Any, mode: str = "r", *args: Any, **named: Any) -> Any:
            if not set(mode) & set("wax+"):
                return call(file, mode, *args, **named)
            if not isinstance(file, int):
                self.come_to("open")
            return Written(self, call(file, mode, *args, **named))

        return filing


class Written:
    """An open file that buffers like any other; what it gives to the system may stop half way."""

    def __init__(self, calls: Calls, file: Any) -> None:
        self._calls, self._file, self._held = calls, file, bytearray()

    def __enter__(self) -> Written:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, data: Any) -> int:
        self._held += data if isinstance(data, bytes | memoryview) else str(data).encode()
        if len(self._held) > io.DEFAULT_BUFFER_SIZE:
            self._drain()
        return len(data)

    def flush(self) -> None:
        self._drain()

    def close(self) -> None:
        try:
            self._drain()
        finally:
            self._file.close()

    def _drain(self) -> None:
        """What is held goes to the file, in two pieces."""
        if not self._held:
            return
        self._calls.come_to("write")
        half = len(self._held) // 2
        os.writev(self._file.fileno(), [self._held[:half]])
        del self._held[:half]
        self._calls.come_to("half")
        os.writev(self._file.fileno(), [self._held])
        self._held.clear()
