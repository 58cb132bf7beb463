# SPDX-License-Identifier: Apache-2.0
"""The essentials of an OpenPGP certificate or signature in words: what it says, not whether it is true."""

from __future__ import annotations

from bundlefmt.evidence import openpgp
from bundlefmt.moment import when
from bundlefmt.render.words import plural
from bundlefmt.wire import Buffer


def certificate_facts(data: Buffer) -> dict[str, str]:
    """Raises MalformedError, OpenPgpError."""
    facts = openpgp.certificate_facts(data)
    primary, *subkeys = facts.keys
    found = {
        "fingerprint": facts.fingerprint,
        "key": _key(primary),
        "user IDs": "; ".join(facts.user_ids),
        "withdrawn user IDs": "; ".join(facts.revoked_user_ids),
        **{f"subkey {n}": f"{sub.fingerprint}: {_key(sub)}" for n, sub in enumerate(subkeys, 1)},
        "designated revokers": "; ".join(facts.designated_revokers),
    }
    if facts.third_party:
        found["certified by others"] = plural(facts.third_party, "signature")
    if facts.unread:
        found["not read"] = plural(facts.unread, "signature")
    return {name: value for name, value in found.items() if value}


def _key(key: openpgp.KeyFacts) -> str:
    """`EdDSA Ed25519, made 2025-12-16 12:00:00Z, to certify, sign`."""
    said = [key.algorithm, f"made {when(key.created)}"]
    if key.expires is not None:
        said.append(f"expires {when(key.expires)}")
    if not key.bound:
        said.append("not signed by the primary key")
    elif key.flags is not None:
        said.append(f"to {', '.join(key.flags.names()) or 'nothing'}")
    if not key.agreed:
        said.append("without a back-signature")
    if key.revocations:
        said.append(f"REVOKED ({_revoked(key)})")
    return ", ".join(said)


def _revoked(key: openpgp.KeyFacts) -> str:
    """`retired at 2026-01-15 12:00:00Z`, for each revocation."""
    return "; ".join(
        reason if made is None else f"{reason} at {when(made)}" for made, reason in key.revocations
    )


def signature_facts(data: Buffer) -> dict[str, str]:
    """Of a detached signature. Raises MalformedError, OpenPgpError."""
    facts = openpgp.signature_facts(data)
    found = {}
    if facts.untrusted_issuer is not None:
        found["claims issuer"] = facts.untrusted_issuer
    if facts.untrusted_created is not None:
        found["claims time"] = when(facts.untrusted_created)
    return found
