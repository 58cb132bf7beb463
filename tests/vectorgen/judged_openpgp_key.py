# SPDX-License-Identifier: Apache-2.0
"""OpenPGP keys of every kind, and what holds them: self-signatures, bindings, back-signatures, flags.

Spec: "OpenPGP certificates".
"""

from __future__ import annotations

from typing import Final

from tests.vectorgen.judged_openpgp_seal import of_case
from tests.vectorgen.vector import Judged, Vectors

vector: Final = Vectors()


@vector("openpgp.binding")
def openpgp_rsa_3072() -> Judged:
    """An RSA key of 3072 bits signs."""
    return of_case("sound rsa3072")


@vector("openpgp.binding")
def openpgp_ecdsa_p256() -> Judged:
    """A key on P-256 signs."""
    return of_case("sound p256")


@vector("openpgp.binding")
def openpgp_ecdsa_p384() -> Judged:
    """A key on P-384 signs."""
    return of_case("sound p384")


@vector("openpgp.binding")
def openpgp_ecdsa_p521() -> Judged:
    """A key on P-521 signs."""
    return of_case("sound p521")


@vector("openpgp.policy", "optional")
def openpgp_brainpool() -> Judged:
    """A key on brainpoolP256r1 signs, which every check accepts and the published builds of Sequoia lack."""
    return of_case("Brainpool bp256")


@vector("openpgp.binding", "optional")
def openpgp_secp256k1() -> Judged:
    """A key on secp256k1 signs, which is not computed with."""
    return of_case("secp256k1")


@vector("openpgp.binding")
def openpgp_version_6_ed25519() -> Judged:
    """A version 6 key signs, by Ed25519, whose direct-key signature says what it is for."""
    return of_case("sound version 6 ed25519")


@vector("openpgp.binding")
def openpgp_version_6_ed448() -> Judged:
    """A version 6 key signs, by Ed448."""
    return of_case("sound version 6 ed448")


@vector("openpgp.binding")
def openpgp_version_6_subkey() -> Judged:
    """A subkey of a version 6 key signs."""
    return of_case("sound version 6 subkey")


@vector("openpgp.binding", "limit", "optional")
def openpgp_rsa_65535() -> Judged:
    """An RSA key of 65 535 bits: nobody computes with it, so nothing that it says is decided."""
    return of_case("RSA 65535")


@vector("openpgp.algorithms", "weak")
def openpgp_rsa_1024() -> Judged:
    """The key that signs is an RSA key of 1024 bits."""
    return of_case("RSA 1024")


@vector("openpgp.algorithms", "weak")
def openpgp_rsa_roca() -> Judged:
    """The primes of the RSA key that signs have the form of CVE-2017-15361."""
    return of_case("RSA in the form of CVE-2017-15361")


@vector("openpgp.algorithms", "weak", "optional")
def openpgp_dsa() -> Judged:
    """The key that signs is a DSA key of 2048 bits."""
    return of_case("DSA")


@vector("openpgp.algorithms", "weak")
def openpgp_weak_primary() -> Judged:
    """An RSA key of 1024 bits holds the subkey that signs."""
    return of_case("weak primary")


@vector("openpgp.algorithms", "weak")
def openpgp_weak_subkey() -> Judged:
    """The subkey that signs is an RSA key of 1024 bits."""
    return of_case("weak subkey")


@vector("openpgp.algorithms", "weak")
def openpgp_sha1_signature() -> Judged:
    """The seal's signature is over a SHA-1 digest."""
    return of_case("SHA-1")


@vector("openpgp.algorithms", "weak")
def openpgp_md5_signature() -> Judged:
    """The seal's signature is over an MD5 digest."""
    return of_case("MD5")


@vector("openpgp.algorithms", "weak")
def openpgp_sha1_self_signature() -> Judged:
    """The only self-signature is over a SHA-1 digest."""
    return of_case("SHA-1 user id")


@vector("openpgp.algorithms", "weak")
def openpgp_sha1_binding() -> Judged:
    """The primary key binds the subkey that signs by a signature over a SHA-1 digest."""
    return of_case("SHA-1 binding")


@vector("openpgp.algorithms", "weak")
def openpgp_sha1_newer_binding() -> Judged:
    """The newest binding of the subkey that signs is over a SHA-1 digest; an older one is not."""
    return of_case("a newer binding over SHA-1")


@vector("openpgp.algorithms", "weak")
def openpgp_sha1_older_binding() -> Judged:
    """An older binding of the subkey that signs is over a SHA-1 digest."""
    return of_case("sound, an older binding over SHA-1")


@vector("openpgp.algorithms", "weak")
def openpgp_eddsa_over_sha224() -> Judged:
    """The seal's EdDSA signature is over a digest of 224 bits."""
    return of_case("EdDSA over SHA-224")


@vector("openpgp.algorithms", "weak")
def openpgp_sha1_on_one_of_two_user_ids() -> Judged:
    """One user id is certified over a SHA-1 digest, the other over SHA-256."""
    return of_case("sound two user ids, one over SHA-1")


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
