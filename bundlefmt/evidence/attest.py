# SPDX-License-Identifier: Apache-2.0
"""The attestation statement: TPMS_ATTEST, which is what a TPM signs.

TPM 2.0 Library, Part 2, 10.12.12.
"""

from __future__ import annotations

import dataclasses
from dataclasses import field
from typing import Final

from bundlefmt.errors import Code
from bundlefmt.evidence.attested import Attested, TpmsClockInfo, attest_name, read_attested, u
from bundlefmt.evidence.tpm import MAX_DATA, MAX_NAME, read_tpm2b, tpm2b
from bundlefmt.frozen import frozen
from bundlefmt.wire import Buffer, Reader, read_all

TPM_GENERATED_VALUE: Final = 0xFF544347  # Part 2, 6.2: "\xffTCG"


@frozen
class TpmsAttest:
    """TPMS_ATTEST. The magic value is checked before anything else.

    A statement of a type that is not known here keeps what follows as Opaque. `raw` is what was signed.
    """

    raw: bytes = field(default=b"", repr=False, compare=False)
    type: int
    qualified_signer: bytes
    extra_data: bytes
    clock_info: TpmsClockInfo
    firmware_version: int
    attested: Attested

    def __post_init__(self) -> None:
        if self.raw and self.raw != self.encode():
            raise ValueError("raw is not the encoding of the other fields")

    @classmethod
    def decode(cls, data: Buffer) -> TpmsAttest:
        """One TPMS_ATTEST without the size of a TPM2B. Raises MalformedError."""
        return dataclasses.replace(read_all(data, cls._read, path="TPMS_ATTEST"), raw=bytes(data))

    @classmethod
    def _read(cls, reader: Reader) -> TpmsAttest:
        magic = reader.uint(4)
        if magic != TPM_GENERATED_VALUE:
            raise reader.error(Code.BAD_VALUE, f"magic {magic:#010x}: no TPM made this", offset=0)
        kind = reader.uint(2)
        return cls(
            type=kind,
            qualified_signer=read_tpm2b(reader, MAX_NAME),
            extra_data=read_tpm2b(reader, MAX_DATA),
            clock_info=TpmsClockInfo.read(reader),
            firmware_version=reader.uint(8),
            attested=read_attested(reader, kind),
        )

    def encode(self) -> bytes:
        return b"".join(
            (
                u(TPM_GENERATED_VALUE, 4),
                u(self.type, 2),
                tpm2b(self.qualified_signer),
                tpm2b(self.extra_data),
                self.clock_info.encode(),
                u(self.firmware_version, 8),
                self.attested.encode(),
            )
        )

    def describe(self) -> str:
        """`quote of PCRs sha256:0-7`."""
        return f"{attest_name(self.type)} {self.attested.describe()}"
