# SPDX-License-Identifier: Apache-2.0
"""PCR values as read beside a quote: {TPM_ALG_ID => {index => digest}}.

Spec: "PCR values".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bundlefmt import cbor
from bundlefmt.errors import Code
from bundlefmt.evidence.tpm_algorithm import TpmAlg, UnsupportedAlgorithmError, hash_size
from bundlefmt.wire import Buffer

PcrValues = dict[int, dict[int, bytes]]
MAX_INDEX: Final = 31  # TPML_PCR_SELECTION carries at most four octets of PCRs
MAX_DIGEST: Final = 64  # TPMU_HA's largest member


def bank_size(bank: int) -> int | None:
    """Bytes of a digest in this bank; None where the algorithm is not known."""
    if bank == TpmAlg.SM3_256:
        return 32
    try:
        return hash_size(bank)
    except UnsupportedAlgorithmError:
        return None


def decode_pcr_values(data: Buffer) -> PcrValues:
    """Raises MalformedError: banks without values and values that have not the bank's size are refused.

    The digest in a quote runs over the values with nothing between them: without fixed sizes, the same
    octets could be read as other values.
    """
    path = "pcr-values"
    values: PcrValues = {}
    for bank, entries in cbor.scan(data).pairs(path):
        if bank.uint(path) > 0xFFFF:
            bank.fail(Code.BAD_VALUE, f"{bank.number} is not a TPM_ALG_ID", path)
        digests: dict[int, bytes] = {}
        size = bank_size(bank.number)
        for index, digest in entries.pairs(path):
            if index.uint(path) > MAX_INDEX:
                index.fail(Code.BAD_VALUE, f"there is no PCR {index.number}", path)
            digests[index.number] = digest.octets(path)
            size = digest.number if size is None else size
            if not 0 < digest.number <= MAX_DIGEST or digest.number != size:
                digest.fail(Code.WRONG_LENGTH, f"a digest of {digest.number} bytes", path)
        if not digests:
            entries.fail(Code.WRONG_LENGTH, "a bank without values is left out", path)
        values[bank.number] = digests
    return values


def encode_pcr_values(values: Mapping[int, Mapping[int, bytes]]) -> bytes:
    return cbor.encode(values)
