# SPDX-License-Identifier: Apache-2.0
"""PCR values in the file form of tpm2-tools, so that `tpm2_checkquote -f` reads what a bundle carries.

The form is the memory of C structures of tpm2-tss, little-endian: TPML_PCR_SELECTION, a count, and that many
TPML_DIGEST of eight values each, in the order of the selection (tpm2-tools 5, `pcr_fwrite_serialized`).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

from bundlefmt.errors import Code
from bundlefmt.evidence.pcr import MAX_DIGEST, PcrValues
from bundlefmt.evidence.tpm import MAX_PCR_BANKS, TpmsPcrSelection
from bundlefmt.wire import Buffer, Reader, read_all

_SELECTION: Final = struct.Struct("<HB4sx")
_DIGEST: Final = struct.Struct("<H64s")
_DIGESTS_IN_A_LIST: Final = 8
_LIST: Final = 4 + _DIGESTS_IN_A_LIST * _DIGEST.size


def pcr_file(selections: Sequence[TpmsPcrSelection], values: PcrValues) -> bytes:
    """The values of all the PCRs selected. Raises KeyError where one is not given."""
    parts = [struct.pack("<I", len(selections))]
    parts += [_SELECTION.pack(each.hash, len(each.select), each.select) for each in selections]
    parts.append(bytes(_SELECTION.size * (MAX_PCR_BANKS - len(selections))))
    digests = [values[each.hash][index] for each in selections for index in each.indices]
    lists = [digests[at : at + _DIGESTS_IN_A_LIST] for at in range(0, len(digests), _DIGESTS_IN_A_LIST)]
    parts.append(struct.pack("<I", len(lists)))
    for row in lists:
        parts.append(struct.pack("<I", len(row)))
        parts += [_DIGEST.pack(len(digest), digest) for digest in row]
        parts.append(bytes(_DIGEST.size * (_DIGESTS_IN_A_LIST - len(row))))
    return b"".join(parts)


def read_pcr_file(data: Buffer) -> PcrValues:
    """The values in such a file. Raises MalformedError."""
    return read_all(data, _read, path="PCR file")


def _read(reader: Reader) -> PcrValues:
    count = reader.uint_le(4)
    if count > MAX_PCR_BANKS:
        raise reader.error(Code.COUNT_LIMIT, f"{count} PCR banks")
    selections = [_read_selection(reader) for _ in range(MAX_PCR_BANKS)][:count]
    wanted = [(each.hash, index) for each in selections for index in each.indices]
    digests = [digest for _ in range(reader.uint_le(4)) for digest in reader.within(_LIST, _read_list)]
    if len(digests) != len(wanted):
        raise reader.error(Code.WRONG_LENGTH, f"{len(digests)} values for {len(wanted)} PCRs")
    values: PcrValues = {}
    for (bank, index), digest in zip(wanted, digests, strict=True):
        values.setdefault(bank, {})[index] = digest
    return values


def _read_selection(reader: Reader) -> TpmsPcrSelection:
    bank, size, select = reader.uint_le(2), reader.uint(1), reader.read(4)
    reader.read(1)
    return TpmsPcrSelection(hash=bank, select=select[:size])


def _read_list(reader: Reader) -> list[bytes]:
    count = reader.uint_le(4)
    if count > _DIGESTS_IN_A_LIST:
        raise reader.error(Code.COUNT_LIMIT, f"{count} digests in a list")
    found = []
    for number in range(_DIGESTS_IN_A_LIST):
        size, digest = reader.uint_le(2), reader.read(MAX_DIGEST)
        if number < count:
            found.append(digest[:size])
    return found
