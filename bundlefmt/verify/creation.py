# SPDX-License-Identifier: Apache-2.0
"""Judgements on how a signing key came to be: certified creation, creation data, ticket.

TPM 2.0 Library, Part 3, TPM2_CertifyCreation; Part 2, 15 "Creation Data". Spec: "Verification", step 6.
"""

from __future__ import annotations

from typing import Final

from bundlefmt.evidence.attested import TpmsCreationInfo
from bundlefmt.evidence.creation import TpmsCreationData
from bundlefmt.evidence.tpm import HIERARCHIES, UnsupportedAlgorithmError, digest
from bundlefmt.verify import statement
from bundlefmt.verify.checks import Check, each
from bundlefmt.verify.context import Context, Fail, Judgement, Skip, Unsure


def _info(context: Context, label: str) -> TpmsCreationInfo:
    attested = statement.attest_of(context, label).attested
    if not isinstance(attested, TpmsCreationInfo):
        raise Skip(f"{label} is not a statement of creation")
    return attested


def _subject(context: Context, label: str) -> str:
    """The Name attested is that of the subject, which is not the signer itself."""
    info, subject = _info(context, label), context.target(label, "subject")
    name = context.name(subject)
    if info.object_name != name:
        raise Fail(f"the Name attested is not that of {subject}")
    if name == context.name(context.target(label, "by")):
        raise Fail("the attestation key certifies its own creation")
    return f"{subject} was created in the TPM of the attestation key"


def _ticket(context: Context, label: str) -> str:
    """The ticket can be read; its digest is a secret of the TPM, which checked it when it certified."""
    return f"{context.tickets.form(label).describe()}: only its TPM can check the digest"


def _data(context: Context, label: str) -> str:
    """The creation data are those that were certified, and parent and outsideInfo are as carried."""
    data, of = context.creations.form(label), context.target(label, "of")
    # whoever withholds a statement or a parent leaves the rest as wrong as it is
    if data.outside_info != context.manifest.binding.nonce:
        raise Fail("outsideInfo is not the binding's nonce: the key was created for something else")
    doubts: list[Judgement] = []
    try:
        _parent(context, of, data)
    except (Unsure, Skip) as doubt:
        doubts.append(doubt)
    statements = context.referring("certify-creation", "subject", of)
    if not statements:
        raise Unsure("no statement covers these creation data")
    try:
        computed = data.creation_hash(context.publics(of).name_alg)
    except UnsupportedAlgorithmError as error:
        raise Unsure(str(error)) from None
    for one in statements:
        try:
            if _info(context, one).creation_hash != computed:
                raise Fail(f"the hash in {one} is not that of these creation data")
        except (Unsure, Skip) as doubt:
            doubts.append(doubt)
    if doubts:
        raise doubts[0]
    where = (
        next(iter(context.item(of).ref("parent")), None)
        or f"the {HIERARCHIES[data.hierarchy or 0]} hierarchy"
    )
    return f"{of} was created in this ceremony under {where}{_pcrs(context, of, data)}"


def _pcrs(context: Context, of: str, data: TpmsCreationData) -> str:
    """Whether the PCRs at creation had the values that are quoted, in words."""
    selected = [(bank.hash, index) for bank in data.pcr_select for index in bank.indices]
    if not selected:
        return ""
    for label in context.labels("pcr-values"):
        try:
            values = context.pcr_values(label)
        except Judgement:
            continue  # the checks of the quote say why
        row = [values.get(bank, {}).get(index) for bank, index in selected]
        known = [value for value in row if value is not None]
        if len(known) == len(row):
            same = digest(context.publics(of).name_alg, b"".join(known)) == data.pcr_digest
            return f", with {'the' if same else 'other than the'} PCR values that are quoted"
    return ", with PCR values that are not quoted"


def _parent(context: Context, of: str, data: TpmsCreationData) -> None:
    """Name and qualified name of the parent are those of the parent carried, or a hierarchy's handle."""
    parents = context.item(of).ref("parent")
    if not parents:
        if data.hierarchy not in HIERARCHIES:
            raise Fail(f"{of} was created under a parent that is not carried")
        return
    if data.parent_name != context.name(parents[0]):
        raise Fail(f"{of} was not created under {parents[0]}")
    context.hierarchy(parents[0], data.parent_qualified_name)


CHECKS: Final = (
    *statement.checks("creation", "certify-creation"),
    Check("creation.subject", each(("certify-creation",), _subject)),
    Check("creation.ticket", each(("creation-ticket",), _ticket)),
    Check("creation.data", each(("creation-data",), _data)),
)
