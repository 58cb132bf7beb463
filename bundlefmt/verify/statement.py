# SPDX-License-Identifier: Apache-2.0
"""What all attestation statements share: magic and type, signature, qualified signer, binding.

TPM 2.0 Library, Part 1, "Attestation"; Part 2, TPMS_ATTEST. Spec: "Verification", step 6.
"""

from __future__ import annotations

from typing import Final

from bundlefmt.evidence import primitive
from bundlefmt.evidence.attest import TpmsAttest
from bundlefmt.evidence.attested import AttestType, attest_name
from bundlefmt.evidence.tpm import TpmtPublic
from bundlefmt.evidence.tpm_signature import CannotVerifyError, SignatureMismatchError
from bundlefmt.verify import period
from bundlefmt.verify.checks import Check, each
from bundlefmt.verify.context import Context, Fail, Judgement, Skip, Unsure

# role -> the types of statement that it may be
KINDS: Final[dict[str, tuple[AttestType, ...]]] = {
    "quote": (AttestType.QUOTE,),
    "certify": (AttestType.CERTIFY,),
    "certify-creation": (AttestType.CREATION,),
    "time": (AttestType.TIME,),
    "nv-certify": (AttestType.NV, AttestType.NV_DIGEST),
}
# hierarchies in which a TPM does not obfuscate its counters and firmware version (Part 1, "Attestation")
_PLAIN: Final = ("endorsement", "platform")


def checks(area: str, role: str) -> tuple[Check, ...]:
    """The four checks that every statement of `role` has."""
    return tuple(
        Check(f"{area}.{name}", each((role,), decide))
        for name, decide in (
            ("form", form),
            ("signature", signature),
            ("signer", signer),
            ("binding", binding),
        )
    )


def form(context: Context, label: str) -> str:
    """The magic value says that a TPM made it, and the type is the one that the role asks for."""
    attest, kinds = context.attests.form(label), KINDS[context.item(label).role]
    if attest.type not in kinds:
        raise Fail(f"type {attest_name(attest.type)}, not {' or '.join(map(attest_name, kinds))}")
    return attest.describe()


def attest_of(context: Context, label: str) -> TpmsAttest:
    """The statement, if its type is of its role; raises Skip: the form check says why it is not."""
    attest = context.attests(label)
    if attest.type not in KINDS[context.item(label).role]:
        raise Skip(f"{label} is not of the type that its role asks for")
    return attest


def signature(context: Context, label: str) -> str:
    """Every carried signature over the statement verifies with the attestation key named by both."""
    signatures = context.referring("tpm-signature", "over", label)
    if not signatures:
        raise Fail("no signature over this statement")
    by = context.target(label, "by")
    public, message = context.publics(by), bytes(context.value(label))
    doubts: list[Judgement] = []
    for one in signatures:
        try:
            _verify(context, one, by, public, message)
        except (Unsure, Skip) as doubt:
            doubts.append(doubt)  # another one may be wrong all the same
    if doubts:
        raise doubts[0]
    return f"{', '.join(signatures)} by {by}: {context.signatures.form(signatures[0]).describe()}"


def _verify(context: Context, label: str, by: str, public: TpmtPublic, message: bytes) -> None:
    """One signature over a statement is by the key that both name. Raises Fail, Unsure, Skip."""
    if context.target(label, "by") != by:
        raise Fail(f"{label} names another key than the statement")
    try:
        context.signatures.form(label).verify(public, message)
    except SignatureMismatchError as error:
        raise Fail(f"{label}: {error}") from None
    except CannotVerifyError as error:
        raise Unsure(f"{label}: {error}") from None
    require_period(context, label, by)


def require_period(context: Context, label: str, by: str) -> None:
    """The policy still takes signatures like this one, which verified. Raises Unsure, Fail.

    Nothing in it says when it was made: what counts is when the manifest says it was written.
    """
    alg = context.signatures(label).hash
    used = [primitive.of_key(context.publics(by).public_key())]
    if alg is not None:
        used.append(primitive.of_tpm_hash(alg))
    period.require_counts(context.policy, used, claimed=context.manifest.created, by=context.existence.by)


def signer(context: Context, label: str) -> str:
    """The qualified name in the statement is that of the attestation key, through its parents."""
    by = context.target(label, "by")
    hierarchy = context.hierarchy(by, context.attests(label).qualified_signer)
    if hierarchy in _PLAIN:
        return f"{by}, in the {hierarchy} hierarchy"
    return f"{by}, in the {hierarchy} hierarchy: firmware version and reset counters are obfuscated"


def plain_counters(context: Context, label: str) -> bool:
    """Whether reset counters and firmware version stand as they are in a statement of known signer."""
    by = context.target(label, "by")
    return context.hierarchy(by, context.attests(label).qualified_signer) in _PLAIN


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
