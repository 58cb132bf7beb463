# SPDX-License-Identifier: Apache-2.0
"""COSE_Sign1 (RFC 9052) and the hash envelope (RFC 9995): decode, encode, sign, verify.

Signatures are verified over the received bytes. Which key may use which algorithm is one table.
Spec: "COSE seals".
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, Protocol, Self

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from bundlefmt import cbor, labels
from bundlefmt.cbor import Value
from bundlefmt.errors import BundleError, Code, EncodeError
from bundlefmt.frozen import frozen
from bundlefmt.small_order import is_small_order
from bundlefmt.wire import Buffer

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | mldsa.MLDSA65PublicKey
PrivateKey = (
    rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | mldsa.MLDSA65PrivateKey
)
_TAGS: Final = frozenset({labels.TAG_COSE_SIGN1})
MIN_RSA_BITS: Final = 2048
MAX_RSA_BITS: Final = 8192  # larger moduli only cost time

# algorithm -> (curve, hash, bytes of r and of s)
_ECDSA: Final[dict[int, tuple[type[ec.EllipticCurve], hashes.HashAlgorithm, int]]] = {
    labels.ALG_ESP256: (ec.SECP256R1, hashes.SHA256(), 32),
    labels.ALG_ESP384: (ec.SECP384R1, hashes.SHA384(), 48),
    labels.ALG_ESP512: (ec.SECP521R1, hashes.SHA512(), 66),
}
# the deprecated ids mean these, provided that the key is on this very curve
_FULLY_SPECIFIED: Final = {
    labels.ALG_ES256: labels.ALG_ESP256,
    labels.ALG_ES384: labels.ALG_ESP384,
    labels.ALG_ES512: labels.ALG_ESP512,
    labels.ALG_EDDSA: labels.ALG_ED25519,
}
UNDERSTOOD: Final = frozenset(
    {
        labels.HDR_ALG,
        labels.HDR_CRIT,
        labels.HDR_CONTENT_TYPE,
        labels.HDR_KID,
        labels.HDR_CWT_CLAIMS,
        labels.HDR_TYP,
        labels.HDR_X5T,
        labels.HDR_PAYLOAD_HASH_ALG,
        labels.HDR_PREIMAGE_CONTENT_TYPE,
    }
)


class SignatureError(BundleError):
    """A COSE signature that does not count; the message says why."""


class UnknownAlgorithmError(SignatureError):
    """An algorithm that this version does not know: the signature can be neither verified nor refused."""


class Signer(Protocol):
    """Who can sign: a file key here, a device in the producing tools."""

    @property
    def alg(self) -> int:
        """A fully specified COSE algorithm id."""

    def sign(self, message: bytes) -> bytes:
        """The COSE signature value over `message`."""


@frozen
class CoseSign1:
    """A tagged COSE_Sign1. Bytes as received; a `payload` of None is detached."""

    protected_raw: bytes
    unprotected: Mapping[Value, Value]
    payload: bytes | None
    signature: bytes

    @property
    def protected(self) -> dict[Value, Value]:
        """The protected header; an empty byte string is the empty map."""
        return dict(_header(self.protected_raw))

    @classmethod
    def decode(cls, data: Buffer) -> Self:
        """Raises MalformedError; offsets count from the start of `data`."""
        root = cbor.scan(data, tags=_TAGS)
        path = "COSE_Sign1"
        root.expect(cbor.TAG, path)
        protected, unprotected, payload, signature = root.children[0].array(path, range(4, 5))
        protected.expect(cbor.BYTES, f"{path} protected")
        if protected.number:
            header = protected.embedded().expect(cbor.MAP, f"{path} protected")
            if not header.children:
                protected.fail(Code.BAD_VALUE, "an empty header is the empty byte string", path)
            labels_protected = {key.raw() for key, _ in header.pairs(path)}
        else:
            labels_protected = set()
        for key, _ in unprotected.pairs(f"{path} unprotected"):
            if key.raw() in labels_protected:
                key.fail(Code.DUPLICATE_KEY, "label in both headers", path)
        plain = unprotected.value()
        detached = payload.kind == cbor.SIMPLE and payload.number == 22
        return cls(
            protected_raw=protected.octets(),
            unprotected=plain if isinstance(plain, Mapping) else {},
            payload=None if detached else payload.octets(f"{path} payload"),
            signature=signature.octets(f"{path} signature"),
        )

    def encode(self) -> bytes:
        body = [self.protected_raw, self.unprotected, self.payload, self.signature]
        return cbor.encode(cbor2.CBORTag(labels.TAG_COSE_SIGN1, body), tags=_TAGS)

    def sig_structure(self, *, payload: bytes | None = None, external_aad: bytes = b"") -> bytes:
        """The bytes that are signed (RFC 9052 4.4); `payload` is given if and only if it is detached."""
        if self.payload is not None and payload is not None:
            raise SignatureError("the payload is attached and was given as well")
        content = self.payload if payload is None else payload
        if content is None:
            raise SignatureError("the payload is detached and was not given")
        return sig_structure(self.protected_raw, content, external_aad)

    def signature_field(self) -> bytes:
        """The signature as it stands in the message, its CBOR head included: what RFC 9921 3.1 stamps."""
        return cbor.encode(self.signature)

    def algorithm(self) -> int:
        """What the protected header says. Raises SignatureError."""
        alg = self.protected.get(labels.HDR_ALG)
        if not isinstance(alg, int) or isinstance(alg, bool):
            raise SignatureError("no algorithm in the protected header")
        return alg

    def verify(
        self,
        key: object,
        *,
        payload: bytes | None = None,
        external_aad: bytes = b"",
        understood: frozenset[int] = UNDERSTOOD,
    ) -> None:
        """Raises SignatureError unless `key` signed these bytes and everything critical is understood."""
        protected = self.protected
        check_critical(protected, self.unprotected, understood)
        alg = self.algorithm()
        message = self.sig_structure(payload=payload, external_aad=external_aad)
        verify_signature(alg, key, self.signature, message)


@lru_cache(maxsize=64)  # each check on a seal asks for its header
def _header(raw: bytes) -> Mapping[Value, Value]:
    value = cbor.scan(raw).value() if raw else None
    return value if isinstance(value, Mapping) else {}


def sig_structure(protected_raw: bytes, payload: bytes, external_aad: bytes = b"") -> bytes:
    """Sig_structure for COSE_Sign1 (RFC 9052 4.4)."""
    return cbor.encode(["Signature1", protected_raw, external_aad, payload])


def check_critical(
    protected: Mapping[Value, Value], unprotected: Mapping[Value, Value], understood: frozenset[int]
) -> None:
    """RFC 9052 3.1: crit is protected, not empty, names present protected labels, all understood."""
    if labels.HDR_CRIT in unprotected:
        raise SignatureError("crit stands in the unprotected header")
    if labels.HDR_CRIT not in protected:
        return
    critical = protected[labels.HDR_CRIT]
    if not isinstance(critical, list) or not critical:
        raise SignatureError("crit is not a list of at least one label")
    for label in critical:
        if isinstance(label, bool) or not isinstance(label, int | str):
            raise SignatureError("crit holds something that is no label")
        if label not in protected:
            raise SignatureError(f"critical header parameter {label!r} is absent")
        if label not in understood:
            raise SignatureError(f"critical header parameter {label!r} is not understood")


def verify_signature(alg: int, key: object, signature: bytes, message: bytes) -> None:
    """Raises SignatureError unless `signature` is by `key` under COSE algorithm `alg`.

    UnknownAlgorithmError where `alg` is not in the registry of the specification.
    """
    if alg not in labels.ALG_NAMES:
        raise UnknownAlgorithmError(f"COSE algorithm {alg} is not known here")
    name = labels.ALG_NAMES[alg]
    specified = _FULLY_SPECIFIED.get(alg, alg)
    if is_small_order(key):
        raise SignatureError("a key of small order: one signature of it fits any message")
    try:
        if specified in _ECDSA and isinstance(key, ec.EllipticCurvePublicKey):
            curve, digest, size = _ECDSA[specified]
            if not isinstance(key.curve, curve):
                raise SignatureError(f"{name} does not fit a key on {key.curve.name}")
            if len(signature) != 2 * size:
                raise SignatureError(f"{name} signatures have {2 * size} bytes, this one {len(signature)}")
            r, s = int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
            key.verify(encode_dss_signature(r, s), message, ec.ECDSA(digest))
        elif specified == labels.ALG_ED25519 and isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, message)
        elif specified == labels.ALG_ML_DSA_65 and isinstance(key, mldsa.MLDSA65PublicKey):
            key.verify(signature, message)
        elif specified in (labels.ALG_PS256, labels.ALG_RS256) and isinstance(key, rsa.RSAPublicKey):
            if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
                raise SignatureError(f"RSA keys of {key.key_size} bits are not accepted")
            key.verify(signature, message, _rsa_padding(specified), hashes.SHA256())
        else:
            raise SignatureError(f"algorithm {name} does not fit the key ({type(key).__name__})")
    except InvalidSignature:
        raise SignatureError(f"the {name} signature does not verify") from None


def message_hash(alg: object) -> str | None:
    """The hash of the message under an algorithm of the registry; None where the algorithm does its own."""
    specified = _FULLY_SPECIFIED.get(alg, alg) if isinstance(alg, int) else alg
    if specified in _ECDSA:
        return _ECDSA[specified][1].name
    return hashes.SHA256.name if specified in (labels.ALG_PS256, labels.ALG_RS256) else None


def _rsa_padding(alg: int) -> padding.AsymmetricPadding:
    if alg == labels.ALG_PS256:
        return padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.DIGEST_LENGTH)
    return padding.PKCS1v15()


@frozen(kw_only=False)
class KeySigner:
    """Signs with a private key held in memory; `alg` is chosen by the key (PS256 for RSA)."""

    key: PrivateKey

    @property
    def alg(self) -> int:
        if isinstance(self.key, rsa.RSAPrivateKey):
            return labels.ALG_PS256
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            return labels.ALG_ED25519
        if isinstance(self.key, mldsa.MLDSA65PrivateKey):
            return labels.ALG_ML_DSA_65
        for alg, (curve, _, _) in _ECDSA.items():
            if isinstance(self.key.curve, curve):
                return alg
        raise EncodeError(f"no COSE algorithm for curve {self.key.curve.name}")

    def sign(self, message: bytes) -> bytes:
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(message, _rsa_padding(self.alg), hashes.SHA256())
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            _, digest, _ = _ECDSA[self.alg]
            return fixed_length(self.alg, self.key.sign(message, ec.ECDSA(digest)))
        return self.key.sign(message)


def fixed_length(alg: int, der: bytes) -> bytes:
    """A DER ECDSA signature as COSE wants it: r and s, each of the curve's length (RFC 9053 2.1)."""
    size = _ECDSA[alg][2]
    r, s = decode_dss_signature(der)
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def sign1(signer: Signer, protected: Mapping[int, object], payload: bytes) -> CoseSign1:
    """A COSE_Sign1 over `payload`; `alg` is added to `protected`."""
    protected_raw = cbor.encode({**protected, labels.HDR_ALG: signer.alg})
    signature = signer.sign(sig_structure(protected_raw, payload))
    return CoseSign1(protected_raw=protected_raw, unprotected={}, payload=payload, signature=signature)


def hash_envelope(
    signer: Signer,
    preimage: bytes,
    *,
    content_type: str,
    typ: str,
    issued_at: int,
    issuer: str,
    subject: str,
    identity: Mapping[int, object],
    hash_alg: int = labels.HASH_SHA256,
) -> CoseSign1:
    """A COSE hash envelope (RFC 9995) over `preimage`; `identity` is x5t or kid."""
    protected = {
        labels.HDR_CRIT: [labels.HDR_TYP, labels.HDR_PAYLOAD_HASH_ALG],
        labels.HDR_TYP: typ,
        labels.HDR_PAYLOAD_HASH_ALG: hash_alg,
        labels.HDR_PREIMAGE_CONTENT_TYPE: content_type,
        labels.HDR_CWT_CLAIMS: {
            labels.CLAIM_ISS: issuer,
            labels.CLAIM_SUB: subject,
            labels.CLAIM_IAT: issued_at,
        },
        **identity,
    }
    digest = hashlib.new(labels.HASH_NAMES[hash_alg], preimage).digest()
    return sign1(signer, protected, digest)


def envelope_faults(message: CoseSign1, preimage: Buffer, *, content_type: str, typ: str) -> list[str]:
    """Why `message` is no hash envelope over `preimage`, signature aside; empty when it is one."""
    protected, faults = message.protected, []
    hash_alg = protected.get(labels.HDR_PAYLOAD_HASH_ALG)
    if protected.get(labels.HDR_TYP) != typ:
        faults.append("typ is not that of a seal")
    if protected.get(labels.HDR_PREIMAGE_CONTENT_TYPE) != content_type:
        faults.append("the preimage content type is not that of a manifest")
    if labels.HDR_CONTENT_TYPE in protected or labels.HDR_CONTENT_TYPE in message.unprotected:
        faults.append("content type (3) must not stand in a hash envelope")
    if labels.HDR_PAYLOAD_HASH_ALG in message.unprotected:
        faults.append("the payload hash algorithm is not protected")
    name = labels.HASH_NAMES.get(hash_alg) if isinstance(hash_alg, int) else None
    if name is None:
        faults.append(f"payload hash algorithm {hash_alg!r} is not accepted")
    elif message.payload != hashlib.new(name, preimage).digest():
        faults.append("the payload is not the digest of this manifest")
    return faults
