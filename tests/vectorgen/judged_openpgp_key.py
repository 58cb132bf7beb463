# SPDX-License-Identifier: Apache-2.0
"""OpenPGP keys of every kind, and keys and digests that are too weak.

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


@vector("openpgp.binding", "limit")
def openpgp_version_6_ed25519_over_sha256() -> Judged:
    """A version 6 key signs, by Ed25519 over a digest of 256 bits, the fewest that it may."""
    return of_case("sound version 6 ed25519 SHA-256")


@vector("openpgp.algorithms", "weak")
def openpgp_version_6_ed448_over_sha384() -> Judged:
    """A version 6 key signs, by Ed448 over a digest of 384 bits."""
    return of_case("version 6 ed448 over SHA-384")


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
def openpgp_sha1_signature_by_rsa() -> Judged:
    """The seal's signature is over a SHA-1 digest, by an RSA key: no size of the key asks for more."""
    return of_case("SHA-1 by RSA")


@vector("openpgp.algorithms", "weak")
def openpgp_sha1_self_signature_by_ecdsa() -> Judged:
    """The only self-signature is over a SHA-1 digest, by a key on P-256."""
    return of_case("SHA-1 user id by P-256")


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
