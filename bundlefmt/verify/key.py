# SPDX-License-Identifier: Apache-2.0
"""Judgements on signing keys in the TPM: name, attributes, certified by an attestation key.

Spec: "Verification", step 5.
"""

from __future__ import annotations

from typing import Final

from bundlefmt.verify import tpm_key
from bundlefmt.verify.checks import Check, each
from bundlefmt.verify.context import Context, Fail


def _attributes(context: Context, label: str) -> str:
    """A signing key made inside one TPM, which cannot leave it."""
    return tpm_key.require_attributes(context, label, restricted=False)


def _certified(context: Context, label: str) -> str:
    """An attestation key says that this key is in the same TPM; what it says is judged by certify.*."""
    statements = [
        statement
        for role in ("certify", "certify-creation")
        for statement in context.referring(role, "subject", label)
    ]
    present = [statement for statement in statements if statement in context.bundle.content]
    if present:
        return f"certified by {', '.join(present)}"
    if statements:
        context.value(statements[0])
    raise Fail("no attestation key certifies this key")


CHECKS: Final = (
    Check("key.form", each(("key-public", "parent-public"), tpm_key.form)),
    Check("key.name", each(("key-name",), tpm_key.name)),
    Check("key.attributes", each(("key-public",), _attributes)),
    Check("key.scheme", each(("key-public",), tpm_key.require_strong_scheme)),
    Check("key.certified", each(("key-public",), _certified)),
)
