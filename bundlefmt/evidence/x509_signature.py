# SPDX-License-Identifier: Apache-2.0
"""Keys and signatures of certificates: which are known, which are weak, whether a signature verifies.

RFC 3279, RFC 4055, RFC 5480, RFC 5758, RFC 8410, RFC 9881. Signatures are checked over bytes as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from bundlefmt.errors import MalformedError
from bundlefmt.evidence import der
from bundlefmt.evidence.certificate import CertificateError
from bundlefmt.frozen import frozen
from bundlefmt.small_order import is_small_order

MIN_RSA_BITS: Final = 2048
MAX_RSA_BITS: Final = 16384  # bounds the work of one verification
MIN_CURVE_BITS: Final = 256

# the key is an RSA key under each of these names (RFC 4055 1.2); STMicroelectronics uses the second for EKs
_RSA_KEYS: Final = frozenset({"1.2.840.113549.1.1.1", "1.2.840.113549.1.1.7", "1.2.840.113549.1.1.10"})
_SHA1: Final = hashes.SHA1()  # noqa: S303 - old certificates are read; whether it counts is policy
_RSA: Final[dict[str, hashes.HashAlgorithm]] = {
    "1.2.840.113549.1.1.5": _SHA1,
    "1.2.840.113549.1.1.14": hashes.SHA224(),
    "1.2.840.113549.1.1.11": hashes.SHA256(),
    "1.2.840.113549.1.1.12": hashes.SHA384(),
    "1.2.840.113549.1.1.13": hashes.SHA512(),
}
_RSA_PSS: Final = "1.2.840.113549.1.1.10"
_MGF1: Final = "1.2.840.113549.1.1.8"
_HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "2.16.840.1.101.3.4.2.1": hashes.SHA256(),
    "2.16.840.1.101.3.4.2.2": hashes.SHA384(),
    "2.16.840.1.101.3.4.2.3": hashes.SHA512(),
}
_ECDSA: Final[dict[str, hashes.HashAlgorithm]] = {
    "1.2.840.10045.4.1": _SHA1,
    "1.2.840.10045.4.3.1": hashes.SHA224(),
    "1.2.840.10045.4.3.2": hashes.SHA256(),
    "1.2.840.10045.4.3.3": hashes.SHA384(),
    "1.2.840.10045.4.3.4": hashes.SHA512(),
}
_PLAIN: Final[dict[str, type]] = {
    "1.3.101.112": ed25519.Ed25519PublicKey,
    "1.3.101.113": ed448.Ed448PublicKey,
    "2.16.840.1.101.3.4.3.17": mldsa.MLDSA44PublicKey,
    "2.16.840.1.101.3.4.3.18": mldsa.MLDSA65PublicKey,
    "2.16.840.1.101.3.4.3.19": mldsa.MLDSA87PublicKey,
}
_PLAIN_NAMES: Final = {
    "1.3.101.112": "Ed25519",
    "1.3.101.113": "Ed448",
    "2.16.840.1.101.3.4.3.17": "ML-DSA-44",
    "2.16.840.1.101.3.4.3.18": "ML-DSA-65",
    "2.16.840.1.101.3.4.3.19": "ML-DSA-87",
}
_PATH: Final = "algorithm"
_KEY: Final = "public key"


@frozen
class SignatureAlgorithm:
    """An algorithm that is known here; `verify(key, signature, message)` raises InvalidSignature.

    `digest` is the hash of the message, None where the algorithm does its own.
    """

    name: str
    digest: str | None
    verify: Callable[[PublicKeyTypes, bytes, bytes], None]

    @property
    def sha1(self) -> bool:
        return self.digest == _SHA1.name


@lru_cache(maxsize=64)  # of what is in use there are a dozen
def signature_algorithm(identifier: bytes) -> SignatureAlgorithm:
    """Raises CertificateError for an algorithm that is not known, MalformedError for bytes that are none.

    Parameters of RSA and ECDSA are absent or NULL: the standards want one of the two, Intel's authorities
    write the other, and neither means anything.
    """
    fields = der.Fields(der.decode_element(identifier, path=_PATH), _PATH)
    oid = der.object_identifier(fields.next(), _PATH)
    if oid == _RSA_PSS:
        parameters = fields.take(der.SEQUENCE)
        fields.finish()
        return _pss(parameters)
    null = fields.optional(der.NULL)
    fields.finish()
    if oid in _RSA:
        return _rsa(_RSA[oid], padding.PKCS1v15(), "RSA")
    if oid in _ECDSA:
        return _ecdsa(_ECDSA[oid])
    if oid in _PLAIN and null is None:
        return _plain(oid)
    raise CertificateError(f"signature algorithm {oid} is not known here")


def _rsa(digest: hashes.HashAlgorithm, pad: padding.AsymmetricPadding, name: str) -> SignatureAlgorithm:
    def verify(key: PublicKeyTypes, signature: bytes, message: bytes) -> None:
        if not isinstance(key, rsa.RSAPublicKey):
            raise InvalidSignature
        key.verify(signature, message, pad, digest)

    return SignatureAlgorithm(name=f"{name} with {digest.name}", digest=digest.name, verify=verify)


def _ecdsa(digest: hashes.HashAlgorithm) -> SignatureAlgorithm:
    scheme = ec.ECDSA(digest)

    def verify(key: PublicKeyTypes, signature: bytes, message: bytes) -> None:
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise InvalidSignature
        key.verify(signature, message, scheme)

    return SignatureAlgorithm(name=f"ECDSA with {digest.name}", digest=digest.name, verify=verify)


def _plain(oid: str) -> SignatureAlgorithm:
    def verify(key: PublicKeyTypes, signature: bytes, message: bytes) -> None:
        if not isinstance(key, _PLAIN[oid]):
            raise InvalidSignature
        key.verify(signature, message)  # type: ignore[union-attr,call-arg]  # narrowed by a table, not by a name

    return SignatureAlgorithm(name=_PLAIN_NAMES[oid], digest=None, verify=verify)


def _pss(parameters: der.Element) -> SignatureAlgorithm:
    """RSASSA-PSS whose mask uses the hash of the signature, as everybody's does (RFC 4055 3.1)."""
    fields = der.Fields(parameters, _PATH)
    stated, mask, salt, trailer = (fields.optional(der.context(n, constructed=True)) for n in range(4))
    fields.finish()
    if stated is None or mask is None or salt is None:
        raise CertificateError("RSASSA-PSS with SHA-1 or with a salt that is not stated")
    digest = _digest(der.inner(stated, _PATH))
    generation = der.Fields(der.inner(mask, _PATH), _PATH)
    function = der.object_identifier(generation.next(), _PATH)
    masked = _digest(generation.next())
    generation.finish()
    size = der.integer(der.inner(salt, _PATH), _PATH)
    if function != _MGF1 or masked.name != digest.name or not 0 <= size <= digest.digest_size:
        raise CertificateError("RSASSA-PSS with parameters that are not known here")
    if trailer is not None and der.integer(der.inner(trailer, _PATH), _PATH) != 1:
        raise CertificateError("RSASSA-PSS with a trailer that is not known here")
    return _rsa(digest, padding.PSS(padding.MGF1(masked), size), "RSASSA-PSS")


def _digest(element: der.Element) -> hashes.HashAlgorithm:
    fields = der.Fields(element, _PATH)
    oid = der.object_identifier(fields.next(), _PATH)
    fields.optional(der.NULL)
    fields.finish()
    if oid not in _HASHES:
        raise CertificateError(f"hash algorithm {oid} is not known here")
    return _HASHES[oid]


@lru_cache(maxsize=64)  # an issuer's key is asked for with each signature that it may have made
def load_key(spki: bytes) -> PublicKeyTypes:
    """The key of a SubjectPublicKeyInfo. Raises CertificateError where it cannot be used.

    An RSA key is that key whatever its algorithm identifier wants it used for.
    """
    try:
        fields = der.Fields(der.decode_element(spki, path=_KEY), _KEY)
        algorithm = der.Fields(fields.take(der.SEQUENCE), _KEY)
        oid = der.object_identifier(algorithm.next(), _KEY)
        bits = fields.next()
        fields.finish()
        if oid in _RSA_KEYS:
            numbers = der.Fields(
                der.decode_element(der.bit_string(bits, _KEY), path=_KEY, base=bits.offset + 1), _KEY
            )
            modulus, exponent = (der.integer(numbers.next(), _KEY) for _ in range(2))
            numbers.finish()
            if modulus < 0 or exponent < 0:
                raise CertificateError("the key cannot be read: a negative RSA modulus or exponent")
            return rsa.RSAPublicNumbers(exponent, modulus).public_key()
        return load_der_public_key(spki)
    except (MalformedError, ValueError, UnsupportedAlgorithm) as error:
        raise CertificateError(f"the key cannot be read: {error}") from None


def key_spki(key: PublicKeyTypes) -> bytes:
    """SubjectPublicKeyInfo of a key in its ordinary form, by which keys are compared."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def weakness(key: PublicKeyTypes) -> str | None:
    """Why no signature or encryption of this key is worth anything; None where there is no reason."""
    if isinstance(key, rsa.RSAPublicKey):
        if has_roca_form(key.public_numbers().n):
            return "an RSA key whose primes have the form of CVE-2017-15361, which can be factored"
        if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
            return f"an RSA key of {key.key_size} bits"
        return "an RSA key whose modulus is even" if key.public_numbers().n % 2 == 0 else None
    if isinstance(key, ec.EllipticCurvePublicKey):
        return None if key.curve.key_size >= MIN_CURVE_BITS else f"a key on {key.curve.name}"
    if is_small_order(key):
        return "a key of small order, one signature of which fits any message"
    if isinstance(key, tuple(_PLAIN.values())):
        return None
    return f"a key of a kind that is not known here ({type(key).__name__})"


def has_roca_form(modulus: int) -> bool:
    """Whether an RSA modulus is one of Infineon's library of 2012 to 2017, which made keys in TPMs too.

    Its primes are powers of 65537 modulo many small primes, hence so is the modulus; another modulus is so by
    chance once in 2**27. M. Nemec et al., "The Return of Coppersmith's Attack", CCS 2017, section 2.
    """
    return all(modulus % prime in powers for prime, powers in _ROCA.items())


def _powers(prime: int) -> frozenset[int]:
    return frozenset(pow(65537, exponent, prime) for exponent in range(prime - 1))


# the odd primes to 167: those that even the library's shortest keys were made with
_ROCA: Final = {n: _powers(n) for n in range(3, 168, 2) if all(n % d for d in range(3, n, 2))}


def verify_signature(identifier: bytes, key: PublicKeyTypes, signature: bytes, message: bytes) -> None:
    """Raises CertificateError unless `signature` over `message` is by `key`; MalformedError as above."""
    algorithm = signature_algorithm(identifier)
    try:
        algorithm.verify(key, signature, message)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        raise CertificateError(f"the {algorithm.name} signature does not verify") from None
