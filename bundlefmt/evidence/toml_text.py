# SPDX-License-Identifier: Apache-2.0
"""TOML from strangers: read by the standard library, which a short text can keep busy for hours."""

from __future__ import annotations

import tomllib
from typing import Any, Final

MAX_DOTS: Final = 100  # in a line: tomllib's work on a dotted key grows with the third power of its parts


def decode_toml(text: str) -> dict[str, Any]:
    """Raises ValueError, also for what nests deeper than the interpreter can follow."""
    if any(line.count(".") > MAX_DOTS for line in text.split("\n")):
        raise ValueError(f"a line with more than {MAX_DOTS} dots")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None
