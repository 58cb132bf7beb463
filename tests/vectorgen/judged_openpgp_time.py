# SPDX-License-Identifier: Apache-2.0
"""OpenPGP keys in time: made, expired, revoked, before and after they sealed.

Spec: "OpenPGP certificates".
"""

from __future__ import annotations

from typing import Final

from tests.vectorgen.judged_openpgp_seal import of_case
from tests.vectorgen.vector import Judged, Vectors

vector: Final = Vectors()


@vector("openpgp.time", "time")
def openpgp_before_key() -> Judged:
    """The seal says that it was made before its key was."""
    return of_case("before its key")


@vector("openpgp.time", "time")
def openpgp_before_subkey() -> Judged:
    """The seal says that it was made before the subkey that signs was."""
    return of_case("before its subkey")


@vector("openpgp.time", "time")
def openpgp_first_second() -> Judged:
    """The seal was made in the second in which its key was."""
    return of_case("sound in the key's first second")


@vector("openpgp.binding", "time")
def openpgp_self_signature_from_later() -> Judged:
    """The only self-signature was made after the seal."""
    return of_case("self-signature from later")


@vector("openpgp.binding", "time")
def openpgp_self_signature_before_key() -> Judged:
    """The only self-signature says that it was made before its key was."""
    return of_case("self-signature older than the key")


@vector("openpgp.binding", "time")
def openpgp_self_signature_time_unhashed() -> Judged:
    """The time of the only self-signature stands outside the hashed area."""
    return of_case("self-signature's time outside the hashed area")


@vector("openpgp.binding", "time")
def openpgp_binding_from_later() -> Judged:
    """The subkey that signs was bound after the seal was made."""
    return of_case("binding from later")


@vector("openpgp.expiry", "time")
def openpgp_key_expired() -> Judged:
    """The key had expired when it signed."""
    return of_case("key expired")


@vector("openpgp.expiry", "time")
def openpgp_key_expires_now() -> Judged:
    """The key expires in the second in which it signs."""
    return of_case("key expires in this second")


@vector("openpgp.expiry", "time")
def openpgp_last_second() -> Judged:
    """The key signs in its last second."""
    return of_case("sound in the key's last second")


@vector("openpgp.expiry", "time")
def openpgp_expired_later() -> Judged:
    """The key expired after it had signed."""
    return of_case("sound, the key expired later")


@vector("openpgp.expiry", "time")
def openpgp_subkey_expired() -> Judged:
    """The subkey that signs had expired."""
    return of_case("subkey expired")


@vector("openpgp.expiry", "time")
def openpgp_primary_expired() -> Judged:
    """The primary key had expired when its subkey signed."""
    return of_case("primary expired under its subkey")


@vector("openpgp.expiry", "time")
def openpgp_expiry_put_off() -> Judged:
    """A later self-signature puts the expiry off."""
    return of_case("sound after the expiry was put off")


@vector("openpgp.expiry", "time")
def openpgp_expiry_put_off_too_late() -> Judged:
    """A self-signature made after the seal puts the expiry off."""
    return of_case("expiry was put off too late")


@vector("openpgp.expiry", "time")
def openpgp_expiry_brought_forward() -> Judged:
    """A later self-signature brings the expiry forward."""
    return of_case("expiry was brought forward")


@vector("openpgp.expiry", "time")
def openpgp_expiry_by_direct_key_signature() -> Judged:
    """The user id says nothing of an expiry, and the direct-key signature lets the key expire."""
    return of_case("direct-key signature lets the key expire")


@vector("openpgp.expiry", "time")
def openpgp_expiry_user_id_shorter() -> Judged:
    """The user id lets the key expire, and the direct-key signature lets it live."""
    return of_case("user id says shorter than the direct-key signature")


@vector("openpgp.expiry", "time")
def openpgp_expiry_user_id_longer() -> Judged:
    """The user id lets the key live, and the direct-key signature lets it expire."""
    return of_case("user id says longer than the direct-key signature")


@vector("openpgp.expiry", "time")
def openpgp_expiry_unhashed() -> Judged:
    """An expiry stands outside the hashed area, where anyone can put it."""
    return of_case("sound, an expiry outside the hashed area")


@vector("openpgp.expiry", "time")
def openpgp_self_signature_expired() -> Judged:
    """The self-signature itself had expired."""
    return of_case("self-signature expired")


@vector("openpgp.expiry", "time", "limit")
def openpgp_self_signature_expires_when_it_signs() -> Judged:
    """The self-signature itself expires in the second in which the seal was made."""
    return of_case("self-signature expires in this second")


@vector("openpgp.expiry", "time")
def openpgp_binding_expired() -> Judged:
    """The binding of the subkey that signs had expired."""
    return of_case("binding expired")


@vector("openpgp.expiry", "time")
def openpgp_signature_expired() -> Judged:
    """The seal's signature was to hold for an hour, and is judged ten days later."""
    return of_case("signature expired")


@vector("openpgp.revocation", "revoked")
def openpgp_revocation_no_reason() -> Judged:
    """The key was revoked after it had signed, and no reason is given."""
    return of_case("revoked without reason")


@vector("openpgp.revocation", "revoked")
def openpgp_revocation_private_reason() -> Judged:
    """The key was revoked after it had signed, for a reason of a private kind."""
    return of_case("revoked for a private reason")


@vector("openpgp.revocation", "revoked")
def openpgp_revocation_compromised_later() -> Judged:
    """The key was revoked as compromised after it had signed."""
    return of_case("compromised later")


@vector("openpgp.revocation", "revoked")
def openpgp_revocation_compromised_before() -> Judged:
    """The key was revoked as compromised before it signed."""
    return of_case("compromised before")


@vector("openpgp.revocation", "revoked", "weak")
def openpgp_revocation_compromised_over_sha1() -> Judged:
    """The revocation is over a SHA-1 digest, and counts all the same."""
    return of_case("compromise over SHA-1")


@vector("openpgp.revocation", "revoked")
def openpgp_revocation_compromised_and_certified_again() -> Judged:
    """The key was revoked as compromised, and its holder certified it again."""
    return of_case("compromised and certified again")


@vector("openpgp.revocation", "revoked")
def openpgp_revocation_retired_before() -> Judged:
    """The key was retired before it signed."""
    return of_case("retired before")


@vector("openpgp.revocation", "revoked")
def openpgp_revocation_superseded_now() -> Judged:
    """The key was superseded in the second in which it signed."""
    return of_case("superseded in the same second")


@vector("openpgp.revocation", "revoked")
def openpgp_revocation_retired_later() -> Judged:
    """The key was retired after it had signed, which takes nothing back."""
    return of_case("sound, retired later")


@vector("openpgp.revocation", "revoked")
def openpgp_revocation_superseded_later() -> Judged:
    """The key was superseded after it had signed, which takes nothing back."""
    return of_case("sound, superseded later")


@vector("openpgp.revocation", "revoked", "limit")
def openpgp_revocation_when_it_was_certified() -> Judged:
    """The key was superseded in the second in which its holder last certified it: the revocation counts."""
    return of_case("superseded when it was certified")


@vector("openpgp.revocation", "revoked")
def openpgp_revocation_retired_and_taken_up() -> Judged:
    """The key was retired, and its holder certified it again before it signed."""
    return of_case("sound, retired and taken up again")


@vector("openpgp.revocation", "revoked")
def openpgp_revocation_reason_unhashed() -> Judged:
    """The reason, that the key was retired later, stands outside the hashed area, where anyone can put it."""
    return of_case("reason outside the hashed area")


@vector("openpgp.revocation", "revoked")
def openpgp_revocation_misplaced() -> Judged:
    """The revocation of the key stands behind its user id."""
    return of_case("revocation behind the user id")


@vector("openpgp.revocation", "revoked")
def openpgp_revocation_embedded() -> Judged:
    """A revocation is embedded in the self-signature, where none has a meaning."""
    return of_case("sound, a revocation embedded elsewhere")


@vector("openpgp.revocation", "revoked")
def openpgp_revocation_by_stranger() -> Judged:
    """Somebody else revoked the key, whom the holder never named."""
    return of_case("sound, a revocation by a stranger")


@vector("openpgp.revocation", "revoked", "rewrapped")
def openpgp_revocation_by_stranger_in_its_name() -> Judged:
    """Somebody else revoked the key, with hints that name the holder's."""
    return of_case("sound, a stranger revokes in the holder's name")


@vector("openpgp.revocation", "revoked")
def openpgp_revocation_by_designated_revoker() -> Judged:
    """A key that the holder named revoked the key; it is not here."""
    return of_case("revoked by a designated revoker")


@vector("openpgp.revocation", "revoked")
def openpgp_revocation_cut_short() -> Judged:
    """A revocation cannot be read."""
    return of_case("revocation cut short")


@vector("openpgp.revocation", "revoked", "time")
def openpgp_revocation_expired() -> Judged:
    """The revocation itself has expired, and counts all the same."""
    return of_case("revocation that expired")


@vector("openpgp.revocation", "revoked")
def openpgp_revocation_subkey_compromised_later() -> Judged:
    """The subkey was revoked as compromised after it had signed."""
    return of_case("subkey compromised later")


@vector("openpgp.revocation", "revoked")
def openpgp_revocation_subkey_retired_before() -> Judged:
    """The subkey was retired before it signed."""
    return of_case("subkey retired before")


@vector("openpgp.revocation", "revoked")
def openpgp_revocation_subkey_retired_later() -> Judged:
    """The subkey was retired after it had signed, which takes nothing back."""
    return of_case("sound, subkey retired later")


@vector("openpgp.revocation", "revoked")
def openpgp_revocation_subkey_twice() -> Judged:
    """The subkey stands there twice, and the revocation behind the second."""
    return of_case("revoked behind the second of two same subkeys")


@vector("openpgp.revocation", "revoked")
def openpgp_revocation_primary_under_subkey() -> Judged:
    """The primary key of the subkey that signed was revoked as compromised."""
    return of_case("primary compromised under its subkey")


@vector("openpgp.revocation", "revoked")
def openpgp_revocation_subkey_misplaced() -> Judged:
    """The revocation of the subkey that signed stands behind the primary key."""
    return of_case("subkey's revocation behind the primary key")


@vector("openpgp.revocation", "revoked")
def openpgp_revocation_retired_without_time() -> Judged:
    """The key was retired, and the revocation does not say when."""
    return of_case("retirement without a time")


@vector("openpgp.revocation", "revoked", "critical")
def openpgp_revocation_retired_critical() -> Judged:
    """The key was retired before it signed, by a revocation with a critical subpacket of a private type."""
    return of_case("retirement with something critical")


@vector("openpgp.revocation", "revoked")
def openpgp_revocation_other_user_id_certified_again() -> Judged:
    """The key was retired; its holder certified a user id again, and not the one that stands for the key."""
    return of_case("retired, and another user id certified again")


@vector("openpgp.revocation", "revoked")
def openpgp_revocation_subkey_and_user_id_certified_again() -> Judged:
    """The subkey was retired; the holder certified the user id again, and did not bind the subkey again."""
    return of_case("subkey retired, and the user id certified again")


@vector("openpgp.revocation", "revoked")
def openpgp_revocation_subkey_by_itself() -> Judged:
    """The subkey revoked itself, which is the primary key's to do."""
    return of_case("sound, a subkey revokes itself")
