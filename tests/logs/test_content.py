# SPDX-License-Identifier: Apache-2.0
"""What event data says: UEFI structures, device paths, key databases, partition tables, loaders' strings."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from bundlefmt.errors import MalformedError
from bundlefmt.logs.content import Octets, Text, decode_content
from bundlefmt.logs.device_path import MAX_NODES, DevicePath, DevicePathNode, LoadOption
from bundlefmt.logs.efi import FirmwareBlob, HandoffTables, ImageLoad, UefiVariable
from bundlefmt.logs.event import Event, EventType, Undecodable
from bundlefmt.logs.gpt import GptPartition, GptTable
from bundlefmt.logs.guid import guid_bytes, guid_text
from bundlefmt.logs.ipl import IplKind, IplString, decode_ipl
from bundlefmt.logs.signature_list import (
    CERT_SHA256,
    certificate_subject,
    decode_signature_database,
    entries,
)
from bundlefmt.logs.tagged_event import TaggedEvent, decode_tagged_events, walk
from bundlefmt.logs.tcg import SpecId
from tests.logs.firmware import measured, variable
from tests.strategies import mutated

END: Final = bytes.fromhex("7fff0400")
GUID: Final = "a1436297-0a2b-4c3d-8e4f-102030405060"


def told(event_type: int, data: bytes) -> object:
    return decode_content(measured(0, 0, event_type, data))


@pytest.mark.parametrize(
    ("name", "event_type", "kind"),
    [
        ("EFI_PLATFORM_FIRMWARE_BLOB", EventType.EV_EFI_PLATFORM_FIRMWARE_BLOB, FirmwareBlob),
        ("EV_EFI_VARIABLE_BOOT", EventType.EV_EFI_VARIABLE_BOOT, UefiVariable),
        ("EV_EFI_VARIABLE_DRIVER_CONFIG_KEK", EventType.EV_EFI_VARIABLE_DRIVER_CONFIG, UefiVariable),
        ("EV_EFI_VAR_SECURE_BOOT", EventType.EV_EFI_VARIABLE_DRIVER_CONFIG, UefiVariable),
        ("EvBootServicesApplication", EventType.EV_EFI_BOOT_SERVICES_APPLICATION, ImageLoad),
        ("EvEfiGptPartition", EventType.EV_EFI_GPT_EVENT, GptTable),
        ("EvEfiSpecId", EventType.EV_NO_ACTION, SpecId),
        ("EvHandoffTables", EventType.EV_EFI_HANDOFF_TABLES, HandoffTables),
        ("EvPostCode", EventType.EV_POST_CODE, Text),
    ],
)
def test_single_events_of_others(corpus: Path, name: str, event_type: int, kind: type) -> None:
    data = bytes.fromhex((corpus / f"eventlogs/hirs/events/{name}.txt").read_text())
    assert isinstance(told(event_type, data), kind)


def test_single_structures_of_others(corpus: Path) -> None:
    folder = corpus / "eventlogs/hirs/events"
    path = DevicePath.decode(bytes.fromhex((folder / "EFI_DEVICE_PATH.txt").read_text()))
    assert path.text().startswith("Fv(")
    assert "/FvFile(" in path.text()
    with pytest.raises(MalformedError):
        # a partition entry alone is no table
        GptTable.decode(bytes.fromhex((folder / "EV_EFI_GPT_EVENT.txt").read_text()))


def node(kind: int, subtype: int, data: bytes) -> bytes:
    return DevicePathNode(kind=kind, subtype=subtype, data=data).encode()


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (node(2, 1, bytes.fromhex("d041030a00000000")), "PciRoot(0x0)"),
        (node(2, 1, bytes.fromhex("d041080a01000000")), "PcieRoot(0x1)"),
        (node(2, 1, bytes.fromhex("d041010502000000")), "Acpi(PNP0501,0x2)"),
        (node(2, 1, bytes.fromhex("0000010502000000")), "Acpi(0x05010000,0x2)"),
        (node(1, 1, b"\2\x1f"), "Pci(0x1f,0x2)"),
        (node(1, 4, guid_bytes(GUID)), f"VenHw({GUID})"),
        (node(1, 4, guid_bytes(GUID) + b"\1"), f"VenHw({GUID},01)"),
        (node(3, 2, b"\1\0\2\0"), "Scsi(0x1,0x2)"),
        (node(3, 5, b"\1\2"), "USB(0x1,0x2)"),
        (node(3, 18, b"\0\0\xff\xff\0\0"), "Sata(0x0,0xffff,0x0)"),
        (node(3, 23, b"\1\0\0\0" + bytes(range(8))), "NVMe(0x1,07-06-05-04-03-02-01-00)"),
        (node(3, 11, b"\1\2\3\4\5\6" + bytes(26) + b"\1"), "MAC(010203040506,0x1)"),
        (node(3, 24, b"https://example.com"), "Uri(https://example.com)"),
        (
            node(4, 1, b"\1\0\0\0" + (0x800).to_bytes(8, "little") * 2 + guid_bytes(GUID) + b"\2\2"),
            f"HD(1,GPT,{GUID},0x800,0x800)",
        ),
        (
            node(4, 1, b"\1\0\0\0" + bytes(16) + b"\x78\x56\x34\x12" + bytes(12) + b"\1\1"),
            "HD(1,MBR,0x12345678,0x0,0x0)",
        ),
        (node(4, 4, "\\EFI\\a.efi\0".encode("utf-16-le")), "\\EFI\\a.efi"),
        (node(4, 7, guid_bytes(GUID)), f"Fv({GUID})"),
        (node(4, 8, bytes(4) + b"\1" + bytes(7) + b"\2" + bytes(7)), "Offset(0x1,0x2)"),
        (node(9, 9, b"\1\2"), "Path(9,9,0102)"),
        (node(1, 1, b"\1"), "Path(1,1,01)"),
    ],
)
def test_device_path_nodes(data: bytes, text: str) -> None:
    path = DevicePath.decode(data + END)
    assert path.text() == text
    assert path.encode() == data + END


def test_device_path_of_a_file() -> None:
    first = node(4, 4, "\\EFI\\".encode("utf-16-le")) + node(4, 4, "a.efi\0".encode("utf-16-le"))
    path = DevicePath.decode(node(1, 1, b"\0\1") + first + END)
    assert path.file() == "EFI\\a.efi"
    assert path.text() == "Pci(0x1,0x0)/\\EFI\\/a.efi"
    assert DevicePath.decode(END).file() is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        END[:3],
        END + b"\0",
        b"\1\1\3\0" + END,
        b"\1\1\xff\xff",
        node(1, 1, b"\0\1") * (MAX_NODES + 1) + END,
    ],
)
def test_malformed_device_paths(data: bytes) -> None:
    with pytest.raises(MalformedError):
        DevicePath.decode(data)


def test_load_option() -> None:
    paths = node(1, 1, b"\0\1") + END + END
    data = b"\1\0\0\0" + len(paths).to_bytes(2, "little") + "Linux\0".encode("utf-16-le") + paths + b"opt"
    found = LoadOption.decode(data)
    assert (found.attributes, found.description, found.optional_data) == (1, "Linux", b"opt")
    assert [path.text() for path in found.paths] == ["Pci(0x1,0x0)", ""]


@given(
    st.builds(
        UefiVariable, guid=st.just(GUID), name=st.text(max_size=9), data=st.binary(), surplus=st.binary()
    )
)
def test_variable_symmetry(made: UefiVariable) -> None:
    assert UefiVariable.decode(made.encode()) == made


@pytest.mark.parametrize("data", [b"", variable("a", b"b")[:-1], guid_bytes(GUID) + b"\xff" * 16])
def test_malformed_variables_keep_their_bytes(data: bytes) -> None:
    found = told(EventType.EV_EFI_VARIABLE_BOOT, data)
    assert isinstance(found, Undecodable)
    assert found.data == data
    assert found.reason


def test_image_load_with_a_path_that_is_none() -> None:
    found = told(EventType.EV_EFI_BOOT_SERVICES_DRIVER, bytes(24) + b"\2" + bytes(7) + b"\7\7" + b"more")
    assert isinstance(found, ImageLoad)
    assert isinstance(found.path, Undecodable)
    assert (found.path.data, found.surplus) == (b"\7\7", b"more")


def test_described_blob_and_tables() -> None:
    body = b"\3abc"
    blob = told(EventType.EV_EFI_PLATFORM_FIRMWARE_BLOB2, body + b"\1" + bytes(7) + b"\2" + bytes(7))
    assert blob == FirmwareBlob(description="abc", base=1, length=2)
    tables = told(
        EventType.EV_EFI_HANDOFF_TABLES2, body + b"\1" + bytes(7) + guid_bytes(GUID) + b"\5" + bytes(7)
    )
    assert tables == HandoffTables(description="abc", tables=((GUID, 5),))
    assert isinstance(told(EventType.EV_EFI_HANDOFF_TABLES, b"\xff" * 8), Undecodable)


def signature_list(kind: str, *bodies: bytes, size: int | None = None) -> bytes:
    entry = 16 + len(bodies[0])
    total = 28 + entry * len(bodies) if size is None else size
    head = guid_bytes(kind) + b"".join(n.to_bytes(4, "little") for n in (total, 0, entry))
    return head + b"".join(guid_bytes(GUID) + body for body in bodies)


def test_signature_database() -> None:
    data = signature_list(CERT_SHA256, b"a" * 32, b"b" * 32) + signature_list(GUID, b"c")
    found = list(entries(decode_signature_database(data)))
    assert [(one.kind, one.data) for one in found] == [
        ("sha256", b"a" * 32),
        ("sha256", b"b" * 32),
        (GUID, b"c"),
    ]
    assert {one.owner for one in found} == {GUID}
    assert decode_signature_database(b"") == ()


@pytest.mark.parametrize(
    "data",
    [
        signature_list(CERT_SHA256, b"a" * 32)[:-1],
        signature_list(CERT_SHA256, b"a" * 32, size=27),
        signature_list(CERT_SHA256, b"a" * 32, size=77),
        guid_bytes(GUID) + b"\x1c\0\0\0" + bytes(8),
        signature_list(CERT_SHA256, b"a" * 32) + b"\0",
    ],
)
def test_malformed_signature_databases(data: bytes) -> None:
    with pytest.raises(MalformedError):
        decode_signature_database(data)


def certificate(*edits: tuple[bytes, bytes]) -> bytes:
    """A test certificate, edited where it is not covered by what is read of it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "XX"),
            x509.NameAttribute(NameOID.COMMON_NAME, "Test Key"),
        ]
    )
    day = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    made = (
        x509.CertificateBuilder(subject_name=name, issuer_name=name, public_key=key.public_key())
        .serial_number(1)
        .not_valid_before(day)
        .not_valid_after(day)
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )
    for old, new in edits:
        assert old in made
        made = made.replace(old, new)
    return made


COUNTRY_OID: Final = bytes.fromhex("0603550406")


@pytest.mark.parametrize(
    ("data", "subject"),
    [
        (certificate(), "CN=Test Key,C=XX"),
        # names that stricter readers refuse: with NUL, and no string at all
        (certificate((b"\x13\x02XX", b"\x13\x02X\x00")), "CN=Test Key,C=X\\00"),
        (certificate((COUNTRY_OID + b"\x13", COUNTRY_OID + b"\x03")), "CN=Test Key,C=#03025858"),
        (certificate((bytes.fromhex("a003020102"), bytes.fromhex("a003020103"))), "CN=Test Key,C=XX"),
        (certificate()[:40], None),
        (b"", None),
    ],
    ids=("good", "name-with-nul", "wrong-string", "unknown-version", "truncated", "empty"),
)
def test_certificate_subjects(data: bytes, subject: str | None) -> None:
    assert certificate_subject(data) == subject


@given(mutated(st.just(certificate())))
def test_certificate_subjects_never_raise(data: bytes) -> None:
    found = certificate_subject(data)
    assert found is None or isinstance(found, str)


def gpt(count: int = 1, entry_size: int = 128) -> bytes:
    header = (
        b"EFI PART" + bytes(48) + guid_bytes(GUID) + bytes(12) + entry_size.to_bytes(4, "little") + bytes(4)
    )
    name = "system".encode("utf-16-le").ljust(72, b"\0")
    entry = guid_bytes(GUID) * 2 + (34).to_bytes(8, "little") + (99).to_bytes(8, "little") + bytes(8) + name
    return header + count.to_bytes(8, "little") + entry.ljust(entry_size, b"\0")


@pytest.mark.parametrize("entry_size", [128, 256])
def test_gpt(entry_size: int) -> None:
    found = GptTable.decode(gpt(entry_size=entry_size))
    partition = GptPartition(
        kind=GUID, partition=GUID, first_block=34, last_block=99, attributes=0, name="system"
    )
    assert found == GptTable(disk=GUID, partitions=(partition,))


@pytest.mark.parametrize(
    "data", [gpt()[:-1], gpt(count=2), gpt(count=2**63), gpt(entry_size=127), b"x" + gpt()[1:]]
)
def test_malformed_gpt(data: bytes) -> None:
    with pytest.raises(MalformedError):
        GptTable.decode(data)


@pytest.mark.parametrize(
    ("data", "kind", "text"),
    [
        (b"grub_cmd: set x\0", IplKind.COMMAND, "set x"),
        (b"grub_cmd set x\0", IplKind.COMMAND, "set x"),
        (b"kernel_cmdline: /vmlinuz ro\0", IplKind.KERNEL_COMMAND_LINE, "/vmlinuz ro"),
        (b"module_cmdline: /initrd\0", IplKind.MODULE_COMMAND_LINE, "/initrd"),
        (b"MokList\0", IplKind.MOK_VARIABLE, "MokList"),
        (b"SbatLevel\0", IplKind.MOK_VARIABLE, "SbatLevel"),
        (b"(hd0,gpt2)/vmlinuz\0", IplKind.FILE, "(hd0,gpt2)/vmlinuz"),
        ("root=x\0".encode("utf-16-le"), IplKind.KERNEL_COMMAND_LINE, "root=x"),
        (".osrel\0".encode("utf-16-le"), IplKind.SECTION, ".osrel"),
        ("Credentials initrd\0".encode("utf-16-le"), IplKind.TEXT, "Credentials initrd"),
        (b"hello", IplKind.TEXT, "hello"),
    ],
)
def test_ipl_strings(data: bytes, kind: IplKind, text: str) -> None:
    found = decode_ipl(data)
    assert found is not None
    assert (found.kind, found.text) == (kind, text)


@pytest.mark.parametrize("data", [b"", b"\0", b"\xff\xfe\xfd", b"a\0b\0c"])
def test_what_is_no_string(data: bytes) -> None:
    assert decode_ipl(data) is None
    assert told(EventType.EV_IPL, data) == Octets(data=data)


def tagged(tag: int, data: bytes) -> bytes:
    return tag.to_bytes(4, "little") + len(data).to_bytes(4, "little") + data


def test_tagged_events() -> None:
    data = tagged(0x40010001, tagged(0x00050001, b"\1") + tagged(0x00050003, b"\0")) + tagged(0x1234, b"x")
    found = decode_tagged_events(data)
    assert [event.name for event in walk(found)] == [
        "TrustBoundary",
        "OsKernelDebug",
        "TestSigning",
        "0x00001234",
    ]
    assert found[0].inner[0] == TaggedEvent(tag=0x00050001, data=b"\1")


def test_tagged_events_nest_so_deep_and_no_deeper() -> None:
    data = b""
    for _ in range(5):
        data = tagged(0x40010001, data)
    decode_tagged_events(data[8:])
    with pytest.raises(MalformedError, match="depth-limit"):
        decode_tagged_events(data)
    for cut in (1, 7):
        with pytest.raises(MalformedError, match="truncated"):
            decode_tagged_events(tagged(1, b"abc")[:-cut])


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("N24ET41W \0".encode("utf-16-le"), Text(text="N24ET41W")),
        (b"1.2.3\0", Text(text="1.2.3")),
        (guid_bytes(GUID), Text(text=GUID)),
        (b"\0\0", Octets(data=b"\0\0")),
    ],
)
def test_versions(data: bytes, expected: object) -> None:
    assert told(EventType.EV_S_CRTM_VERSION, data) == expected


@given(st.text("0123456789abcdef", min_size=32, max_size=32).map(bytes.fromhex))
def test_guid_symmetry(data: bytes) -> None:
    assert guid_bytes(guid_text(data)) == data


SEEDS: Final = (
    variable("BootOrder", b"\1\0"),
    bytes(24) + len(END).to_bytes(8, "little") + END,
    signature_list(CERT_SHA256, b"a" * 32),
    gpt(),
    tagged(0x40010001, tagged(0x00050001, b"\1")),
    b"grub_cmd: set x\0",
    b"\3abc\1" + bytes(15),
    b"Spec ID Event03\0" + bytes.fromhex("00000000000200020100000004001400 00"),
    b"StartupLocality\0\3",
)


@given(
    st.sampled_from(sorted(EventType)) | st.integers(0, 2**32 - 1),
    mutated(st.sampled_from(SEEDS)) | st.binary(max_size=100),
)
def test_content_never_raises(event_type: int, data: bytes) -> None:
    event = Event(number=0, offset=0, index=0, untrusted_type=event_type, digests={}, untrusted_data=data)
    found = decode_content(event)
    if isinstance(found, Undecodable | Octets):
        assert found.data == data
    if isinstance(found, ImageLoad) and isinstance(found.path, DevicePath):
        assert found.path.text() is not None
    assert not isinstance(found, IplString) or found.text is not None


@given(
    mutated(st.sampled_from([signature_list(CERT_SHA256, b"a" * 32), gpt(), b"\1\0\0\0\4\0a\0\0\0" + END]))
)
def test_structures_raise_only_malformed(data: bytes) -> None:
    for decode in (decode_signature_database, GptTable.decode, LoadOption.decode, decode_tagged_events):
        try:
            assert decode(data) is not None
        except MalformedError:
            continue
