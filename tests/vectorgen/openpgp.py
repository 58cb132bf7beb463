# SPDX-License-Identifier: Apache-2.0
"""The OpenPGP identities of the test ceremony, each with what a vector changes of it.

How packets are written is in `openpgp_maker`; odd and forged certificates are in `openpgp_cases`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tests.vectorgen import openpgp_maker as pgp
from tests.vectorgen.openpgp_maker import Key, Subkey, UserId
from tests.vectorgen.plain import CREATED

_GENERIC: Final = 0x10  # a certification
KEY_TIME: Final = pgp.MADE
COMPROMISED: Final = pgp.COMPROMISED
BINARY: Final = pgp.BINARY
TEXT: Final = pgp.TEXT
SHA1: Final = pgp.SHA1
SIGNATURE_EXPIRES: Final = pgp.EXPIRES


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A primary key with a user id and perhaps a signing subkey; `revoked` is when and for what reason.

    `certified_by` is somebody else who certifies the user id.
    """

    name: str
    user_id: str
    revoked: tuple[int, int] | None = None
    subkey: bool = False
    back_signature: bool = True
    certified_by: Certificate | None = None

    @property
    def primary(self) -> Key:
        return Key(self.name)

    @property
    def signing(self) -> Key:
        return Key(f"{self.name} subkey") if self.subkey else self.primary

    @property
    def fingerprint(self) -> str:
        return self.primary.fingerprint.hex()

    def encode(self) -> bytes:
        user_id = UserId(text=self.user_id.encode())
        back = {} if self.back_signature else None
        subkeys = (Subkey(key=self.signing, back=back),) if self.subkey else ()
        made = pgp.make(self.primary, user_ids=(user_id,), subkeys=subkeys)
        if self.certified_by is not None:
            covered = self.primary.covered + pgp.user_id_covered(user_id.text)
            other = self.certified_by.primary.sign(_GENERIC, covered, at=KEY_TIME)
            made = made.having((pgp.SIGNATURE, other), at=3)
        if self.revoked is not None:
            at, reason = self.revoked
            made = made.revoked(reason, at)
        return made.encode()

    def sign(
        self,
        message: bytes,
        *,
        at: int = CREATED,
        kind: int = BINARY,
        hash_id: int = pgp.SHA256,
        hashed: pgp.Subpackets = (),
    ) -> bytes:
        """A detached signature, one packet."""
        return self.signing.detached(message, at=at, kind=kind, hash_id=hash_id, hashed=hashed)


OPERATOR: Final = Certificate(
    name="operator", user_id="Evidence Bundle Test Operator (test key) <operator@example.org>"
)
WITNESS: Final = Certificate(
    name="witness", user_id="Evidence Bundle Test Witness (test key) <witness@example.org>"
)
