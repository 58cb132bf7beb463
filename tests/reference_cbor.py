# SPDX-License-Identifier: Apache-2.0
"""A second opinion on deterministic CBOR, for small inputs: read loosely, write again, compare.

Written from RFC 8949 alone and on purpose unlike the scan: recursive, copying, and with one idea of
determinism: bytes are the one encoding of a value if writing the value anew gives the same bytes.
"""

from __future__ import annotations

from typing import Final

DEPTH: Final = 16  # spec 10.5


class RefusedError(Exception):
    """Not well-formed, or no value of the format."""


def accepts(data: bytes) -> bool:
    """Whether `data` is exactly one untagged item of the format in its one encoding."""
    try:
        return _rewritten(data, 0) == (data, b"")
    except RefusedError:
        return False


def _rewritten(data: bytes, depth: int) -> tuple[bytes, bytes]:
    """The item at the start of `data` written anew, and what follows it."""
    if not data:
        raise RefusedError
    major, low = divmod(data[0], 32)
    extra = {24: 1, 25: 2, 26: 4, 27: 8}.get(low, 0)
    if low > 27 or len(data) < 1 + extra:
        raise RefusedError
    number, rest = int.from_bytes(data[1 : 1 + extra], "big") if extra else low, data[1 + extra :]
    if major in (0, 1):
        return _head(major, number), rest
    if major in (2, 3):
        content = rest[:number]
        if len(content) < number or (major == 3 and content.decode("utf-8", "replace").encode() != content):
            raise RefusedError
        return _head(major, number) + content, rest[number:]
    if major in (4, 5):
        if depth == DEPTH:
            raise RefusedError
        items = []
        for _ in range(number if major == 4 else 2 * number):
            item, rest = _rewritten(rest, depth + 1)
            items.append(item)
        return _head(major, number) + b"".join(items if major == 4 else _ordered(items)), rest
    if data[0] in (0xF4, 0xF5, 0xF6):
        return data[:1], rest
    raise RefusedError


def _ordered(items: list[bytes]) -> list[bytes]:
    """Keys and values, in the order of the keys' bytes (RFC 8949 4.2.1)."""
    entries = dict(zip(items[::2], items[1::2], strict=True))
    if len(entries) < len(items) // 2 or any(key[0] // 32 not in (0, 1, 3) for key in entries):
        raise RefusedError
    return [part for key in sorted(entries) for part in (key, entries[key])]


def _head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([32 * major + number])
    size = next(size for size in (1, 2, 4, 8) if number < 256**size)
    return bytes([32 * major + {1: 24, 2: 25, 4: 26, 8: 27}[size]]) + number.to_bytes(size, "big")
