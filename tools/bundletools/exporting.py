# SPDX-License-Identifier: Apache-2.0
"""Export: a bundle as native files under names that say what they are, and in the forms of stock tools.

Spec: "Export". No input and output: names and bytes only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from bundlefmt import cbor, labels
from bundlefmt.bundle import Bundle, Seal
from bundlefmt.cose import CoseSign1, SignatureError
from bundlefmt.errors import MalformedError
from bundlefmt.evidence import x509
from bundlefmt.frozen import frozen
from bundlefmt.manifest import Item
from bundlefmt.moment import when
from bundlefmt.render.words import cut, safe
from bundlefmt.wire import Buffer
from bundletools import forms

MANIFEST: Final = "manifest.cbor"
SUMS: Final = "SHA256SUMS"
README: Final = "README.txt"
SCRIPT: Final = "verify.sh"
SEAL_ENDINGS: Final = {labels.SEAL_COSE: "cose", labels.SEAL_OPENPGP: "sig"}
_PUBLIC: Final = ("ek-public", "ak-public", "key-public", "parent-public")
_BY_ROLE: Final[Mapping[str, str]] = {
    "openpgp-certificate": "pgp",
    "cross-signature": "sig",
    **dict.fromkeys((*_PUBLIC, "ak-template"), "tpmt"),
    **dict.fromkeys(("ak-name", "key-name"), "name"),
    **dict.fromkeys(("quote", "certify", "certify-creation", "time", "nv-certify"), "attest"),
    "tpm-signature": "tss",
    "creation-data": "creation",
    "creation-ticket": "ticket",
    "pcr-values": "cbor",
    "credential-activation": "cbor",
    **dict.fromkeys(("firmware-log", "ima-log", "userspace-log"), "log"),
    "crl": "crl",
    "ocsp": "ocsp",
}
_BY_TYPE: Final[Mapping[str, str]] = {
    "application/json": "json",
    "application/pdf": "pdf",
    "image/jpeg": "jpg",
    "image/png": "png",
    "text/plain": "txt",
    "video/mp4": "mp4",
}
# names before the first dot that some systems keep for devices
_DEVICES: Final = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}
)
Form = Callable[[Buffer], bytes]
# ending of the other form, what it is for, and how it comes of the native bytes
_FORMS: Final[Mapping[str, tuple[tuple[str, str, Form], ...]]] = {
    "der": (("pem", "the certificate in PEM", forms.certificate_pem),),
    "tpmt": (
        ("tpm2b", "TPM2B_PUBLIC, as tpm2_create -u writes it", forms.sized),
        ("pem", "the key as SubjectPublicKeyInfo, for openssl", forms.public_pem),
    ),
    "tss": (("plain", "the signature alone, for openssl dgst -signature", forms.plain_signature),),
    "creation": (("tpm2b", "TPM2B_CREATION_DATA, as tpm2-tools writes it", forms.sized),),
}


_INTRODUCTION: Final = f"""\
An evidence bundle, unpacked: the record of a key ceremony, for tools that know nothing of bundles.

title     {{title}}
created   {{created}} (claimed)
manifest  SHA-256 {{sha256}}

{MANIFEST} is CBOR (RFC 8949). It names every item with its role, digest and references; the seals
sign it. items/ has the artifacts byte for byte as they were sealed, forms/ the same things in the forms
of stock tools, seals/ the signatures. Nothing in forms/, and nothing that ends with .tbs, .plain, .pem,
.covers or .proof, is sealed: it was worked out from what is.

To check it, name what you know: your people's keys and your TPM's manufacturer.

  sh {SCRIPT} --openpgp FINGERPRINT --piv-sha256 SHA256-OF-CERTIFICATE --anchor ROOT.pem

Exit codes: 0 passed, 1 failed, 3 something could not be decided. Whoever made this archive could have
changed {SCRIPT} too: read it, or run a copy that you trust with --dir DIRECTORY. It is the same in
every export. `bundle import DIRECTORY -o FILE.evb` makes the bundle again, which `bundle verify` judges
in full.
"""


@frozen
class File:
    """One file of an export, and what it is in a line."""

    data: Buffer
    words: str


@dataclass(slots=True)
class _Collected:
    """Files by name."""

    files: dict[str, File] = field(default_factory=dict)

    def add(self, name: str, data: Buffer, words: str) -> None:
        if name in self.files:
            raise ValueError(f"two files would be {name}")
        self.files[name] = File(data=data, words=words)

    def other(self, name: str, words: str, form: Callable[[], bytes]) -> None:
        """Another form, where the artifact has it."""
        try:
            data = form()
        except forms.UNREADABLE:
            return
        self.add(name, data, words)


def ending(item: Item) -> str:
    """What the name of an item's file ends with: by its role, else by its type."""
    if item.role in _BY_ROLE:
        return _BY_ROLE[item.role]
    if labels.ROLE_TYPES.get(item.role) == labels.TYPE_CERTIFICATE:
        return "der"
    return _BY_TYPE.get(item.type, "bin")


def stem(label: str) -> str:
    """A label as the beginning of a file name on any system.

    Labels are safe by the format but for the names of devices. As each name goes on with a dot and one of
    our endings, two labels never have one name.
    """
    return f"_{label}" if label.partition(".")[0] in _DEVICES else label


def files(bundle: Bundle, script: bytes) -> dict[str, Buffer]:
    """Every file of the export by relative name; `script` is verify.sh, the same for all bundles."""
    into = _Collected()
    into.add(MANIFEST, bundle.manifest_raw, "what is sealed: these very bytes")
    into.add("binding.cbor", _binding(bundle), "what hashes to the extraData of the TPM's statements")
    for label in sorted(bundle.content):
        _item(into, bundle, label)
    for number, seal in enumerate(bundle.seals, 1):
        _seal(into, bundle, seal, f"seals/{number}")
    for number, renewal in enumerate(bundle.renewals, 1):
        _renewal(into, renewal.raw, f"renewals/{number}")
    into.add(SCRIPT, script, "checks all this with gpg, openssl and tpm2-tools; see above")
    readme = "\n".join(_readme(bundle, into.files)).encode()
    found = {README: readme, **{name: file.data for name, file in into.files.items()}}
    sums = "".join(f"{hashlib.sha256(found[name]).hexdigest()}  {name}\n" for name in sorted(found))
    return {**found, SUMS: sums.encode()}


def _binding(bundle: Bundle) -> bytes:
    return bundle.manifest.binding.preimage(bundle.manifest.items, bundle.manifest.previous)


def _item(into: _Collected, bundle: Bundle, label: str) -> None:
    item, data = bundle.manifest.items[label], bundle.content[label].value
    name, kind = stem(label), ending(item)
    into.add(f"items/{name}.{kind}", data, f"{item.role}, as it was made ({item.type})")
    for other, words, form in _FORMS.get(kind, ()):
        if kind == "tpmt" and other == "pem" and item.role not in _PUBLIC:
            continue
        into.other(f"forms/{name}.{other}", f"{label}: {words}", partial(form, data))
    if item.role == "quote":
        values = [
            bundle.content[each].value
            for each, of in sorted(bundle.manifest.items.items())
            if of.role == "pcr-values" and label in of.ref("quoted-by") and each in bundle.content
        ]
        words = f"{label}: the PCR values behind it, for tpm2_checkquote -f"
        into.other(f"forms/{name}.pcrs", words, lambda: forms.quoted_values(data, values))
    if item.role == "credential-activation":
        words = f"{label}: the challenge, for tpm2_activatecredential -i"
        into.other(f"forms/{name}.cred", words, lambda: forms.credential_file(data)[0])
        words = f"{label}: what the TPM answered"
        into.other(f"forms/{name}.secret", words, lambda: forms.credential_file(data)[1])


def _seal(into: _Collected, bundle: Bundle, seal: Seal, name: str) -> None:
    kind = SEAL_ENDINGS.get(seal.type, "seal")
    into.add(f"{name}.{kind}", seal.value, f"seal of type {seal.type}")
    if kind == "seal":
        into.add(f"{name}.type", seal.type.encode(), "the type of this seal")
    if kind == "sig":
        into.files[f"{name}.sig"] = File(
            data=seal.value, words=f"gpg --verify {name}.sig {MANIFEST} checks this seal"
        )
    if seal.key is not None:
        into.add(f"{name}.{_key_ending(seal.key)}", seal.key, "the certificate that this seal brings along")
    if kind == "cose":
        _cose(into, bundle, seal, name)


def _key_ending(key: bytes) -> str:
    try:
        x509.load(key)
    except x509.CertificateError:
        return "key"
    return "der"


def _cose(into: _Collected, bundle: Bundle, seal: Seal, name: str) -> None:
    """What a COSE seal signs, its signature and its key as openssl takes them."""
    try:
        message = CoseSign1.decode(seal.value)
        into.add(f"{name}.tbs", message.sig_structure(), "Sig_structure: the bytes that this seal signs")
        alg = message.protected.get(labels.HDR_ALG)
        into.add(
            f"{name}.plain", forms.plain_cose(alg, message.signature), "its signature alone, for openssl"
        )
        x5t = message.protected.get(labels.HDR_X5T)
    except (MalformedError, SignatureError):
        return
    candidates = [
        bytes(bundle.content[label].value)
        for label, item in sorted(bundle.manifest.items.items())
        if item.role == "piv-certificate" and label in bundle.content
    ]
    for each in (*candidates, *([] if seal.key is None else [seal.key])):
        if x5t == [labels.HASH_SHA256, hashlib.sha256(each).digest()]:
            words = "the certificate whose key made this seal, in PEM"
            into.other(f"{name}.pem", words, partial(forms.certificate_pem, each))
            return


def _renewal(into: _Collected, raw: bytes, name: str) -> None:
    into.add(f"{name}.cbor", raw, "renewal")
    try:
        members = cbor.scan(raw).text_map("renewal")
        covers = members["covers"].octets("covers")
        type_, proof = members["proof"].array("proof", range(2, 3))
        into.add(f"{name}.covers", covers, "what the proof of this renewal covers")
        into.add(f"{name}.proof", proof.octets("proof"), f"its proof ({type_.text('proof')[:80]})")
    except (MalformedError, KeyError):
        return


def _readme(bundle: Bundle, found: Mapping[str, File]) -> Iterator[str]:
    """What each file is; nothing of the manifest reaches the text but through `safe`."""
    manifest = bundle.manifest
    title = safe(cut(manifest.title)) if manifest.title else "(none)"
    sha256 = hashlib.sha256(bundle.manifest_raw).hexdigest()
    yield _INTRODUCTION.format(title=title, created=when(manifest.created), sha256=sha256)
    absent = [label for label in sorted(manifest.items) if label not in bundle.content]
    if absent:
        yield "Not in this export, because the bundle does not have them (withheld or detached):"
        yield ""
        yield from (f"  {label}: {safe(cut(manifest.items[label].role, 80))}" for label in absent)
        yield ""
    yield "Files:"
    yield ""
    width = max(map(len, found))
    for name in sorted(found):
        yield f"  {name:{width}}  {safe(cut(found[name].words, 200))}"
    yield ""
