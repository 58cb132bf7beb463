# SPDX-License-Identifier: Apache-2.0
"""Capture: everything a verifier will need from a TPM while its attestation key lives, as an unsealed bundle.

Spec: "Capture". Device input and output only through the `Tpm` that is given.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Final

from bundlefmt import labels
from bundlefmt.bundle import Bundle
from bundlefmt.evidence.attest import TpmsAttest
from bundlefmt.evidence.attested import TpmsQuoteInfo
from bundlefmt.evidence.credential import entropy_size, make_credential
from bundlefmt.evidence.ek_template import EK_CERTIFICATE_INDICES, EK_TEMPLATES
from bundlefmt.evidence.pcr import PcrValues, encode_pcr_values
from bundlefmt.evidence.tpm import TpmtPublic, digest
from bundlefmt.manifest import Binding, Digest, Item, Manifest, RequiredSigner
from bundlefmt.wire import Buffer
from bundletools import templates
from bundletools.devices import Attested, DeviceError, LoadedKey, Tpm

ENDORSEMENT: Final = 0x4000000B  # TPM_RH (Part 2, 7.4)
OWNER: Final = 0x40000001
DEFAULT_EK: Final = "L-2"
QUOTE_ATTEMPTS: Final = 8  # PCRs may be extended between reading and quoting


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A certificate whose key is to seal the bundle, and the part its holder plays."""

    data: bytes
    role: str
    part: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """A log as read from its source; `source` is only claimed."""

    data: bytes
    role: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to capture. `created` in seconds since the epoch; `random` gives that many random bytes."""

    identities: Sequence[Identity]
    created: int
    random: Callable[[int], bytes] = secrets.token_bytes
    ak_kind: str = "ecc256"
    session_ak: bool = False
    withhold_template: bool = False
    logs: Sequence[Log] = ()
    ek_issuers: Sequence[bytes] = ()
    title: str | None = None
    previous: Digest | None = None


@dataclass(slots=True)
class _Collected:
    """Items and their bytes as they are gathered."""

    items: dict[str, Item] = field(default_factory=dict)
    values: dict[str, Buffer] = field(default_factory=dict)

    def add(
        self,
        label: str,
        role: str,
        data: bytes,
        refs: Mapping[str, str | tuple[str, ...]] | None = None,
        claimed: Mapping[str, object] | None = None,
    ) -> str:
        """Returns the label, made unique with a number."""
        number, unique = 1, label
        while unique in self.items:
            number += 1
            unique = f"{label}-{number}"
        type_ = labels.ROLE_TYPES.get(role, labels.TYPE_OCTETS)
        self.items[unique] = Item.of(data, type=type_, role=role, refs=refs, claimed=claimed)
        self.values[unique] = data
        return unique


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """The unsealed bundle, and the artifacts by label that were kept out of it for the operator alone."""

    bundle: Bundle
    withheld: Mapping[str, Buffer]


def capture(tpm: Tpm, request: Request) -> Captured:
    """Ask the TPM everything once. Raises DeviceError; no key is left behind in the TPM."""
    if not request.identities:
        raise DeviceError("no identity is to seal this", hint="name a certificate with --operator")
    into = _Collected()
    signers = _identities(into, request.identities)
    ek = _endorsement_keys(into, tpm, request.ek_issuers)
    with _attestation_key(into, tpm, request, ek) as (ak, ak_label):
        _activation(into, tpm, request, ek, ak, ak_label)
        with _signing_key(into, tpm) as (key, key_label):
            binding = _binding(into, request.random(32))
            qualifying = binding.digest(into.items)
            certified = tpm.certify(key, ak, qualifying)
        _attested(into, "key.certify", "certify", certified, {"by": ak_label, "subject": key_label})
        _quote(into, tpm, ak, ak_label, qualifying)
    for log in request.logs:
        into.add(log.role.replace("-log", ".log"), log.role, log.data, claimed={"source": log.source})
    withheld = {
        label: into.values.pop(label)
        for label, item in into.items.items()
        if request.withhold_template and item.role == "ak-template"
    }
    manifest = Manifest(
        profile=labels.PROFILE_SNAPSHOT,
        created=request.created,
        items=into.items,
        binding=binding,
        signers=signers,
        title=request.title,
        previous=request.previous,
    )
    return Captured(bundle=Bundle.assemble(manifest, into.values), withheld=withheld)


def _binding(into: _Collected, nonce: bytes) -> Binding:
    over = sorted(label for label, item in into.items.items() if item.role in labels.BOUND_ROLES)
    return Binding(alg=labels.HASH_SHA256, nonce=nonce, over=tuple(over))


def _identities(into: _Collected, identities: Sequence[Identity]) -> tuple[RequiredSigner, ...]:
    signers = []
    for identity in identities:
        kind = identity.role.removesuffix("-certificate")
        label = into.add(f"{identity.part}.{kind}", identity.role, identity.data)
        signers.append(RequiredSigner(item=label, part=identity.part))
    return tuple(signers)


def _endorsement_keys(into: _Collected, tpm: Tpm, issuers: Sequence[bytes]) -> TpmtPublic:
    """All EKs that have certificates, or one without; returns the template of one, for session AKs."""
    issuer_labels = tuple(
        into.add(f"ek.issuer-{number}", "certificate-issuer", der)
        for number, der in enumerate(dict.fromkeys((*tpm.ek_chain(), *issuers)), 1)
    )
    names = []
    for certificate in tpm.ek_certificates():
        name = EK_CERTIFICATE_INDICES[certificate.nv_index]
        refs = {"issuer": issuer_labels} if issuer_labels else None
        claimed = {"nv-index": f"{certificate.nv_index:#010x}"}
        label = into.add(f"ek.{name.lower()}.cert", "ek-certificate", certificate.der, refs, claimed)
        _ek_public(into, tpm, name, {"certificate": label})
        names.append(name)
    if not names:
        names.append(DEFAULT_EK)
        _ek_public(into, tpm, DEFAULT_EK, None)
    return EK_TEMPLATES[DEFAULT_EK if DEFAULT_EK in names else names[0]]


def _ek_public(into: _Collected, tpm: Tpm, name: str, refs: Mapping[str, str] | None) -> None:
    with tpm.primary(ENDORSEMENT, EK_TEMPLATES[name]) as ek:
        into.add(f"ek.{name.lower()}.pub", "ek-public", ek.public, refs)


@contextmanager
def _attestation_key(
    into: _Collected, tpm: Tpm, request: Request, ek_template: TpmtPublic
) -> Iterator[tuple[LoadedKey, str]]:
    """The AK and its label: a primary that its template makes again, or a child of an EK that dies."""
    if not request.session_ak:
        template = templates.attestation_key(request.ak_kind, request.random(32))
        with tpm.primary(ENDORSEMENT, template) as ak:
            label = _add_key(into, "ak", ak, {}, {"lifetime": "re-derivable"})
            into.add("ak.template", "ak-template", template.encode(), {"of": label})
            yield ak, label
        return
    template = templates.attestation_key(request.ak_kind, b"")
    with _child(tpm, ENDORSEMENT, ek_template, template) as (ek, ak):
        parent = next(label for label, value in into.values.items() if value == ek.public)
        yield ak, _add_key(into, "ak", ak, {"parent": parent}, {"lifetime": "session"})


def _activation(
    into: _Collected, tpm: Tpm, request: Request, template: TpmtPublic, ak: LoadedKey, ak_label: str
) -> None:
    """A challenge that only the TPM of both keys can answer, its answer, and the randomness it was made of.

    It convinces who made it, which is why the operator's seal covers the record.
    """
    with tpm.primary(ENDORSEMENT, template) as ek:
        label = next(label for label, value in into.values.items() if value == ek.public)
        public, name = TpmtPublic.decode(ek.public), TpmtPublic.decode(ak.public).name()
        entropy = request.random(entropy_size(public))
        record = make_credential(public, name, request.random(32), entropy=entropy)
        answer = tpm.activate(ak, ek, record.blob.encode(), record.encrypted_secret)
    if answer != record.credential:
        raise DeviceError("the TPM answers the challenge to EK and AK with another credential")
    into.add("ak.activation", "credential-activation", record.encode(), {"ek": label, "ak": ak_label})


@contextmanager
def _signing_key(into: _Collected, tpm: Tpm) -> Iterator[tuple[LoadedKey, str]]:
    with _child(tpm, OWNER, templates.storage_parent(), templates.signing_key()) as (parent, key):
        label = into.add("key.parent.pub", "parent-public", parent.public)
        yield key, _add_key(into, "key", key, {"parent": label}, {})


@contextmanager
def _child(
    tpm: Tpm, hierarchy: int, parent_template: TpmtPublic, template: TpmtPublic
) -> Iterator[tuple[LoadedKey, LoadedKey]]:
    """A parent and a new key under it. The parent is flushed at once: a TPM may hold only three keys."""
    with ExitStack() as loaded:
        with tpm.primary(hierarchy, parent_template) as parent:
            key = loaded.enter_context(tpm.child(parent, template))
        yield parent, key


def _add_key(
    into: _Collected, kind: str, key: LoadedKey, refs: Mapping[str, str], claimed: Mapping[str, object]
) -> str:
    """Public area and Name of a key of `kind`; returns the label of the public area."""
    label = into.add(f"{kind}.pub", f"{kind}-public", key.public, refs, claimed)
    into.add(f"{kind}.name", f"{kind}-name", TpmtPublic.decode(key.public).name(), {"of": label})
    return label


def _attested(into: _Collected, label: str, role: str, attested: Attested, refs: Mapping[str, str]) -> str:
    label = into.add(label, role, attested.attest, refs)
    into.add(f"{label}.sig", "tpm-signature", attested.signature, {"by": refs["by"], "over": label})
    return label


def _quote(into: _Collected, tpm: Tpm, ak: LoadedKey, ak_label: str, qualifying: bytes) -> None:
    """A quote over all PCRs of all banks and the values behind it, which agree or are taken again."""
    selection = tpm.pcr_banks()
    for _ in range(QUOTE_ATTEMPTS):
        values = tpm.read_pcrs(selection)
        quoted = tpm.quote(ak, selection, qualifying)
        if _agrees(quoted, values, TpmtPublic.decode(ak.public)):
            label = _attested(into, "quote", "quote", quoted, {"by": ak_label})
            into.add("quote.pcrs", "pcr-values", encode_pcr_values(values), {"quoted-by": label})
            return
    raise DeviceError("the PCRs change faster than they can be quoted", hint="try again on a quiet machine")


def _agrees(quoted: Attested, values: PcrValues, ak: TpmtPublic) -> bool:
    info = TpmsAttest.decode(quoted.attest).attested
    if not isinstance(info, TpmsQuoteInfo) or ak.scheme_hash is None:
        return False
    row = b"".join(values[bank][index] for bank, index in info.selected)
    return digest(ak.scheme_hash, row) == info.pcr_digest
