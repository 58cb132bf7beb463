# SPDX-License-Identifier: Apache-2.0
"""Judgements on certificates of attestation keys: an authority says that the key is in a TPM.

Spec: "Verification", step 5. TCG, extended key usage tcg-kp-AIKCertificate.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from bundlefmt.errors import MalformedError
from bundlefmt.evidence import ek_certificate
from bundlefmt.evidence.chain import Purpose
from bundlefmt.evidence.ek_certificate import AK_OR_EK_PURPOSE, AK_PURPOSE
from bundlefmt.moment import when
from bundlefmt.verify.chains import Chains
from bundlefmt.verify.checks import Check, each
from bundlefmt.verify.context import Context, Fail, Skip, Unsure
from bundlefmt.verify.ek import require_same_key


def _purpose(context: Context) -> Purpose:
    return AK_OR_EK_PURPOSE if context.policy.allow_ak_with_ek_usage else AK_PURPOSE


def _certificate(context: Context, label: str) -> str:
    """It certifies the attestation key that names it, for signing, and leads to an anchor."""
    chains = context.area(Chains)
    certificate = chains.form(label)
    publics = context.referring("ak-public", "certificate", label)
    if not publics:
        raise Fail("no attestation key names this certificate")
    doubts = list(_doubts(context, publics, label))
    try:
        faults = [fault.message for fault in ek_certificate.ak_faults(certificate)]
    except MalformedError as error:
        raise Fail(str(error)) from None
    if faults:
        raise Fail("; ".join(faults))
    chain = chains.chain(label, _purpose(context))
    if doubts:
        raise doubts[0]
    return f"{', '.join(publics)}, valid at {when(context.at)}, by {chain.describe()}"


def _doubts(context: Context, publics: Iterable[str], label: str) -> Iterator[Unsure | Skip]:
    """Why it is not known whether it is for these keys. Raises Fail where it is not."""
    for public in publics:
        try:
            require_same_key(context, public, label)
        except (Unsure, Skip) as doubt:
            yield doubt


def _revocation(context: Context, label: str) -> str:
    """No revocation list in the bundle takes the certificate, or one above it, away."""
    chains = context.area(Chains)
    return chains.standing(label, chains.to_manufacturer(_purpose(context)))


CHECKS: Final = (
    Check("ak.certificate", each(("ak-certificate",), _certificate)),
    Check("ak.revocation", each(("ak-certificate",), _revocation)),
)
