# SPDX-License-Identifier: Apache-2.0
"""Cases about OpenPGP signatures themselves: form, hints, and what is critical."""

from __future__ import annotations

from typing import Final

from tests.vectorgen import openpgp_maker as pgp
from tests.vectorgen.openpgp_case import (
    FLAGGED,
    OTHER,
    OVER_ID,
    PRIMARY,
    RSA,
    SIGNER,
    SOUND,
    UNKNOWN,
    Case,
    Cases,
    corrupted,
    instead,
    with_subkey,
)
from tests.vectorgen.openpgp_maker import AT, MADE, UserId, make, uint

case: Final = Cases()


# what must be understood
NOTE: Final = ((pgp.CRITICAL | pgp.NOTATION, bytes(4) + uint(3, 2) + uint(1, 2) + b"a@b" + b"1"),)
case("unknown critical subpacket", SOUND, PRIMARY, "openpgp.critical", hashed=UNKNOWN)
case("unknown critical notation", SOUND, PRIMARY, "openpgp.critical", hashed=NOTE)
case("sound with an unknown subpacket", SOUND, PRIMARY, hashed=((100, b"?"),))
case("sound with a notation", SOUND, PRIMARY, hashed=((pgp.NOTATION, NOTE[0][1]),))
case(
    "critical in the self-signature",
    make(PRIMARY, user_ids=(UserId(hashed=UNKNOWN),)),
    PRIMARY,
    "openpgp.critical",
)
case("critical in the binding", with_subkey(hashed=UNKNOWN), SIGNER, "openpgp.critical")

bare = PRIMARY.sign(pgp.CERTIFICATION, OVER_ID, at=MADE, hashed=(FLAGGED,), unhashed=UNKNOWN)
case("sound, unknown and critical outside the hashed area", instead(bare), PRIMARY)

case("critical in the back-signature", with_subkey(back={"hashed": UNKNOWN}), SIGNER, "openpgp.subkey")

# the signature itself
case("signed by another", SOUND, OTHER, "seal.signer")
case.add(
    "signature of another message",
    Case(
        certificate=SOUND.encode(),
        sign=lambda message: PRIMARY.detached(message + b"!"),
        failing=("seal.signer",),
    ),
)
case.add(
    "signature corrupted",
    Case(
        certificate=SOUND.encode(),
        sign=lambda message: corrupted(pgp.SIGNATURE, PRIMARY.detached(message)),
        failing=("seal.signer",),
    ),
)
case("no hint of who signed", SOUND, PRIMARY, "openpgp.policy", hints=False)
TYPES: Final = {"text": pgp.TEXT, "standalone": pgp.STANDALONE, "certification": 0x10, "timestamp": 0x40}
for name, number in TYPES.items():
    case(f"type {name}", SOUND, PRIMARY, "seal.form", kind=number)

case(
    "signature's time outside the hashed area",
    SOUND,
    PRIMARY,
    "seal.validity",
    at=None,
    unhashed=((pgp.TIME, uint(AT)),),
)
case("signature's time twice", SOUND, PRIMARY, "seal.form", hashed=((pgp.TIME, uint(AT)),))


def _longer(body: bytes) -> bytes:
    """The signature with a hashed area that is said to be longer than the packet."""
    return pgp.packet(pgp.SIGNATURE, body[:4] + b"\xff\xff" + body[6:])


case.add(
    "signature's area longer than its packet",
    Case(
        certificate=SOUND.encode(),
        sign=lambda message: _longer(PRIMARY.sign(pgp.BINARY, message, at=AT)),
        failing=("seal.form",),
    ),
)
case.add(
    "signature of version 3",
    Case(certificate=make(RSA).encode(), sign=lambda message: RSA.version_3(message), failing=("seal.form",)),
)
elsewhere = ((pgp.FINGERPRINT, b"\x04" + OTHER.fingerprint),)
case("hint of another who signed", SOUND, PRIMARY, "openpgp.policy", hints=False, hashed=elsewhere)
