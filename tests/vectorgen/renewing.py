# SPDX-License-Identifier: Apache-2.0
"""Renewals of a ceremony's bundle: the coverage of everything before, stamped; each part may be wrong.

Spec: "Renewals".
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.vectorgen.timestamps import Token
from tests.vectorgen.tree import encoded

HASHES: Final = {-16: "sha256", -43: "sha384", -44: "sha512"}
TYPE: Final = "application/vnd.evidence-bundle.timestamp-token"


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What stands in the file before a renewal."""

    manifest: bytes
    content: Mapping[str, bytes]
    seals: Sequence[bytes]
    renewals: Sequence[bytes]


Changes = Callable[[dict[str, object]], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewed:
    """One renewal: `seals` is how many it covers (None: all), `covered` changes the coverage before it is
    stamped, `proof` what the token becomes, `members` the renewal's own.
    """

    token: Token = field(default_factory=Token)
    alg: int = -16
    seals: int | None = None
    certificates: tuple[bytes, ...] = ()
    revocation: tuple[bytes, ...] = ()
    covered: Changes = lambda coverage: None
    proof: Callable[[bytes], bytes] = bytes
    members: Mapping[str, object] = field(default_factory=dict)

    def __call__(self, before: Before) -> dict[str, object]:
        name = HASHES[self.alg]

        def digest(data: bytes) -> bytes:
            return hashlib.new(name, data).digest()

        coverage: dict[str, object] = {
            "alg": self.alg,
            "manifest": digest(before.manifest),
            "content": {label: digest(value) for label, value in before.content.items()},
            "seals": [digest(seal) for seal in before.seals[: self.seals]],
            "renewals": [digest(renewal) for renewal in before.renewals],
        }
        for member, rows in (("certificates", self.certificates), ("revocation", self.revocation)):
            if rows:
                coverage[member] = list(rows)
        self.covered(coverage)
        covers = encoded(coverage)
        token = self.proof(self.token(name, digest(covers)))
        return {"covers": covers, "proof": [TYPE, token], **self.members}
