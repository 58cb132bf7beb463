# SPDX-License-Identifier: Apache-2.0
"""Capture: everything a verifier will need from a TPM while its attestation key lives, as an unsealed bundle.

Spec: "Binding", "Lifetimes of attestation keys". Devices are reached only through the `Tpm` that is given.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import field
from typing import Final

from bundlefmt import labels
from bundlefmt.bundle import Bundle
from bundlefmt.evidence.attest import TpmsAttest
from bundlefmt.evidence.attested import TpmsQuoteInfo
from bundlefmt.evidence.credential import entropy_size, make_credential
from bundlefmt.evidence.ek_template import EK_CERTIFICATE_INDICES
from bundlefmt.evidence.pcr import PcrValues, encode_pcr_values
from bundlefmt.evidence.tpm import HIERARCHIES, TpmAlg, TpmtPublic, digest, qualified_name
from bundlefmt.frozen import frozen
from bundlefmt.manifest import Binding, Digest, Manifest, RequiredSigner
from bundlefmt.wire import Buffer
from bundletools import templates
from bundletools.attestation_key import ENDORSEMENT, AkSource, NewTemplate, Session, Template
from bundletools.collected import Collected
from bundletools.devices import Attested, CreatedKey, DeviceError, LoadedKey, Tpm

OWNER: Final = 0x40000001  # TPM_RH (Part 2, 7.4)
DEFAULT_EK: Final = "L-2"
QUOTE_ATTEMPTS: Final = 8  # PCRs may be extended between reading and quoting
_BOOT_PCRS: Final = range(8)  # what firmware measures; these stay as they are after boot


@frozen
class Identity:
    """A certificate whose key is to seal the bundle, and the part its holder plays."""

    data: bytes
    role: str
    part: str


@frozen
class Log:
    """A log as read from its source; `source` is only claimed."""

    data: bytes
    role: str
    source: str


@frozen
class Extra:
    """An artifact that others made: an attestation of a token, a cross-signature, minutes."""

    label: str
    role: str
    data: bytes
    refs: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)


@frozen
class Request:
    """What to capture. `created` in seconds since the epoch; `random` gives that many random bytes.

    `nonce` is a challenger's, of 16 to 64 bytes; by default a new one is taken. `platform_seals` asks the
    TPM's signing key for a seal too.
    """

    identities: Sequence[Identity]
    created: int
    random: Callable[[int], bytes] = secrets.token_bytes
    ak: AkSource = field(default_factory=NewTemplate)
    nonce: bytes | None = None
    withhold_template: bool = False
    logs: Sequence[Log] = ()
    extras: Sequence[Extra] = ()
    platform_seals: bool = False
    ek_issuers: Sequence[bytes] = ()
    title: str | None = None
    previous: Digest | None = None


@frozen
class Captured:
    """The unsealed bundle, and the artifacts by label that were kept out of it for the operator alone."""

    bundle: Bundle
    withheld: Mapping[str, Buffer]


class Sitting:
    """A TPM that has been asked everything and whose signing key still signs.

    `eks`, `ak` and `key` are the labels of the public areas; `signing` is the signing key itself.
    """

    def __init__(
        self,
        into: Collected,
        request: Request,
        *,
        eks: Sequence[str],
        ak: str,
        key: str,
        signing: LoadedKey,
        binding: Binding,
        signers: Sequence[RequiredSigner],
    ) -> None:
        self._into, self._request, self._binding, self._signers = into, request, binding, signers
        self.eks, self.ak, self.key, self.signing = tuple(eks), ak, key, signing

    def value(self, label: str) -> bytes:
        return bytes(self._into.values[label])

    def add(self, extra: Extra) -> str:
        """One more artifact, which is not bound; returns its label."""
        return self._into.add(extra.label, extra.role, extra.data, extra.refs)

    def finish(self) -> Captured:
        """The unsealed bundle."""
        request, into = self._request, self._into
        platform = [RequiredSigner(item=self.key, part="platform")] if request.platform_seals else []
        withheld = into.withhold("ak-template") if request.withhold_template else {}
        manifest = Manifest(
            profile=labels.PROFILE_SNAPSHOT,
            created=request.created,
            items=into.items,
            binding=self._binding,
            signers=(*self._signers, *platform),
            title=request.title,
            previous=request.previous,
        )
        return Captured(bundle=Bundle.assemble(manifest, into.values), withheld=withheld)


def capture(tpm: Tpm, request: Request) -> Captured:
    """Ask the TPM everything once. No key is left behind in the TPM.

    Raises DeviceError; UsageError before the TPM is asked where a file that was named holds a secret key.
    """
    with sitting(tpm, request) as opened:
        return opened.finish()


@contextmanager
def sitting(tpm: Tpm, request: Request) -> Iterator[Sitting]:
    """As `capture`, before the end: what the signing key is to sign must be signed within."""
    if not request.identities:
        raise DeviceError("no identity is to seal this", hint="name a certificate with --operator")
    into, nonce = Collected(), request.nonce or request.random(32)
    signers = _identities(into, request.identities)
    for extra in request.extras:
        into.add(extra.label, extra.role, extra.data, extra.refs)
    for log in request.logs:
        into.add(log.role.replace("-log", ".log"), log.role, log.data, claimed={"source": log.source})
    eks = _endorsement_keys(into, tpm, request.ek_issuers)
    with _attestation_key(into, tpm, request, eks) as (ak, ak_label):
        for ek_label, template in eks.items():
            _activate(into, tpm, request, (ek_label, template), (ak_label, ak))
        with _signing_key(into, tpm, nonce) as (key, label):
            binding = into.binding(nonce)
            qualifying, by = binding.digest(into.items, request.previous), {"by": ak_label}
            certified = {**by, "subject": label}
            into.attested("key.certify", "certify", tpm.certify(key, ak, qualifying), certified)
            created = tpm.certify_creation(key, ak, qualifying)
            into.attested("key.created", "certify-creation", created, certified)
            _quote(into, tpm, (ak_label, ak), qualifying)
            yield Sitting(
                into,
                request,
                eks=list(eks),
                ak=ak_label,
                key=label,
                signing=key,
                binding=binding,
                signers=signers,
            )


def _identities(into: Collected, identities: Sequence[Identity]) -> tuple[RequiredSigner, ...]:
    signers = []
    for identity in identities:
        kind = identity.role.removesuffix("-certificate")
        label = into.add(f"{identity.part}.{kind}", identity.role, identity.data)
        signers.append(RequiredSigner(item=label, part=identity.part))
    return tuple(signers)


def _endorsement_keys(into: Collected, tpm: Tpm, issuers: Sequence[bytes]) -> dict[str, TpmtPublic]:
    """All EKs that have certificates, or one without; returns their templates by label."""
    issuer_labels = tuple(
        into.add(f"ek.issuer-{number}", "certificate-issuer", der)
        for number, der in enumerate(dict.fromkeys((*tpm.ek_chain(), *issuers)), 1)
    )
    found, known = {}, tpm.ek_templates()
    for certificate in tpm.ek_certificates():
        name = EK_CERTIFICATE_INDICES[certificate.nv_index]
        refs = {"issuer": issuer_labels} if issuer_labels else None
        claimed = {"nv-index": f"{certificate.nv_index:#010x}"}
        label = into.add(f"ek.{name.lower()}.cert", "ek-certificate", certificate.der, refs, claimed)
        public = _ek_public(into, tpm, name, known[name], {"certificate": label})
        found[public] = known[name]
    return found or {_ek_public(into, tpm, DEFAULT_EK, known[DEFAULT_EK], None): known[DEFAULT_EK]}


def _ek_public(
    into: Collected, tpm: Tpm, name: str, template: TpmtPublic, refs: Mapping[str, str] | None
) -> str:
    with tpm.primary(ENDORSEMENT, template) as ek:
        return into.add(f"ek.{name.lower()}.pub", "ek-public", ek.public, refs)


@contextmanager
def _attestation_key(
    into: Collected, tpm: Tpm, request: Request, eks: Mapping[str, TpmtPublic]
) -> Iterator[tuple[LoadedKey, str]]:
    """The AK and its label, by the source that the request names."""
    source = request.ak
    if isinstance(source, Session):
        # an ECC key where there is one: RSA parents are slow
        label = next((each for each, ek in eks.items() if ek.type == TpmAlg.ECC), next(iter(eks)))
        template = templates.attestation_key(source.kind, b"")
        with _child(tpm, ENDORSEMENT, eks[label], template, b"") as (_, ak):
            yield ak, into.key("ak", ak, {"parent": label}, source.claimed)
        return
    if isinstance(source, NewTemplate):
        source = source.made(request.random(32))
    with source.loaded(tpm) as ak:
        refs = {} if isinstance(source, Template) else _parent(into, tpm, ak)
        label = into.key("ak", ak, refs, source.claimed)
        if isinstance(source, Template):
            into.add("ak.template", "ak-template", source.public.encode(), {"of": label})
        yield ak, label


def _parent(into: Collected, tpm: Tpm, ak: LoadedKey) -> dict[str, str]:
    """The reference `parent` of a key that was found in the TPM, which its qualified name tells."""
    name = TpmtPublic.decode(ak.public).name()
    if ak.qualified_name in (qualified_name(root.to_bytes(4, "big"), name) for root in HIERARCHIES):
        return {}
    for label, item in into.items.items():
        if item.role == "ek-public":
            parent = TpmtPublic.decode(into.values[label]).name()
            if ak.qualified_name == qualified_name(_qualified(ENDORSEMENT, parent), name):
                return {"parent": label}
    with tpm.primary(OWNER, templates.storage_parent()) as storage:
        parent = TpmtPublic.decode(storage.public).name()
        if ak.qualified_name == qualified_name(_qualified(OWNER, parent), name):
            return {"parent": into.add("ak.parent.pub", "parent-public", storage.public)}
    raise DeviceError(
        "the attestation key is under a parent that is not known here",
        hint="a primary key, or one under an EK that the bundle has",
    )


def _qualified(hierarchy: int, name: bytes) -> bytes:
    return qualified_name(hierarchy.to_bytes(4, "big"), name)


def _activate(
    into: Collected, tpm: Tpm, request: Request, ek: tuple[str, TpmtPublic], ak: tuple[str, LoadedKey]
) -> None:
    """A challenge that only the TPM of both keys can answer, its answer, and the randomness it was made of.

    It convinces who made it, which is why the operator's seal covers the record.
    """
    with tpm.primary(ENDORSEMENT, ek[1]) as key:
        public, name = TpmtPublic.decode(key.public), TpmtPublic.decode(ak[1].public).name()
        entropy = request.random(entropy_size(public))
        record = make_credential(public, name, request.random(32), entropy=entropy)
        answer = tpm.activate(ak[1], key, record.blob.encode(), record.encrypted_secret)
    if answer != record.credential:
        raise DeviceError(f"the TPM answers the challenge to {ek[0]} with another credential")
    label = ek[0].replace(".pub", ".activation")
    into.add(label, "credential-activation", record.encode(), {"ek": ek[0], "ak": ak[0]})


@contextmanager
def _signing_key(into: Collected, tpm: Tpm, nonce: bytes) -> Iterator[tuple[CreatedKey, str]]:
    """A signing key under the owner's hierarchy with its creation, and its label."""
    banks = {bank: [i for i in _BOOT_PCRS if i in row] for bank, row in tpm.pcr_banks().items()}
    made = _child(tpm, OWNER, templates.storage_parent(), templates.signing_key(), nonce, banks)
    with made as (parent, key):
        refs = {"parent": into.add("key.parent.pub", "parent-public", parent.public)}
        label = into.key("key", key, refs, {})
        into.add("key.creation", "creation-data", key.creation.data, {"of": label})
        into.add("key.ticket", "creation-ticket", key.creation.ticket, {"of": label})
        yield key, label


@contextmanager
def _child(
    tpm: Tpm,
    hierarchy: int,
    parent_template: TpmtPublic,
    template: TpmtPublic,
    outside_info: bytes,
    creation_pcrs: Mapping[int, Sequence[int]] | None = None,
) -> Iterator[tuple[LoadedKey, CreatedKey]]:
    """A parent and a new key under it. The parent is flushed at once: a TPM may hold only three keys."""
    with ExitStack() as loaded:
        with tpm.primary(hierarchy, parent_template) as parent:
            key = loaded.enter_context(
                tpm.child(parent, template, outside_info=outside_info, creation_pcrs=creation_pcrs or {})
            )
        yield parent, key


def _quote(into: Collected, tpm: Tpm, ak: tuple[str, LoadedKey], qualifying: bytes) -> None:
    """A quote over all PCRs of all banks and the values behind it, which agree or are taken again."""
    selection = tpm.pcr_banks()
    for _ in range(QUOTE_ATTEMPTS):
        values = tpm.read_pcrs(selection)
        quoted = tpm.quote(ak[1], selection, qualifying)
        if _agrees(quoted, values, TpmtPublic.decode(ak[1].public)):
            label = into.attested("quote", "quote", quoted, {"by": ak[0]})
            into.add("quote.pcrs", "pcr-values", encode_pcr_values(values), {"quoted-by": label})
            return
    raise DeviceError("the PCRs change faster than they can be quoted", hint="try again on a quiet machine")


def _agrees(quoted: Attested, values: PcrValues, ak: TpmtPublic) -> bool:
    info = TpmsAttest.decode(quoted.attest).attested
    if not isinstance(info, TpmsQuoteInfo) or ak.scheme_hash is None:
        return False
    row = b"".join(values[bank][index] for bank, index in info.selected)
    return digest(ak.scheme_hash, row) == info.pcr_digest
