# SPDX-License-Identifier: Apache-2.0
"""PCR values as read beside a quote: {TPM_ALG_ID => {index => digest}}.

Spec: "PCR values".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bundlefmt import cbor
from bundlefmt.errors import Code
from bundlefmt.wire import Buffer

PcrValues = dict[int, dict[int, bytes]]
MAX_INDEX: Final = 31  # TPML_PCR_SELECTION carries at most four octets of PCRs
MAX_DIGEST: Final = 64  # TPMU_HA's largest member


def decode_pcr_values(data: Buffer) -> PcrValues:
    """Raises MalformedError: banks without values and values of unequal size are refused."""
    path = "pcr-values"
    values: PcrValues = {}
    for bank, entries in cbor.scan(data).pairs(path):
        if bank.uint(path) > 0xFFFF:
            bank.fail(Code.BAD_VALUE, f"{bank.number} is not a TPM_ALG_ID", path)
        digests = {}
        for index, digest in entries.pairs(path):
            if index.uint(path) > MAX_INDEX:
                index.fail(Code.BAD_VALUE, f"there is no PCR {index.number}", path)
            digests[index.number] = digest.octets(path)
            if not 0 < digest.number <= MAX_DIGEST or digest.number != len(next(iter(digests.values()))):
                digest.fail(Code.WRONG_LENGTH, f"a digest of {digest.number} bytes", path)
        if not digests:
            entries.fail(Code.WRONG_LENGTH, "a bank without values is left out", path)
        values[bank.number] = digests
    return values


def encode_pcr_values(values: Mapping[int, Mapping[int, bytes]]) -> bytes:
    return cbor.encode(values)
