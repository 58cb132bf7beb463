# SPDX-License-Identifier: Apache-2.0
"""A transparency log that there is not: its tree by the recursive definition (RFC 9162 2.1), its receipts.

RFC 9942.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.vectorgen import keys
from tests.vectorgen.tree import Tagged, encoded

KEY_FILE: Final = "log-key.der"
OTHER_KEY_FILE: Final = "other-log-key.der"
STRONG_KEY_FILE: Final = "strong-log-key.der"  # on P-521
NAME, OTHER_NAME, STRONG_NAME = "log", "other log", "strong log"
_CURVES: Final = {NAME: "p256", OTHER_NAME: "p256", STRONG_NAME: "p521"}
RECEIPTS, VDS, VDP = 394, 395, 396
ALG, KID = 1, 4
INCLUSION: Final = -1
OTHERS: Final = tuple(b"another entry %d" % number for number in range(12))


def key(name: str = NAME) -> bytes:
    """The log's SubjectPublicKeyInfo."""
    return _private(name).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _private(name: str) -> ec.EllipticCurvePrivateKey:
    return keys.ec_key(name, _CURVES[name])


def _below(size: int) -> int:
    """The largest power of two smaller than `size`."""
    power: int = 2 ** ((size - 1).bit_length() - 1)
    return power


def root(entries: Sequence[bytes]) -> bytes:
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    split = _below(len(entries))
    return hashlib.sha256(b"\x01" + root(entries[:split]) + root(entries[split:])).digest()


def path(index: int, entries: Sequence[bytes]) -> list[bytes]:
    if len(entries) == 1:
        return []
    split = _below(len(entries))
    if index < split:
        return [*path(index, entries[:split]), root(entries[split:])]
    return [*path(index - split, entries[split:]), root(entries[:split])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """That an entry is the one at `index` of a log; `size` is how many entries that has.

    `header` replaces members of the protected header; `proof` and `proofs` stand in place of those made,
    `payload` in place of none; `entry` is registered in place of the one given.
    """

    by: str = NAME
    index: int = 5
    size: int = 11
    alg: int = keys.ESP256
    header: Mapping[int, object] = field(default_factory=dict)
    proof: Sequence[object] | None = None
    proofs: Mapping[int, object] | None = None
    payload: bytes | None = None
    entry: bytes | None = None

    def __call__(self, entry: bytes) -> bytes:
        entries = list(OTHERS[: self.size])
        entries[self.index] = self.entry or entry
        proof = self.proof or [self.size, self.index, path(self.index, entries)]
        listed = self.proofs or {INCLUSION: [encoded(proof)]}
        protected = encoded({ALG: self.alg, KID: self.by.encode(), VDS: 1, **self.header})
        signed = encoded(["Signature1", protected, b"", root(entries)])
        signature = keys.cose_signature(self.alg, _private(self.by), signed)
        return encoded(Tagged(18, [protected, {VDP: listed}, self.payload, signature]))
