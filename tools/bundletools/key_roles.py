# SPDX-License-Identifier: Apache-2.0
"""Which role each public area, Name and credential of an import has, and which key is whose parent.

Keys are told by template, certificate and attributes; parents by the qualified names that come out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from bundlefmt.evidence import x509
from bundlefmt.evidence.attest import TpmsAttest
from bundlefmt.evidence.attested import TpmsCertifyInfo
from bundlefmt.evidence.creation import TpmsCreationData
from bundlefmt.evidence.ek_template import recognised
from bundlefmt.evidence.tpm import (
    HIERARCHIES,
    TpmAlg,
    TpmaObject,
    TpmtPublic,
    UnsupportedAlgorithmError,
    qualified_name,
)
from bundletools.artifacts import UNREADABLE, Form, Kind, convert, read_credential
from bundletools.finds import Finds
from bundletools.mapping import Entry

MAX_ANSWER: Final = 64  # bytes of a credential


def publics(finds: Finds) -> dict[str, TpmtPublic]:
    """The public areas by label, each added in its role."""
    keys = {
        found.label: x509.certificate_spki(x509.load(found.native))
        for found in finds.of(Kind.CERTIFICATE)
        if found.label in finds.role("ek-certificate", "ak-certificate")
    }
    publics = {}
    for found in finds.of(Kind.PUBLIC):
        public = TpmtPublic.decode(found.native)
        spki = x509.key_spki(public.public_key())
        certified = {finds.items[label].role: label for label, key in keys.items() if key == spki}
        role = _key_role(public, certified)
        certificate = certified.get(role.replace("public", "certificate"))
        finds.add(found, role, {} if certificate is None else {"certificate": certificate})
        publics[found.label] = public
    return publics


def having(finds: Finds, publics: Mapping[str, TpmtPublic], role: str) -> dict[str, TpmtPublic]:
    """Those of `publics` that are items of this role."""
    return {label: publics[label] for label in finds.role(role) if label in publics}


def names(finds: Finds, publics: Mapping[str, TpmtPublic]) -> None:
    """Files that are the Name of a public area."""
    for name, data in finds.unknown.items():
        of = [label for label, public in publics.items() if name_of(public) == data]
        roles = {"ak-public": "ak-name", "key-public": "key-name"}
        if of and finds.items[of[0]].role in roles:
            label = finds.label(name)
            finds.items[label] = Entry(file=name, role=roles[finds.items[of[0]].role], refs={"of": of[0]})
        elif of:
            finds.left_out[name] = f"the Name of {of[0]}, which anyone can work out"


def keys_without_word(finds: Finds, publics: Mapping[str, TpmtPublic]) -> None:
    """A signing key of which no statement speaks would fail: it is left out, and what is of it."""
    spoken = {to for entry in finds.items.values() for to in (entry.refs.get("subject"),) if to is not None}
    for label in having(finds, publics, "key-public"):
        if label in spoken:
            continue
        finds.drop(label, "a key that no statement with the nonce certifies")
        for other in [each for each, entry in finds.items.items() if entry.refs.get("of") == label]:
            finds.drop(other, f"of {label}, which is left out")


def parents(finds: Finds, publics: Mapping[str, TpmtPublic], attests: Mapping[str, TpmsAttest]) -> None:
    """The parent of a key is the one by which its qualified name comes out."""
    wanted: dict[str, bytes] = {}
    for label, attest in attests.items():
        refs = finds.items[label].refs
        wanted.setdefault(str(refs["by"]), attest.qualified_signer)
        if isinstance(attest.attested, TpmsCertifyInfo):
            wanted.setdefault(str(refs["subject"]), attest.attested.qualified_name)
    for label, entry in finds.items.items():
        if entry.role == "creation-data":
            found = next(each for each in finds.of(Kind.CREATION) if each.label == label)
            data = TpmsCreationData.decode(found.native)
            _refer_parent(finds, publics, str(entry.refs["of"]), data.parent_name)
    for label, name in wanted.items():
        for parent, public in publics.items():
            if (
                parent != label
                and label in finds.items
                and any(
                    _qualified(qualified, publics[label]) == name
                    for handle in HIERARCHIES
                    if (qualified := _qualified(handle.to_bytes(4, "big"), public)) is not None
                )
            ):
                _refer(finds, label, "parent", parent)


def _refer_parent(finds: Finds, publics: Mapping[str, TpmtPublic], label: str, name: bytes) -> None:
    for parent, public in publics.items():
        if name_of(public) == name and label in finds.items:
            _refer(finds, label, "parent", parent)


def _refer(finds: Finds, label: str, ref: str, to: str) -> None:
    if finds.items[to].role in ("ek-public", "parent-public"):
        entry = finds.items[label]
        finds.items[label] = replace(entry, refs={**entry.refs, ref: to})


def templates(finds: Finds, publics: Mapping[str, TpmtPublic]) -> None:
    """Templates of attestation keys that are primaries: they differ from the public area in `unique` only."""
    for name, data in finds.unknown.items():
        for form in (Form.NATIVE, Form.TPM2B):
            try:
                template = TpmtPublic.decode(convert(data, form))
            except UNREADABLE:
                continue
            of = [
                label
                for label, public in having(finds, publics, "ak-public").items()
                if template.same_template(public) and "parent" not in finds.items[label].refs
            ]
            if len(of) == 1:
                finds.items[finds.label(name)] = Entry(
                    file=name, role="ak-template", form=form, refs={"of": of[0]}
                )


def activations(finds: Finds, publics: Mapping[str, TpmtPublic]) -> None:
    """Challenges, where there is one EK that they fit, one attestation key and one answer."""
    free = _answers(finds)
    aks = list(having(finds, publics, "ak-public"))
    for found in finds.of(Kind.CREDENTIAL, Kind.ACTIVATION):
        if found.artifact.kind is Kind.ACTIVATION:
            finds.leave(found, "a record of credential activation: say its role, `ek` and `ak`")
            continue
        secret = read_credential(found.native)[1]
        eks = [
            label for label, public in having(finds, publics, "ek-public").items() if _fits(public, secret)
        ]
        if len(eks) == len(aks) == len(free) == 1:
            (answer,) = free.values()
            finds.items[found.label] = Entry(
                file=found.file,
                role="credential-activation",
                form=Form.CREDENTIAL,
                answer=answer,
                refs={"ek": eks[0], "ak": aks[0]},
            )
            same = [name for name, data in finds.unknown.items() if data in free and name != answer]
            finds.left_out |= dict.fromkeys(same, f"the same as {answer}")
        else:
            finds.leave(found, "a credential: say its role, `form`, `answer`, `ek` and `ak`")


def _answers(finds: Finds) -> dict[bytes, str]:
    """What may be the answer to a challenge: the one that is there twice, as challenge and as answer."""
    known = {entry.file for entry in finds.items.values()} | set(finds.left_out)
    free: dict[bytes, list[str]] = {}
    for name, data in finds.unknown.items():
        if 0 < len(data) <= MAX_ANSWER and name not in known:
            free.setdefault(data, []).append(name)
    twice = {data: names[0] for data, names in free.items() if len(names) > 1}
    return twice or {data: names[0] for data, names in free.items()}


def _key_role(public: TpmtPublic, certified: Mapping[str, str]) -> str:
    attributes = public.attributes
    if "ek-certificate" in certified or recognised(public) is not None:
        return "ek-public"
    if TpmaObject.sign_encrypt in attributes and TpmaObject.decrypt not in attributes:
        return "ak-public" if TpmaObject.restricted in attributes else "key-public"
    return "parent-public"


def name_of(public: TpmtPublic) -> bytes | None:
    """The Name; None where its hash is not known here."""
    try:
        return public.name()
    except UnsupportedAlgorithmError:
        return None


def _qualified(parent: bytes, public: TpmtPublic) -> bytes | None:
    name = name_of(public)
    return None if name is None else qualified_name(parent, name)


def _fits(ek: TpmtPublic, secret: bytes) -> bool:
    """Whether a secret may be encrypted to this EK: by its size for RSA, else a point in two TPM2B."""
    if ek.type == TpmAlg.RSA:
        return len(secret) * 8 == ek.public_key().key_size
    width = (ek.public_key().key_size + 7) // 8
    return len(secret) == 2 * (width + 2)
