# SPDX-License-Identifier: Apache-2.0
"""What the types of attestation statements attest: TPMU_ATTEST and its members.

TPM 2.0 Library, Part 2, 10.11 and 10.12.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Final, Protocol

from bundlefmt.errors import Code
from bundlefmt.evidence.tpm import (
    MAX_DIGEST,
    MAX_NAME,
    Opaque,
    TpmsPcrSelection,
    alg_name,
    encode_pcr_selection_list,
    read_pcr_selection_list,
    read_tpm2b,
    tpm2b,
)
from bundlefmt.frozen import frozen
from bundlefmt.wire import Reader

MAX_NV_BUFFER: Final = 2048  # TPM2B_MAX_NV_BUFFER as libtss2 has it


class AttestType(IntEnum):
    """TPM_ST values of attestation statements (Part 2, 6.9)."""

    NV = 0x8014
    COMMAND_AUDIT = 0x8015
    SESSION_AUDIT = 0x8016
    CERTIFY = 0x8017
    QUOTE = 0x8018
    TIME = 0x8019
    CREATION = 0x801A
    NV_DIGEST = 0x801C


ATTEST_NAMES: Final[dict[int, str]] = {
    AttestType.NV: "NV",
    AttestType.COMMAND_AUDIT: "command audit",
    AttestType.SESSION_AUDIT: "session audit",
    AttestType.CERTIFY: "certify",
    AttestType.QUOTE: "quote",
    AttestType.TIME: "time",
    AttestType.CREATION: "creation",
    AttestType.NV_DIGEST: "NV digest",
}


def attest_name(kind: int) -> str:
    """`quote`; a type that is not known as hexadecimal."""
    return ATTEST_NAMES.get(kind, f"{kind:#06x}")


def u(value: int, size: int) -> bytes:
    """`value` as a big-endian unsigned integer of `size` bytes."""
    return value.to_bytes(size, "big")


def _yes_no(reader: Reader) -> bool:
    """TPMI_YES_NO (Part 2, 9.2). Raises bad-value."""
    start = reader.offset
    value = reader.uint(1)
    if value > 1:
        raise reader.error(Code.BAD_VALUE, f"{value} is neither yes nor no", offset=start)
    return bool(value)


@frozen
class TpmsClockInfo:
    """TPMS_CLOCK_INFO (Part 2, 10.11.1); `clock` in milliseconds of power since the last Clear."""

    clock: int
    reset_count: int
    restart_count: int
    safe: bool

    @classmethod
    def read(cls, reader: Reader) -> TpmsClockInfo:
        return cls(
            clock=reader.uint(8),
            reset_count=reader.uint(4),
            restart_count=reader.uint(4),
            safe=_yes_no(reader),
        )

    def encode(self) -> bytes:
        return u(self.clock, 8) + u(self.reset_count, 4) + u(self.restart_count, 4) + u(self.safe, 1)


class Attested(Protocol):
    """What one type of statement attests (TPMU_ATTEST)."""

    def encode(self) -> bytes:
        """Wire form."""

    def describe(self) -> str:
        """In a few words."""


@frozen
class TpmsCertifyInfo:
    """TPMS_CERTIFY_INFO (10.12.3)."""

    name: bytes
    qualified_name: bytes

    @classmethod
    def read(cls, reader: Reader) -> TpmsCertifyInfo:
        return cls(name=read_tpm2b(reader, MAX_NAME), qualified_name=read_tpm2b(reader, MAX_NAME))

    def encode(self) -> bytes:
        return tpm2b(self.name) + tpm2b(self.qualified_name)

    def describe(self) -> str:
        return f"of Name {self.name.hex()}"


@frozen
class TpmsQuoteInfo:
    """TPMS_QUOTE_INFO (10.12.4)."""

    pcr_select: tuple[TpmsPcrSelection, ...]
    pcr_digest: bytes

    @classmethod
    def read(cls, reader: Reader) -> TpmsQuoteInfo:
        return cls(pcr_select=read_pcr_selection_list(reader), pcr_digest=read_tpm2b(reader, MAX_DIGEST))

    def encode(self) -> bytes:
        return encode_pcr_selection_list(self.pcr_select) + tpm2b(self.pcr_digest)

    def describe(self) -> str:
        banks = (f"{alg_name(bank.hash)}:{_folded(bank.indices)}" for bank in self.pcr_select)
        return f"of PCRs {' + '.join(banks)}" if self.pcr_select else "of no PCR"

    @property
    def selected(self) -> tuple[tuple[int, int], ...]:
        """(bank, index) of each PCR quoted, in the order in which the digest runs over their values."""
        return tuple((bank.hash, index) for bank in self.pcr_select for index in bank.indices)


@frozen
class TpmsCommandAuditInfo:
    """TPMS_COMMAND_AUDIT_INFO (10.12.5)."""

    audit_counter: int
    digest_alg: int
    audit_digest: bytes
    command_digest: bytes

    @classmethod
    def read(cls, reader: Reader) -> TpmsCommandAuditInfo:
        return cls(
            audit_counter=reader.uint(8),
            digest_alg=reader.uint(2),
            audit_digest=read_tpm2b(reader, MAX_DIGEST),
            command_digest=read_tpm2b(reader, MAX_DIGEST),
        )

    def encode(self) -> bytes:
        head = u(self.audit_counter, 8) + u(self.digest_alg, 2)
        return head + tpm2b(self.audit_digest) + tpm2b(self.command_digest)

    def describe(self) -> str:
        return f"number {self.audit_counter}"


@frozen
class TpmsSessionAuditInfo:
    """TPMS_SESSION_AUDIT_INFO (10.12.6)."""

    exclusive_session: bool
    session_digest: bytes

    @classmethod
    def read(cls, reader: Reader) -> TpmsSessionAuditInfo:
        return cls(exclusive_session=_yes_no(reader), session_digest=read_tpm2b(reader, MAX_DIGEST))

    def encode(self) -> bytes:
        return u(self.exclusive_session, 1) + tpm2b(self.session_digest)

    def describe(self) -> str:
        return "exclusive" if self.exclusive_session else "not exclusive"


@frozen
class TpmsTimeAttestInfo:
    """TPMS_TIME_ATTEST_INFO (10.12.2); `time` in milliseconds since the TPM was powered."""

    time: int
    clock_info: TpmsClockInfo
    firmware_version: int

    @classmethod
    def read(cls, reader: Reader) -> TpmsTimeAttestInfo:
        return cls(
            time=reader.uint(8), clock_info=TpmsClockInfo.read(reader), firmware_version=reader.uint(8)
        )

    def encode(self) -> bytes:
        return u(self.time, 8) + self.clock_info.encode() + u(self.firmware_version, 8)

    def describe(self) -> str:
        return f"{self.time} ms after power-up"


@frozen
class TpmsCreationInfo:
    """TPMS_CREATION_INFO (10.12.7)."""

    object_name: bytes
    creation_hash: bytes

    @classmethod
    def read(cls, reader: Reader) -> TpmsCreationInfo:
        return cls(object_name=read_tpm2b(reader, MAX_NAME), creation_hash=read_tpm2b(reader, MAX_DIGEST))

    def encode(self) -> bytes:
        return tpm2b(self.object_name) + tpm2b(self.creation_hash)

    def describe(self) -> str:
        return f"of Name {self.object_name.hex()}"


@frozen
class TpmsNvCertifyInfo:
    """TPMS_NV_CERTIFY_INFO (10.12.8)."""

    index_name: bytes
    offset: int
    nv_contents: bytes

    @classmethod
    def read(cls, reader: Reader) -> TpmsNvCertifyInfo:
        return cls(
            index_name=read_tpm2b(reader, MAX_NAME),
            offset=reader.uint(2),
            nv_contents=read_tpm2b(reader, MAX_NV_BUFFER),
        )

    def encode(self) -> bytes:
        return tpm2b(self.index_name) + u(self.offset, 2) + tpm2b(self.nv_contents)

    def describe(self) -> str:
        return f"of {len(self.nv_contents)} bytes at {self.offset}"


@frozen
class TpmsNvDigestCertifyInfo:
    """TPMS_NV_DIGEST_CERTIFY_INFO (10.12.9)."""

    index_name: bytes
    nv_digest: bytes

    @classmethod
    def read(cls, reader: Reader) -> TpmsNvDigestCertifyInfo:
        return cls(index_name=read_tpm2b(reader, MAX_NAME), nv_digest=read_tpm2b(reader, MAX_DIGEST))

    def encode(self) -> bytes:
        return tpm2b(self.index_name) + tpm2b(self.nv_digest)

    def describe(self) -> str:
        return f"of an index with Name {self.index_name.hex()}"


_READERS: Final[dict[int, Callable[[Reader], Attested]]] = {
    AttestType.NV: TpmsNvCertifyInfo.read,
    AttestType.COMMAND_AUDIT: TpmsCommandAuditInfo.read,
    AttestType.SESSION_AUDIT: TpmsSessionAuditInfo.read,
    AttestType.CERTIFY: TpmsCertifyInfo.read,
    AttestType.QUOTE: TpmsQuoteInfo.read,
    AttestType.TIME: TpmsTimeAttestInfo.read,
    AttestType.CREATION: TpmsCreationInfo.read,
    AttestType.NV_DIGEST: TpmsNvDigestCertifyInfo.read,
}


def read_attested(reader: Reader, kind: int) -> Attested:
    """TPMU_ATTEST (Part 2, 10.12.11); of a type that is not known here, all that is left as Opaque."""
    read = _READERS.get(kind)
    return Opaque(body=reader.read(reader.remaining)) if read is None else read(reader)


def _folded(indices: tuple[int, ...]) -> str:
    """`0-7,14`: ascending PCR numbers with runs folded."""
    runs: list[list[int]] = []
    for index in indices:
        if runs and runs[-1][1] == index - 1:
            runs[-1][1] = index
        else:
            runs.append([index, index])
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in runs) or "none"
