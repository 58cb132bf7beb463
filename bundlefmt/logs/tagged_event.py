# SPDX-License-Identifier: Apache-2.0
"""TCG_PCClientTaggedEvent, and the tags of Windows and of Linux's EFI stub in them.

TCG PC Client Platform Firmware Profile 1.06, 10.2.7; tags of the Windows Boot Configuration Log from the
Windows SDK's wbcl.h (SIPAEVENT_*), those of Linux from drivers/firmware/efi/libstub, those of systemd from
its TPM2_PCR_MEASUREMENTS. Data of EV_EVENT_TAG events of Windows is a sequence of tagged events; an
aggregation contains further ones. Linux and systemd hash something else than the tagged data, which only
describes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bundlefmt.errors import Code
from bundlefmt.frozen import frozen
from bundlefmt.wire import Buffer, Reader, read_all

MAX_DEPTH: Final = 4  # the trust boundary and the modules in it need two
TAG_NAMES: Final[dict[int, str]] = {
    0x40010001: "TrustBoundary",
    0x40010002: "ElamAggregation",
    0x40010003: "LoadedModuleAggregation",
    0xC0010004: "TrustpointAggregation",
    0x40010005: "KsrAggregation",
    0x40010006: "KsrSignedMeasurementAggregation",
    0x00020001: "Information",
    0x00020002: "BootCounter",
    0x00020003: "TransferControl",
    0x00020004: "ApplicationReturn",
    0x00020005: "BitlockerUnlock",
    0x00020006: "EventCounter",
    0x00020007: "CounterId",
    0x00020008: "MorBitNotCancelable",
    0x00020009: "ApplicationSvn",
    0x0002000A: "SvnChainStatus",
    0x0002000B: "MorBitApiStatus",
    0x0002000C: "IdkGenerationStatus",
    0x00040001: "BootDebugging",
    0x00040002: "BootRevocationList",
    0x00050001: "OsKernelDebug",
    0x00050002: "CodeIntegrity",
    0x00050003: "TestSigning",
    0x00050004: "DataExecutionPrevention",
    0x00050005: "SafeMode",
    0x00050006: "WinPe",
    0x00050007: "PhysicalAddressExtension",
    0x00050008: "OsDevice",
    0x00050009: "SystemRoot",
    0x0005000A: "HypervisorLaunchType",
    0x0005000B: "HypervisorPath",
    0x0005000C: "HypervisorIommuPolicy",
    0x0005000D: "HypervisorDebug",
    0x0005000E: "DriverLoadPolicy",
    0x0005000F: "SiPolicy",
    0x00050010: "HypervisorMmioNxPolicy",
    0x00050011: "HypervisorMsrFilterPolicy",
    0x00050012: "VsmLaunchType",
    0x00050013: "OsRevocationList",
    0x00050014: "SmtStatus",
    0x00050020: "VsmIdkInfo",
    0x00050021: "FlightSigning",
    0x00050022: "PagefileEncryptionEnabled",
    0x00050023: "VsmIdksInfo",
    0x00050024: "HibernationDisabled",
    0x00050025: "DumpsDisabled",
    0x00050026: "DumpEncryptionEnabled",
    0x00050027: "DumpEncryptionKeyDigest",
    0x00050030: "HypervisorBootDmaProtection",
    0x00060001: "NoAuthority",
    0x00060002: "AuthorityPublicKey",
    0x00070001: "FilePath",
    0x00070002: "ImageSize",
    0x00070003: "HashAlgorithmId",
    0x00070004: "AuthenticodeHash",
    0x00070005: "AuthorityIssuer",
    0x00070006: "AuthoritySerial",
    0x00070007: "ImageBase",
    0x00070008: "AuthorityPublisher",
    0x00070009: "AuthoritySha1Thumbprint",
    0x0007000A: "ImageValidated",
    0x0007000B: "ModuleSvn",
    0x000A0001: "VbsVsmRequired",
    0x000A0002: "VbsSecureBootRequired",
    0x000A0003: "VbsIommuRequired",
    0x000A0004: "VbsMmioNxRequired",
    0x000A0005: "VbsMsrFilteringRequired",
    0x000A0006: "VbsMandatoryEnforcement",
    0x000A0007: "VbsHvciPolicy",
    0x000A0008: "VbsMicrosoftBootChainRequired",
    0x8F3B22EC: "LinuxInitrd",
    0x8F3B22ED: "LinuxLoadOptions",
    0xF5BC582A: "SystemdLoaderConf",
    0x6C46F751: "SystemdDeviceTreeAddon",
    0x49DFFE0F: "SystemdInitrdAddon",
    0xDAC08E1A: "SystemdUcodeAddon",
    0xD5CB7CBC: "SystemdSmbiosType1",
    0xE0D47BC8: "SystemdSmbiosType2",
    0xC0B3BD23: "SystemdSmbiosType11",
}
AGGREGATIONS: Final = frozenset(tag for tag in TAG_NAMES if tag >> 16 in (0x4001, 0xC001))


@frozen
class TaggedEvent:
    """One tag with its data; `inner` are the events of an aggregation."""

    tag: int
    data: bytes
    inner: tuple[TaggedEvent, ...] = ()

    @property
    def name(self) -> str:
        return TAG_NAMES.get(self.tag, f"{self.tag:#010x}")


def decode_tagged_events(data: Buffer) -> tuple[TaggedEvent, ...]:
    """A sequence of tagged events. Raises MalformedError."""
    return read_all(data, lambda reader: _read(reader, 0), path="TCG_PCClientTaggedEvent")


def walk(events: tuple[TaggedEvent, ...]) -> Iterator[TaggedEvent]:
    """Every event, those of aggregations after the one that contains them."""
    for event in events:
        yield event
        yield from walk(event.inner)


def _read(reader: Reader, depth: int) -> tuple[TaggedEvent, ...]:
    found = []
    while reader.remaining:
        start = reader.offset
        tag, size = reader.uint_le(4), reader.uint_le(4)
        if size > reader.remaining:
            raise reader.error(Code.TRUNCATED, f"{size} bytes, {reader.remaining} left", offset=start)
        at = reader.offset
        data = reader.read(size)
        inner: tuple[TaggedEvent, ...] = ()
        if tag in AGGREGATIONS:
            if depth >= MAX_DEPTH:
                raise reader.error(Code.DEPTH_LIMIT, f"nested deeper than {MAX_DEPTH}", offset=start)
            inner = read_all(data, lambda nested: _read(nested, depth + 1), path=reader.path, base=at)
        found.append(TaggedEvent(tag=tag, data=data, inner=inner))
    return tuple(found)
