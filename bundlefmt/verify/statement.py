# SPDX-License-Identifier: Apache-2.0
"""What all attestation statements share: magic and type, signature, qualified signer, binding.

TPM 2.0 Library, Part 1, "Attestation"; Part 2, TPMS_ATTEST. Spec: "Verification", step 6.
"""

from __future__ import annotations

from bundlefmt.evidence.attest import TpmsAttest
from bundlefmt.evidence.attested import attest_name
from bundlefmt.evidence.tpm_signature import CannotVerifyError, SignatureMismatchError
from bundlefmt.verify.context import Context, Fail, Skip, Unsure


def form(context: Context, label: str, kind: int) -> str:
    """The magic value says that a TPM made it, and the type is the one that the role asks for."""
    attest = context.attests.form(label)
    if attest.type != kind:
        raise Fail(f"type {attest_name(attest.type)}, not {attest_name(kind)}")
    return attest.describe()


def attest_of(context: Context, label: str, kind: int) -> TpmsAttest:
    """The statement, if it is of `kind`; raises Skip: the form check says why it is not."""
    attest = context.attests(label)
    if attest.type != kind:
        raise Skip(f"{label} is not of the type that its role asks for")
    return attest


def signature(context: Context, label: str) -> str:
    """Every carried signature over the statement verifies with the attestation key named by both."""
    signatures = context.referring("tpm-signature", "over", label)
    if not signatures:
        raise Fail("no signature over this statement")
    by = context.target(label, "by")
    public, message = context.publics(by), bytes(context.value(label))
    for each in signatures:
        if context.target(each, "by") != by:
            raise Fail(f"{each} names another key than the statement")
        try:
            context.signatures.form(each).verify(public, message)
        except SignatureMismatchError as error:
            raise Fail(f"{each}: {error}") from None
        except CannotVerifyError as error:
            raise Unsure(f"{each}: {error}") from None
    return f"{', '.join(signatures)} by {by}: {context.signatures.form(signatures[0]).describe()}"


def signer(context: Context, label: str) -> str:
    """The qualified name in the statement is that of the attestation key, through its parents."""
    by = context.target(label, "by")
    hierarchy = context.hierarchy(by, context.attests(label).qualified_signer)
    if hierarchy in ("endorsement", "platform"):
        return f"{by}, in the {hierarchy} hierarchy"
    return f"{by}, in the {hierarchy} hierarchy: firmware version and reset counters are obfuscated"


def binding(context: Context, label: str) -> str:
    """extraData is this ceremony's binding, so the statement was made for these identities."""
    manifest, extra = context.manifest, context.attests(label).extra_data
    if extra == context.binding:
        return "made for this manifest's identities and keys"
    if extra == manifest.binding.nonce and context.policy.allow_nonce_binding:
        return "bound to the nonce only, which is allowed"
    if extra == manifest.binding.nonce:
        raise Unsure("bound to the nonce only, not to the identities and keys")
    raise Fail("extraData is not the binding of this manifest: the statement was made for something else")
