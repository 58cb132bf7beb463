# SPDX-License-Identifier: Apache-2.0
"""The plan of a verification: the steps of the spec, in its order, under its numbers.

Spec: "Verification".
"""

from __future__ import annotations

from typing import Final

from bundlefmt import labels
from bundlefmt.bundle import Bundle
from bundlefmt.challenge import Kept
from bundlefmt.logs.platform import Platform
from bundlefmt.manifest import hash_bytes
from bundlefmt.verify import (
    activation,
    ak,
    ak_certificate,
    binding,
    blocks,
    certify,
    clock,
    confirmation,
    container,
    creation,
    cross,
    ek,
    hardware,
    key,
    log,
    nv,
    openpgp,
    piv,
    quote,
    reference,
    renewal,
    required,
    seals,
)
from bundlefmt.verify import previous as before
from bundlefmt.verify.checks import Check
from bundlefmt.verify.conclusions import QUOTED, attested, draw
from bundlefmt.verify.context import Context
from bundlefmt.verify.explanation import told
from bundlefmt.verify.findings import Finding
from bundlefmt.verify.policy import Policy
from bundlefmt.verify.report import Report

PLAN: Final[tuple[tuple[int, str, tuple[Check, ...]], ...]] = (
    (1, "the container", container.CHECKS),
    (2, "the seals", seals.CHECKS),
    (3, "the OpenPGP certificates", openpgp.CHECKS),
    (3, "the X.509 certificates", piv.CHECKS),
    (3, "the hardware", hardware.CHECKS),
    (4, "the cross-signatures", cross.CHECKS),
    (5, "the endorsement key", ek.CHECKS),
    (5, "the attestation key", (*ak.CHECKS, *ak_certificate.CHECKS)),
    (5, "the signing key", key.CHECKS),
    (6, "the quotes", quote.CHECKS),
    (6, "the certify statements", certify.CHECKS),
    (6, "the statements of creation", creation.CHECKS),
    (6, "the TPM's clock", clock.CHECKS),
    (6, "the statements of NV contents", nv.CHECKS),
    (7, "the logs", log.CHECKS),
    (8, "the TPM binding certificates", binding.CHECKS),
    (8, "the credential activation", (*activation.CHECKS, *confirmation.CHECKS)),
    (9, "the snapshot before", before.CHECKS),
    (9, "the reference values", reference.CHECKS),
    (10, "the renewals", renewal.CHECKS),
    (10, "the renewals by blocks", blocks.CHECKS),
    (11, "what the policy requires", required.CHECKS),
)
CHECK_IDS: Final = tuple(check.id for _, _, checks in PLAN for check in checks)


def verify(
    bundle: Bundle, policy: Policy, *, previous: Bundle | None = None, confirmed: Kept | None = None
) -> Report:
    """Judge a decoded bundle. Never raises for evidence that is wrong: that is what findings are for.

    `previous` is the snapshot before it, which has a verification of its own. `confirmed` is what the
    verifier itself kept of a challenge to the bundle's keys: never what somebody else gave.
    """
    context = Context(bundle, policy, previous, confirmed)
    findings: list[Finding] = []
    for _, _, checks in PLAN:
        if checks is not required.CHECKS:
            for check in checks:
                findings.extend(check.run(context))
    conclusions = draw(context, findings)
    for check in required.checks(conclusions, findings):
        findings.extend(check.run(context))
    known = ((signer.role, signer.identity) for signer in seals.sealed_by_pinned(context))
    return Report(
        manifest_digest=hash_bytes(labels.HASH_SHA256, bundle.manifest_raw),
        policy=policy,
        findings=tuple(findings),
        conclusions=conclusions,
        platforms=told(context, attested=attested(context, findings)),
        sealed_by=tuple(dict.fromkeys(known)),
    )


def tell(bundle: Bundle, policy: Policy) -> tuple[tuple[str, Platform], ...]:
    """What each firmware log tells, by label; of all checks only those are made that its quotes rest on."""
    context = Context(bundle, policy)
    checks = (check for _, _, found in PLAN for check in found if check.id in QUOTED)
    findings = [finding for check in checks for finding in check.run(context)]
    return told(context, attested=attested(context, findings))
