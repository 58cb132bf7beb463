# SPDX-License-Identifier: Apache-2.0
"""Judgements on certify statements: an attestation key says that another key is in its TPM.

Spec: "Verification", step 6.
"""

from __future__ import annotations

from typing import Final

from bundlefmt.evidence.attested import TpmsCertifyInfo
from bundlefmt.verify import statement
from bundlefmt.verify.checks import Check, each
from bundlefmt.verify.context import Context, Fail, Skip


def _subject(context: Context, label: str) -> str:
    """The name and the qualified name attested are those of the subject, which is not the signer itself."""
    attested = statement.attest_of(context, label).attested
    if not isinstance(attested, TpmsCertifyInfo):
        raise Skip(f"{label} is not a certify statement")
    subject = context.target(label, "subject")
    name = context.name(subject)
    if attested.name != name:
        raise Fail(f"the Name attested is not that of {subject}")
    if name == context.name(context.target(label, "by")):
        raise Fail("the attestation key certifies itself")
    hierarchy = context.hierarchy(subject, attested.qualified_name)
    return f"{subject}, in the {hierarchy} hierarchy"


CHECKS: Final = (
    *statement.checks("certify", "certify"),
    Check("certify.subject", each(("certify",), _subject)),
)
