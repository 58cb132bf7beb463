# SPDX-License-Identifier: Apache-2.0
"""Certificates and signatures with one thing about each, sound, odd or forged, and the check that refuses it.

A case is a certificate, a signature over a message, and the ids of the checks that must fail, which is none
for a sound one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tests.vectorgen import openpgp_maker as pgp
from tests.vectorgen.openpgp_maker import AT, DAY, MADE, Key, Made, Subkey, UserId, make, uint

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


CASES: Final[dict[str, Case]] = {}


def case(
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

    CASES[name] = Case(certificate=made.encode(), sign=sign, failing=failing, unsure=unsure, at=judged)


def with_subkey(**how: object) -> Made:
    """A primary key that certifies only, and a signing subkey."""
    binding = Subkey(key=SIGNER, **how)  # type: ignore[arg-type] # the fields of Subkey
    return make(PRIMARY, user_ids=(UserId(flags=pgp.CERTIFY),), subkeys=(binding,))


def corrupted(kind: int, body: bytes) -> bytes:
    return body[:-4] + bytes(4) if kind == pgp.SIGNATURE else body


SOUND: Final = make(PRIMARY)

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
K256: Final = Key("kinds", kind="k256")
UNKNOWN_KEY: Final = ("openpgp.binding", "seal.signature", "seal.signer", "seal.validity")
case("secp256k1", make(K256), K256, unsure=UNKNOWN_KEY)
for hash_id, name in ((pgp.SHA384, "SHA-384"), (pgp.SHA512, "SHA-512")):
    case(f"sound {name}", SOUND, PRIMARY, hash_id=hash_id)
RSA: Final = Key("kinds", kind="rsa2048")
case("sound RSA SHA-224", make(RSA), RSA, hash_id=pgp.SHA224)

# weak keys and digests
SMALL: Final = Key("small", kind="rsa1024")
case("RSA 1024", make(SMALL), SMALL, "openpgp.algorithms")
DSA: Final = Key("dsa", kind="dsa2048")
HUGE: Final = Key("huge", kind="rsa65535")
case("RSA 65535", make(HUGE), HUGE, unsure=UNKNOWN_KEY)
case("DSA", make(DSA), DSA, "openpgp.algorithms", unsure=UNKNOWN_KEY)
case("SHA-1", SOUND, PRIMARY, "openpgp.algorithms", hash_id=pgp.SHA1)
case("MD5", make(RSA), RSA, "openpgp.algorithms", hash_id=pgp.MD5)
case("EdDSA over SHA-224", SOUND, PRIMARY, "openpgp.algorithms", hash_id=pgp.SHA224)
case("SHA-1 user id", make(PRIMARY, user_ids=(UserId(hash_id=pgp.SHA1),)), PRIMARY, "openpgp.algorithms")
case("SHA-1 binding", with_subkey(hash_id=pgp.SHA1), SIGNER, "openpgp.algorithms")
case("SHA-1 back-signature", with_subkey(back={"hash_id": pgp.SHA1}), SIGNER, "openpgp.subkey")
case("weak subkey", make(PRIMARY, subkeys=(Subkey(key=SMALL),)), SMALL, "openpgp.algorithms")
case("weak primary", make(SMALL, subkeys=(Subkey(key=SIGNER),)), SIGNER, "openpgp.algorithms")

RIPEMD: Final = bytes([pgp.RIPEMD160])
CASES["RIPEMD-160"] = Case(
    certificate=SOUND.encode(),
    sign=lambda message: _digested(PRIMARY.sign(pgp.BINARY, message, at=AT)),
    failing=("seal.signer",),
)


def _digested(body: bytes) -> bytes:
    """A signature that says it is over a RIPEMD-160 digest."""
    return pgp.packet(pgp.SIGNATURE, body[:3] + RIPEMD + body[4:])


renamed = SOUND.changed(lambda kind, body: body[:3] + RIPEMD + body[4:] if kind == pgp.SIGNATURE else body)
case("RIPEMD-160 user id", renamed, PRIMARY, "openpgp.binding")

# user ids
TWO: Final = (UserId(hash_id=pgp.SHA1, text=b"old"), UserId(text=b"new"))
case("sound two user ids, one over SHA-1", make(PRIMARY, user_ids=TWO), PRIMARY)
flagged = ((pgp.PRIMARY, b"\x01"),)
ids = (UserId(text=b"certifies", flags=pgp.CERTIFY, hashed=flagged), UserId(text=b"signs", at=MADE + DAY))
case("the primary user id speaks", make(PRIMARY, user_ids=ids), PRIMARY, "openpgp.flags")
said = pgp.direct_key(PRIMARY, hashed=((pgp.FLAGS, b"\x03"),))
case(
    "sound, the later of two self-signatures in one second",
    make(PRIMARY, user_ids=(UserId(lifetime=DAY),)).having((pgp.SIGNATURE, UserId().certification(PRIMARY))),
    PRIMARY,
)
foreign = OTHER.sign(pgp.USER_ID_REVOCATION, PRIMARY.covered + pgp.user_id_covered(UserId().text), at=AT)
named = pgp.direct_key(PRIMARY, hashed=((pgp.REVOKER, b"\x80\x16" + OTHER.fingerprint),))
delegated = make(PRIMARY, direct=named)
case("sound, another takes a certification back", delegated.having((pgp.SIGNATURE, foreign)), PRIMARY)
case("sound without a user id", make(PRIMARY, user_ids=(), direct=said), PRIMARY)
withdrawn = PRIMARY.sign(
    pgp.USER_ID_REVOCATION, PRIMARY.covered + pgp.user_id_covered(UserId().text), at=MADE + DAY
)
case("sound, its user id withdrawn", SOUND.having((pgp.SIGNATURE, withdrawn)), PRIMARY)
case(
    "sound one of two user ids withdrawn",
    make(PRIMARY, user_ids=(UserId(text=b"new"), UserId())).having((pgp.SIGNATURE, withdrawn)),
    PRIMARY,
)
case("no key flags", make(PRIMARY, user_ids=(UserId(flags=None),)), PRIMARY, "openpgp.flags")

# forged certificates
case(
    "bare primary key",
    SOUND.changed(lambda kind, body: body if kind == pgp.PUBLIC_KEY else None),
    PRIMARY,
    "openpgp.binding",
)
case(
    "no self-signature",
    SOUND.changed(lambda kind, body: None if kind == pgp.SIGNATURE else body),
    PRIMARY,
    "openpgp.binding",
)
case("self-signature corrupted", SOUND.changed(corrupted), PRIMARY, "openpgp.binding")
case(
    "user id replaced",
    SOUND.changed(lambda kind, body: b"Mallory" if kind == pgp.USER_ID else body),
    PRIMARY,
    "openpgp.binding",
)
case(
    "foreign self-signature",
    SOUND.changed(lambda kind, body: UserId().certification(OTHER) if kind == pgp.SIGNATURE else body),
    PRIMARY,
    "openpgp.binding",
)
grafted = with_subkey().parts[3:]
case("foreign subkey grafted", make(OTHER).having(*grafted), SIGNER, "openpgp.binding")
case(
    "subkey without binding",
    make(PRIMARY).having((pgp.PUBLIC_SUBKEY, SIGNER.body)),
    SIGNER,
    "openpgp.binding",
)
case("self-signature from later", make(PRIMARY, user_ids=(UserId(at=LATER),)), PRIMARY, "openpgp.binding")
case(
    "self-signature older than the key",
    make(PRIMARY, user_ids=(UserId(at=MADE - DAY),)),
    PRIMARY,
    "openpgp.binding",
)
case("binding from later", with_subkey(at=LATER), SIGNER, "openpgp.binding")

# subkeys
case("sound subkey", with_subkey(), SIGNER)
case(
    "sound subkey P-384",
    make(PRIMARY, subkeys=(Subkey(key=Key("kinds", kind="p384")),)),
    Key("kinds", kind="p384"),
)
case("no back-signature", with_subkey(back=None), SIGNER, "openpgp.subkey")
wrong = OTHER.sign(pgp.BACK, PRIMARY.covered + SIGNER.covered, at=MADE)
bound = Subkey(key=SIGNER).binding(PRIMARY, back=wrong)
case(
    "back-signature by another",
    with_subkey().changed(lambda kind, body: bound if body[:2] == b"\x04\x18" else body),
    SIGNER,
    "openpgp.subkey",
)
case(
    "back-signature expired",
    with_subkey(back={"hashed": ((pgp.EXPIRES, uint(DAY)),)}),
    SIGNER,
    "openpgp.subkey",
)
case("back-signature from later", with_subkey(back={"at": LATER}), SIGNER, "openpgp.subkey")
case("encryption subkey", with_subkey(flags=pgp.ENCRYPT, back={}), SIGNER, "openpgp.flags")
case("subkey without flags", with_subkey(flags=None), SIGNER, "openpgp.flags")
case("certify-only primary", make(PRIMARY, user_ids=(UserId(flags=pgp.CERTIFY),)), PRIMARY, "openpgp.flags")

# expiry
DAYS: Final = AT - MADE + DAY
case("sound, the key expired later", make(PRIMARY, user_ids=(UserId(lifetime=DAYS),)), PRIMARY)
for kind in ("p256", "rsa2048"):
    key = Key("kinds", kind=kind)
    case(f"sound, the {kind} key expired later", make(key, user_ids=(UserId(lifetime=DAYS),)), key)
case("key expired", make(PRIMARY, user_ids=(UserId(lifetime=DAY),)), PRIMARY, "openpgp.expiry")
case(
    "key expires in this second",
    make(PRIMARY, user_ids=(UserId(lifetime=AT - MADE),)),
    PRIMARY,
    "openpgp.expiry",
)
case("sound in the key's last second", make(PRIMARY, user_ids=(UserId(lifetime=AT - MADE + 1),)), PRIMARY)
case("sound with an expiry of never", make(PRIMARY, user_ids=(UserId(lifetime=0),)), PRIMARY)
case("subkey expired", with_subkey(lifetime=DAY), SIGNER, "openpgp.expiry")
case("sound, the subkey expired later", with_subkey(lifetime=DAYS), SIGNER)
case(
    "primary expired under its subkey",
    make(PRIMARY, user_ids=(UserId(lifetime=DAY),), subkeys=(Subkey(key=SIGNER),)),
    SIGNER,
    "openpgp.expiry",
)
prolonged = UserId(lifetime=DAYS, at=MADE + DAY).certification(PRIMARY)
expired = make(PRIMARY, user_ids=(UserId(lifetime=2 * DAY),))
case("sound after the expiry was put off", expired.having((pgp.SIGNATURE, prolonged)), PRIMARY)
shortened = UserId(lifetime=DAY, at=MADE + HOUR).certification(PRIMARY)
case("expiry was brought forward", SOUND.having((pgp.SIGNATURE, shortened)), PRIMARY, "openpgp.expiry")
late = UserId(lifetime=DAYS, at=LATER).certification(PRIMARY)
case("expiry was put off too late", expired.having((pgp.SIGNATURE, late)), PRIMARY, "openpgp.expiry")
limited = pgp.direct_key(PRIMARY, hashed=((pgp.KEY_EXPIRES, uint(DAY)),))
case("direct-key signature lets the key expire", make(PRIMARY, direct=limited), PRIMARY, "openpgp.expiry")
lapsing = UserId(hashed=((pgp.EXPIRES, uint(DAY)),))
case("self-signature expired", make(PRIMARY, user_ids=(lapsing,)), PRIMARY, "openpgp.expiry")
case("signature expired", SOUND, PRIMARY, "openpgp.expiry", judged=LATER, hashed=((pgp.EXPIRES, uint(HOUR)),))
case("sound, the signature expires in ages", SOUND, PRIMARY, hashed=((pgp.EXPIRES, uint(40 * 365 * DAY)),))

# revocation
case("revoked without reason", SOUND.revoked(None, LATER), PRIMARY, "openpgp.revocation")
case("revoked, no reason given", SOUND.revoked(0, LATER), PRIMARY, "openpgp.revocation")
case("revoked for a private reason", SOUND.revoked(100, LATER), PRIMARY, "openpgp.revocation")
case("compromised later", SOUND.revoked(pgp.COMPROMISED, LATER), PRIMARY, "openpgp.revocation")
case("compromised before", SOUND.revoked(pgp.COMPROMISED, AT - DAY), PRIMARY, "openpgp.revocation")
case(
    "compromise over SHA-1",
    SOUND.revoked(pgp.COMPROMISED, LATER, hash_id=pgp.SHA1),
    PRIMARY,
    "openpgp.revocation",
)
case("retired before", SOUND.revoked(pgp.RETIRED, AT - DAY), PRIMARY, "openpgp.revocation")
case("superseded in the same second", SOUND.revoked(pgp.SUPERSEDED, AT), PRIMARY, "openpgp.revocation")
case("sound, retired later", SOUND.revoked(pgp.RETIRED, LATER), PRIMARY)
case("sound, superseded later", SOUND.revoked(pgp.SUPERSEDED, LATER), PRIMARY)
again = UserId(at=AT - HOUR).certification(PRIMARY)
case(
    "sound, retired and taken up again",
    SOUND.revoked(pgp.RETIRED, AT - DAY).having((pgp.SIGNATURE, again)),
    PRIMARY,
)
case(
    "compromised and certified again",
    SOUND.revoked(pgp.COMPROMISED, AT - DAY).having((pgp.SIGNATURE, again)),
    PRIMARY,
    "openpgp.revocation",
)
case("sound, a revocation by a stranger", SOUND.revoked(None, AT - DAY, by=OTHER), PRIMARY)
case(
    "revocation behind the user id",
    SOUND.having((pgp.SIGNATURE, pgp.revocation(PRIMARY, 2, AT))),
    PRIMARY,
    "openpgp.revocation",
)
case("sound with a designated revoker", delegated, PRIMARY)
DELEGATED: Final = ("openpgp.revocation", "seal.signature")
case("revoked by a designated revoker", delegated.revoked(2, AT, by=OTHER), PRIMARY, unsure=DELEGATED)
gone = pgp.revocation(PRIMARY, pgp.COMPROMISED, LATER, subkey=SIGNER)
case("subkey compromised later", with_subkey().having((pgp.SIGNATURE, gone)), SIGNER, "openpgp.revocation")
gone = pgp.revocation(PRIMARY, pgp.RETIRED, LATER, subkey=SIGNER)
case("sound, subkey retired later", with_subkey().having((pgp.SIGNATURE, gone)), SIGNER)
gone = pgp.revocation(PRIMARY, pgp.RETIRED, AT - DAY, subkey=SIGNER)
case("subkey retired before", with_subkey().having((pgp.SIGNATURE, gone)), SIGNER, "openpgp.revocation")
case(
    "primary compromised under its subkey",
    with_subkey().revoked(pgp.COMPROMISED, LATER),
    SIGNER,
    "openpgp.revocation",
)

# what must be understood
UNKNOWN: Final = ((pgp.CRITICAL | 100, b"?"),)
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

# revocations that cannot be read
cut = pgp.revocation(PRIMARY, pgp.COMPROMISED, AT)[:-1]
case("revocation cut short", SOUND.having((pgp.SIGNATURE, cut), at=1), PRIMARY, unsure=DELEGATED)
case(
    "sound, a certification cut short",
    SOUND.having((pgp.SIGNATURE, UserId().certification(OTHER)[:-1])),
    PRIMARY,
)

# time
case("before its key", SOUND, PRIMARY, "openpgp.time", at=MADE - DAY)
young = Key("signer", created=AT + DAY)
case("before its subkey", make(PRIMARY, subkeys=(Subkey(key=young),)), young, "openpgp.time")
case("from the future", SOUND, PRIMARY, "openpgp.policy", at=FUTURE)

# the signature itself
case("signed by another", SOUND, OTHER, "seal.signer")
CASES["signature of another message"] = Case(
    certificate=SOUND.encode(),
    sign=lambda message: PRIMARY.detached(message + b"!"),
    failing=("seal.signer",),
)
CASES["signature corrupted"] = Case(
    certificate=SOUND.encode(),
    sign=lambda message: corrupted(pgp.SIGNATURE, PRIMARY.detached(message)),
    failing=("seal.signer",),
)
case("no hint of who signed", SOUND, PRIMARY, "openpgp.policy", hints=False)
TYPES: Final = {"text": pgp.TEXT, "standalone": pgp.STANDALONE, "certification": 0x10, "timestamp": 0x40}
for name, number in TYPES.items():
    case(f"type {name}", SOUND, PRIMARY, "seal.form", kind=number)

# what one key tries in another's name
NAMED: Final = ((pgp.ISSUER, PRIMARY.fingerprint[-8:]), (pgp.FINGERPRINT, b"\x04" + PRIMARY.fingerprint))
OVER_ID: Final = PRIMARY.covered + pgp.user_id_covered(UserId().text)
FLAGGED: Final = (pgp.FLAGS, b"\x03")


def instead(body: bytes) -> Made:
    """The sound certificate with another self-signature."""
    return SOUND.changed(lambda kind, old: body if kind == pgp.SIGNATURE else old)


forged = OTHER.sign(pgp.CERTIFICATION, OVER_ID, at=MADE, hints=False, hashed=(FLAGGED,), unhashed=NAMED)
case("certified by another in the holder's name", instead(forged), PRIMARY, "openpgp.binding")
forged = OTHER.sign(pgp.KEY_REVOCATION, PRIMARY.covered, at=AT, hints=False, unhashed=NAMED)
case("sound, a stranger revokes in the holder's name", SOUND.having((pgp.SIGNATURE, forged), at=1), PRIMARY)
forged = SIGNER.sign(pgp.SUBKEY, PRIMARY.covered + SIGNER.covered, at=MADE, hashed=((pgp.FLAGS, b"\x02"),))
itself = make(PRIMARY).having((pgp.PUBLIC_SUBKEY, SIGNER.body), (pgp.SIGNATURE, forged))
case("subkey bound by itself", itself, SIGNER, "openpgp.binding")
revoking = ((pgp.EMBEDDED, pgp.revocation(PRIMARY, pgp.COMPROMISED, AT)),)
case("sound, a revocation embedded elsewhere", make(PRIMARY, user_ids=(UserId(hashed=revoking),)), PRIMARY)
back = SIGNER.sign(pgp.BACK, OTHER.covered + SIGNER.covered, at=MADE)
bound_elsewhere = Subkey(key=SIGNER).binding(PRIMARY, back=back)
case(
    "back-signature for another certificate",
    make(PRIMARY).having((pgp.PUBLIC_SUBKEY, SIGNER.body), (pgp.SIGNATURE, bound_elsewhere)),
    SIGNER,
    "openpgp.subkey",
)
BOTH_KEYS: Final = PRIMARY.covered + SIGNER.covered


def agreeing(*backs: bytes) -> Made:
    """The subkey bound with these back-signatures."""
    embedded = tuple((pgp.EMBEDDED, each) for each in backs)
    hashed = ((pgp.FLAGS, b"\x02"),)
    binding = PRIMARY.sign(pgp.SUBKEY, BOTH_KEYS, at=MADE, hashed=hashed, unhashed=embedded)
    return make(PRIMARY).having((pgp.PUBLIC_SUBKEY, SIGNER.body), (pgp.SIGNATURE, binding))


by_primary = PRIMARY.sign(pgp.BACK, BOTH_KEYS, at=MADE)
case("back-signature by the primary key", agreeing(by_primary), SIGNER, "openpgp.subkey")
of_binding = SIGNER.sign(pgp.SUBKEY, BOTH_KEYS, at=MADE)
case("back-signature of a binding's type", agreeing(of_binding), SIGNER, "openpgp.subkey")
early = SIGNER.sign(pgp.BACK, BOTH_KEYS, at=MADE - DAY)
case("back-signature before the subkey was made", agreeing(early), SIGNER, "openpgp.subkey")
good = SIGNER.sign(pgp.BACK, BOTH_KEYS, at=MADE)
case("sound, a forged back-signature beside a good one", agreeing(by_primary, good), SIGNER)
for number, name in ((pgp.BACK, "back-signature"), (pgp.DIRECT, "direct-key signature")):
    typed = PRIMARY.sign(number, BOTH_KEYS, at=MADE, hashed=((pgp.FLAGS, b"\x02"),))
    mistyped = make(PRIMARY).having((pgp.PUBLIC_SUBKEY, SIGNER.body), (pgp.SIGNATURE, typed))
    case(f"subkey bound by a {name}", mistyped, SIGNER, "openpgp.binding")
older = Key("signer", created=MADE - DAY)
case(
    "sound, a subkey older than its primary key", make(PRIMARY, subkeys=(Subkey(key=older, at=MADE),)), older
)
own_subkey = make(PRIMARY, user_ids=(UserId(flags=pgp.CERTIFY),), subkeys=(Subkey(key=PRIMARY),))
case("primary key as its own subkey", own_subkey, PRIMARY, "openpgp.flags")
case("critical in the back-signature", with_subkey(back={"hashed": UNKNOWN}), SIGNER, "openpgp.subkey")

# a key that stands twice
gone = pgp.revocation(PRIMARY, pgp.COMPROMISED, LATER, subkey=SIGNER)
twice = with_subkey().having(*grafted, (pgp.SIGNATURE, gone))
case("revoked behind the second of two same subkeys", twice, SIGNER, "openpgp.revocation")
unbound = make(PRIMARY).having((pgp.PUBLIC_SUBKEY, SIGNER.body), *grafted)
case("sound, bound behind the second of two same subkeys", unbound, SIGNER)
twin = Key("primary", created=MADE + 1)
case(
    "sound, a subkey of the primary key's numbers",
    make(PRIMARY, user_ids=(UserId(flags=pgp.CERTIFY),), subkeys=(Subkey(key=twin),)),
    twin,
)

picture = b"\x05\x01\x10\x00\x01\x00"
over_picture = PRIMARY.covered + pgp.user_id_covered(picture, pgp.ATTRIBUTE)
certified = PRIMARY.sign(pgp.CERTIFICATION, over_picture, at=MADE, hashed=(FLAGGED,))
only_picture = make(PRIMARY, user_ids=()).having((pgp.ATTRIBUTE, picture), (pgp.SIGNATURE, certified))
case("only a picture is certified", only_picture, PRIMARY, "openpgp.binding")

# the hashed and the unhashed area
bare = PRIMARY.sign(pgp.CERTIFICATION, OVER_ID, at=MADE, unhashed=(FLAGGED,))
case("key flags outside the hashed area", instead(bare), PRIMARY, "openpgp.flags")
bare = PRIMARY.sign(
    pgp.CERTIFICATION, OVER_ID, at=None, hashed=(FLAGGED,), unhashed=((pgp.TIME, uint(MADE)),)
)
case("self-signature's time outside the hashed area", instead(bare), PRIMARY, "openpgp.binding")
bare = PRIMARY.sign(
    pgp.CERTIFICATION, OVER_ID, at=MADE, hashed=(FLAGGED,), unhashed=((pgp.KEY_EXPIRES, uint(DAY)),)
)
case("sound, an expiry outside the hashed area", instead(bare), PRIMARY)
bare = PRIMARY.sign(pgp.KEY_REVOCATION, PRIMARY.covered, at=LATER, unhashed=((pgp.REASON, b"\x03"),))
case(
    "reason outside the hashed area", SOUND.having((pgp.SIGNATURE, bare), at=1), PRIMARY, "openpgp.revocation"
)
bare = PRIMARY.sign(pgp.CERTIFICATION, OVER_ID, at=MADE, hashed=(FLAGGED,), unhashed=UNKNOWN)
case("sound, unknown and critical outside the hashed area", instead(bare), PRIMARY)
back = SIGNER.sign(pgp.BACK, PRIMARY.covered + SIGNER.covered, at=MADE)
inside = Subkey(key=SIGNER, back=None, hashed=((pgp.EMBEDDED, back),))
case("sound, back-signature inside the hashed area", make(PRIMARY, subkeys=(inside,)), SIGNER)
case(
    "signature's time outside the hashed area",
    SOUND,
    PRIMARY,
    "seal.validity",
    at=None,
    unhashed=((pgp.TIME, uint(AT)),),
)
case("signature's time twice", SOUND, PRIMARY, "seal.form", hashed=((pgp.TIME, uint(AT)),))


# who speaks of the key's expiry
def direct(days: int) -> bytes:
    return pgp.direct_key(PRIMARY, hashed=((pgp.KEY_EXPIRES, uint(days * DAY)),))


case(
    "user id says longer than the direct-key signature",
    make(PRIMARY, user_ids=(UserId(lifetime=DAYS),), direct=direct(1)),
    PRIMARY,
    "openpgp.expiry",
)
case(
    "user id says shorter than the direct-key signature",
    make(PRIMARY, user_ids=(UserId(lifetime=DAY),), direct=direct(99)),
    PRIMARY,
    "openpgp.expiry",
)
ONLY_CERTIFIES: Final = pgp.direct_key(PRIMARY, hashed=((pgp.FLAGS, b"\x01"),))
case(
    "direct-key signature lets it certify only",
    make(PRIMARY, direct=ONLY_CERTIFIES),
    PRIMARY,
    "openpgp.flags",
)
both = pgp.direct_key(PRIMARY, hashed=(FLAGGED,))
certifying = UserId(flags=pgp.CERTIFY)
case(
    "user id lets it certify only",
    make(PRIMARY, user_ids=(certifying,), direct=both),
    PRIMARY,
    "openpgp.flags",
)
for octets, name in ((b"", "without an octet"), (b"\x01\x02", "in the second octet")):
    said = UserId(flags=None, hashed=((pgp.FLAGS, octets),))
    case(f"key flags {name}", make(PRIMARY, user_ids=(said,)), PRIMARY, "openpgp.flags")
case(
    "sound key flags of two octets",
    make(PRIMARY, user_ids=(UserId(flags=None, hashed=((pgp.FLAGS, b"\x03\xff"),)),)),
    PRIMARY,
)
over_sha1 = pgp.direct_key(PRIMARY, hash_id=pgp.SHA1, hashed=((pgp.KEY_EXPIRES, uint(DAY)),))
case("sound, a direct-key signature over SHA-1", make(PRIMARY, direct=over_sha1), PRIMARY)
lapsing_binding = with_subkey(hashed=((pgp.EXPIRES, uint(DAY)),))
case("binding expired", lapsing_binding, SIGNER, "openpgp.expiry")

# revocations in odd places and at odd times
gone = pgp.revocation(PRIMARY, pgp.COMPROMISED, LATER, subkey=SIGNER)
case(
    "subkey's revocation behind the primary key",
    with_subkey().having((pgp.SIGNATURE, gone), at=1),
    SIGNER,
    "openpgp.revocation",
)
case(
    "compromised before the key was made",
    SOUND.revoked(pgp.COMPROMISED, MADE - DAY),
    PRIMARY,
    "openpgp.revocation",
)
lapsing_revocation = PRIMARY.sign(
    pgp.KEY_REVOCATION,
    PRIMARY.covered,
    at=MADE + DAY,
    hashed=((pgp.EXPIRES, uint(DAY)), (pgp.REASON, b"\x02")),
)
case(
    "revocation that expired",
    SOUND.having((pgp.SIGNATURE, lapsing_revocation), at=1),
    PRIMARY,
    "openpgp.revocation",
)
RETIRED: Final = (pgp.REASON, b"\x03")
odd: dict[str, dict[str, object]] = {
    "that has expired": {"at": MADE + DAY, "hashed": (RETIRED, (pgp.EXPIRES, uint(DAY)))},
    "with something critical": {"at": MADE + DAY, "hashed": (RETIRED, *UNKNOWN)},
    "without a time": {"at": None, "hashed": (RETIRED,)},
}
for name, how in odd.items():
    retiring = PRIMARY.sign(pgp.KEY_REVOCATION, PRIMARY.covered, **how)  # type: ignore[arg-type] # of sign
    case(f"retirement {name}", SOUND.having((pgp.SIGNATURE, retiring), at=1), PRIMARY, "openpgp.revocation")
two_ids = (UserId(text=b"first", hashed=flagged), UserId(text=b"second", at=AT - HOUR))
case(
    "retired, and another user id certified again",
    make(PRIMARY, user_ids=two_ids).revoked(pgp.RETIRED, AT - DAY),
    PRIMARY,
    "openpgp.revocation",
)
gone = pgp.revocation(PRIMARY, pgp.RETIRED, AT - DAY, subkey=SIGNER)
certified_again = make(
    PRIMARY, user_ids=(UserId(flags=pgp.CERTIFY, at=AT - HOUR),), subkeys=(Subkey(key=SIGNER),)
)
case(
    "subkey retired, and the user id certified again",
    certified_again.having((pgp.SIGNATURE, gone)),
    SIGNER,
    "openpgp.revocation",
)
itself = SIGNER.sign(pgp.SUBKEY_REVOCATION, BOTH_KEYS, at=AT)
case("sound, a subkey revokes itself", with_subkey().having((pgp.SIGNATURE, itself)), SIGNER)
gone = pgp.revocation(PRIMARY, pgp.RETIRED, AT - DAY, subkey=SIGNER)
rebound = Subkey(key=SIGNER, at=AT - HOUR).binding(PRIMARY)
case(
    "sound, subkey retired and bound again",
    with_subkey().having((pgp.SIGNATURE, gone), (pgp.SIGNATURE, rebound)),
    SIGNER,
)
strong = Subkey(key=SIGNER, at=MADE + DAY).binding(PRIMARY)
case(
    "sound, an older binding over SHA-1",
    with_subkey(hash_id=pgp.SHA1).having((pgp.SIGNATURE, strong)),
    SIGNER,
)
weak = Subkey(key=SIGNER, at=MADE + DAY, hash_id=pgp.SHA1).binding(PRIMARY)
case("a newer binding over SHA-1", with_subkey().having((pgp.SIGNATURE, weak)), SIGNER, "openpgp.algorithms")
case("sound in the key's first second", SOUND, PRIMARY, at=MADE)
case("authentication subkey", with_subkey(flags=0x20), SIGNER, "openpgp.flags")

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


def _longer(body: bytes) -> bytes:
    """The signature with a hashed area that is said to be longer than the packet."""
    return pgp.packet(pgp.SIGNATURE, body[:4] + b"\xff\xff" + body[6:])


CASES["signature's area longer than its packet"] = Case(
    certificate=SOUND.encode(),
    sign=lambda message: _longer(PRIMARY.sign(pgp.BINARY, message, at=AT)),
    failing=("seal.form",),
)
CASES["signature of version 3"] = Case(
    certificate=make(RSA).encode(), sign=lambda message: RSA.version_3(message), failing=("seal.form",)
)
elsewhere = ((pgp.FINGERPRINT, b"\x04" + OTHER.fingerprint),)
case("hint of another who signed", SOUND, PRIMARY, "openpgp.policy", hints=False, hashed=elsewhere)
