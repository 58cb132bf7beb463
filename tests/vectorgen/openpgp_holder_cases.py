# SPDX-License-Identifier: Apache-2.0
"""Cases about what holds an OpenPGP certificate together: user ids, bindings, back-signatures, flags."""

from __future__ import annotations

from typing import Final

from tests.vectorgen import openpgp_maker as pgp
from tests.vectorgen.openpgp_case import (
    BOTH_KEYS,
    DESIGNATING,
    FLAGGED,
    LATER,
    MARKED,
    NAMED,
    OTHER,
    OVER_ID,
    PRIMARY,
    SIGNER,
    SOUND,
    Cases,
    corrupted,
    instead,
    with_subkey,
)
from tests.vectorgen.openpgp_maker import AT, DAY, MADE, Key, Made, Subkey, UserId, make, uint

case: Final = Cases()


# user ids
TWO: Final = (UserId(hash_id=pgp.SHA1, text=b"old"), UserId(text=b"new"))
case("sound two user ids, one over SHA-1", make(PRIMARY, user_ids=TWO), PRIMARY)
ids = (UserId(text=b"certifies", flags=pgp.CERTIFY, hashed=MARKED), UserId(text=b"signs", at=MADE + DAY))
case("the primary user id speaks", make(PRIMARY, user_ids=ids), PRIMARY, "openpgp.flags")
ids = (UserId(text=b"a", lifetime=DAY), UserId(text=b"b", at=MADE + DAY))
case("sound, the later of two user ids speaks", make(PRIMARY, user_ids=ids), PRIMARY)
said = pgp.direct_key(PRIMARY, hashed=((pgp.FLAGS, b"\x03"),))
case(
    "sound, the later of two self-signatures in one second",
    make(PRIMARY, user_ids=(UserId(lifetime=DAY),)).having((pgp.SIGNATURE, UserId().certification(PRIMARY))),
    PRIMARY,
)
foreign = OTHER.sign(pgp.USER_ID_REVOCATION, PRIMARY.covered + pgp.user_id_covered(UserId().text), at=AT)
case("sound, another takes a certification back", DESIGNATING.having((pgp.SIGNATURE, foreign)), PRIMARY)
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
at_once = PRIMARY.sign(pgp.USER_ID_REVOCATION, PRIMARY.covered + pgp.user_id_covered(UserId().text), at=MADE)
expiring = UserId(lifetime=DAY, hashed=MARKED)
case(
    "sound, an expiring user id withdrawn at once",
    make(PRIMARY, user_ids=(UserId(text=b"new"), expiring)).having((pgp.SIGNATURE, at_once)),
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

# what one key tries in another's name
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
back = SIGNER.sign(pgp.BACK, PRIMARY.covered + SIGNER.covered, at=MADE)
inside = Subkey(key=SIGNER, back=None, hashed=((pgp.EMBEDDED, back),))
case("sound, back-signature inside the hashed area", make(PRIMARY, subkeys=(inside,)), SIGNER)

# what the key is for
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
case("authentication subkey", with_subkey(flags=0x20), SIGNER, "openpgp.flags")
