# SPDX-License-Identifier: Apache-2.0
"""Judgements on attestation keys: name, attributes, scheme, template.

Spec: "Verification", step 5.
"""

from __future__ import annotations

from typing import Final

from bundlefmt.verify import tpm_key
from bundlefmt.verify.checks import Check, each
from bundlefmt.verify.context import Context, Fail


def _attributes(context: Context, label: str) -> str:
    """Restricted, so that it signs only what the TPM made; fixedTPM, so that it is nowhere else."""
    return tpm_key.require_attributes(context, label, restricted=True)


def _template(context: Context, label: str) -> str:
    """The template differs from the key's public area in `unique` alone, so it can yield this primary key.

    It is judged here alone: what is private by nature says nothing about the key when it is bad or absent.
    """
    template, of = context.publics.form(label), context.target(label, "of")
    if context.item(of).ref("parent"):
        raise Fail(f"{of} is the child of another key: no template yields it again")
    if not template.same_template(context.publics(of)):
        raise Fail(f"{of} was not made from this template")
    return f"fits {of}; that the TPM yields the same key again is shown by making it again"


CHECKS: Final = (
    Check("ak.form", each(("ak-public",), tpm_key.form)),
    Check("ak.name", each(("ak-name",), tpm_key.name)),
    Check("ak.attributes", each(("ak-public",), _attributes)),
    Check("ak.scheme", each(("ak-public",), tpm_key.require_strong_scheme)),
    Check("ak.template", each(("ak-template",), _template)),
)
