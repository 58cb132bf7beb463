# SPDX-License-Identifier: Apache-2.0
"""Cases about OpenPGP keys in time: made, expired, revoked."""

from __future__ import annotations

from typing import Final

from tests.vectorgen import openpgp_maker as pgp
from tests.vectorgen.openpgp_case import (
    BOTH_KEYS,
    DELEGATED,
    DESIGNATING,
    FLAGGED,
    FUTURE,
    HOUR,
    LATER,
    MARKED,
    OTHER,
    OVER_ID,
    PRIMARY,
    SIGNER,
    SOUND,
    UNKNOWN,
    Cases,
    instead,
    with_subkey,
)
from tests.vectorgen.openpgp_maker import AT, DAY, MADE, Key, Subkey, UserId, make, uint

case: Final = Cases()


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
ending = UserId(hashed=((pgp.EXPIRES, uint(AT - MADE)),))
case("self-signature expires in this second", make(PRIMARY, user_ids=(ending,)), PRIMARY, "openpgp.expiry")
case("signature expired", SOUND, PRIMARY, "openpgp.expiry", judged=LATER, hashed=((pgp.EXPIRES, uint(HOUR)),))
case("sound, the signature expires in ages", SOUND, PRIMARY, hashed=((pgp.EXPIRES, uint(40 * 365 * DAY)),))


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
over_sha1 = pgp.direct_key(PRIMARY, hash_id=pgp.SHA1, hashed=((pgp.KEY_EXPIRES, uint(DAY)),))
case("sound, a direct-key signature over SHA-1", make(PRIMARY, direct=over_sha1), PRIMARY)
lapsing_binding = with_subkey(hashed=((pgp.EXPIRES, uint(DAY)),))
case("binding expired", lapsing_binding, SIGNER, "openpgp.expiry")

bare = PRIMARY.sign(
    pgp.CERTIFICATION, OVER_ID, at=MADE, hashed=(FLAGGED,), unhashed=((pgp.KEY_EXPIRES, uint(DAY)),)
)
case("sound, an expiry outside the hashed area", instead(bare), PRIMARY)

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
case("superseded when it was certified", SOUND.revoked(pgp.SUPERSEDED, MADE), PRIMARY, "openpgp.revocation")
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
case("sound with a designated revoker", DESIGNATING, PRIMARY)
case("revoked by a designated revoker", DESIGNATING.revoked(2, AT, by=OTHER), PRIMARY, unsure=DELEGATED)
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

bare = PRIMARY.sign(pgp.KEY_REVOCATION, PRIMARY.covered, at=LATER, unhashed=((pgp.REASON, b"\x03"),))
case(
    "reason outside the hashed area", SOUND.having((pgp.SIGNATURE, bare), at=1), PRIMARY, "openpgp.revocation"
)

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
two_ids = (UserId(text=b"first", hashed=MARKED), UserId(text=b"second", at=AT - HOUR))
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
case("sound in the key's first second", SOUND, PRIMARY, at=MADE)

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
