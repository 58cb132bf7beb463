# SPDX-License-Identifier: Apache-2.0
"""EFI device paths and the boot options that contain them, as structures and as text.

UEFI 2.10, 10.3 "Device Path Nodes", 10.6 "Text Representation" and 3.1.3 "Load Options".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bundlefmt.errors import Code, MalformedError
from bundlefmt.frozen import frozen
from bundlefmt.logs.guid import guid_text, read_guid
from bundlefmt.wire import Buffer, Reader, read_all

HARDWARE, ACPI, MESSAGING, MEDIA, BIOS, END = 1, 2, 3, 4, 5, 0x7F
END_ENTIRE: Final = 0xFF
MAX_NODES: Final = 256  # real paths have about ten; bounds what a hostile one costs to show
EISA_PNP: Final = 0x41D0  # "PNP" in EISA's compressed form
PCI_ROOTS: Final = {0x0A03: "PciRoot", 0x0A08: "PcieRoot", 0x0604: "Floppy"}


@frozen
class DevicePathNode:
    """One node with its data after the four-byte header."""

    kind: int
    subtype: int
    data: bytes

    def encode(self) -> bytes:
        return bytes((self.kind, self.subtype)) + (len(self.data) + 4).to_bytes(2, "little") + self.data

    def text(self) -> str:
        """The node as UEFI 10.6 writes it; `Path(type,subtype,hex)` where it is not known or not well-
        formed.
        """
        render = _TEXTS.get((self.kind, self.subtype))
        if render is not None:
            try:
                return read_all(self.data, render)
            except MalformedError:
                pass
        return f"Path({self.kind},{self.subtype},{self.data.hex()})"


@frozen
class DevicePath:
    """The nodes of a path, its end nodes included."""

    nodes: tuple[DevicePathNode, ...]

    @classmethod
    def decode(cls, data: Buffer, *, base: int = 0) -> DevicePath:
        """Raises MalformedError unless `data` is one path up to its end node."""
        return read_all(data, cls.read, path="device path", base=base)

    @classmethod
    def read(cls, reader: Reader) -> DevicePath:
        """Read up to and including the end node."""
        nodes: list[DevicePathNode] = []
        while True:
            start = reader.offset
            kind, subtype, size = reader.uint(1), reader.uint(1), reader.uint_le(2)
            if size < 4:
                raise reader.error(Code.WRONG_LENGTH, f"a node of {size} bytes", offset=start)
            if len(nodes) >= MAX_NODES:
                raise reader.error(Code.COUNT_LIMIT, f"more than {MAX_NODES} nodes", offset=start)
            nodes.append(DevicePathNode(kind=kind, subtype=subtype, data=reader.read(size - 4)))
            if kind == END and subtype == END_ENTIRE:
                return cls(nodes=tuple(nodes))

    def encode(self) -> bytes:
        return b"".join(node.encode() for node in self.nodes)

    def text(self) -> str:
        """`PciRoot(0x0)/Pci(0x1,0x0)/...`; instances behind commas."""
        parts: list[str] = []
        for node in self.nodes:
            if node.kind == END:
                parts.append("" if node.subtype == END_ENTIRE else ",")
            else:
                parts.append(("/" if parts and parts[-1] != "," else "") + node.text())
        return "".join(parts)

    def file(self) -> str | None:
        """The file names of the path joined, as a loader would open them; None if it names no file."""
        names = [ucs2_text(node.data) for node in self.nodes if (node.kind, node.subtype) == (MEDIA, 4)]
        return "\\".join(name.strip("\\") for name in names) if names else None


@frozen
class LoadOption:
    """EFI_LOAD_OPTION, the content of a Boot#### variable; `paths` is a list of device paths, the first is
    booted.
    """

    attributes: int
    description: str
    paths: tuple[DevicePath, ...]
    optional_data: bytes

    @classmethod
    def decode(cls, data: Buffer) -> LoadOption:
        """Raises MalformedError."""
        return read_all(data, cls._read, path="EFI_LOAD_OPTION")

    @classmethod
    def _read(cls, reader: Reader) -> LoadOption:
        attributes, size = reader.uint_le(4), reader.uint_le(2)
        description = bytearray()
        while (unit := reader.read(2)) != b"\0\0":
            description += unit
        paths = reader.within(size, _read_paths, path="device path")
        return cls(
            attributes=attributes,
            description=ucs2_text(bytes(description)),
            paths=paths,
            optional_data=reader.read(reader.remaining),
        )


def ucs2_text(data: bytes) -> str:
    """UTF-16LE text up to its first NUL; what is no character becomes U+FFFD."""
    return data.decode("utf-16-le", "replace").partition("\0")[0]


def _read_paths(reader: Reader) -> tuple[DevicePath, ...]:
    paths = []
    while reader.remaining:
        paths.append(DevicePath.read(reader))
    return tuple(paths)


def _rest_text(reader: Reader) -> str:
    return ucs2_text(reader.read(reader.remaining))


def _acpi(reader: Reader) -> str:
    hid, uid = reader.uint_le(4), reader.uint_le(4)
    number = hid >> 16
    if hid & 0xFFFF == EISA_PNP:
        name = PCI_ROOTS.get(number)
        return f"{name}({uid:#x})" if name else f"Acpi(PNP{number:04X},{uid:#x})"
    return f"Acpi({hid:#010x},{uid:#x})"


def _pci(reader: Reader) -> str:
    function, device = reader.uint(1), reader.uint(1)
    return f"Pci({device:#x},{function:#x})"


def _vendor(name: str) -> Callable[[Reader], str]:
    def render(reader: Reader) -> str:
        guid, rest = read_guid(reader), reader.read(reader.remaining)
        return f"{name}({guid},{rest.hex()})" if rest else f"{name}({guid})"

    return render


def _guid(name: str) -> Callable[[Reader], str]:
    return lambda reader: f"{name}({read_guid(reader)})"


def _numbers(name: str, *sizes: int) -> Callable[[Reader], str]:
    """A node of nothing but little-endian integers."""
    return lambda reader: f"{name}({','.join(f'{reader.uint_le(size):#x}' for size in sizes)})"


def _hard_drive(reader: Reader) -> str:
    partition, start, size = reader.uint_le(4), reader.uint_le(8), reader.uint_le(8)
    signature, _, kind = reader.read(16), reader.uint(1), reader.uint(1)
    if kind == 2:
        return f"HD({partition},GPT,{guid_text(signature)},{start:#x},{size:#x})"
    return f"HD({partition},MBR,{int.from_bytes(signature[:4], 'little'):#010x},{start:#x},{size:#x})"


def _mac(reader: Reader) -> str:
    address, kind = reader.read(32), reader.uint(1)
    return f"MAC({address[:6].hex() if kind in (0, 1) else address.hex()},{kind:#x})"


def _nvme(reader: Reader) -> str:
    namespace, eui = reader.uint_le(4), reader.read(8)
    return f"NVMe({namespace:#x},{eui[::-1].hex('-').upper()})"


def _uri(reader: Reader) -> str:
    return f"Uri({reader.read(reader.remaining).decode('ascii', 'backslashreplace')})"


def _range(reader: Reader) -> str:
    reader.uint_le(4)
    return f"Offset({reader.uint_le(8):#x},{reader.uint_le(8):#x})"


def _memory(reader: Reader) -> str:
    return f"MemoryMapped({reader.uint_le(4):#x},{reader.uint_le(8):#x},{reader.uint_le(8):#x})"


def _bios(reader: Reader) -> str:
    kind, _ = reader.uint_le(2), reader.uint_le(2)
    label = reader.read(reader.remaining).rstrip(b"\0").decode("ascii", "backslashreplace")
    return f"BBS({kind:#x},{label})"


_TEXTS: Final[dict[tuple[int, int], Callable[[Reader], str]]] = {
    (HARDWARE, 1): _pci,
    (HARDWARE, 3): _memory,
    (HARDWARE, 4): _vendor("VenHw"),
    (HARDWARE, 5): _numbers("Ctrl", 4),
    (ACPI, 1): _acpi,
    (MESSAGING, 2): _numbers("Scsi", 2, 2),
    (MESSAGING, 5): _numbers("USB", 1, 1),
    (MESSAGING, 10): _vendor("VenMsg"),
    (MESSAGING, 11): _mac,
    (MESSAGING, 17): _numbers("Unit", 1),
    (MESSAGING, 18): _numbers("Sata", 2, 2, 2),
    (MESSAGING, 23): _nvme,
    (MESSAGING, 24): _uri,
    (MESSAGING, 26): _numbers("SD", 1),
    (MESSAGING, 29): _numbers("eMMC", 1),
    (MEDIA, 1): _hard_drive,
    (MEDIA, 3): _vendor("VenMedia"),
    (MEDIA, 4): _rest_text,
    (MEDIA, 6): _guid("FvFile"),
    (MEDIA, 7): _guid("Fv"),
    (MEDIA, 8): _range,
    (BIOS, 1): _bios,
}
