# SPDX-License-Identifier: Apache-2.0
"""Which PCRs of which banks: TPMS_PCR_SELECTION and lists of it.

TPM 2.0 Library, Part 2, 10.6.2 and 10.9.7.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from bundlefmt.errors import Code
from bundlefmt.frozen import frozen
from bundlefmt.wire import Reader

MAX_PCR_BANKS: Final = 16  # TPML_PCR_SELECTION: HASH_COUNT
MAX_PCR_SELECT: Final = 4  # octets, for 32 PCRs


@frozen
class TpmsPcrSelection:
    """TPMS_PCR_SELECTION (Part 2, 10.6.2): a bank and the bit map of its PCRs."""

    hash: int
    select: bytes

    @classmethod
    def read(cls, reader: Reader) -> TpmsPcrSelection:
        hash_alg = reader.uint(2)
        start = reader.offset
        size = reader.uint(1)
        if not 1 <= size <= MAX_PCR_SELECT:
            raise reader.error(Code.WRONG_LENGTH, f"sizeofSelect is {size}", offset=start)
        return cls(hash=hash_alg, select=reader.read(size))

    @classmethod
    def of(cls, bank: int, indices: Iterable[int]) -> TpmsPcrSelection:
        """The selection of these PCRs (0 to 31), in three octets where they suffice."""
        bits = sum(1 << index for index in set(indices))
        return cls(hash=bank, select=bits.to_bytes(max(3, (bits.bit_length() + 7) // 8), "little"))

    def encode(self) -> bytes:
        return self.hash.to_bytes(2, "big") + bytes([len(self.select)]) + self.select

    @property
    def indices(self) -> tuple[int, ...]:
        """The PCRs selected, ascending: bit n of octet m is PCR 8m + n."""
        return tuple(n for n in range(len(self.select) * 8) if self.select[n // 8] >> (n % 8) & 1)


def read_pcr_selection_list(reader: Reader) -> tuple[TpmsPcrSelection, ...]:
    """TPML_PCR_SELECTION (Part 2, 10.9.7)."""
    start = reader.offset
    count = reader.uint(4)
    if count > MAX_PCR_BANKS:
        raise reader.error(Code.COUNT_LIMIT, f"{count} PCR banks, at most {MAX_PCR_BANKS}", offset=start)
    return tuple(TpmsPcrSelection.read(reader) for _ in range(count))


def encode_pcr_selection_list(selections: tuple[TpmsPcrSelection, ...]) -> bytes:
    return len(selections).to_bytes(4, "big") + b"".join(each.encode() for each in selections)
