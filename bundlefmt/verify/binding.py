# SPDX-License-Identifier: Apache-2.0
"""Judgements on TPM binding certificates: an X.509 identity certifies a TPM's signing key, EK and AK.

Spec: "Verification", step 8; "TPM binding certificates".
"""

from __future__ import annotations

from typing import Final

from bundlefmt.evidence import x509
from bundlefmt.evidence.chain import Purpose
from bundlefmt.evidence.own_extension import TpmBinding
from bundlefmt.evidence.tpm import UnsupportedKeyError
from bundlefmt.labels import OID_TPM_BINDING
from bundlefmt.moment import when
from bundlefmt.verify.chains import Chains
from bundlefmt.verify.checks import Check, each
from bundlefmt.verify.context import Context, Fail, Skip, Unsure, readable
from bundlefmt.verify.issued import issued_by, require_signer

ROLE: Final = "tpm-binding-certificate"
_KNOWN: Final = Purpose(critical=frozenset({OID_TPM_BINDING}))


def _form(context: Context, label: str) -> str:
    """The item is one certificate with the extension, of a key that signs and is no authority."""
    certificate = context.area(Chains).form(label)
    readable(lambda: TpmBinding.of(certificate))
    require_signer(certificate)
    return str(certificate)


def _chain(context: Context, label: str) -> str:
    """The PIV certificate issued it; both were valid."""
    context.area(Chains).along(label, issued_by(context, label, _KNOWN))
    return f"issued by {context.target(label, 'by')}, valid at {when(context.at)}"


def _revocation(context: Context, label: str) -> str:
    """No revocation list or response in the bundle takes the certificate away."""
    return context.area(Chains).standing(label, issued_by(context, label, _KNOWN))


def _spki(context: Context, label: str) -> bytes:
    """The key of a public area. Raises Unsure where it is not known here."""
    try:
        return x509.key_spki(context.publics(label).public_key())
    except UnsupportedKeyError as error:
        raise Unsure(str(error)) from None


def _key(context: Context, label: str) -> str:
    """It certifies the TPM's signing key itself; the key is compared."""
    key = context.target(label, "key")
    if x509.certificate_spki(context.area(Chains).certificate(label)) != _spki(context, key):
        raise Fail(f"it certifies another key than {key}")
    return f"the key of {key}"


def _contents(context: Context, label: str) -> str:
    """The extension has the EK's key and the Names of the attestation key and of the signing key."""
    certificate = context.area(Chains).certificate(label)
    try:
        said = readable(lambda: TpmBinding.of(certificate))
    except Fail:
        raise Skip("binding.form says why") from None
    ek, ak, key = (context.target(label, ref) for ref in ("ek", "ak", "key"))
    doubts = []
    try:
        if said.ek_spki != _spki(context, ek):
            raise Fail(f"it names another endorsement key than {ek}")
    except Unsure as doubt:
        doubts.append(doubt)
    for named, target in ((said.ak_name, ak), (said.key_name, key)):
        try:
            if named != context.name(target):
                raise Fail(f"it names {named.hex()}, the Name of {target} is {context.name(target).hex()}")
        except Unsure as doubt:
            doubts.append(doubt)
    if doubts:
        raise doubts[0]
    return f"the key of {ek}, the Names of {ak} and {key}"


CHECKS: Final = (
    Check("binding.form", each((ROLE,), _form)),
    Check("binding.chain", each((ROLE,), _chain)),
    Check("binding.revocation", each((ROLE,), _revocation)),
    Check("binding.key", each((ROLE,), _key)),
    Check("binding.contents", each((ROLE,), _contents)),
)
