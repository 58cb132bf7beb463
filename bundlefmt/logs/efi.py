# SPDX-License-Identifier: Apache-2.0
"""What UEFI firmware puts into event data: variables, loaded images, firmware volumes, configuration tables.

TCG PC Client Platform Firmware Profile 1.06, 10.2.3 to 10.2.6. All integers are little-endian.
"""

from __future__ import annotations

from typing import Final

from bundlefmt.errors import Code, MalformedError
from bundlefmt.frozen import frozen
from bundlefmt.logs.device_path import DevicePath
from bundlefmt.logs.event import Undecodable
from bundlefmt.logs.guid import guid_bytes, read_guid
from bundlefmt.wire import Buffer, Reader, read_all

GLOBAL_VARIABLE: Final = "8be4df61-93ca-11d2-aa0d-00e098032b8c"
IMAGE_SECURITY_DATABASE: Final = "d719b2cb-3d3a-4596-a3bc-dad00e67656f"
SHIM_LOCK: Final = "605dab50-e046-4300-abb6-3dd810dd8b23"
MAX_TABLES: Final = 1024  # entries in a handoff table; real ones have one or a few


@frozen
class UefiVariable:
    """UEFI_VARIABLE_DATA: namespace, name and content of a variable, or of the entry of it that was used.

    `surplus` is what follows: old shims count their compiler's padding in.
    """

    guid: str
    name: str
    data: bytes
    surplus: bytes = b""

    @classmethod
    def decode(cls, data: Buffer, *, base: int = 0) -> UefiVariable:
        """Raises MalformedError."""
        return read_all(data, cls._read, path="UEFI_VARIABLE_DATA", base=base)

    @classmethod
    def _read(cls, reader: Reader) -> UefiVariable:
        guid = read_guid(reader)
        name_length, data_length = reader.uint_le(8), reader.uint_le(8)
        start = reader.offset
        try:
            name = reader.read(2 * name_length).decode("utf-16-le")
        except UnicodeDecodeError as error:
            raise reader.error(Code.BAD_VALUE, f"variable name: {error.reason}", offset=start) from None
        content = reader.read(data_length)
        return cls(guid=guid, name=name, data=content, surplus=reader.read(reader.remaining))

    def encode(self) -> bytes:
        name = self.name.encode("utf-16-le")
        return b"".join(
            (
                guid_bytes(self.guid),
                (len(name) // 2).to_bytes(8, "little"),
                len(self.data).to_bytes(8, "little"),
                name,
                self.data,
                self.surplus,
            )
        )


@frozen
class ImageLoad:
    """UEFI_IMAGE_LOAD_EVENT: a PE image was loaded; the digest is its Authenticode hash.

    `surplus` is what follows the path: shim and grub count their compiler's padding in.
    """

    location: int
    length: int
    link_time_address: int
    path: DevicePath | Undecodable
    surplus: bytes

    @classmethod
    def decode(cls, data: Buffer) -> ImageLoad:
        """Raises MalformedError; a device path that is not one is kept as bytes."""
        return read_all(data, cls._read, path="UEFI_IMAGE_LOAD_EVENT")

    @classmethod
    def _read(cls, reader: Reader) -> ImageLoad:
        location, length, link_time = (reader.uint_le(8) for _ in range(3))
        start = reader.offset
        size = reader.uint_le(8)
        if size > reader.remaining:
            raise reader.error(
                Code.TRUNCATED, f"device path of {size} bytes, {reader.remaining} left", offset=start
            )
        raw = reader.read(size)
        path: DevicePath | Undecodable
        try:
            path = DevicePath.decode(raw, base=start + 8)
        except MalformedError as error:
            path = Undecodable(data=raw, reason=str(error))
        return cls(
            location=location,
            length=length,
            link_time_address=link_time,
            path=path,
            surplus=reader.read(reader.remaining),
        )


@frozen
class FirmwareBlob:
    """UEFI_PLATFORM_FIRMWARE_BLOB and BLOB2: where the measured firmware lay; `description` only in BLOB2."""

    description: str
    base: int
    length: int

    @classmethod
    def decode(cls, data: Buffer, *, described: bool = False) -> FirmwareBlob:
        """Raises MalformedError."""

        def read(reader: Reader) -> FirmwareBlob:
            description = _read_description(reader) if described else ""
            return cls(description=description, base=reader.uint_le(8), length=reader.uint_le(8))

        return read_all(data, read, path="UEFI_PLATFORM_FIRMWARE_BLOB")


@frozen
class HandoffTables:
    """UEFI_HANDOFF_TABLE_POINTERS and POINTERS2: (GUID, address) of each measured table."""

    description: str
    tables: tuple[tuple[str, int], ...]

    @classmethod
    def decode(cls, data: Buffer, *, described: bool = False) -> HandoffTables:
        """Raises MalformedError."""

        def read(reader: Reader) -> HandoffTables:
            description = _read_description(reader) if described else ""
            start = reader.offset
            count = reader.uint_le(8)
            if count > MAX_TABLES:
                raise reader.error(Code.COUNT_LIMIT, f"{count} tables", offset=start)
            tables = tuple((read_guid(reader), reader.uint_le(8)) for _ in range(count))
            return cls(description=description, tables=tables)

        return read_all(data, read, path="UEFI_HANDOFF_TABLE_POINTERS")


def _read_description(reader: Reader) -> str:
    return reader.read(reader.uint(1)).rstrip(b"\0").decode("ascii", "backslashreplace")
