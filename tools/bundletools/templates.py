# SPDX-License-Identifier: Apache-2.0
"""The templates of the keys that a ceremony makes in a TPM: attestation key, storage parent, signing key.

TPM 2.0 Library, Part 2, 12.2.4; the storage parent as in TCG TPM v2.0 Provisioning Guidance.
"""

from __future__ import annotations

from typing import Final

from bundlefmt.evidence.tpm import TpmaObject, TpmsEccPoint, TpmtPublic, Unique
from bundlefmt.evidence.tpm_algorithm import TpmAlg
from bundlefmt.evidence.tpm_parameters import TpmsEccParms, TpmsRsaParms, TpmtScheme, TpmtSymDefObject

NIST_P256: Final = 0x0003
_BORN_HERE: Final = (
    TpmaObject.fixedTPM | TpmaObject.fixedParent | TpmaObject.sensitiveDataOrigin | TpmaObject.userWithAuth
)
_SIGNING: Final = _BORN_HERE | TpmaObject.sign_encrypt
AK_KINDS: Final = ("ecc256", "rsa2048")


def _public(
    kind: TpmAlg, attributes: TpmaObject, parameters: TpmsEccParms | TpmsRsaParms, unique: Unique
) -> TpmtPublic:
    return TpmtPublic(
        type=kind,
        name_alg=TpmAlg.SHA256,
        attributes=attributes,
        auth_policy=b"",
        parameters=parameters,
        unique=unique,
    )


def _ecc(
    attributes: TpmaObject, scheme: TpmtScheme, symmetric: TpmtSymDefObject, unique: bytes
) -> TpmtPublic:
    parameters = TpmsEccParms(symmetric=symmetric, scheme=scheme, curve=NIST_P256, kdf=TpmtScheme())
    return _public(TpmAlg.ECC, attributes, parameters, TpmsEccPoint(x=unique, y=b""))


def attestation_key(kind: str, unique: bytes) -> TpmtPublic:
    """A restricted signing key, ECDSA P-256 or RSASSA 2048; `unique`, up to 32 bytes, tells it apart."""
    attributes = _SIGNING | TpmaObject.restricted
    if kind == "rsa2048":
        scheme = TpmtScheme(scheme=TpmAlg.RSASSA, hash=TpmAlg.SHA256)
        parameters = TpmsRsaParms(symmetric=TpmtSymDefObject(), scheme=scheme, key_bits=2048, exponent=0)
        return _public(TpmAlg.RSA, attributes, parameters, unique)
    scheme = TpmtScheme(scheme=TpmAlg.ECDSA, hash=TpmAlg.SHA256)
    return _ecc(attributes, scheme, TpmtSymDefObject(), unique)


def storage_parent() -> TpmtPublic:
    """A storage key under which other keys are made."""
    aes = TpmtSymDefObject(algorithm=TpmAlg.AES, key_bits=128, mode=TpmAlg.CFB)
    attributes = _BORN_HERE | TpmaObject.noDA | TpmaObject.restricted | TpmaObject.decrypt
    return _ecc(attributes, TpmtScheme(), aes, b"")


def signing_key() -> TpmtPublic:
    """An unrestricted signing key, ECDSA P-256."""
    return _ecc(_SIGNING, TpmtScheme(scheme=TpmAlg.ECDSA, hash=TpmAlg.SHA256), TpmtSymDefObject(), b"")
