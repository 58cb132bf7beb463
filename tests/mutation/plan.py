# SPDX-License-Identifier: Apache-2.0
"""Which tests are to notice a fault in which module, beside all vectors: quick ones, not the whole suite."""

from __future__ import annotations

from typing import Final

_CONCLUDING: Final = ("tests/verify/test_weaker.py", "tests/verify/test_conclusions.py")
_SOUND: Final = "tests/test_soundness.py"
_POLICY: Final = "tests/verify/test_policy.py"
_SAID: Final = "tests/verify/test_said.py"
_STATEMENTS: Final = "tests/verify/test_statements.py"
_EK: Final = "tests/verify/test_ek.py"
_PIV: Final = "tests/verify/test_piv.py"
_RENEWAL: Final = "tests/verify/test_renewal.py"
_OPENPGP: Final = ("tests/verify/test_openpgp.py",)
_REFERENCE: Final = ("tests/verify/test_reference.py", "tests/verify/test_appraisal.py")
_LOG: Final = "tests/verify/test_log.py"
_HARDWARE: Final = "tests/verify/test_hardware.py"
_VERIFY: Final = {
    "conclusions": (*_CONCLUDING, _LOG),
    "held": _CONCLUDING,
    "identities": _CONCLUDING,
    "statement": (_STATEMENTS,),
    "chains": (_EK, _PIV, _STATEMENTS),
    "previous": ("tests/verify/test_previous.py",),
    "activation": (_STATEMENTS, _SOUND),
    "confirmation": (_STATEMENTS, "tests/verify/test_confirmation.py"),
    "signers": (_SOUND, *_OPENPGP),
    "seals": (_SOUND,),
    "seal_header": (_SOUND, "tests/verify/test_seal_header.py"),
    "seal_stamps": (_SOUND, "tests/verify/test_seal_stamps.py"),
    "registration": (_SOUND,),
    "blocks": (_RENEWAL,),
    "authority": (_RENEWAL, "tests/verify/test_seal_stamps.py"),
    "container": (_SOUND, "tests/verify/test_refs.py"),
    "quote": (_SOUND,),
    "hardware": (_HARDWARE,),
    "advisories": (_HARDWARE, "tests/verify/test_advisories.py"),
    "cross": ("tests/verify/test_cross.py",),
    "binding": ("tests/verify/test_binding.py",),
    "issued": ("tests/verify/test_binding.py", "tests/verify/test_cross.py"),
    "certify": (_SOUND,),
    "creation": (_SOUND,),
    "clock": (_SOUND, _STATEMENTS),
    "nv": (_SOUND,),
    "tpm_key": (_SOUND,),
    "policy_digest": (_SOUND,),
    "ak": (_SOUND,),
    "ak_certificate": (_SOUND,),
    "ek": (_EK,),
    "key": (_SOUND,),
    "piv": (_PIV,),
    "stamps": (_RENEWAL,),
    "existence": (_RENEWAL,),
    "material": (_RENEWAL,),
    "renewal": (_RENEWAL,),
    "period": (_RENEWAL, _POLICY),
    "openpgp": _OPENPGP,
    "openpgp_signature": _OPENPGP,
    "openpgp_standing": _OPENPGP,
    "log": (_LOG,),
    "explanation": (_LOG,),
    "appraisal": _REFERENCE,
    "reference": _REFERENCE,
    "required": ("tests/verify/test_policy_document.py",),
    "policy": ("tests/verify/test_policy_document.py", _POLICY),
    "policy_document": ("tests/verify/test_policy_document.py",),
    "policy_reading": ("tests/verify/test_policy_document.py",),
    "trust": ("tests/verify/test_trust.py", "tests/verify/test_policy_document.py"),
    "withholding": ("tests/cli/test_redact.py", "tests/verify/test_withholding.py"),
    "verifier": (_SOUND, "tests/test_checks.py", _LOG),
    "context": (_SOUND,),
    "checks": (_SOUND,),
    "findings": (_SOUND,),
    "judgement": (_SOUND,),
    "report": (_SOUND,),
}

# module -> its tests, the most important modules first
PLAN: Final[dict[str, tuple[str, ...]]] = {
    **{f"bundlefmt.verify.{name}": (*tests, _SAID) for name, tests in _VERIFY.items()},
    "bundlefmt.cbor": ("tests/test_cbor.py",),
    "bundlefmt.cose": ("tests/test_cose.py",),
    "bundlefmt.manifest": ("tests/test_manifest.py",),
    "bundlefmt.bundle": ("tests/test_bundle.py", "tests/render/test_inspection.py"),
}
