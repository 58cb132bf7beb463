# SPDX-License-Identifier: Apache-2.0
"""How a seed is shared with the holder of an EK: OAEP for RSA, one ephemeral ECDH for ECC.

TPM 2.0 Library, Part 1, annex B.10 (RSA) and annex C.6 (ECC); Part 2, 11.4.3 TPM2B_ENCRYPTED_SECRET. All
randomness is an argument, so that an encrypted secret can be computed again and compared.
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from bundlefmt.evidence.tpm import TpmsEccPoint, TpmtPublic, UnsupportedKeyError
from bundlefmt.evidence.tpm_algorithm import UnsupportedAlgorithmError, digest, hash_size
from bundlefmt.evidence.tpm_kdf import kdfe
from bundlefmt.frozen import frozen

IDENTITY: Final = b"IDENTITY"  # Part 1, 24: the label of seeds for credentials
MAX_ENCRYPTED_SECRET: Final = 512  # TPM2B_ENCRYPTED_SECRET: RSA-4096, the largest that libtss2 reads
MAX_EPHEMERAL: Final = 66  # the scalar of P-521; an OAEP seed has 64 bytes at most
_EXTRA: Final = 8  # octets of entropy beyond the field, so that reducing leaves no bias (FIPS 186-5 A.2.1)


class CannotRecomputeError(ValueError):
    """Something needed is absent, or an algorithm or key is not computed here; the message says what."""


class ChallengeMismatchError(ValueError):
    """The record of a challenge contradicts itself, the EK or the Name; the message says how."""


@frozen
class SharedSeed:
    """A seed, the content of the TPM2B_ENCRYPTED_SECRET that carries it, and the randomness that did it.

    `ephemeral` is OAEP's seed (as long as the digest) or the private scalar (as long as the curve's field).
    """

    seed: bytes
    encrypted: bytes
    ephemeral: bytes


def _key(ek: TpmtPublic) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey:
    try:
        return ek.public_key()
    except UnsupportedKeyError as error:
        raise CannotRecomputeError(str(error)) from None


def seed_size(ek: TpmtPublic) -> int:
    """Bytes of a seed: a digest of the EK's nameAlg. Raises CannotRecomputeError."""
    try:
        return hash_size(ek.name_alg)
    except UnsupportedAlgorithmError as error:
        raise CannotRecomputeError(str(error)) from None


def entropy_size(ek: TpmtPublic) -> int:
    """How many random bytes `share_seed` wants for this EK. Raises CannotRecomputeError."""
    key = _key(ek)
    if isinstance(key, rsa.RSAPublicKey):
        return 2 * seed_size(ek)
    return _field_size(key.curve) + _EXTRA


def share_seed(ek: TpmtPublic, entropy: bytes) -> SharedSeed:
    """A seed for `ek` from `entropy_size(ek)` uniformly random bytes.

    Raises CannotRecomputeError; ValueError when `entropy` has another size.
    """
    if len(entropy) != entropy_size(ek):
        raise ValueError(f"{entropy_size(ek)} bytes of entropy wanted, {len(entropy)} given")
    key = _key(ek)
    if isinstance(key, rsa.RSAPublicKey):
        seed, ephemeral = entropy[: len(entropy) // 2], entropy[len(entropy) // 2 :]
        return SharedSeed(seed=seed, encrypted=encrypt_seed(ek, seed, ephemeral), ephemeral=ephemeral)
    scalar = int.from_bytes(entropy, "big") % (key.curve.group_order - 1) + 1
    ephemeral = scalar.to_bytes(_field_size(key.curve), "big")
    point, seed = _agree(ek, key, ephemeral)
    return SharedSeed(seed=seed, encrypted=point, ephemeral=ephemeral)


def encrypt_seed(ek: TpmtPublic, seed: bytes, ephemeral: bytes) -> bytes:
    """The content of the TPM2B_ENCRYPTED_SECRET that carries `seed` to `ek`, computed again.

    Raises ChallengeMismatchError where `ephemeral` cannot have led to `seed`; CannotRecomputeError.
    """
    key = _key(ek)
    size = seed_size(ek)
    if len(seed) != size:
        raise ChallengeMismatchError(f"a seed of {len(seed)} bytes, {size} wanted")
    if isinstance(key, rsa.RSAPublicKey):
        if len(ephemeral) != size:
            raise ChallengeMismatchError(f"an OAEP seed of {len(ephemeral)} bytes, {size} wanted")
        return _oaep(ek.name_alg, key, seed, ephemeral)
    point, agreed = _agree(ek, key, ephemeral)
    if agreed != seed:
        raise ChallengeMismatchError("the ephemeral key agrees on another seed")
    return point


def _oaep(alg: int, key: rsa.RSAPublicKey, seed: bytes, ephemeral: bytes) -> bytes:
    """RSAES-OAEP (RFC 8017, 7.1.1) with the label IDENTITY and its zero; every hash is the EK's nameAlg."""
    size, width = len(ephemeral), key.key_size // 8
    label_hash = digest(alg, IDENTITY + b"\0")
    padding = width - len(seed) - 2 * size - 2
    if padding < 0:
        raise CannotRecomputeError(f"RSA of {key.key_size} bits has no room for the seed")
    block = label_hash + bytes(padding) + b"\x01" + seed
    masked = _xor(block, _mgf1(alg, ephemeral, len(block)))
    message = b"\0" + _xor(ephemeral, _mgf1(alg, masked, size)) + masked
    numbers = key.public_numbers()
    return pow(int.from_bytes(message, "big"), numbers.e, numbers.n).to_bytes(width, "big")


def _mgf1(alg: int, seed: bytes, size: int) -> bytes:
    """RFC 8017, B.2.1."""
    mask, counter = b"", 0
    while len(mask) < size:
        mask += digest(alg, seed + counter.to_bytes(4, "big"))
        counter += 1
    return mask[:size]


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def _field_size(curve: ec.EllipticCurve) -> int:
    return (curve.key_size + 7) // 8


def _agree(ek: TpmtPublic, key: ec.EllipticCurvePublicKey, ephemeral: bytes) -> tuple[bytes, bytes]:
    """(TPMS_ECC_POINT of the ephemeral key, the seed agreed on); coordinates fill the field (annex C.8)."""
    size = _field_size(key.curve)
    scalar = int.from_bytes(ephemeral, "big")
    if len(ephemeral) != size or not 0 < scalar < key.curve.group_order:
        raise ChallengeMismatchError("the ephemeral private key is not one of the EK's curve")
    private = ec.derive_private_key(scalar, key.curve)
    ours, theirs = private.public_key().public_numbers(), key.public_numbers()
    x, y = ours.x.to_bytes(size, "big"), ours.y.to_bytes(size, "big")
    seed = kdfe(
        ek.name_alg,
        private.exchange(ec.ECDH(), key),
        IDENTITY,
        seed_size(ek),
        party_u=x,
        party_v=theirs.x.to_bytes(size, "big"),
    )
    return TpmsEccPoint(x=x, y=y).encode(), seed
