# SPDX-License-Identifier: Apache-2.0
"""The sections of `spec/checks.md` as plain text for a terminal: what `bundle explain` prints.

One text is the specification and the explanation; nothing is said twice.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

_HEADING = re.compile(r"^### `([a-z0-9.-]+)`$")
_LABEL = re.compile(r"^\*\*(.+?)\*\*")
_WIDTH = 88


def sections(text: str) -> dict[str, str]:
    """The body of each check's section by the check's id, in the order of the text."""
    found: dict[str, list[str]] = {}
    lines: list[str] | None = None
    for line in text.splitlines():
        if heading := _HEADING.match(line):
            lines = found.setdefault(heading[1], [])
        elif line.startswith("#"):
            lines = None
        elif lines is not None:
            lines.append(line)
    return {check: "\n".join(body).strip() for check, body in found.items()}


def explanation(check: str, body: str) -> Iterator[str]:
    """One section without its Markdown, wrapped."""
    yield check
    for paragraph in re.split(r"\n(?=- )|\n\n", body):
        words = " ".join(paragraph.removeprefix("- ").split())
        label = _LABEL.match(words)
        words = words.replace("**", "").replace("`", "").replace("*", "")
        pad = "  " if label is None else "    "
        yield from textwrap.wrap(words, _WIDTH, initial_indent="  ", subsequent_indent=pad)
