# SPDX-License-Identifier: Apache-2.0
"""Import: a bundle of the files of an export, or of the artifacts of a ceremony by hand and their mapping.

Spec: "Export". No input and output: files are given by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from bundlefmt import labels
from bundlefmt.bundle import Bundle, Record, Renewal, Seal
from bundlefmt.evidence.attest import TpmsAttest
from bundlefmt.evidence.attested import TpmsQuoteInfo
from bundlefmt.evidence.credential import CredentialActivation
from bundlefmt.evidence.pcr import encode_pcr_values
from bundlefmt.evidence.tpm import TpmtPublic
from bundlefmt.manifest import Binding, Digest, Item, Manifest, RequiredSigner, hash_bytes
from bundlefmt.wire import Buffer
from bundletools import forms
from bundletools.artifacts import UNREADABLE, Form, convert, read_credential
from bundletools.exporting import MANIFEST, SEAL_ENDINGS
from bundletools.mapping import Entry, MappingError, Plan
from bundletools.planning import NONCE_SIZES
from bundletools.tarball import Member

_SEAL: Final = re.compile(r"seals/([1-9][0-9]?)\.(cose|sig|seal)")
_RENEWAL: Final = re.compile(r"renewals/([1-9][0-9]{0,4})\.cbor")
_KEYS: Final = ("der", "key")
_LAST: Final = (Form.PLAIN, Form.VALUES)  # forms that are read with the help of other items
Files = Mapping[str, Member]


def rooted(files: Files) -> Files:
    """The files without the one directory that all of them may lie in."""
    tops = {name.partition("/")[0] for name in files}
    if len(tops) != 1 or any("/" not in name for name in files):
        return files
    return {name.partition("/")[2]: member for name, member in files.items()}


def is_export(files: Files) -> bool:
    """Whether there is a manifest, which says what every file is."""
    return MANIFEST in files


def reassemble(files: Files) -> tuple[Bundle, list[str]]:
    """The bundle that was exported, and the files under items/ that are none of its artifacts any more.

    Artifacts are found by the digests in the manifest, whatever their names. Raises MalformedError,
    MappingError.
    """
    raw = bytes(files[MANIFEST].data)
    manifest = Manifest.decode(raw)
    wanted = {(item.digest.alg, item.digest.value): item.size for item in manifest.items.values()}
    sizes = set(wanted.values())
    found: dict[tuple[int, bytes], Buffer] = {}
    strangers = []
    for name, member in sorted(files.items()):
        keys = [
            (alg, hash_bytes(alg, member.data))
            for alg in sorted({alg for alg, _ in wanted})
            if len(member.data) in sizes
        ]
        found |= {key: member.data for key in keys if wanted.get(key) == len(member.data)}
        if name.startswith("items/") and not any(key in wanted for key in keys):
            strangers.append(name)
    content = {
        label: Record(type=item.type, value=found[key])
        for label, item in manifest.items.items()
        if (key := (item.digest.alg, item.digest.value)) in found and not item.detached
    }
    bundle = Bundle(
        manifest_raw=raw,
        manifest=manifest,
        content=content,
        seals=tuple(_seals(files)),
        renewals=tuple(Renewal(raw=bytes(each.data)) for each in _numbered(files, _RENEWAL)),
    )
    # seals and renewals as a decoder takes them; content need not be copied for that
    return replace(Bundle.decode(bundle.without(content).encode()), content=content), strangers


def _numbered(files: Files, pattern: re.Pattern[str]) -> Iterable[Member]:
    """The files of a numbered row, in order. Raises MappingError where the row has a gap."""
    found = {int(match[1]): member for name, member in files.items() if (match := pattern.fullmatch(name))}
    if sorted(found) != list(range(1, len(found) + 1)):
        raise MappingError(f"of the files {pattern.pattern.partition('(')[0]}… one is missing")
    return [found[number] for number in sorted(found)]


def _seals(files: Files) -> Iterable[Seal]:
    types = {ending: type_ for type_, ending in SEAL_ENDINGS.items()}
    rows = [match for name in files if (match := _SEAL.fullmatch(name))]
    if len({match[1] for match in rows}) != len(rows):
        raise MappingError("two files are the same seal")
    for number, member in enumerate(_numbered(files, _SEAL), 1):
        ending = next(match[2] for match in rows if int(match[1]) == number)
        type_ = types.get(ending) or _type(files, number)
        keys = [files[name] for each in _KEYS if (name := f"seals/{number}.{each}") in files]
        yield Seal(type=type_, value=bytes(member.data), key=bytes(keys[0].data) if keys else None)


def _type(files: Files, number: int) -> str:
    try:
        return bytes(files[f"seals/{number}.type"].data).decode()
    except (KeyError, UnicodeDecodeError):
        raise MappingError(f"nothing says of which type seal {number} is") from None


def assemble(plan: Plan, files: Files) -> Bundle:
    """The unsealed bundle that a plan describes. Raises MappingError, EncodeError."""
    if not plan.signers:
        raise MappingError("no identity is to seal this: no OpenPGP or PIV certificate is among the files")
    if len(plan.nonce) not in NONCE_SIZES:
        raise MappingError(
            f"a nonce of {len(plan.nonce)} bytes; a bundle's has {NONCE_SIZES[0]} to {NONCE_SIZES[-1]}"
        )
    values: dict[str, bytes] = {}
    for label, entry in sorted(plan.items.items(), key=lambda each: (each[1].form in _LAST, each[0])):
        values[label] = _native(label, entry, plan, files, values)
    items = {label: _item(entry, values[label]) for label, entry in plan.items.items()}
    over = sorted(label for label, item in items.items() if item.role in labels.BOUND_ROLES)
    manifest = Manifest(
        profile=labels.PROFILE_SNAPSHOT,
        created=plan.created,
        items=items,
        binding=Binding(alg=labels.HASH_SHA256, nonce=plan.nonce, over=tuple(over)),
        signers=tuple(RequiredSigner(item=label, part=part) for label, part in plan.signers),
        title=plan.title,
        previous=None if plan.previous is None else _previous(plan.previous),
    )
    attached = {label: data for label, data in values.items() if not plan.items[label].detached}
    return Bundle.assemble(manifest, attached)


def _previous(value: bytes) -> Digest:
    if len(value) != labels.HASH_SIZES[labels.HASH_SHA256]:
        raise MappingError("previous is not a SHA-256 digest")
    return Digest(alg=labels.HASH_SHA256, value=value)


def _item(entry: Entry, data: bytes) -> Item:
    type_ = entry.type or labels.ROLE_TYPES.get(entry.role, labels.TYPE_OCTETS)
    return Item(
        type=type_,
        role=entry.role,
        digest=Digest.of(data),
        size=len(data),
        refs=entry.refs,
        detached=entry.detached,
        claimed=entry.claimed,
    )


def _native(label: str, entry: Entry, plan: Plan, files: Files, known: Mapping[str, bytes]) -> bytes:
    """The artifact's bytes, out of its file and form. Raises MappingError."""
    data = _file(label, entry.file, files)
    try:
        if entry.form == Form.CREDENTIAL:
            blob, secret = read_credential(data)
            answer = _file(label, entry.answer or "", files)
            return CredentialActivation(blob=blob, encrypted_secret=secret, credential=answer).encode()
        if entry.form == Form.PLAIN:
            return forms.tpm_signature(TpmtPublic.decode(_other(entry, "by", known)), data).encode()
        if entry.form == Form.VALUES:
            quote = TpmsAttest.decode(_other(entry, "quoted-by", known)).attested
            if not isinstance(quote, TpmsQuoteInfo):
                raise MappingError(f"{label}: quoted-by names no quote")
            return encode_pcr_values(forms.listed_values(quote, data))
        return convert(data, entry.form)
    except MappingError:
        raise
    except (*UNREADABLE, *forms.UNREADABLE) as error:
        raise MappingError(f"{label}: {entry.file} is not of form {entry.form}: {error}") from None


def _file(label: str, name: str, files: Files) -> bytes:
    if name not in files:
        raise MappingError(f"{label}: there is no file {name!r}")
    return bytes(files[name].data)


def _other(entry: Entry, ref: str, known: Mapping[str, bytes]) -> bytes:
    to = entry.refs.get(ref)
    if not isinstance(to, str) or to not in known:
        raise MappingError(f"form {entry.form} needs the reference {ref!r} to one item")
    return known[to]
