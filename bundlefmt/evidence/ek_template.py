# SPDX-License-Identifier: Apache-2.0
"""The standard templates of endorsement keys: by them a TPM makes its EKs again, by them EKs are recognised.

TCG EK Credential Profile for TPM Family 2.0, annex B "Default EK Templates": low range L-1 and L-2, high
range H-1 to H-7. H-5 (SM2) is left out: no key of it can be used here. The policy digests are computed
from the policy commands in the tests.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bundlefmt.evidence.tpm import TpmaObject, TpmsEccPoint, TpmtPublic, Unique
from bundlefmt.evidence.tpm_algorithm import TpmAlg
from bundlefmt.evidence.tpm_parameters import TpmsEccParms, TpmsRsaParms, TpmtScheme, TpmtSymDefObject

# PolicySecret(TPM_RH_ENDORSEMENT) by SHA-256
_POLICY_A: Final = bytes.fromhex("837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa")
# PolicyOR of policy A and the policy of the EK's NV index, by the hash of the template's Names
_POLICY_B: Final = {
    TpmAlg.SHA256: bytes.fromhex("ca3d0a99a2b93906f7a3342414efcfb3a385d44cd1fd459089d19b5071c0b7a0"),
    TpmAlg.SHA384: bytes.fromhex(
        "b26e7d28d11a50bc53d882bcf5fd3a1a074148bb35d3b4e4cb1c0ad9bde419cacb47ba09699646150f9fc000f3f80e12"
    ),
    TpmAlg.SHA512: bytes.fromhex(
        "b8221ca69e8550a4914de3faa6a18c072cc01208073a928d5d66d59ef79e49a4"
        "29c41a6b269571d57edb25fbdb1838425608b413cd616a5f6db5b6071af99bea"
    ),
}
_LOW: Final = (
    TpmaObject.fixedTPM
    | TpmaObject.fixedParent
    | TpmaObject.sensitiveDataOrigin
    | TpmaObject.adminWithPolicy
    | TpmaObject.restricted
    | TpmaObject.decrypt
)
_HIGH: Final = _LOW | TpmaObject.userWithAuth


def _symmetric(bits: int) -> TpmtSymDefObject:
    return TpmtSymDefObject(algorithm=TpmAlg.AES, key_bits=bits, mode=TpmAlg.CFB)


def _template(
    kind: TpmAlg, name_alg: TpmAlg, parameters: TpmsRsaParms | TpmsEccParms, unique: Unique, *, low: bool
) -> TpmtPublic:
    return TpmtPublic(
        type=kind,
        name_alg=name_alg,
        attributes=_LOW if low else _HIGH,
        auth_policy=_POLICY_A if low else _POLICY_B[name_alg],
        parameters=parameters,
        unique=unique,
    )


def _rsa(bits: int, name_alg: TpmAlg, aes: int, *, low: bool = False) -> TpmtPublic:
    parameters = TpmsRsaParms(symmetric=_symmetric(aes), scheme=TpmtScheme(), key_bits=bits, exponent=0)
    return _template(TpmAlg.RSA, name_alg, parameters, bytes(bits // 8 if low else 0), low=low)


def _ecc(curve: int, name_alg: TpmAlg, aes: int, *, low: bool = False) -> TpmtPublic:
    parameters = TpmsEccParms(symmetric=_symmetric(aes), scheme=TpmtScheme(), curve=curve, kdf=TpmtScheme())
    coordinate = bytes(32 if low else 0)
    return _template(TpmAlg.ECC, name_alg, parameters, TpmsEccPoint(x=coordinate, y=coordinate), low=low)


EK_TEMPLATES: Final[dict[str, TpmtPublic]] = {
    "L-1": _rsa(2048, TpmAlg.SHA256, 128, low=True),
    "L-2": _ecc(0x0003, TpmAlg.SHA256, 128, low=True),
    "H-1": _rsa(2048, TpmAlg.SHA256, 128),
    "H-2": _ecc(0x0003, TpmAlg.SHA256, 128),
    "H-3": _ecc(0x0004, TpmAlg.SHA384, 256),
    "H-4": _ecc(0x0005, TpmAlg.SHA512, 256),
    "H-6": _rsa(3072, TpmAlg.SHA384, 256),
    "H-7": _rsa(4096, TpmAlg.SHA384, 256),
}
# NV index of an EK certificate -> template of its key (EK Credential Profile, "NV indices")
EK_CERTIFICATE_INDICES: Final[dict[int, str]] = {
    0x01C00002: "L-1",
    0x01C0000A: "L-2",
    0x01C00012: "H-1",
    0x01C00014: "H-2",
    0x01C00016: "H-3",
    0x01C00018: "H-4",
    0x01C0001C: "H-6",
    0x01C0001E: "H-7",
}
# template -> NV indices of the EK's nonce and template, where a maker chose other ones (the same section);
# in the high range the template follows the certificate, and there is no nonce
EK_PROVISIONED_INDICES: Final[dict[str, tuple[int | None, int]]] = {
    "L-1": (0x01C00003, 0x01C00004),
    "L-2": (0x01C0000B, 0x01C0000C),
    **{name: (None, index + 1) for index, name in EK_CERTIFICATE_INDICES.items() if name.startswith("H-")},
}


def provisioned(name: str, *, nonce: bytes, template: bytes) -> TpmtPublic:
    """The template of EK `name` as its maker put it into NV: TPMT_PUBLIC, and the nonce that fills `unique`.

    Either may be empty: then the standard template holds, or its `unique` of zeros. The nonce is padded with
    zeros (EK Credential Profile, "EK Nonce"). Raises MalformedError; ValueError for a nonce that is too long.
    """
    found = EK_TEMPLATES[name] if not template else replace(TpmtPublic.decode(template), raw=b"")
    if not nonce:
        return found
    size = found.parameters.key_bits // 8 if isinstance(found.parameters, TpmsRsaParms) else 32
    if len(nonce) > size:
        raise ValueError(f"{len(nonce)} bytes, {size} at most")
    padded = nonce.ljust(size, b"\0")
    unique = padded if found.type == TpmAlg.RSA else TpmsEccPoint(x=padded, y=bytes(size))
    return replace(found, raw=b"", unique=unique)


def recognised(public: TpmtPublic) -> str | None:
    """The name of the standard template that `public` was made by; None when it is another."""
    for name, template in EK_TEMPLATES.items():
        if public.same_template(replace(template, raw=b"")):
            return name
    return None
