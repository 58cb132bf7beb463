# SPDX-License-Identifier: Apache-2.0
"""A report as EAT Attestation Results: the claims in JSON and CBOR, and the signed tokens, JWT and CWT.

draft-ietf-rats-ear-03; RFC 9711, RFC 7519, RFC 8392. Spec: "Attestation results".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from bundlefmt import cbor, cose, labels
from bundlefmt.cose import KeySigner
from bundlefmt.errors import EncodeError
from bundlefmt.render import Json, thumbprint
from bundlefmt.render.thumbprint import base64url
from bundlefmt.verify import Report
from bundlefmt.verify.appraisal import Appraisal, appraise, overall

PROFILE: Final = "tag:ietf.org,2026:rats/ear#03"
DEVELOPER: Final = "tag:evidence-bundle,2026"
# claims by their names in JSON and their keys in CBOR (draft-ietf-rats-ear-03 3, RFC 9711, RFC 8392)
_IAT: Final = ("iat", 6)
_PROFILE: Final = ("eat_profile", 265)
_SUBMODS: Final = ("submods", 266)
_STATUS: Final = ("ear_status", 1000)
_VECTOR: Final = ("ear_trustworthiness_vector", 1001)
_POLICIES: Final = ("ear_appraisal_policy_ids", 1003)
_VERIFIER: Final = ("ear_verifier_id", 1004)
# our own claim, by a name that collides with nobody's and a key of the private range (RFC 8392 9.1.1)
_REPORT: Final = ("tag:evidence-bundle,2026:report", -labels.TAG_BUNDLE)
_JOSE: Final = {labels.ALG_ESP256: "ES256", labels.ALG_ESP384: "ES384", labels.ALG_ED25519: "EdDSA"}
_TYP_JWT: Final = "eat+jwt"  # RFC 9782, as RFC 7515 4.1.9 shortens it
_TYP_CWT: Final = "application/eat+cwt"


def claims_json(report: Report, *, issued_at: int, build: str) -> dict[str, Json]:
    """The claims-set in JSON; `issued_at` in seconds since the epoch, `build` names this verifier."""
    appraisals = appraise(report)
    return {
        _PROFILE[0]: PROFILE,
        _IAT[0]: issued_at,
        _VERIFIER[0]: {"developer": DEVELOPER, "build": build},
        _STATUS[0]: overall(appraisals).name.lower(),
        _SUBMODS[0]: {
            attester.value: {
                _STATUS[0]: each.status.name.lower(),
                _VECTOR[0]: _vector_json(each),
                **({_POLICIES[0]: list[Json](_policies(report))} if _policies(report) else {}),
            }
            for attester, each in appraisals.items()
        },
        _REPORT[0]: {
            "manifest_sha256": report.manifest_digest.hex(),
            **_told(report),
        },
    }


def claims_cbor(report: Report, *, issued_at: int, build: str) -> dict[int, object]:
    """The same for CBOR."""
    appraisals = appraise(report)
    return {
        _PROFILE[1]: PROFILE,
        _IAT[1]: issued_at,
        _VERIFIER[1]: {0: DEVELOPER, 1: build},
        _STATUS[1]: int(overall(appraisals)),
        _SUBMODS[1]: {
            attester.value: {
                _STATUS[1]: int(each.status),
                _VECTOR[1]: {int(of): value for of, value in each.vector.items()},
                **({_POLICIES[1]: _policies(report)} if _policies(report) else {}),
            }
            for attester, each in appraisals.items()
        },
        _REPORT[1]: {"manifest_sha256": report.manifest_digest, **_told(report)},
    }


def _vector_json(appraisal: Appraisal) -> dict[str, Json]:
    return {category.label: value for category, value in appraisal.vector.items()}


def _told(report: Report) -> dict[str, Json]:
    """What tiers cannot carry: how each thing is known, and what was let pass."""
    return {
        "verdict": report.verdict.value,
        "conclusions": {each.id: each.basis.value for each in report.conclusions},
        "relaxations": list[Json](report.policy.relaxations),
    }


def _policies(report: Report) -> list[str]:
    """The policy document by its digest (RFC 6920), where it is all that was demanded and allowed."""
    policy = report.policy
    if policy.document is None or policy.amended:
        return []
    return [f"ni:///sha-256;{base64url(policy.document)}"]


def can_sign(signer: KeySigner) -> bool:
    """Whether there is an algorithm for this key in both forms."""
    return signer.alg in _JOSE


def jwt(claims: Mapping[str, Json], signer: KeySigner) -> bytes:
    """A JWT in compact form (RFC 7515). Raises EncodeError for a key that no algorithm here is for."""
    if not can_sign(signer):
        raise EncodeError("attestation results are signed with P-256, P-384 or Ed25519")
    kid = thumbprint.of_jwk(signer.key.public_key())
    parts = ({"alg": _JOSE[signer.alg], "kid": kid, "typ": _TYP_JWT}, claims)
    signed = ".".join(
        base64url(json.dumps(part, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())
        for part in parts
    ).encode()
    # both JOSE and COSE put r and s of fixed length one behind the other
    return signed + b"." + base64url(signer.sign(signed)).encode()


def cwt(claims: Mapping[int, object], signer: KeySigner) -> bytes:
    """A CWT: a tagged COSE_Sign1. Raises EncodeError as `jwt` does."""
    if not can_sign(signer):
        raise EncodeError("attestation results are signed with P-256, P-384 or Ed25519")
    kid = thumbprint.of_cose_key(signer.key.public_key())
    protected = {labels.HDR_KID: kid, labels.HDR_TYP: _TYP_CWT}
    return cose.sign1(signer, protected, cbor.encode(claims)).encode()
