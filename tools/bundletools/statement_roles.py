# SPDX-License-Identifier: Apache-2.0
"""Which role each statement of an import has, and what goes with it: signatures, PCR values, creation data.

A signature is of the statement that it verifies over, values are of the quote whose digest they give.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from bundlefmt.evidence.attest import TpmsAttest
from bundlefmt.evidence.attested import AttestType, TpmsCertifyInfo, TpmsCreationInfo, TpmsQuoteInfo
from bundlefmt.evidence.creation import TpmsCreationData
from bundlefmt.evidence.pcr import decode_pcr_values
from bundlefmt.evidence.tpm import TpmAlg, TpmtPublic, UnsupportedAlgorithmError, digest
from bundlefmt.evidence.tpm_signature import CannotVerifyError, SignatureMismatchError, TpmtSignature
from bundletools import forms
from bundletools.artifacts import Form, Kind
from bundletools.finds import Finds
from bundletools.key_roles import having, name_of
from bundletools.mapping import Entry

_STATEMENTS: Final[Mapping[int, str]] = {
    AttestType.QUOTE: "quote",
    AttestType.CERTIFY: "certify",
    AttestType.CREATION: "certify-creation",
    AttestType.TIME: "time",
    AttestType.NV: "nv-certify",
    AttestType.NV_DIGEST: "nv-certify",
}


def nonce_of(finds: Finds) -> bytes:
    """What the quotes repeat; of the first one, where they differ."""
    for found in finds.of(Kind.ATTEST):
        attest = TpmsAttest.decode(found.native)
        if attest.type == AttestType.QUOTE:
            return attest.extra_data
    return b""


def _signers(
    finds: Finds, publics: Mapping[str, TpmtPublic], message: bytes
) -> Iterator[tuple[str, str, str]]:
    """(label of the key, file of the signature, its form) of each signature over `message`."""
    aks = having(finds, publics, "ak-public")
    candidates = [(found.file, Form.NATIVE, found.native) for found in finds.of(Kind.TPM_SIGNATURE)]
    candidates += [(name, Form.PLAIN, data) for name, data in finds.unknown.items()]
    for label, public in aks.items():
        for file, form, data in candidates:
            try:
                made = forms.tpm_signature(public, data) if form == Form.PLAIN else TpmtSignature.decode(data)
                made.verify(public, message)
            except (*forms.UNREADABLE, SignatureMismatchError, CannotVerifyError):
                continue
            yield label, file, form


def statements(finds: Finds, publics: Mapping[str, TpmtPublic], nonce: bytes) -> dict[str, TpmsAttest]:
    """The statements by label, each with the key that signed it and the key it is about."""
    found = {}
    for each in finds.of(Kind.ATTEST):
        attest = TpmsAttest.decode(each.native)
        role = _STATEMENTS.get(attest.type)
        by = next((label for label, _, _ in _signers(finds, publics, each.native)), None)
        if role is None:
            finds.leave(each, "a statement of a kind that has no role")
        elif by is None:
            finds.leave(each, "no signature here is over this statement by an attestation key")
        elif attest.extra_data != nonce:
            said = "no nonce" if not attest.extra_data else "another nonce than the first quote"
            finds.leave(each, f"repeats {said}: it could not be told from one of another ceremony")
        else:
            refs: dict[str, str] = {"by": by}
            about = _about(attest)
            if about is not None:
                of = next((label for label, public in publics.items() if name_of(public) == about), None)
                if of is None or finds.items[of].role not in ("key-public", "ak-public"):
                    finds.leave(each, "the key that it is about is not here")
                    continue
                refs["subject"] = of
            finds.add(each, role, refs)
            found[each.label] = attest
    return found


def signatures(finds: Finds, publics: Mapping[str, TpmtPublic], attests: Mapping[str, TpmsAttest]) -> None:
    """The signatures over statements that are items."""
    labels_ = {found.file: found.label for found in finds.of(Kind.TPM_SIGNATURE)}
    for label, attest in attests.items():
        for by, file, form in _signers(finds, publics, attest.raw):
            own = labels_.get(file) or finds.label(file)
            refs = {"by": by, "over": label}
            finds.items[own] = Entry(file=file, role="tpm-signature", form=form, refs=refs)
    for found in finds.of(Kind.TPM_SIGNATURE):
        if found.label not in finds.items:
            finds.leave(found, "over nothing that is imported")


def pcr_values(finds: Finds, attests: Mapping[str, TpmsAttest]) -> None:
    """The values behind quotes that are items: the digest in the quote is theirs."""
    for label, attest in attests.items():
        quote = attest.attested
        if not isinstance(quote, TpmsQuoteInfo):
            continue
        signed = next(
            TpmtPublic.decode(each.native).scheme_hash
            for each in finds.of(Kind.PUBLIC)
            if each.label == finds.items[label].refs["by"]
        )
        for found in finds.of(Kind.PCRS):
            values = decode_pcr_values(found.native)
            row = b"".join(values.get(bank, {}).get(index, b"") for bank, index in quote.selected)
            exact = {(bank, index) for bank, row in values.items() for index in row}
            if exact == set(quote.selected) and _digests(signed, row, quote.pcr_digest):
                finds.add(found, "pcr-values", {"quoted-by": label})
        for name, data in finds.unknown.items():
            if data and _digests(signed, data, quote.pcr_digest):
                finds.items[finds.label(name)] = Entry(
                    file=name, role="pcr-values", form=Form.VALUES, refs={"quoted-by": label}
                )
    for found in finds.of(Kind.PCRS):
        if found.label not in finds.items:
            finds.leave(found, "not the values behind a quote that is imported")


def creations(finds: Finds, attests: Mapping[str, TpmsAttest], nonce: bytes) -> None:
    """Creation data that a statement certifies, made for this nonce, and the one ticket beside it."""
    certified = {
        attest.attested.creation_hash: str(finds.items[label].refs["subject"])
        for label, attest in attests.items()
        if isinstance(attest.attested, TpmsCreationInfo)
    }
    for found in finds.of(Kind.CREATION):
        of = next((to for hash_, to in certified.items() if _hashes(found.native, hash_)), None)
        if of is None:
            finds.leave(found, "no statement that is imported certifies this creation")
        elif TpmsCreationData.decode(found.native).outside_info != nonce:
            finds.leave(found, "its outsideInfo is not the nonce: the key was created for something else")
        else:
            finds.add(found, "creation-data", {"of": of})
    for name, data in finds.unknown.items():
        if any(data.endswith(hash_) and len(data) - len(hash_) in (0, 2) for hash_ in certified):
            finds.left_out[name] = "a hash of creation data, which anyone can work out"
    subjects = {str(finds.items[label].refs["of"]) for label in finds.role("creation-data")}
    for found in finds.of(Kind.TICKET):
        if len(subjects) == 1 and len(finds.of(Kind.TICKET)) == 1:
            finds.add(found, "creation-ticket", {"of": next(iter(subjects))})
        else:
            finds.leave(found, "nothing shows which key this ticket is of: say its role and `of`")


def _about(attest: TpmsAttest) -> bytes | None:
    """The Name of the key that a statement is about, where it is about one."""
    if isinstance(attest.attested, TpmsCertifyInfo):
        return attest.attested.name
    if isinstance(attest.attested, TpmsCreationInfo):
        return attest.attested.object_name
    return None


def _digests(hash_alg: int | None, data: bytes, wanted: bytes) -> bool:
    try:
        return hash_alg is not None and digest(hash_alg, data) == wanted
    except UnsupportedAlgorithmError:
        return False


def _hashes(data: bytes, wanted: bytes) -> bool:
    return any(_digests(alg, data, wanted) for alg in (TpmAlg.SHA256, TpmAlg.SHA384, TpmAlg.SHA512))
