# SPDX-License-Identifier: Apache-2.0
"""A firmware event log of our own making, as a machine with Secure Boot writes one.

Written anew by `python -m demo.firmware_log`.

TCG PC Client Platform Firmware Profile 1.06: Spec ID Event03 header, TCG_PCR_EVENT2 records; UEFI 2.10 for
variables, signature lists and device paths. The keys named in it are test keys; the images do not exist.
"""

from __future__ import annotations

import datetime
import hashlib
import struct
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

PATH: Final = Path(__file__).with_name("firmware.log")
BANKS: Final = {0x0004: "sha1", 0x000B: "sha256", 0x000C: "sha384"}

_NO_ACTION, _SEPARATOR, _S_CRTM_VERSION, _IPL = 0x3, 0x4, 0x8, 0xD
_VARIABLE_DRIVER_CONFIG, _VARIABLE_BOOT, _BOOT_APPLICATION = 0x80000001, 0x80000002, 0x80000003
_EFI_ACTION, _FIRMWARE_BLOB2, _VARIABLE_AUTHORITY = 0x80000007, 0x8000000A, 0x800000E0
_GLOBAL: Final = uuid.UUID("8be4df61-93ca-11d2-aa0d-00e098032b8c")  # EFI_GLOBAL_VARIABLE
_DATABASE: Final = uuid.UUID("d719b2cb-3d3a-4596-a3bc-dad00e67656f")  # EFI_IMAGE_SECURITY_DATABASE_GUID
_CERT_X509: Final = uuid.UUID("a5c059a1-94e4-4aa7-87b5-ab155c2bf072")
_CERT_SHA256: Final = uuid.UUID("c1c41626-504c-4092-aca9-41f936934328")
_OWNER: Final = uuid.UUID(bytes=b"evidence-bundle!")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One measurement; `measured` is what was hashed, where that is not the event's data."""

    pcr: int
    type: int
    data: bytes
    measured: bytes | None = None

    def digests(self) -> dict[str, bytes]:
        """Digest by the name of its bank."""
        content = self.data if self.measured is None else self.measured
        return {name: hashlib.new(name, content).digest() for name in BANKS.values()}

    def encode(self) -> bytes:
        digests = self.digests()
        parts = [struct.pack("<III", self.pcr, self.type, len(BANKS))]
        parts += [struct.pack("<H", alg) + digests[name] for alg, name in BANKS.items()]
        return b"".join((*parts, struct.pack("<I", len(self.data)), self.data))


def _header() -> bytes:
    """Spec ID Event03, in the SHA-1 form of old logs."""
    algorithms = b"".join(
        struct.pack("<HH", alg, hashlib.new(name).digest_size) for alg, name in BANKS.items()
    )
    data = b"Spec ID Event03\0" + struct.pack("<IBBBBI", 0, 0, 2, 106, 2, len(BANKS)) + algorithms + b"\0"
    return struct.pack("<II20sI", 0, _NO_ACTION, bytes(20), len(data)) + data


def _certificate(name: str) -> bytes:
    """A self-signed certificate that is the same each time."""
    key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"{name} (test key)")])
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).serial_number(1)
    builder = builder.public_key(key.public_key()).not_valid_before(start)
    builder = builder.not_valid_after(start.replace(year=2046))
    return builder.sign(key, None).public_bytes(Encoding.DER)


def _signature_list(kind: uuid.UUID, data: bytes) -> bytes:
    size = 16 + len(data)
    return kind.bytes_le + struct.pack("<III", 28 + size, 0, size) + _OWNER.bytes_le + data


def _variable(guid: uuid.UUID, name: str, value: bytes) -> bytes:
    return guid.bytes_le + struct.pack("<QQ", len(name), len(value)) + name.encode("utf-16-le") + value


def _file_path(name: str) -> bytes:
    text = name.encode("utf-16-le") + b"\0\0"
    return struct.pack("<BBH", 4, 4, 4 + len(text)) + text + bytes.fromhex("7fff0400")


def _image(name: str, path: str) -> Event:
    location = _file_path(path)
    data = struct.pack("<QQQQ", 0x6E5A1000, 0x000E8000, 0, len(location)) + location
    return Event(pcr=4, type=_BOOT_APPLICATION, data=data, measured=f"test image {name}".encode())


def events() -> Iterator[Event]:
    """The boot, in order."""
    yield Event(pcr=0, type=_S_CRTM_VERSION, data="1.0 (test firmware)\0".encode("utf-16-le"))
    blob = b"\x0bTest volume" + struct.pack("<QQ", 0x820000, 0xE0000)
    yield Event(pcr=0, type=_FIRMWARE_BLOB2, data=blob, measured=b"test firmware volume")
    db = _signature_list(_CERT_X509, _certificate("Evidence Bundle Demo Boot Signer"))
    for name, guid, value in (
        ("SecureBoot", _GLOBAL, b"\x01"),
        ("PK", _GLOBAL, _signature_list(_CERT_X509, _certificate("Evidence Bundle Demo Platform Key"))),
        ("KEK", _GLOBAL, _signature_list(_CERT_X509, _certificate("Evidence Bundle Demo Key Exchange Key"))),
        ("db", _DATABASE, db),
        ("dbx", _DATABASE, _signature_list(_CERT_SHA256, hashlib.sha256(b"a withdrawn test image").digest())),
    ):
        yield Event(pcr=7, type=_VARIABLE_DRIVER_CONFIG, data=_variable(guid, name, value))
    yield Event(pcr=7, type=_SEPARATOR, data=bytes(4))
    option = struct.pack("<IH", 1, len(_file_path("\\EFI\\test\\shimx64.efi"))) + "Test\0".encode("utf-16-le")
    option += _file_path("\\EFI\\test\\shimx64.efi")
    for name, value in (("BootOrder", b"\0\0"), ("Boot0000", option)):
        yield Event(pcr=1, type=_VARIABLE_BOOT, data=_variable(_GLOBAL, name, value), measured=value)
    action = b"Calling EFI Application from Boot Option"
    yield Event(pcr=4, type=_EFI_ACTION, data=action)
    for pcr in range(7):
        yield Event(pcr=pcr, type=_SEPARATOR, data=bytes(4))
    yield Event(pcr=7, type=_VARIABLE_AUTHORITY, data=_variable(_DATABASE, "db", db[28:]))
    yield _image("shim", "\\EFI\\test\\shimx64.efi")
    yield _image("boot loader", "\\EFI\\test\\grubx64.efi")
    for text in ("grub_cmd: linux /vmlinuz root=/dev/test ro", "kernel_cmdline: /vmlinuz root=/dev/test ro"):
        yield Event(pcr=8, type=_IPL, data=text.encode() + b"\0", measured=text.partition(": ")[2].encode())
    yield Event(pcr=9, type=_IPL, data=b"/vmlinuz\0", measured=b"test kernel")
    for text in ("Exit Boot Services Invocation", "Exit Boot Services Returned with Success"):
        yield Event(pcr=5, type=_EFI_ACTION, data=text.encode())


def encode() -> bytes:
    """The whole log."""
    return _header() + b"".join(event.encode() for event in events())


if __name__ == "__main__":
    PATH.write_bytes(encode())
