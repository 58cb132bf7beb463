# SPDX-License-Identifier: Apache-2.0
"""How single values are put into words: text made safe for a terminal, sizes, digests.

Nothing from a file reaches a terminal but through `safe`.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from itertools import chain
from typing import Final, ParamSpec

P = ParamSpec("P")
_UNSAFE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})
# characters that show nothing though their category is harmless (Unicode 16, Default_Ignorable_Code_Point),
# and the blank of Braille
_INVISIBLE: Final = frozenset(
    {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x2800, 0x3164, 0xFFA0}
    | {*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)}
)
MAX_SHOWN: Final = 200  # characters of one value in a line for people; JSON has it all
MAX_LINE: Final = 4000  # characters of a line with many values


def _shows(char: str) -> bool:
    """Whether a terminal shows `char` as what it is; of the spaces only the ordinary one does."""
    if char.isascii():
        return char.isprintable()
    return ord(char) not in _INVISIBLE and unicodedata.category(char) not in _UNSAFE


def safe(text: str) -> str:
    """`text` with control, format, bidirectional and invisible characters escaped: it shows what it is."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if _shows(char) else f"\\u{{{ord(char):x}}}" for char in text)


def escaped(text: str) -> str:
    """`text` between quotes as in JSON, loses nothing; what a terminal does not show stands as an escape."""
    return _escapes(json.dumps(text, ensure_ascii=False))


def json_text(value: object) -> str:
    """JSON that loses nothing, indented, with escapes as `escaped` has them."""
    return "\n".join(map(_escapes, json.dumps(value, indent=2, ensure_ascii=False).split("\n")))


def json_pieces(value: object, margin: str = "") -> Iterator[str]:
    """The same in pieces; an array in an object may be given as an iterator, of which nothing is kept."""
    inner = margin + "  "
    if isinstance(value, Mapping) and any(isinstance(of, Iterator) for of in value.values()):
        members = (chain((escaped(name), ": "), json_pieces(of, inner)) for name, of in value.items())
        yield from _enclosed("{", members, "}", margin)
    elif isinstance(value, Iterator):
        yield from _enclosed("[", (json_pieces(one, inner) for one in value), "]", margin)
    else:
        yield json_text(value).replace("\n", "\n" + margin)


def _enclosed(begin: str, parts: Iterator[Iterator[str]], end: str, margin: str) -> Iterator[str]:
    """The parts between brackets, each in a line of its own."""
    between = begin
    for part in parts:
        yield f"{between}\n{margin}  "
        yield from part
        between = ","
    yield f"{begin}{end}" if between == begin else f"\n{margin}{end}"


def _escapes(quoted: str) -> str:
    if quoted.isascii() and quoted.isprintable():
        return quoted
    return "".join(char if _shows(char) else _utf16_escape(char) for char in quoted)


def _utf16_escape(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def cut(text: str, keep: int = MAX_SHOWN) -> str:
    """At most `keep` characters, and how many there were."""
    return text if len(text) <= keep else f"{text[:keep]}… ({len(text)} characters)"


def lines(write: Callable[P, Iterator[str]]) -> Callable[P, Iterator[str]]:
    """Decorates what writes lines for people: each is made safe, whatever is in it, and has an end."""

    @wraps(write)
    def gate(*args: P.args, **kwargs: P.kwargs) -> Iterator[str]:
        return (safe(cut(line, MAX_LINE)) for line in write(*args, **kwargs))

    return gate


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


def plural(count: int, noun: str, several: str = "") -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {several or noun + 's'}"


def indices(numbers: list[int]) -> str:
    """`0-7, 14`: PCR numbers with runs folded."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in runs)
