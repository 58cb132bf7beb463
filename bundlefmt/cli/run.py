# SPDX-License-Identifier: Apache-2.0
"""How a command ends: exit codes, and errors as one line with a hint. Spec: "Exit codes"."""

from __future__ import annotations

import sys
from enum import IntEnum

import typer
from typer.exceptions import TyperException

from bundlefmt.cli.files import FileExistsRefusal, quiet_pipe
from bundlefmt.errors import EncodeError, MalformedError
from bundlefmt.render.words import safe
from bundlefmt.verify import Verdict


class Exit(IntEnum):
    """The exit codes of every command."""

    PASSED = 0
    FAILED = 1
    USAGE = 2
    INDETERMINATE = 3
    MALFORMED = 4
    DEVICE = 5


BY_VERDICT = {
    Verdict.PASSED: Exit.PASSED,
    Verdict.FAILED: Exit.FAILED,
    Verdict.INDETERMINATE: Exit.INDETERMINATE,
}


class UsageError(Exception):
    """What was asked for cannot be done as asked."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def complain(message: str, hint: str = "") -> None:
    """`error:` and `hint:` lines on stderr."""
    print(f"error: {safe(message)}", file=sys.stderr)
    if hint:
        print(f"hint: {safe(hint)}", file=sys.stderr)


def warn(message: str) -> None:
    print(f"warning: {safe(message)}", file=sys.stderr)


def run(app: typer.Typer) -> int:
    """Run the command line; returns the exit code. Interrupts end like other programs' do."""
    try:
        with quiet_pipe():
            code = app(sys.argv[1:] or ["--help"], standalone_mode=False)
        return code if isinstance(code, int) else Exit.PASSED
    except TyperException as error:
        complain(error.format_message(), "bundle --help lists commands, bundle COMMAND --help their options")
        return Exit.USAGE
    except (KeyboardInterrupt, typer.Abort):
        complain("interrupted")
        return 130
    except MalformedError as error:
        complain(str(error), "bundle inspect shows as much as can be read")
        return Exit.MALFORMED
    except (UsageError, FileExistsRefusal) as error:
        complain(str(error), error.hint)
        return Exit.USAGE
    except EncodeError as error:
        complain(str(error))
        return Exit.USAGE
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        complain(f"{where}{error.strerror or error}")
        return Exit.DEVICE
