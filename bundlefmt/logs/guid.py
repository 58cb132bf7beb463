# SPDX-License-Identifier: Apache-2.0
"""EFI GUIDs: 16 bytes on the wire, the customary text in lower case everywhere else.

UEFI 2.10, appendix A: the first three fields are little-endian.
"""

from __future__ import annotations

from typing import Final

from bundlefmt.wire import Reader

SIZE: Final = 16
_ORDER: Final = (3, 2, 1, 0, 5, 4, 7, 6, *range(8, SIZE))


def guid_text(data: bytes) -> str:
    """`data` is 16 bytes."""
    digits = bytes(data[at] for at in _ORDER).hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def guid_bytes(text: str) -> bytes:
    """The wire form of a GUID's text."""
    data = bytes.fromhex(text.replace("-", ""))
    return bytes(data[at] for at in _ORDER)


def read_guid(reader: Reader) -> str:
    """The text of the next 16 bytes. Raises MalformedError."""
    return guid_text(reader.read(SIZE))
