# SPDX-License-Identifier: Apache-2.0
"""Judgements on the endorsement key: its public area, its certificate, the chain to a manufacturer.

Spec: "Verification", step 5. TCG EK Credential Profile 2.x.
"""

from __future__ import annotations

from typing import Final

from bundlefmt.evidence import x509
from bundlefmt.evidence.tpm import UnsupportedKeyError
from bundlefmt.verify import tpm_key
from bundlefmt.verify.checks import Check, each
from bundlefmt.verify.context import Context, Fail, Judgement, Skip, Unsure

MAX_ISSUERS: Final = 64  # intermediate certificates in one bundle; bounds the work of a hostile file


def _form(context: Context, label: str) -> str:
    """The public area or certificate can be read."""
    if context.item(label).role == "ek-public":
        return tpm_key.form(context, label)
    return context.certificates.form(label).subject or "(empty subject)"


def _chain(context: Context, label: str) -> str:
    """The EK certificate leads, through issuers in the bundle, to an anchor that the verifier gave."""
    value = bytes(context.value(label))
    context.certificates(label)
    if not context.policy.anchors:
        raise Unsure("no TPM manufacturer's certificate was given as an anchor")
    issuers, carried = [], context.labels("certificate-issuer")
    if len(carried) > MAX_ISSUERS:
        raise Unsure(f"more than {MAX_ISSUERS} issuers' certificates")
    for issuer in carried:
        try:
            context.certificates(issuer)
            issuers.append(bytes(context.value(issuer)))
        except Judgement:
            continue
    try:
        x509.check_ek_chain(value, issuers, context.policy.anchors, context.at)
    except x509.CertificateError as error:
        raise Fail(str(error)) from None
    return f"leads to an anchor, valid at {context.at}"


def _key(context: Context, label: str) -> str:
    """The certificate is for this very key; the key is compared, not a name or an identifier."""
    if not context.item(label).ref("certificate"):
        raise Skip("no certificate is named for this EK")
    certificate = context.target(label, "certificate")
    spki = context.certificates(certificate).spki
    try:
        key = x509.key_spki(context.publics(label).public_key())
    except UnsupportedKeyError as error:
        raise Unsure(str(error)) from None
    if key != spki:
        raise Fail(f"{certificate} certifies another key")
    return f"the key in {certificate}"


CHECKS: Final = (
    Check("ek.form", each(("ek-certificate", "ek-public"), _form)),
    Check("ek.chain", each(("ek-certificate",), _chain)),
    Check("ek.key", each(("ek-public",), _key)),
)
