# SPDX-License-Identifier: Apache-2.0
"""PCR values in the file form of tpm2-tools, so that `tpm2_checkquote -f` reads what a bundle carries.

The form is the memory of C structures of tpm2-tss, little-endian: TPML_PCR_SELECTION, a count, and that many
TPML_DIGEST of eight values each, in the order of the selection (tpm2-tools 5, `pcr_fwrite_serialized`).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

from bundlefmt.evidence.pcr import PcrValues
from bundlefmt.evidence.tpm import MAX_PCR_BANKS, TpmsPcrSelection

_SELECTION: Final = struct.Struct("<HB4sx")
_DIGEST: Final = struct.Struct("<H64s")
_DIGESTS_IN_A_LIST: Final = 8


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
