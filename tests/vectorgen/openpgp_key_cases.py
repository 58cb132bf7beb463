# SPDX-License-Identifier: Apache-2.0
"""Cases about OpenPGP keys: every kind, and those that are too weak, as are digests."""

from __future__ import annotations

from typing import Final

from tests.vectorgen import openpgp_maker as pgp
from tests.vectorgen.openpgp_case import PRIMARY, RSA, SIGNER, SOUND, UNKNOWN_KEY, Case, Cases, with_subkey
from tests.vectorgen.openpgp_maker import AT, DAY, MADE, Key, Subkey, UserId, make

case: Final = Cases()


# every kind of key, signing by itself
KINDS: Final = {
    "rsa2048": pgp.SHA256,
    "rsa3072": pgp.SHA256,
    "p256": pgp.SHA256,
    "p384": pgp.SHA384,
    "p521": pgp.SHA512,
    "ed25519": pgp.SHA256,
}
for kind, hash_id in KINDS.items():
    key = Key("kinds", kind=kind)
    case(f"sound {kind}", make(key, user_ids=(UserId(hash_id=hash_id),)), key, hash_id=hash_id)
UNDECIDED: Final = ("openpgp.policy", "seal.signature")
for kind, hash_id in {"bp256": pgp.SHA256, "bp384": pgp.SHA384, "bp512": pgp.SHA512}.items():
    key = Key("kinds", kind=kind)
    certificate = make(key, user_ids=(UserId(hash_id=hash_id),))
    case(f"Brainpool {kind}", certificate, key, unsure=UNDECIDED, hash_id=hash_id)
for kind in ("ed25519", "ed448"):
    key = Key("six", version=6, kind=kind)
    said = pgp.direct_key(key, hash_id=pgp.SHA512, hashed=((pgp.FLAGS, b"\x03"),))
    certificate = make(key, user_ids=(UserId(hash_id=pgp.SHA512, flags=None),), direct=said)
    case(f"sound version 6 {kind}", certificate, key, hash_id=pgp.SHA512)
    if kind == "ed25519":
        case(f"sound version 6 {kind} SHA-256", certificate, key, hash_id=pgp.SHA256)
    else:
        case(f"version 6 {kind} over SHA-384", certificate, key, "openpgp.algorithms", hash_id=pgp.SHA384)
K256: Final = Key("kinds", kind="k256")
case("secp256k1", make(K256), K256, unsure=UNKNOWN_KEY)
for hash_id, name in ((pgp.SHA384, "SHA-384"), (pgp.SHA512, "SHA-512")):
    case(f"sound {name}", SOUND, PRIMARY, hash_id=hash_id)
case("sound RSA SHA-224", make(RSA), RSA, hash_id=pgp.SHA224)

# weak keys and digests
SMALL: Final = Key("small", kind="rsa1024")
case("RSA 1024", make(SMALL), SMALL, "openpgp.algorithms")
DSA: Final = Key("dsa", kind="dsa2048")
HUGE: Final = Key("huge", kind="rsa65535")
case("RSA 65535", make(HUGE), HUGE, unsure=UNKNOWN_KEY)
case("DSA", make(DSA), DSA, "openpgp.algorithms", unsure=UNKNOWN_KEY)
case("SHA-1", SOUND, PRIMARY, "openpgp.algorithms", hash_id=pgp.SHA1)
case("SHA-1 by RSA", make(RSA), RSA, "openpgp.algorithms", hash_id=pgp.SHA1)
P256: Final = Key("kinds", kind="p256")
case("SHA-1 user id by P-256", make(P256, user_ids=(UserId(hash_id=pgp.SHA1),)), P256, "openpgp.algorithms")
case("MD5", make(RSA), RSA, "openpgp.algorithms", hash_id=pgp.MD5)
case("EdDSA over SHA-224", SOUND, PRIMARY, "openpgp.algorithms", hash_id=pgp.SHA224)
case("SHA-1 user id", make(PRIMARY, user_ids=(UserId(hash_id=pgp.SHA1),)), PRIMARY, "openpgp.algorithms")
case("SHA-1 binding", with_subkey(hash_id=pgp.SHA1), SIGNER, "openpgp.algorithms")
case("SHA-1 back-signature", with_subkey(back={"hash_id": pgp.SHA1}), SIGNER, "openpgp.subkey")
case("weak subkey", make(PRIMARY, subkeys=(Subkey(key=SMALL),)), SMALL, "openpgp.algorithms")
case("weak primary", make(SMALL, subkeys=(Subkey(key=SIGNER),)), SIGNER, "openpgp.algorithms")

RIPEMD: Final = bytes([pgp.RIPEMD160])
case.add(
    "RIPEMD-160",
    Case(
        certificate=SOUND.encode(),
        sign=lambda message: _digested(PRIMARY.sign(pgp.BINARY, message, at=AT)),
        failing=("seal.signer",),
    ),
)


def _digested(body: bytes) -> bytes:
    """A signature that says it is over a RIPEMD-160 digest."""
    return pgp.packet(pgp.SIGNATURE, body[:3] + RIPEMD + body[4:])


renamed = SOUND.changed(lambda kind, body: body[:3] + RIPEMD + body[4:] if kind == pgp.SIGNATURE else body)
case("RIPEMD-160 user id", renamed, PRIMARY, "openpgp.binding")

strong = Subkey(key=SIGNER, at=MADE + DAY).binding(PRIMARY)
case(
    "sound, an older binding over SHA-1",
    with_subkey(hash_id=pgp.SHA1).having((pgp.SIGNATURE, strong)),
    SIGNER,
)
weak = Subkey(key=SIGNER, at=MADE + DAY, hash_id=pgp.SHA1).binding(PRIMARY)
case("a newer binding over SHA-1", with_subkey().having((pgp.SIGNATURE, weak)), SIGNER, "openpgp.algorithms")

# keys of other kinds
ROCA = Key("kinds", kind="roca2048")
case("RSA in the form of CVE-2017-15361", make(ROCA), ROCA, "openpgp.algorithms")
six = Key("six", version=6)
said = pgp.direct_key(six, hash_id=pgp.SHA512, hashed=((pgp.FLAGS, b"\x03"),))
mixed = make(six, user_ids=(), direct=said, subkeys=(Subkey(key=SIGNER, hash_id=pgp.SHA512),))
case("version 4 subkey of a version 6 key", mixed, SIGNER, "seal.signer")
whole6 = make(
    six,
    user_ids=(),
    direct=said,
    subkeys=(Subkey(key=Key("signer", version=6), hash_id=pgp.SHA512, back={"hash_id": pgp.SHA512}),),
)
case("sound version 6 subkey", whole6, Key("signer", version=6), hash_id=pgp.SHA512)
