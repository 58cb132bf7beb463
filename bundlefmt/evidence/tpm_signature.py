# SPDX-License-Identifier: Apache-2.0
"""Signatures in TPM wire form, and whether a public area's key made one.

TPM 2.0 Library, Part 2, 11.3 "Signatures"; schemes by Part 1, annexes B and C.
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from bundlefmt.evidence.tpm import (
    MAX_ECC,
    MAX_RSA,
    Opaque,
    TpmAlg,
    TpmtPublic,
    UnsupportedAlgorithmError,
    UnsupportedKeyError,
    alg_name,
    read_tpm2b,
    tpm2b,
)
from bundlefmt.evidence.tpm_algorithm import hash_algorithm
from bundlefmt.frozen import frozen
from bundlefmt.wire import Buffer, Reader, read_all

_RSA: Final = frozenset({TpmAlg.RSASSA, TpmAlg.RSAPSS})
_ECC: Final = frozenset({TpmAlg.ECDSA, TpmAlg.ECDAA, TpmAlg.SM2, TpmAlg.ECSCHNORR})
SIGNING_SCHEMES: Final = _RSA | _ECC


class SignatureMismatchError(ValueError):
    """The key did not make this signature; the message says why."""


class CannotVerifyError(ValueError):
    """The signature's algorithm or the key is not computed here; the message names it."""


@frozen
class RsaSignature:
    """TPMS_SIGNATURE_RSA (Part 2, 11.3.1)."""

    hash: int
    sig: bytes

    def encode(self) -> bytes:
        return self.hash.to_bytes(2, "big") + tpm2b(self.sig)


@frozen
class EccSignature:
    """TPMS_SIGNATURE_ECC (Part 2, 11.3.2); the two numbers may be shorter than the curve's field."""

    hash: int
    r: bytes
    s: bytes

    def encode(self) -> bytes:
        return self.hash.to_bytes(2, "big") + tpm2b(self.r) + tpm2b(self.s)


@frozen
class TpmtSignature:
    """TPMT_SIGNATURE (Part 2, 11.3.4); of a scheme that is not read here, the rest is Opaque."""

    alg: int
    signature: RsaSignature | EccSignature | Opaque

    @classmethod
    def decode(cls, data: Buffer) -> TpmtSignature:
        """Raises MalformedError."""
        return read_all(data, cls._read, path="TPMT_SIGNATURE")

    @classmethod
    def _read(cls, reader: Reader) -> TpmtSignature:
        alg = reader.uint(2)
        signature: RsaSignature | EccSignature | Opaque
        if alg in _RSA:
            signature = RsaSignature(hash=reader.uint(2), sig=read_tpm2b(reader, MAX_RSA))
        elif alg in _ECC:
            signature = EccSignature(
                hash=reader.uint(2), r=read_tpm2b(reader, MAX_ECC), s=read_tpm2b(reader, MAX_ECC)
            )
        else:
            signature = Opaque(body=reader.read(reader.remaining))
        return cls(alg=alg, signature=signature)

    def encode(self) -> bytes:
        return self.alg.to_bytes(2, "big") + self.signature.encode()

    @property
    def hash(self) -> int | None:
        """TPM_ALG_ID of the hash; None where it is not read here."""
        return None if isinstance(self.signature, Opaque) else self.signature.hash

    def describe(self) -> str:
        """`ecdsa-sha256`."""
        return alg_name(self.alg) if self.hash is None else f"{alg_name(self.alg)}-{alg_name(self.hash)}"

    def verify(self, public: TpmtPublic, message: bytes) -> None:
        """Raises SignatureMismatchError unless the key of `public` signed `message` by the scheme it fixes.

        Raises CannotVerifyError where that cannot be computed here.
        """
        if public.scheme != TpmAlg.NULL and (public.scheme, public.scheme_hash) != (self.alg, self.hash):
            raise SignatureMismatchError(f"the key signs with {_scheme(public)}, not {self.describe()}")
        try:
            self._verify(public.public_key(), message)
        except InvalidSignature:
            raise SignatureMismatchError(f"the {self.describe()} signature does not verify") from None
        except (UnsupportedKeyError, UnsupportedAlgorithmError, UnsupportedAlgorithm) as error:
            raise CannotVerifyError(str(error)) from None

    def _verify(self, key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey, message: bytes) -> None:
        signature = self.signature
        if isinstance(signature, RsaSignature) and isinstance(key, rsa.RSAPublicKey):
            digest = hash_algorithm(signature.hash)
            # a TPM salts with as much as fits, or with the digest's length
            pss = padding.PSS(mgf=padding.MGF1(digest), salt_length=padding.PSS.AUTO)
            scheme = pss if self.alg == TpmAlg.RSAPSS else padding.PKCS1v15()
            key.verify(signature.sig, message, scheme, digest)
        elif (
            isinstance(signature, EccSignature)
            and self.alg == TpmAlg.ECDSA
            and isinstance(key, ec.EllipticCurvePublicKey)
        ):
            r, s = int.from_bytes(signature.r, "big"), int.from_bytes(signature.s, "big")
            key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hash_algorithm(signature.hash)))
        elif isinstance(signature, Opaque) or self.alg not in (_RSA | {TpmAlg.ECDSA}):
            raise CannotVerifyError(f"{self.describe()} signatures are not computed here")
        else:
            raise SignatureMismatchError(f"a {self.describe()} signature cannot be by this kind of key")


def _scheme(public: TpmtPublic) -> str:
    name = alg_name(public.scheme)
    return name if public.scheme_hash is None else f"{name}-{alg_name(public.scheme_hash)}"
