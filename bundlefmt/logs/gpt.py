# SPDX-License-Identifier: Apache-2.0
"""The partition table that firmware measured: UEFI_GPT_DATA.

TCG PC Client Platform Firmware Profile 1.06, 10.2.5; UEFI 2.10, 5.3 "GUID Partition Table Disk Layout".
"""

from __future__ import annotations

from typing import Final

from bundlefmt.errors import Code
from bundlefmt.frozen import frozen
from bundlefmt.logs.device_path import ucs2_text
from bundlefmt.logs.guid import read_guid
from bundlefmt.wire import Buffer, Reader, read_all

SIGNATURE: Final = b"EFI PART"
ENTRY_SIZE: Final = 128
HEADER_SIZE: Final = 92


@frozen
class GptPartition:
    """GPT_PARTITION_ENTRY; addresses count logical blocks."""

    kind: str
    partition: str
    first_block: int
    last_block: int
    attributes: int
    name: str


@frozen
class GptTable:
    """The header's disk GUID and the partitions that exist."""

    disk: str
    partitions: tuple[GptPartition, ...]

    @classmethod
    def decode(cls, data: Buffer) -> GptTable:
        """Raises MalformedError."""
        return read_all(data, cls._read, path="UEFI_GPT_DATA")

    @classmethod
    def _read(cls, reader: Reader) -> GptTable:
        start = reader.offset
        header = Reader(reader.view(HEADER_SIZE), base=start, path=reader.path)
        if header.read(8) != SIGNATURE:
            raise header.error(Code.WRONG_MAGIC, "no EFI PART", offset=start)
        header.view(48)
        disk = read_guid(header)
        header.view(12)
        at = header.offset
        entry_size = header.uint_le(4)
        if entry_size < ENTRY_SIZE:
            raise header.error(Code.WRONG_LENGTH, f"entries of {entry_size} bytes", offset=at)
        at = reader.offset
        count = reader.uint_le(8)
        if count * entry_size != reader.remaining:
            raise reader.error(
                Code.WRONG_LENGTH,
                f"{count} partitions of {entry_size} bytes in {reader.remaining} bytes",
                offset=at,
            )
        return cls(disk=disk, partitions=tuple(_read_partition(reader, entry_size) for _ in range(count)))


def _read_partition(reader: Reader, entry_size: int) -> GptPartition:
    kind, partition = read_guid(reader), read_guid(reader)
    first, last, attributes = (reader.uint_le(8) for _ in range(3))
    name = reader.read(72)
    reader.view(entry_size - ENTRY_SIZE)
    return GptPartition(
        kind=kind,
        partition=partition,
        first_block=first,
        last_block=last,
        attributes=attributes,
        name=ucs2_text(name),
    )
