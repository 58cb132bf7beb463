# SPDX-License-Identifier: Apache-2.0
"""Who sits at the terminal in a demonstration: a command in a terminal of its own, its questions answered."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_ASKS: Final = re.compile(rb"(PIN of [^\n]*\)|type (\S+) to go on[^\n]*): $")


def attend(command: str, pin: str, *, directory: Path, environment: Mapping[str, str]) -> tuple[int, str]:
    """Run `command`; type the PIN, or the word that is to be typed. Returns exit code and what was shown."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        ["bash", "-c", command],
        cwd=directory,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=_take_terminal,
    ) as running:
        os.close(theirs)
        shown, line = b"", b""
        try:
            while part := os.read(ours, 4096):
                shown, line = shown + part, (line + part).rpartition(b"\n")[2]
                if asked := _ASKS.search(line):
                    word = asked[2] or pin.encode()
                    os.write(ours, word + b"\n")
                    line = b""
        except OSError:
            pass  # the terminal's other end is closed: the command has ended
        os.close(ours)
    return running.returncode, shown.decode(errors="replace").replace("\r\n", "\n")


def _take_terminal() -> None:
    """The new session's terminal is its standard input, so that a password is asked for there."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
