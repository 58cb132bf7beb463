# SPDX-License-Identifier: Apache-2.0
"""Credential blobs: what TPM2_MakeCredential computes, computed again from its randomness.

TPM 2.0 Library, Part 1, 24 "Credential Protection"; Part 2, 12.4 "Identity Object".
Spec: "Credential activation".

Whoever made a blob knows the credential in it, so a TPM's answer convinces only them. The record of a
challenge can be consistent or not, in two halves: the blob with Name and credential, for which the seed is
needed, and the encrypted secret with the EK, for which the ephemeral value is needed too. The seed alone says
nothing about the key it was encrypted to.
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

from bundlefmt import cbor
from bundlefmt.errors import Code
from bundlefmt.evidence.secret_sharing import (
    MAX_ENCRYPTED_SECRET,
    MAX_EPHEMERAL,
    CannotRecomputeError,
    ChallengeMismatchError,
    encrypt_seed,
    entropy_size,
    seed_size,
    share_seed,
)
from bundlefmt.evidence.tpm import MAX_DIGEST, TpmtPublic, read_tpm2b, tpm2b
from bundlefmt.evidence.tpm_algorithm import TpmAlg
from bundlefmt.evidence.tpm_kdf import kdfa, mac
from bundlefmt.evidence.tpm_parameters import TpmsEccParms, TpmsRsaParms
from bundlefmt.frozen import frozen
from bundlefmt.wire import Buffer, Reader, read_all

__all__ = [
    "CannotRecomputeError",
    "ChallengeMismatchError",
    "CredentialActivation",
    "TpmsIdObject",
    "entropy_size",
    "make_credential",
    "protect",
]

_SIZE: Final = 2  # octets of the size in front of the credential, encrypted with it
_AES_BITS: Final = (128, 192, 256)
_REQUIRED: Final = ("blob", "encrypted-secret", "credential")
_OPTIONAL: Final = ("seed", "ephemeral")
_MAX_SIZES: Final = {
    "encrypted-secret": MAX_ENCRYPTED_SECRET,
    "credential": MAX_DIGEST,
    "seed": MAX_DIGEST,
    "ephemeral": MAX_EPHEMERAL,
}


@frozen
class TpmsIdObject:
    """TPMS_ID_OBJECT (Part 2, 12.4.2); the size of the encrypted identity is inside it, encrypted."""

    integrity_hmac: bytes
    enc_identity: bytes

    @classmethod
    def decode(cls, data: Buffer, *, base: int = 0) -> TpmsIdObject:
        """The content of a TPM2B_ID_OBJECT. Raises MalformedError."""
        return read_all(data, cls._read, path="TPMS_ID_OBJECT", base=base)

    @classmethod
    def _read(cls, reader: Reader) -> TpmsIdObject:
        integrity_hmac = read_tpm2b(reader, MAX_DIGEST)
        if not _SIZE <= reader.remaining <= _SIZE + MAX_DIGEST:
            raise reader.error(Code.WRONG_LENGTH, f"an encrypted identity of {reader.remaining} bytes")
        return cls(integrity_hmac=integrity_hmac, enc_identity=reader.read(reader.remaining))

    def encode(self) -> bytes:
        return tpm2b(self.integrity_hmac) + self.enc_identity


def _cfb(key: bytes, data: bytes) -> bytes:
    """`data` encrypted in CFB mode from a zero IV."""
    state = Cipher(algorithms.AES(key), CFB(bytes(16))).encryptor()
    return state.update(data) + state.finalize()


def _aes_key_size(ek: TpmtPublic) -> int:
    """Bytes of the key of the EK's cipher. Raises CannotRecomputeError unless that is AES in CFB mode."""
    if not isinstance(ek.parameters, TpmsRsaParms | TpmsEccParms):
        raise CannotRecomputeError(f"{ek.describe()}: not a key that credentials are made for")
    symmetric = ek.parameters.symmetric
    bits = symmetric.key_bits
    if bits not in _AES_BITS or (symmetric.algorithm, symmetric.mode) != (TpmAlg.AES, TpmAlg.CFB):
        raise CannotRecomputeError(f"{symmetric.describe()} is not computed here")
    return bits // 8


def protect(ek: TpmtPublic, name: bytes, credential: bytes, seed: bytes) -> TpmsIdObject:
    """The credential blob for the object called `name`, which the holder of `ek` opens by `seed`.

    Raises ChallengeMismatchError unless the seed is as long as a digest of the EK's nameAlg, the credential
    not longer; CannotRecomputeError.
    """
    key_size, size = _aes_key_size(ek), seed_size(ek)
    if len(seed) != size:
        raise ChallengeMismatchError(f"a seed of {len(seed)} bytes, {size} wanted")
    # TPM2_MakeCredential refuses others
    if not 0 < len(credential) <= size:
        raise ChallengeMismatchError(f"a credential of {len(credential)} bytes, 1 to {size} wanted")
    enc_identity = _cfb(kdfa(ek.name_alg, seed, b"STORAGE", key_size, context_u=name), tpm2b(credential))
    return TpmsIdObject(integrity_hmac=_integrity(ek, name, enc_identity, seed), enc_identity=enc_identity)


def _integrity(ek: TpmtPublic, name: bytes, enc_identity: bytes, seed: bytes) -> bytes:
    """The outer HMAC, over the encrypted identity and the Name."""
    key = kdfa(ek.name_alg, seed, b"INTEGRITY", len(seed))
    return mac(ek.name_alg, key, enc_identity + name)


@frozen
class CredentialActivation:
    """The item `credential-activation`: a challenge to a TPM and the credential that it answered with.

    `blob` is the content of the TPM2B_ID_OBJECT, `encrypted_secret` that of the TPM2B_ENCRYPTED_SECRET.
    `seed` and `ephemeral` are the challenger's alone until the record is made; without them it is a claim.
    """

    blob: TpmsIdObject
    encrypted_secret: bytes
    credential: bytes
    seed: bytes | None = None
    ephemeral: bytes | None = None

    @classmethod
    def decode(cls, data: Buffer) -> CredentialActivation:
        """Raises MalformedError."""
        path = "credential-activation"
        node = cbor.scan(data)
        members = {}
        for key, value in node.pairs(path):
            name = key.text(path)
            if name not in _REQUIRED and name not in _OPTIONAL:
                key.fail(Code.UNKNOWN_MEMBER, f"{name[:80]!r}", path)
            octets = value.octets(path)
            if name in _MAX_SIZES and not 0 < len(octets) <= _MAX_SIZES[name]:
                value.fail(Code.WRONG_LENGTH, f"{name} of {len(octets)} bytes", path)
            members[name] = value
        for name in (*_REQUIRED, *(("seed",) if "ephemeral" in members else ())):
            if name not in members:
                node.fail(Code.MISSING_MEMBER, f"{name!r} is missing", path)
        return cls(
            blob=TpmsIdObject.decode(members["blob"].octets(path), base=members["blob"].body),
            encrypted_secret=members["encrypted-secret"].octets(path),
            credential=members["credential"].octets(path),
            seed=members["seed"].octets(path) if "seed" in members else None,
            ephemeral=members["ephemeral"].octets(path) if "ephemeral" in members else None,
        )

    def encode(self) -> bytes:
        members = {
            "blob": self.blob.encode(),
            "encrypted-secret": self.encrypted_secret,
            "credential": self.credential,
            "seed": self.seed,
            "ephemeral": self.ephemeral,
        }
        return cbor.encode({name: value for name, value in members.items() if value is not None})

    def describe(self) -> str:
        """`a credential of 32 bytes, with seed and ephemeral value`."""
        values = {"seed": self.seed, "ephemeral value": self.ephemeral}
        kept = " and ".join(name for name, value in values.items() if value is not None)
        return f"a credential of {len(self.credential)} bytes, {f'with {kept}' if kept else 'without seed'}"

    def check_blob(self, ek: TpmtPublic, name: bytes) -> None:
        """Raises ChallengeMismatchError unless the blob carries the credential for `name` by the seed.

        Of `ek` only nameAlg and cipher matter here. Raises CannotRecomputeError, also without a seed.
        """
        if self.seed is None:
            raise CannotRecomputeError("the record has no seed")
        made = protect(ek, name, self.credential, self.seed)
        if self.blob.enc_identity != made.enc_identity:
            raise ChallengeMismatchError("the blob does not carry this credential for this Name")
        if self.blob.integrity_hmac != made.integrity_hmac:
            raise ChallengeMismatchError("the blob's integrity value is not that of this Name and seed")

    def check_encrypted_secret(self, ek: TpmtPublic) -> None:
        """Raises ChallengeMismatchError unless the encrypted secret carries the seed to the key of `ek`.

        Raises CannotRecomputeError, also without a seed or an ephemeral value.
        """
        if self.seed is None or self.ephemeral is None:
            raise CannotRecomputeError("the record has no seed or no ephemeral value")
        if self.encrypted_secret != encrypt_seed(ek, self.seed, self.ephemeral):
            raise ChallengeMismatchError("the encrypted secret does not carry this seed to this key")


def make_credential(
    ek: TpmtPublic, name: bytes, credential: bytes, *, entropy: bytes
) -> CredentialActivation:
    """A challenge to the TPM that has both `ek` and the object called `name` (Part 3, TPM2_MakeCredential).

    `entropy` is `entropy_size(ek)` uniformly random bytes, never used again. Only `blob` and
    `encrypted_secret` go to the TPM; the rest stays with the challenger until it has answered.
    Raises CannotRecomputeError; ValueError for entropy of another size and for a credential that `protect`
    refuses.
    """
    shared = share_seed(ek, entropy)
    return CredentialActivation(
        blob=protect(ek, name, credential, shared.seed),
        encrypted_secret=shared.encrypted,
        credential=credential,
        seed=shared.seed,
        ephemeral=shared.ephemeral,
    )
