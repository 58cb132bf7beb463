# SPDX-License-Identifier: Apache-2.0
"""How single values are put into words: text made safe for a terminal, times, sizes, digests.

Nothing from a file reaches a terminal but through `safe`.
"""

from __future__ import annotations

import datetime
import unicodedata

_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def safe(text: str) -> str:
    """`text` with control, format and bidirectional characters escaped, so that it shows what it is."""
    return "".join(
        f"\\u{{{ord(char):x}}}" if unicodedata.category(char) in _UNSAFE else char for char in text
    )


def when(seconds: int) -> str:
    """A UTC time; a number outside the calendar stays a number."""
    try:
        moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    except (OverflowError, ValueError, OSError):
        return str(seconds)
    return moment.strftime("%Y-%m-%d %H:%M:%SZ")


def size(count: int) -> str:
    """Bytes for people: exact below 10 kB, rounded above."""
    if count < 10_000:
        return f"{count} B"
    value = float(count)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 1000 or unit == "GB":
            break
    return f"{value:.1f} {unit}"


def short(data: bytes, keep: int = 16) -> str:
    """Hexadecimal, cut after `keep` bytes."""
    return data.hex() if len(data) <= keep else f"{data[:keep].hex()}…"


def plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
