# SPDX-License-Identifier: Apache-2.0
"""What holds an OpenPGP certificate together: self-signatures, bindings, back-signatures, key flags.

Spec: "OpenPGP certificates".
"""

from __future__ import annotations

from typing import Final

from tests.vectorgen.judged_openpgp_seal import of_case
from tests.vectorgen.vector import Judged, Vectors

vector: Final = Vectors()


@vector("openpgp.binding", "stripped")
def openpgp_stripped() -> Judged:
    """All user ids and self-signatures were taken out."""
    return of_case("bare primary key")


@vector("openpgp.binding", "stripped")
def openpgp_no_self_signature() -> Judged:
    """The user id is there, and nobody signed it."""
    return of_case("no self-signature")


@vector("openpgp.binding", "rewrapped")
def openpgp_user_id_replaced() -> Judged:
    """Another user id stands in front of the self-signature."""
    return of_case("user id replaced")


@vector("openpgp.binding", "rewrapped")
def openpgp_by_another_in_its_name() -> Judged:
    """Another key certified the user id, and its hints name the holder's key."""
    return of_case("certified by another in the holder's name")


@vector("openpgp.binding")
def openpgp_no_user_id() -> Judged:
    """There is no user id; a direct-key signature says what the key is for."""
    return of_case("sound without a user id")


@vector("openpgp.binding")
def openpgp_user_id_withdrawn() -> Judged:
    """The only user id was withdrawn, which does not take the key with it."""
    return of_case("sound, its user id withdrawn")


@vector("openpgp.expiry", "time")
def openpgp_later_user_id_speaks() -> Judged:
    """Of two user ids the one certified later stands for the key; by the other it had expired."""
    return of_case("sound, the later of two user ids speaks")


@vector("openpgp.expiry", "time", "limit")
def openpgp_user_id_withdrawn_at_once() -> Judged:
    """The primary user id, by which the key had expired, was withdrawn in the second of its certification."""
    return of_case("sound, an expiring user id withdrawn at once")


@vector("openpgp.binding", "rewrapped")
def openpgp_foreign_subkey() -> Judged:
    """The subkey that signed was grafted on from another certificate, with the binding made there."""
    return of_case("foreign subkey grafted")


@vector("openpgp.binding", "stripped")
def openpgp_subkey_unbound() -> Judged:
    """The subkey that signed stands there without a binding."""
    return of_case("subkey without binding")


@vector("openpgp.binding")
def openpgp_subkey_bound_by_itself() -> Judged:
    """The subkey that signed made the binding itself."""
    return of_case("subkey bound by itself")


@vector("openpgp.binding")
def openpgp_subkey_twice() -> Judged:
    """The subkey that signed stands there twice, and its binding behind the second."""
    return of_case("sound, bound behind the second of two same subkeys")


@vector("openpgp.binding")
def openpgp_same_numbers() -> Judged:
    """The subkey that signs has the numbers of the primary key, which is to certify only."""
    return of_case("sound, a subkey of the primary key's numbers")


@vector("openpgp.subkey")
def openpgp_signing_subkey() -> Judged:
    """A subkey signs, and agrees by its back-signature."""
    return of_case("sound subkey")


@vector("openpgp.subkey")
def openpgp_back_signature_hashed() -> Judged:
    """The back-signature stands in the hashed area."""
    return of_case("sound, back-signature inside the hashed area")


@vector("openpgp.subkey", "stripped")
def openpgp_no_back_signature() -> Judged:
    """The subkey that signs never agreed to belong to this certificate."""
    return of_case("no back-signature")


@vector("openpgp.subkey", "rewrapped")
def openpgp_back_signature_by_another() -> Judged:
    """Another key made the back-signature."""
    return of_case("back-signature by another")


@vector("openpgp.subkey", "rewrapped")
def openpgp_back_signature_elsewhere() -> Judged:
    """The subkey agreed to belong to another certificate."""
    return of_case("back-signature for another certificate")


@vector("openpgp.subkey", "weak")
def openpgp_back_signature_sha1() -> Judged:
    """The back-signature is over a SHA-1 digest."""
    return of_case("SHA-1 back-signature")


@vector("openpgp.subkey", "time")
def openpgp_back_signature_expired() -> Judged:
    """The back-signature had expired."""
    return of_case("back-signature expired")


@vector("openpgp.subkey", "critical")
def openpgp_back_signature_critical() -> Judged:
    """The back-signature has a critical subpacket of a private type."""
    return of_case("critical in the back-signature")


@vector("openpgp.flags")
def openpgp_certify_only() -> Judged:
    """The key that signs is to certify only."""
    return of_case("certify-only primary")


@vector("openpgp.flags")
def openpgp_encryption_subkey() -> Judged:
    """The subkey that signs is to encrypt."""
    return of_case("encryption subkey")


@vector("openpgp.flags")
def openpgp_authentication_subkey() -> Judged:
    """The subkey that signs is to authenticate."""
    return of_case("authentication subkey")


@vector("openpgp.flags")
def openpgp_flags_none() -> Judged:
    """Nothing says what the key is for."""
    return of_case("no key flags")


@vector("openpgp.flags")
def openpgp_flags_unhashed() -> Judged:
    """The key flags stand outside the hashed area."""
    return of_case("key flags outside the hashed area")


@vector("openpgp.flags")
def openpgp_primary_user_id_speaks() -> Judged:
    """The user id that is marked as primary says that the key is to certify only; another lets it sign."""
    return of_case("the primary user id speaks")


@vector("openpgp.subkey")
def openpgp_back_signature_by_primary() -> Judged:
    """The primary key made the back-signature that is the subkey's to make."""
    return of_case("back-signature by the primary key")


@vector("openpgp.subkey")
def openpgp_back_signature_of_binding_type() -> Judged:
    """What the subkey signed is a binding, and no back-signature."""
    return of_case("back-signature of a binding's type")


@vector("openpgp.subkey", "time")
def openpgp_back_signature_before_subkey() -> Judged:
    """The back-signature says that it was made before the subkey was."""
    return of_case("back-signature before the subkey was made")


@vector("openpgp.subkey")
def openpgp_back_signature_forged_beside_good() -> Judged:
    """A forged back-signature stands before a good one."""
    return of_case("sound, a forged back-signature beside a good one")


@vector("openpgp.binding")
def openpgp_subkey_bound_by_direct_key_signature() -> Judged:
    """A direct-key signature over both keys stands where the binding is due."""
    return of_case("subkey bound by a direct-key signature")


@vector("openpgp.binding")
def openpgp_only_a_picture() -> Judged:
    """The only thing that the holder certified is a picture."""
    return of_case("only a picture is certified")


@vector("openpgp.flags")
def openpgp_primary_as_its_own_subkey() -> Judged:
    """The primary key, which is to certify only, is bound as a signing subkey of itself."""
    return of_case("primary key as its own subkey")


@vector("openpgp.flags")
def openpgp_flags_direct_key_signature_narrower() -> Judged:
    """The user id lets the key sign, the direct-key signature lets it certify only."""
    return of_case("direct-key signature lets it certify only")


@vector("openpgp.flags")
def openpgp_flags_user_id_narrower() -> Judged:
    """The direct-key signature lets the key sign, the user id lets it certify only."""
    return of_case("user id lets it certify only")


@vector("openpgp.flags")
def openpgp_flags_empty() -> Judged:
    """The key flags have no octet."""
    return of_case("key flags without an octet")


@vector("openpgp.flags")
def openpgp_flags_second_octet() -> Judged:
    """The bit that lets a key sign stands in the second octet, where it says something else."""
    return of_case("key flags in the second octet")


@vector("openpgp.flags")
def openpgp_flags_two_octets() -> Judged:
    """The key flags have two octets, the first of which lets the key sign."""
    return of_case("sound key flags of two octets")
