# SPDX-License-Identifier: Apache-2.0
"""One OpenPGP case, how it is added to the table of all, and what many cases are made of.

A case is a certificate, a signature over a message, and the ids of the checks that must fail, which is none
for a sound one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from tests.vectorgen import openpgp_maker as pgp
from tests.vectorgen.openpgp_maker import AT, DAY, Key, Made, Subkey, UserId, make

HOUR: Final = 3600
LATER: Final = AT + 10 * DAY  # after the signature, before today
FUTURE: Final = 4102444800  # 2100
PRIMARY: Final = Key("primary")
SIGNER: Final = Key("signer")
OTHER: Final = Key("other")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`sign` signs a message; `unsure` are checks that are undecided; `at` is the verifier's time."""

    certificate: bytes
    sign: Callable[[bytes], bytes]
    failing: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    at: int = AT


@dataclass(frozen=True, slots=True)
class Cases:
    """The cases of one module, in the order in which they stand there."""

    found: dict[str, Case] = field(default_factory=dict)

    def __call__(
        self,
        name: str,
        made: Made,
        by: Key,
        *failing: str,
        unsure: tuple[str, ...] = (),
        judged: int = AT,
        **how: object,
    ) -> None:
        """Adds one: a certificate and how `by` signs; `judged` is the verifier's time."""

        def sign(message: bytes) -> bytes:
            return by.detached(message, **how)  # type: ignore[arg-type] # the arguments of detached

        self.add(name, Case(certificate=made.encode(), sign=sign, failing=failing, unsure=unsure, at=judged))

    def add(self, name: str, case: Case) -> None:
        """Raises ValueError for a name that is taken."""
        if name in self.found:
            raise ValueError(f"{name}: twice")
        self.found[name] = case


def with_subkey(**how: object) -> Made:
    """A primary key that certifies only, and a signing subkey."""
    binding = Subkey(key=SIGNER, **how)  # type: ignore[arg-type] # the fields of Subkey
    return make(PRIMARY, user_ids=(UserId(flags=pgp.CERTIFY),), subkeys=(binding,))


def corrupted(kind: int, body: bytes) -> bytes:
    return body[:-4] + bytes(4) if kind == pgp.SIGNATURE else body


SOUND: Final = make(PRIMARY)
NAMED: Final = ((pgp.ISSUER, PRIMARY.fingerprint[-8:]), (pgp.FINGERPRINT, b"\x04" + PRIMARY.fingerprint))
OVER_ID: Final = PRIMARY.covered + pgp.user_id_covered(UserId().text)
FLAGGED: Final = (pgp.FLAGS, b"\x03")
MARKED: Final = ((pgp.PRIMARY, b"\x01"),)  # as the primary user id
DESIGNATING: Final = make(
    PRIMARY, direct=pgp.direct_key(PRIMARY, hashed=((pgp.REVOKER, b"\x80\x16" + OTHER.fingerprint),))
)


def instead(body: bytes) -> Made:
    """The sound certificate with another self-signature."""
    return SOUND.changed(lambda kind, old: body if kind == pgp.SIGNATURE else old)


UNKNOWN: Final = ((pgp.CRITICAL | 100, b"?"),)
BOTH_KEYS: Final = PRIMARY.covered + SIGNER.covered
RSA: Final = Key("kinds", kind="rsa2048")
UNKNOWN_KEY: Final = ("openpgp.binding", "seal.signature", "seal.signer", "seal.validity")
DELEGATED: Final = ("openpgp.revocation", "seal.signature")
