# SPDX-License-Identifier: Apache-2.0
"""How a command ends: exit codes, and errors as one line with a hint. Spec: "Exit codes"."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Any, Final

import typer
from typer.exceptions import TyperException

from bundlefmt.cli.files import FileExistsRefusal, standard_output
from bundlefmt.errors import BundleError, MalformedError
from bundlefmt.render.words import cut, safe

MAX_ERROR: Final = 1000  # characters; a file's text may be in a message

# a reader that goes away (`| head`) is no error, but no verdict was delivered either
_READER_GONE: Final = 128 + signal.SIGPIPE


class Exit(IntEnum):
    """The exit codes of every command."""

    PASSED = 0
    FAILED = 1
    USAGE = 2
    INDETERMINATE = 3
    MALFORMED = 4
    DEVICE = 5


class UsageError(Exception):
    """What was asked for cannot be done as asked."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class Terminated(BaseException):
    """A signal asked the program to end; what is open is closed and what is half written removed."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def say(line: str) -> None:
    """One line of the result, fit for any terminal."""
    print(safe(line))


def complain(message: str, hint: str = "") -> None:
    """`error:` and `hint:` lines on stderr."""
    print(f"error: {safe(cut(message, MAX_ERROR))}", file=sys.stderr)
    if hint:
        print(f"hint: {safe(cut(hint, MAX_ERROR))}", file=sys.stderr)


def warn(message: str) -> None:
    print(f"warning: {safe(cut(message, MAX_ERROR))}", file=sys.stderr)


@contextmanager
def _signals() -> Iterator[None]:
    """Signals end the program by way of its clean-ups; one that is ignored stays ignored."""

    def end(number: int, _: object) -> None:
        raise Terminated(number)

    kept = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    usual = {
        each: handler
        for each, handler in kept.items()
        if handler in (signal.SIG_DFL, signal.default_int_handler)
    }
    for each in usual:
        signal.signal(each, end)
    try:
        yield
    finally:
        for each, handler in usual.items():
            signal.signal(each, handler)


def run(app: Callable[..., Any]) -> int:
    """Run the command line; returns the exit code. Interrupts end like other programs' do."""
    try:
        with _signals(), standard_output():
            code = app(sys.argv[1:] or ["--help"], prog_name="bundle", standalone_mode=False)
        return code if isinstance(code, int) else Exit.PASSED
    except TyperException as error:
        complain(error.format_message(), "bundle --help lists commands, bundle COMMAND --help their options")
        return Exit.USAGE
    except Terminated as ended:
        complain("interrupted" if ended.number == signal.SIGINT else "terminated")
        return 128 + ended.number  # as shells report it
    except typer.Abort:
        complain("input ended")
        return Exit.USAGE
    except BrokenPipeError:
        return _READER_GONE
    except SystemExit as ended:
        # Typer turns a broken pipe into exit code 1, which is a verdict here
        if isinstance(ended.__context__, BrokenPipeError):
            return _READER_GONE
        raise
    except MalformedError as error:
        complain(str(error), "bundle inspect shows as much as can be read")
        return Exit.MALFORMED
    except (UsageError, FileExistsRefusal) as error:
        complain(str(error), error.hint)
        return Exit.USAGE
    except BundleError as error:
        complain(str(error))
        return Exit.USAGE
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        complain(f"{where}{error.strerror or error}")
        return Exit.DEVICE
