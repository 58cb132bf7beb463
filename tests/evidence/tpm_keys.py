# SPDX-License-Identifier: Apache-2.0
"""Public areas of keys made in software: test keys, for what no TPM at hand makes."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from bundlefmt.evidence.tpm import TpmaObject, TpmsEccPoint, TpmtPublic
from bundlefmt.evidence.tpm_algorithm import CURVES, TpmAlg
from bundlefmt.evidence.tpm_parameters import TpmsEccParms, TpmsRsaParms, TpmtScheme, TpmtSymDefObject

AK: Final = (
    TpmaObject.fixedTPM
    | TpmaObject.fixedParent
    | TpmaObject.sensitiveDataOrigin
    | TpmaObject.userWithAuth
    | TpmaObject.restricted
    | TpmaObject.sign_encrypt
)
COMPUTED_CURVES: Final = tuple(number for number, (_, curve) in CURVES.items() if curve is not None)


@cache
def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    """One test key a size, for the whole run."""
    return rsa.generate_private_key(65537, bits)


@cache
def ecc_key(number: int) -> ec.EllipticCurvePrivateKey:
    """The test key with private scalar 4711 on this TPM_ECC_CURVE."""
    curve = CURVES[number][1]
    assert curve is not None
    return ec.derive_private_key(4711, curve)


def rsa_public(
    key: rsa.RSAPrivateKey,
    scheme: TpmAlg = TpmAlg.RSASSA,
    hash_alg: TpmAlg | None = TpmAlg.SHA256,
    name_alg: int = TpmAlg.SHA256,
) -> TpmtPublic:
    """The public area of `key` as a restricted signing key."""
    size = key.key_size
    return TpmtPublic(
        type=TpmAlg.RSA,
        name_alg=name_alg,
        attributes=AK,
        auth_policy=b"",
        parameters=TpmsRsaParms(
            symmetric=TpmtSymDefObject(),
            scheme=TpmtScheme(scheme=scheme, hash=hash_alg),
            key_bits=size,
            exponent=0,
        ),
        unique=key.public_key().public_numbers().n.to_bytes(size // 8, "big"),
    )


def ecc_public(
    number: int, scheme: TpmAlg = TpmAlg.ECDSA, hash_alg: TpmAlg | None = TpmAlg.SHA256
) -> TpmtPublic:
    """The public area of `ecc_key(number)` as a restricted signing key."""
    key = ecc_key(number)
    point, size = key.public_key().public_numbers(), (key.curve.key_size + 7) // 8
    return TpmtPublic(
        type=TpmAlg.ECC,
        name_alg=TpmAlg.SHA256,
        attributes=AK,
        auth_policy=b"",
        parameters=TpmsEccParms(
            symmetric=TpmtSymDefObject(),
            scheme=TpmtScheme(scheme=scheme, hash=hash_alg),
            curve=number,
            kdf=TpmtScheme(),
        ),
        unique=TpmsEccPoint(x=point.x.to_bytes(size, "big"), y=point.y.to_bytes(size, "big")),
    )


def public_of(key: object) -> TpmtPublic:
    """The public area of any RSA or P-256 public key, without a scheme: to check signatures of others."""
    if isinstance(key, rsa.RSAPublicKey):
        size, numbers = key.key_size, key.public_numbers()
        whole = rsa_public(rsa_key(), TpmAlg.NULL, None)
        assert isinstance(whole.parameters, TpmsRsaParms)
        parameters = replace(whole.parameters, key_bits=size, exponent=numbers.e)
        return replace(whole, parameters=parameters, unique=numbers.n.to_bytes(size // 8, "big"))
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert isinstance(key.curve, ec.SECP256R1)
    point = key.public_numbers()
    unique = TpmsEccPoint(x=point.x.to_bytes(32, "big"), y=point.y.to_bytes(32, "big"))
    return replace(ecc_public(0x0003, TpmAlg.NULL, None), unique=unique)


def endorsement(template: TpmtPublic, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> TpmtPublic:
    """`key` as an EK of this template."""
    if isinstance(key, rsa.RSAPrivateKey):
        unique = key.public_key().public_numbers().n.to_bytes(key.key_size // 8, "big")
        return replace(template, raw=b"", unique=unique)
    point, size = key.public_key().public_numbers(), (key.curve.key_size + 7) // 8
    return replace(
        template,
        raw=b"",
        unique=TpmsEccPoint(x=point.x.to_bytes(size, "big"), y=point.y.to_bytes(size, "big")),
    )
