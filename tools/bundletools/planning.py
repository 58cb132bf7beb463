# SPDX-License-Identifier: Apache-2.0
"""The plan of an import: what each file of a ceremony by hand is, found by how the files fit together.

What fits nowhere is left out, with the reason; the person who imports may know better and edit the plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bundletools import certificate_roles, key_roles, statement_roles
from bundletools.artifacts import Kind
from bundletools.finds import Finds
from bundletools.mapping import Plan
from bundletools.tarball import Member

NONCE_SIZES: Final = range(16, 65)  # bytes: those of the binding
_LOGS: Final = {
    Kind.FIRMWARE_LOG: "firmware-log",
    Kind.IMA_LOG: "ima-log",
    Kind.USERSPACE_LOG: "userspace-log",
}


def propose(files: Mapping[str, Member], *, now: int) -> Plan:
    """What the files of a ceremony seem to be. Never raises: what is missing, the assembly says."""
    finds = Finds(files)
    nonce = statement_roles.nonce_of(finds)
    certificate_roles.certificates(finds)
    publics = key_roles.publics(finds)
    attests = statement_roles.statements(finds, publics, nonce)
    statement_roles.signatures(finds, publics, attests)
    statement_roles.pcr_values(finds, attests)
    statement_roles.creations(finds, attests, nonce)
    key_roles.names(finds, publics)
    key_roles.keys_without_word(finds, publics)
    key_roles.parents(finds, publics, attests)
    key_roles.templates(finds, publics)
    key_roles.activations(finds, publics)
    certificate_roles.openpgp_signatures(finds)
    for kind, role in _LOGS.items():
        for found in finds.of(kind):
            finds.add(found, role)
    used = {name for entry in finds.items.values() for name in (entry.file, entry.answer)}
    for name, data in finds.unknown.items():
        if name not in used:
            finds.left_out.setdefault(name, _why_unknown(data))
    quotes = [finds.files[finds.items[label].file].mtime for label in finds.role("quote")]
    return Plan(
        created=max(quotes, default=now) or now,
        nonce=nonce,
        items=finds.items,
        signers=tuple((label, "operator") for label in finds.role("openpgp-certificate", "piv-certificate")),
        left_out=finds.left_out,
    )


def _why_unknown(data: bytes) -> str:
    """In words, for what is easily taken for evidence."""
    if not data:
        return "empty"
    if b"-----BEGIN PUBLIC KEY-----" in data:
        return "a key in PEM: a TPM's key is told by its public area (tpm2_readpublic -f tss)"
    if data.startswith(bytes.fromhex("badcc0de")):
        return "a saved context of tpm2-tools: no evidence"
    return "not recognised: give it the role minutes or media to keep it"
