# SPDX-License-Identifier: Apache-2.0
"""The plan of an import: what each file of a ceremony by hand is, found by how the files fit together.

Keys are told by their attributes, signatures by what they verify over, Names by what they are of, PCR values
by the quote whose digest they give. What fits nowhere is left out, with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from bundlefmt.evidence import openpgp, x509
from bundlefmt.evidence.attest import TpmsAttest
from bundlefmt.evidence.attested import AttestType, TpmsCertifyInfo, TpmsCreationInfo, TpmsQuoteInfo
from bundlefmt.evidence.creation import TpmsCreationData
from bundlefmt.evidence.crl import RevocationList
from bundlefmt.evidence.ek_certificate import USAGE_AK, USAGE_EK
from bundlefmt.evidence.ek_template import recognised
from bundlefmt.evidence.pcr import decode_pcr_values
from bundlefmt.evidence.tpm import (
    HIERARCHIES,
    TpmAlg,
    TpmaObject,
    TpmtPublic,
    UnsupportedAlgorithmError,
    digest,
    qualified_name,
)
from bundlefmt.evidence.tpm_signature import CannotVerifyError, SignatureMismatchError, TpmtSignature
from bundlefmt.manifest import Refs
from bundletools import forms
from bundletools.artifacts import (
    MAX_LOOKED_AT,
    UNREADABLE,
    Artifact,
    Form,
    Kind,
    artifacts,
    is_private,
    read_credential,
)
from bundletools.mapping import Entry, Plan
from bundletools.tarball import Member

MAX_ANSWER: Final = 64  # bytes of a credential
NONCE_SIZES: Final = range(16, 65)
_STATEMENTS: Final[Mapping[int, str]] = {
    AttestType.QUOTE: "quote",
    AttestType.CERTIFY: "certify",
    AttestType.CREATION: "certify-creation",
    AttestType.TIME: "time",
    AttestType.NV: "nv-certify",
    AttestType.NV_DIGEST: "nv-certify",
}
_LOGS: Final = {
    Kind.FIRMWARE_LOG: "firmware-log",
    Kind.IMA_LOG: "ima-log",
    Kind.USERSPACE_LOG: "userspace-log",
}
_ATTESTED: Final = "1.3.6.1.4.1.41482.3."  # Yubico's extensions in the attestation statement of a PIV key
_NOT_IN_LABELS: Final = re.compile(r"[^a-z0-9._-]+")
_MAX_LABEL: Final = 60  # leaves room for a number


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """An artifact with the file it is in."""

    file: str
    label: str
    artifact: Artifact

    @property
    def native(self) -> bytes:
        return self.artifact.native


def propose(files: Mapping[str, Member], *, now: int) -> Plan:
    """What the files of a ceremony seem to be. Never raises: what is missing, the assembly says."""
    return _Planner(files).plan(now)


class _Planner:
    """The files, and the items and reasons gathered so far."""

    def __init__(self, files: Mapping[str, Member]) -> None:
        self._files = files
        self._items: dict[str, Entry] = {}
        self._left_out: dict[str, str] = {}
        self._taken: set[str] = set()
        self._unknown: dict[str, bytes] = {}
        self._by_kind: dict[Kind, list[_Found]] = {}
        seen: dict[tuple[Kind, bytes], str] = {}
        for name, member in sorted(files.items()):
            for artifact in self._look(name, member):
                before = seen.setdefault((artifact.kind, artifact.native), name)
                if before != name:
                    self._left_out[name] = f"the same as {before}"
                    continue
                found = _Found(file=name, label=self._label(name), artifact=artifact)
                self._by_kind.setdefault(artifact.kind, []).append(found)

    def _look(self, name: str, member: Member) -> list[Artifact]:
        if len(member.data) > MAX_LOOKED_AT:
            self._left_out[name] = "too large to be looked into: give it the role media"
            return []
        if is_private(member.data):
            self._left_out[name] = "a private key: it does not belong here"
            return []
        found = artifacts(member.data)
        if not found:
            self._unknown[name] = bytes(member.data)
        return found

    def _label(self, name: str) -> str:
        """The file's name as a label of its own."""
        plain = _NOT_IN_LABELS.sub("-", name.rpartition("/")[2].lower())[:_MAX_LABEL].strip("._-") or "item"
        number, label = 1, plain
        while label in self._taken:
            number += 1
            label = f"{plain}-{number}"
        self._taken.add(label)
        return label

    def _of(self, *kinds: Kind) -> list[_Found]:
        return [found for kind in kinds for found in self._by_kind.get(kind, [])]

    def _add(self, found: _Found, role: str, refs: Refs | None = None) -> None:
        self._items[found.label] = Entry(
            file=found.file, role=role, form=found.artifact.form, refs=refs or {}
        )

    def _leave(self, found: _Found, why: str) -> None:
        self._left_out[found.file] = why

    def _role(self, *roles: str) -> list[str]:
        return [label for label, entry in self._items.items() if entry.role in roles]

    def plan(self, now: int) -> Plan:
        nonce = self._nonce()
        self._certificates()
        publics = self._publics()
        attests = self._statements(publics, nonce)
        self._signatures(publics, attests)
        self._pcrs(attests)
        self._creations(attests, nonce)
        self._names(publics)
        self._keys_without_word(publics)
        self._parents(publics, attests)
        self._activations(publics)
        for kind, role in _LOGS.items():
            for found in self._of(kind):
                self._add(found, role)
        self._openpgp_signatures()
        used = {name for entry in self._items.values() for name in (entry.file, entry.answer)}
        for name, data in self._unknown.items():
            if name not in used and name not in self._left_out:
                self._left_out[name] = self._why_unknown(data)
        quotes = [self._files[self._items[label].file].mtime for label in self._role("quote")]
        return Plan(
            created=max(quotes, default=now) or now,
            nonce=nonce,
            items=self._items,
            signers=tuple(
                (label, "operator") for label in self._role("openpgp-certificate", "piv-certificate")
            ),
            left_out=self._left_out,
        )

    # --- certificates ---------------------------------------------------------------------------------

    def _certificates(self) -> None:
        for found in self._of(Kind.OPENPGP):
            self._add(found, "openpgp-certificate")
        read = [(found, x509.load(found.native)) for found in self._of(Kind.CERTIFICATE)]
        ends = {USAGE_EK: "ek-certificate", USAGE_AK: "ak-certificate"}
        roles: dict[str, str] = {}
        for found, certificate in read:
            usages = _usages(certificate)
            for usage, role in ends.items():
                if usage in usages and not _is_authority(certificate):
                    roles.setdefault(found.label, role)
            if any(extension.oid.startswith(_ATTESTED) for extension in certificate.extensions):
                roles.setdefault(found.label, "piv-attestation")
        # what issued a TPM's certificate, or what did that, is an issuer
        wanted = {
            str(certificate.issuer) for found, certificate in read if roles.get(found.label) in ends.values()
        }
        while issuers := [
            (found, certificate)
            for found, certificate in read
            if found.label not in roles and str(certificate.subject) in wanted
        ]:
            for found, certificate in issuers:
                roles[found.label] = "certificate-issuer"
                wanted.add(str(certificate.issuer))
        chain = tuple(found.label for found, _ in read if roles.get(found.label) == "certificate-issuer")
        for found, certificate in read:
            told = roles.get(found.label, "")
            if told in ends.values():
                self._add(found, told, {"issuer": chain} if chain else {})
            elif told == "certificate-issuer":
                self._add(found, told)
            elif told:
                self._leave(found, f"a {told}: say which item is its subject and which its issuer")
            elif str(certificate.subject) == str(certificate.issuer):
                self._add(found, "piv-certificate")
            else:
                self._leave(found, "a certificate that no other file speaks of: say its role")
        for found in self._of(Kind.CRL):
            issuer = str(RevocationList.decode(found.native).issuer)
            by = [each.label for each, certificate in read if str(certificate.subject) == issuer]
            known = tuple(label for label in by if label in self._items)
            if known:
                self._add(found, "crl", {"issuer": known})
            else:
                self._leave(found, "a revocation list whose issuer is not here")

    # --- keys -----------------------------------------------------------------------------------------

    def _publics(self) -> dict[str, TpmtPublic]:
        """The public areas by label, each added in its role."""
        keys = {
            found.label: x509.certificate_spki(x509.load(found.native))
            for found in self._of(Kind.CERTIFICATE)
            if found.label in self._role("ek-certificate", "ak-certificate")
        }
        publics = {}
        for found in self._of(Kind.PUBLIC):
            public = TpmtPublic.decode(found.native)
            spki = x509.key_spki(public.public_key())
            certified = {self._items[label].role: label for label, key in keys.items() if key == spki}
            role = _key_role(public, certified)
            certificate = certified.get(role.replace("public", "certificate"))
            self._add(found, role, {} if certificate is None else {"certificate": certificate})
            publics[found.label] = public
        return publics

    def _having(self, publics: Mapping[str, TpmtPublic], role: str) -> dict[str, TpmtPublic]:
        return {label: publics[label] for label in self._role(role) if label in publics}

    def _names(self, publics: Mapping[str, TpmtPublic]) -> None:
        for name, data in self._unknown.items():
            of = [label for label, public in publics.items() if _name(public) == data]
            roles = {"ak-public": "ak-name", "key-public": "key-name"}
            if of and self._items[of[0]].role in roles:
                label = self._label(name)
                self._items[label] = Entry(file=name, role=roles[self._items[of[0]].role], refs={"of": of[0]})
            elif of:
                self._left_out[name] = f"the Name of {of[0]}, which anyone can work out"

    def _keys_without_word(self, publics: Mapping[str, TpmtPublic]) -> None:
        """A signing key of which no statement speaks would fail: it is left out, and what is of it."""
        spoken = {
            to for entry in self._items.values() for to in (entry.refs.get("subject"),) if to is not None
        }
        for label in self._having(publics, "key-public"):
            if label in spoken:
                continue
            self._drop(label, "a key that no statement with the nonce certifies")
            for other in [each for each, entry in self._items.items() if entry.refs.get("of") == label]:
                self._drop(other, f"of {label}, which is left out")

    def _drop(self, label: str, why: str) -> None:
        self._left_out[self._items.pop(label).file] = why

    def _parents(self, publics: Mapping[str, TpmtPublic], attests: Mapping[str, TpmsAttest]) -> None:
        """The parent of a key is the one by which its qualified name comes out."""
        wanted: dict[str, bytes] = {}
        for label, attest in attests.items():
            refs = self._items[label].refs
            wanted.setdefault(str(refs["by"]), attest.qualified_signer)
            if isinstance(attest.attested, TpmsCertifyInfo):
                wanted.setdefault(str(refs["subject"]), attest.attested.qualified_name)
        for label, entry in self._items.items():
            if entry.role == "creation-data":
                found = next(each for each in self._of(Kind.CREATION) if each.label == label)
                data = TpmsCreationData.decode(found.native)
                self._refer_parent(publics, str(entry.refs["of"]), data.parent_name)
        for label, name in wanted.items():
            for parent, public in publics.items():
                if (
                    parent != label
                    and label in self._items
                    and any(
                        _qualified(qualified, publics[label]) == name
                        for handle in HIERARCHIES
                        if (qualified := _qualified(handle.to_bytes(4, "big"), public)) is not None
                    )
                ):
                    self._refer(label, "parent", parent)

    def _refer_parent(self, publics: Mapping[str, TpmtPublic], label: str, name: bytes) -> None:
        for parent, public in publics.items():
            if _name(public) == name and label in self._items:
                self._refer(label, "parent", parent)

    def _refer(self, label: str, ref: str, to: str) -> None:
        if self._items[to].role in ("ek-public", "parent-public"):
            entry = self._items[label]
            self._items[label] = replace(entry, refs={**entry.refs, ref: to})

    # --- statements -----------------------------------------------------------------------------------

    def _nonce(self) -> bytes:
        """What the quotes repeat; of the first one, where they differ."""
        for found in self._of(Kind.ATTEST):
            attest = TpmsAttest.decode(found.native)
            if attest.type == AttestType.QUOTE:
                return attest.extra_data
        return b""

    def _signers(self, publics: Mapping[str, TpmtPublic], message: bytes) -> Iterator[tuple[str, str, str]]:
        """(label of the key, file of the signature, its form) of each signature over `message`."""
        aks = self._having(publics, "ak-public")
        candidates = [(found.file, Form.NATIVE, found.native) for found in self._of(Kind.TPM_SIGNATURE)]
        candidates += [(name, Form.PLAIN, data) for name, data in self._unknown.items()]
        for label, public in aks.items():
            for file, form, data in candidates:
                try:
                    made = (
                        forms.tpm_signature(public, data)
                        if form == Form.PLAIN
                        else TpmtSignature.decode(data)
                    )
                    made.verify(public, message)
                except (*forms.UNREADABLE, SignatureMismatchError, CannotVerifyError):
                    continue
                yield label, file, form

    def _statements(self, publics: Mapping[str, TpmtPublic], nonce: bytes) -> dict[str, TpmsAttest]:
        """The statements by label, each with the key that signed it and the key it is about."""
        found = {}
        for each in self._of(Kind.ATTEST):
            attest = TpmsAttest.decode(each.native)
            role = _STATEMENTS.get(attest.type)
            by = next((label for label, _, _ in self._signers(publics, each.native)), None)
            if role is None:
                self._leave(each, "a statement of a kind that has no role")
            elif by is None:
                self._leave(each, "no signature here is over this statement by an attestation key")
            elif attest.extra_data != nonce:
                said = "no nonce" if not attest.extra_data else "another nonce than the first quote"
                self._leave(each, f"repeats {said}: it could not be told from one of another ceremony")
            else:
                refs: dict[str, str] = {"by": by}
                about = _about(attest)
                if about is not None:
                    of = next((label for label, public in publics.items() if _name(public) == about), None)
                    if of is None or self._items[of].role not in ("key-public", "ak-public"):
                        self._leave(each, "the key that it is about is not here")
                        continue
                    refs["subject"] = of
                self._add(each, role, refs)
                found[each.label] = attest
        return found

    def _signatures(self, publics: Mapping[str, TpmtPublic], attests: Mapping[str, TpmsAttest]) -> None:
        labels_ = {found.file: found.label for found in self._of(Kind.TPM_SIGNATURE)}
        for label, attest in attests.items():
            for by, file, form in self._signers(publics, attest.raw):
                own = labels_.get(file) or self._label(file)
                refs = {"by": by, "over": label}
                self._items[own] = Entry(file=file, role="tpm-signature", form=form, refs=refs)
        for found in self._of(Kind.TPM_SIGNATURE):
            if found.label not in self._items:
                self._leave(found, "over nothing that is imported")

    def _pcrs(self, attests: Mapping[str, TpmsAttest]) -> None:
        for label, attest in attests.items():
            quote = attest.attested
            if not isinstance(quote, TpmsQuoteInfo):
                continue
            signed = next(
                TpmtPublic.decode(each.native).scheme_hash
                for each in self._of(Kind.PUBLIC)
                if each.label == self._items[label].refs["by"]
            )
            for found in self._of(Kind.PCRS):
                values = decode_pcr_values(found.native)
                row = b"".join(values.get(bank, {}).get(index, b"") for bank, index in quote.selected)
                exact = {(bank, index) for bank, row in values.items() for index in row}
                if exact == set(quote.selected) and _digests(signed, row, quote.pcr_digest):
                    self._add(found, "pcr-values", {"quoted-by": label})
            for name, data in self._unknown.items():
                if data and _digests(signed, data, quote.pcr_digest):
                    self._items[self._label(name)] = Entry(
                        file=name, role="pcr-values", form=Form.VALUES, refs={"quoted-by": label}
                    )
        for found in self._of(Kind.PCRS):
            if found.label not in self._items:
                self._leave(found, "not the values behind a quote that is imported")

    def _creations(self, attests: Mapping[str, TpmsAttest], nonce: bytes) -> None:
        certified = {
            attest.attested.creation_hash: str(self._items[label].refs["subject"])
            for label, attest in attests.items()
            if isinstance(attest.attested, TpmsCreationInfo)
        }
        for found in self._of(Kind.CREATION):
            of = next((to for hash_, to in certified.items() if _hashes(found.native, hash_)), None)
            if of is None:
                self._leave(found, "no statement that is imported certifies this creation")
            elif TpmsCreationData.decode(found.native).outside_info != nonce:
                self._leave(found, "its outsideInfo is not the nonce: the key was created for something else")
            else:
                self._add(found, "creation-data", {"of": of})
        for name, data in self._unknown.items():
            if any(data.endswith(hash_) and len(data) - len(hash_) in (0, 2) for hash_ in certified):
                self._left_out[name] = "a hash of creation data, which anyone can work out"
        subjects = {str(self._items[label].refs["of"]) for label in self._role("creation-data")}
        for found in self._of(Kind.TICKET):
            if len(subjects) == 1 and len(self._of(Kind.TICKET)) == 1:
                self._add(found, "creation-ticket", {"of": next(iter(subjects))})
            else:
                self._leave(found, "nothing shows which key this ticket is of: say its role and `of`")

    # --- the rest -------------------------------------------------------------------------------------

    def _activations(self, publics: Mapping[str, TpmtPublic]) -> None:
        free = self._answers()
        aks = list(self._having(publics, "ak-public"))
        for found in self._of(Kind.CREDENTIAL, Kind.ACTIVATION):
            if found.artifact.kind is Kind.ACTIVATION:
                self._leave(found, "a record of credential activation: say its role, `ek` and `ak`")
                continue
            secret = read_credential(found.native)[1]
            eks = [
                label for label, public in self._having(publics, "ek-public").items() if _fits(public, secret)
            ]
            if len(eks) == len(aks) == len(free) == 1:
                (answer,) = free.values()
                self._items[found.label] = Entry(
                    file=found.file,
                    role="credential-activation",
                    form=Form.CREDENTIAL,
                    answer=answer,
                    refs={"ek": eks[0], "ak": aks[0]},
                )
                same = [name for name, data in self._unknown.items() if data in free and name != answer]
                self._left_out |= dict.fromkeys(same, f"the same as {answer}")
            else:
                self._leave(found, "a credential: say its role, `form`, `answer`, `ek` and `ak`")

    def _answers(self) -> dict[bytes, str]:
        """What may be the answer to a challenge: the one that is there twice, as challenge and as answer."""
        known = {entry.file for entry in self._items.values()} | set(self._left_out)
        free: dict[bytes, list[str]] = {}
        for name, data in self._unknown.items():
            if 0 < len(data) <= MAX_ANSWER and name not in known:
                free.setdefault(data, []).append(name)
        twice = {data: names[0] for data, names in free.items() if len(names) > 1}
        return twice or {data: names[0] for data, names in free.items()}

    def _openpgp_signatures(self) -> None:
        certificates = [found for found in self._of(Kind.OPENPGP) if found.label in self._items]
        targets = [each for each in self._of(Kind.CERTIFICATE) if each.label in self._role("piv-certificate")]
        for found in self._of(Kind.OPENPGP_SIGNATURE):
            pairs = (
                (by.label, over.label)
                for by in certificates
                for over in targets
                if _signed(by.native, found.native, over.native)
            )
            pair = next(pairs, None)
            if pair is None:
                self._leave(found, "over no certificate that is imported; seals are made over the manifest")
            else:
                self._add(found, "cross-signature", {"by": pair[0], "over": pair[1]})

    def _why_unknown(self, data: bytes) -> str:
        """In words, for what is easily taken for evidence."""
        if not data:
            return "empty"
        if b"-----BEGIN PUBLIC KEY-----" in data:
            return "a key in PEM: a TPM's key is told by its public area (tpm2_readpublic -f tss)"
        if data.startswith(bytes.fromhex("badcc0de")):
            return "a saved context of tpm2-tools: no evidence"
        return "not recognised: give it the role minutes or media to keep it"


def _usages(certificate: x509.Certificate) -> frozenset[str]:
    try:
        return certificate.extended_key_usage() or frozenset()
    except UNREADABLE:
        return frozenset()


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        constraints = certificate.basic_constraints()
    except UNREADABLE:
        return False
    return constraints is not None and constraints.ca


def _key_role(public: TpmtPublic, certified: Mapping[str, str]) -> str:
    attributes = public.attributes
    if "ek-certificate" in certified or recognised(public) is not None:
        return "ek-public"
    if TpmaObject.sign_encrypt in attributes and TpmaObject.decrypt not in attributes:
        return "ak-public" if TpmaObject.restricted in attributes else "key-public"
    return "parent-public"


def _name(public: TpmtPublic) -> bytes | None:
    try:
        return public.name()
    except UnsupportedAlgorithmError:
        return None


def _qualified(parent: bytes, public: TpmtPublic) -> bytes | None:
    name = _name(public)
    return None if name is None else qualified_name(parent, name)


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


def _fits(ek: TpmtPublic, secret: bytes) -> bool:
    """Whether a secret may be encrypted to this EK: by its size for RSA, else a point in two TPM2B."""
    if ek.type == TpmAlg.RSA:
        return len(secret) * 8 == ek.public_key().key_size
    width = (ek.public_key().key_size + 7) // 8
    return len(secret) == 2 * (width + 2)


def _signed(certificate: bytes, signature: bytes, message: bytes) -> bool:
    try:
        openpgp.verify_detached(certificate, signature, message)
    except UNREADABLE:
        return False
    return True
