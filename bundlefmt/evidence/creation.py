# SPDX-License-Identifier: Apache-2.0
"""How a TPM object came to be: creation data, its hash, and the ticket that the TPM gave for it.

TPM 2.0 Library, Part 2, 15 "Creation Data", 10.7 "Tickets", 8.5 TPMA_LOCALITY. The hash is in the statement
that TPM2_CertifyCreation signs; the ticket is an HMAC by a secret of the TPM: nobody else can check it.
"""

from __future__ import annotations

import dataclasses
from dataclasses import field
from typing import Final

from bundlefmt.errors import Code
from bundlefmt.evidence.pcr_selection import (
    TpmsPcrSelection,
    encode_pcr_selection_list,
    read_pcr_selection_list,
)
from bundlefmt.evidence.tpm import HIERARCHIES, MAX_DATA, MAX_DIGEST, MAX_NAME, read_tpm2b, tpm2b
from bundlefmt.evidence.tpm_algorithm import digest
from bundlefmt.frozen import frozen
from bundlefmt.wire import Buffer, Reader, read_all

TPM_ST_CREATION: Final = 0x8021  # Part 2, 6.9
_EXTENDED_LOCALITY: Final = 32  # from here on TPMA_LOCALITY is a number, below it is a bit map


@frozen
class TpmsCreationData:
    """TPMS_CREATION_DATA (Part 2, 15.1): circumstances of an object's creation.

    The parent of a primary object is its hierarchy: `parent_name_alg` is TPM_ALG_NULL and both names are the
    hierarchy's handle. `raw` is what was read.
    """

    raw: bytes = field(default=b"", repr=False, compare=False)
    pcr_select: tuple[TpmsPcrSelection, ...]
    pcr_digest: bytes
    locality: int
    parent_name_alg: int
    parent_name: bytes
    parent_qualified_name: bytes
    outside_info: bytes

    def __post_init__(self) -> None:
        if self.raw and self.raw != self.encode():
            raise ValueError("raw is not the encoding of the other fields")

    @classmethod
    def decode(cls, data: Buffer) -> TpmsCreationData:
        """One TPMS_CREATION_DATA without the size of a TPM2B. Raises MalformedError."""
        read = read_all(data, cls._read, path="TPMS_CREATION_DATA")
        return dataclasses.replace(read, raw=bytes(data))

    @classmethod
    def _read(cls, reader: Reader) -> TpmsCreationData:
        return cls(
            pcr_select=read_pcr_selection_list(reader),
            pcr_digest=read_tpm2b(reader, MAX_DIGEST),
            locality=reader.uint(1),
            parent_name_alg=reader.uint(2),
            parent_name=read_tpm2b(reader, MAX_NAME),
            parent_qualified_name=read_tpm2b(reader, MAX_NAME),
            outside_info=read_tpm2b(reader, MAX_DATA),
        )

    def encode(self) -> bytes:
        return b"".join(
            (
                encode_pcr_selection_list(self.pcr_select),
                tpm2b(self.pcr_digest),
                self.locality.to_bytes(1, "big"),
                self.parent_name_alg.to_bytes(2, "big"),
                tpm2b(self.parent_name),
                tpm2b(self.parent_qualified_name),
                tpm2b(self.outside_info),
            )
        )

    def creation_hash(self, name_alg: int) -> bytes:
        """The digest by the nameAlg of the object created (Part 3, TPM2_Create).

        Raises UnsupportedAlgorithmError.
        """
        return digest(name_alg, self.raw or self.encode())

    @property
    def hierarchy(self) -> int | None:
        """The handle of the hierarchy that a primary object is under; None for the child of another key."""
        if len(self.parent_name) != 4 or self.parent_name != self.parent_qualified_name:
            return None
        return int.from_bytes(self.parent_name, "big")

    @property
    def localities(self) -> tuple[int, ...]:
        """The localities meant by `locality`: bits 0 to 4, or one number from 32 (Part 2, 8.5)."""
        if self.locality >= _EXTENDED_LOCALITY:
            return (self.locality,)
        return tuple(number for number in range(5) if self.locality >> number & 1)

    def describe(self) -> str:
        """`in the endorsement hierarchy at locality 0`, `under Name 000b… at locality 0`."""
        hierarchy = self.hierarchy
        if hierarchy is None:
            parent = f"under Name {self.parent_name.hex()}"
        else:
            parent = f"in the {HIERARCHIES.get(hierarchy, f'{hierarchy:#010x}')} hierarchy"
        places = ",".join(map(str, self.localities)) or "none"
        return f"{parent} at locality {places}"


@frozen
class TpmtTkCreation:
    """TPMT_TK_CREATION (Part 2, 10.7.3); without a digest it is the NULL ticket."""

    hierarchy: int
    digest: bytes

    @classmethod
    def decode(cls, data: Buffer) -> TpmtTkCreation:
        """Raises MalformedError."""
        return read_all(data, cls._read, path="TPMT_TK_CREATION")

    @classmethod
    def _read(cls, reader: Reader) -> TpmtTkCreation:
        start = reader.offset
        tag = reader.uint(2)
        if tag != TPM_ST_CREATION:
            raise reader.error(
                Code.BAD_VALUE, f"tag {tag:#06x} is not that of a creation ticket", offset=start
            )
        return cls(hierarchy=reader.uint(4), digest=read_tpm2b(reader, MAX_DIGEST))

    def encode(self) -> bytes:
        return TPM_ST_CREATION.to_bytes(2, "big") + self.hierarchy.to_bytes(4, "big") + tpm2b(self.digest)

    def describe(self) -> str:
        """`by the owner hierarchy`."""
        return f"by the {HIERARCHIES.get(self.hierarchy, f'{self.hierarchy:#010x}')} hierarchy"
