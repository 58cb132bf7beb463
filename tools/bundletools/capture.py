# SPDX-License-Identifier: Apache-2.0
"""Capture: everything a verifier will need from a TPM while its attestation key lives, as an unsealed bundle.

Spec: "Capture". Device input and output only through the `Tpm` that is given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from bundlefmt import labels
from bundlefmt.bundle import Bundle
from bundlefmt.evidence import x509
from bundlefmt.evidence.attest import TpmsAttest
from bundlefmt.evidence.attested import TpmsQuoteInfo
from bundlefmt.evidence.pcr import PcrValues, encode_pcr_values
from bundlefmt.evidence.tpm import TpmtPublic, digest
from bundlefmt.manifest import Binding, Digest, Item, Manifest, RequiredSigner
from bundlefmt.wire import Buffer
from bundletools.devices import Attested, CreatedKey, DeviceError, EkCertificate, Tpm

# the EK template that goes with the key in a certificate (TCG EK Credential Profile, templates)
_EK_KINDS: Final = {
    ("RSA", 2048): "rsa2048",
    ("secp256r1", 256): "ecc256",
    ("secp384r1", 384): "ecc384",
}
QUOTE_ATTEMPTS: Final = 3  # PCRs may be extended between reading and quoting


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
    """What to capture. `nonce` is fresh randomness, `created` seconds since the epoch."""

    identities: Sequence[Identity]
    nonce: bytes
    unique: bytes
    created: int
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
    ak, ak_label = _attestation_key(into, tpm, request, ek)
    try:
        key = tpm.create_signing_key("ecc256")
        try:
            key_label = _signing_key(into, key)
            over = sorted(label for label, item in into.items.items() if item.role in labels.BOUND_ROLES)
            binding = Binding(alg=labels.HASH_SHA256, nonce=request.nonce, over=tuple(over))
            qualifying = binding.digest(into.items)
            certified = tpm.certify(key.handle, ak.handle, qualifying)
        finally:
            tpm.flush(key.handle)
        _attested(into, "key.certify", "certify", certified, {"by": ak_label, "subject": key_label})
        _quote(into, tpm, ak, ak_label, qualifying)
    finally:
        tpm.flush(ak.handle)
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


def _identities(into: _Collected, identities: Sequence[Identity]) -> tuple[RequiredSigner, ...]:
    signers = []
    for identity in identities:
        kind = identity.role.removesuffix("-certificate")
        label = into.add(f"{identity.part}.{kind}", identity.role, identity.data)
        signers.append(RequiredSigner(item=label, part=identity.part))
    return tuple(signers)


def _ek_kind(certificate: EkCertificate) -> str | None:
    """The template whose key the certificate can be for; None where it is of another kind."""
    try:
        key = x509.public_key(certificate.der)
    except x509.CertificateError:
        return None
    name = getattr(getattr(key, "curve", None), "name", "RSA")
    return _EK_KINDS.get((name, getattr(key, "key_size", 0)))


def _endorsement_keys(into: _Collected, tpm: Tpm, issuers: Sequence[bytes]) -> str:
    """All EKs that have certificates, or one without; returns the kind that a session AK is made under."""
    issuer_labels = tuple(
        into.add(f"ek.issuer-{number}", "certificate-issuer", der)
        for number, der in enumerate(dict.fromkeys((*tpm.ek_chain(), *issuers)), 1)
    )
    kinds = []
    for certificate in tpm.ek_certificates():
        kind = _ek_kind(certificate) or "other"
        refs = {"issuer": issuer_labels} if issuer_labels else None
        label = into.add(
            f"ek.{kind}.cert",
            "ek-certificate",
            certificate.der,
            refs,
            {"nv-index": f"{certificate.nv_index:#010x}"},
        )
        if kind != "other":
            _ek_public(into, tpm, kind, {"certificate": label})
            kinds.append(kind)
    if not kinds:
        kinds.append("ecc256")
        _ek_public(into, tpm, "ecc256", None)
    return "ecc256" if "ecc256" in kinds else kinds[0]


def _ek_public(into: _Collected, tpm: Tpm, kind: str, refs: Mapping[str, str] | None) -> None:
    ek = tpm.create_ek(kind)
    tpm.flush(ek.handle)
    into.add(f"ek.{kind}.pub", "ek-public", ek.public, refs)


def _attestation_key(into: _Collected, tpm: Tpm, request: Request, ek_kind: str) -> tuple[CreatedKey, str]:
    if request.session_ak:
        ek = tpm.create_ek(ek_kind)
        try:
            ak = tpm.create_session_ak(request.ak_kind, ek)
        finally:
            tpm.flush(ek.handle)
        refs, lifetime = {"parent": f"ek.{ek_kind}.pub"}, "session"
    else:
        ak = tpm.create_ak(request.ak_kind, unique=request.unique)
        refs, lifetime = {}, "re-derivable"
    label = into.add("ak.pub", "ak-public", ak.public, refs, {"lifetime": lifetime})
    into.add("ak.name", "ak-name", ak.name, {"of": label})
    if ak.template is not None and not request.session_ak:
        into.add("ak.template", "ak-template", ak.template, {"of": label})
    return ak, label


def _signing_key(into: _Collected, key: CreatedKey) -> str:
    refs = {}
    if key.parent_public is not None:
        refs["parent"] = into.add("key.parent.pub", "parent-public", key.parent_public)
    label = into.add("key.pub", "key-public", key.public, refs)
    into.add("key.name", "key-name", key.name, {"of": label})
    return label


def _attested(into: _Collected, label: str, role: str, attested: Attested, refs: Mapping[str, str]) -> str:
    label = into.add(label, role, attested.attest, refs)
    into.add(f"{label}.sig", "tpm-signature", attested.signature, {"by": refs["by"], "over": label})
    return label


def _quote(into: _Collected, tpm: Tpm, ak: CreatedKey, ak_label: str, qualifying: bytes) -> None:
    """A quote over all PCRs of all banks and the values behind it, which agree or are taken again."""
    selection = tpm.pcr_banks()
    for _ in range(QUOTE_ATTEMPTS):
        values = tpm.read_pcrs(selection)
        quoted = tpm.quote(ak.handle, selection, qualifying)
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
