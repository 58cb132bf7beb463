# SPDX-License-Identifier: Apache-2.0
"""The trust document: what one verifier holds to be known, as text for people, without any file.

Identities are known by their digests, authorities by their certificates. It goes into the policy as it is
and grants nothing that pins and anchors do not. Spec: "Policy".
"""

from __future__ import annotations

import binascii
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Final

from bundlefmt import labels
from bundlefmt.errors import Code, MalformedError
from bundlefmt.evidence import x509
from bundlefmt.evidence.toml_text import decode_toml
from bundlefmt.frozen import frozen
from bundlefmt.verify.policy import Policy
from bundlefmt.wire import Buffer

SCHEMA: Final = "evidence-bundle-trust/1"
_FAMILY: Final = SCHEMA.rpartition("/")[0]
MAX_TRUST: Final = 4 * 2**20  # bytes: all manufacturers' certificates are about 1 MB of PEM
MAX_NOTE: Final = 200  # characters
_HEAD: Final = (
    "# What `bundle verify` takes as known. When `bundle trust` writes, notes stay and comments do not."
)
SHA256: Final = re.compile("[0-9a-f]{64}")
_FINGERPRINT: Final = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
_COLUMNS: Final = 64  # RFC 7468


class Kind(StrEnum):
    """What an entry is trusted for, and nothing else; in the order in which they are written."""

    OPENPGP = "openpgp"
    PIV = "piv"
    HARDWARE = "hardware"
    BLOCK = "block"
    ANCHOR = "anchor"
    ANCHOR_PIV = "anchor-piv"
    ANCHOR_HARDWARE = "anchor-hardware"
    ANCHOR_TIME = "anchor-time"
    ANCHOR_LOG = "anchor-log"


IDENTITIES: Final = (Kind.OPENPGP, Kind.PIV)
WITH_CERTIFICATE: Final = (
    Kind.ANCHOR,
    Kind.ANCHOR_PIV,
    Kind.ANCHOR_HARDWARE,
    Kind.ANCHOR_TIME,
    Kind.ANCHOR_LOG,
)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One identity or authority.

    `digest`: lower-case hexadecimal, an OpenPGP fingerprint, the SHA-256 of a certificate, a block's hash.
    `certificate`: DER, of anchors only. `note`: one line for people.
    """

    kind: Kind
    digest: str
    certificate: bytes | None = None
    note: str = ""

    @classmethod
    def anchor(cls, kind: Kind, certificate: bytes, note: str = "") -> Entry:
        digest = hashlib.sha256(certificate).hexdigest()
        return cls(kind=kind, digest=digest, certificate=certificate, note=note)

    @cached_property
    def subject(self) -> str:
        """Whom the certificate is for by its own word; empty where there is none."""
        return "" if self.certificate is None else str(x509.load(self.certificate).subject)

    @property
    def known_as(self) -> str | None:
        """The name of a published root."""
        return labels.YUBICO_ROOTS.get(self.digest) if self.kind not in (Kind.OPENPGP, Kind.BLOCK) else None

    def same(self, other: Entry) -> bool:
        """Whether both trust one thing for one purpose, whatever is noted."""
        return (self.kind, self.digest) == (other.kind, other.digest)


@frozen
class Trust:
    """All entries, each once, in the order in which they are written."""

    entries: tuple[Entry, ...] = ()

    @classmethod
    def decode(cls, data: Buffer) -> Trust:
        """Raises MalformedError, also for unknown members: what is not understood is not trusted."""
        if len(data) > MAX_TRUST:
            raise _malformed(f"more than {MAX_TRUST} bytes", Code.SIZE_LIMIT)
        try:
            members = decode_toml(bytes(data).decode("utf-8"))
        except ValueError as error:
            raise _malformed(f"not TOML: {str(error)[:120]}") from None
        schema = members.pop("schema", None)
        if schema != SCHEMA:
            later = isinstance(schema, str) and schema.rpartition("/")[0] == _FAMILY
            raise _malformed("written for another version" if later else f"there is no schema = {SCHEMA!r}")
        return cls().plus(*_entries(members))

    def encode(self) -> bytes:
        """TOML, the same for the same entries."""
        lines = [_HEAD, f'schema = "{SCHEMA}"']
        for entry in self.entries:
            lines += ["", *entry_lines(entry)]
        return ("\n".join(lines) + "\n").encode()

    def plus(self, *entries: Entry) -> Trust:
        """With these too; of what is there already the note stays."""
        found = {(entry.kind, entry.digest): entry for entry in (*reversed(entries), *self.entries)}
        order = list(Kind)
        return Trust(
            entries=tuple(sorted(found.values(), key=lambda each: (order.index(each.kind), each.digest)))
        )

    def minus(self, digest: str) -> Trust:
        """Without whatever has this digest."""
        return Trust(entries=tuple(entry for entry in self.entries if entry.digest != digest))

    def count(self) -> tuple[int, int]:
        """How many identities, how many authorities."""
        identities = sum(entry.kind in IDENTITIES for entry in self.entries)
        return identities, len(self.entries) - identities

    def within(self, policy: Policy) -> Policy:
        """The policy that also knows all of this: identities are known, none of them must have sealed."""
        return replace(
            policy,
            known_openpgp=policy.known_openpgp | set(self._digests(Kind.OPENPGP)),
            known_piv=policy.known_piv | set(map(bytes.fromhex, self._digests(Kind.PIV))),
            pins_hardware=policy.pins_hardware | set(map(bytes.fromhex, self._digests(Kind.HARDWARE))),
            pins_block=policy.pins_block | set(map(bytes.fromhex, self._digests(Kind.BLOCK))),
            anchors=self._with(policy.anchors, Kind.ANCHOR),
            anchors_piv=self._with(policy.anchors_piv, Kind.ANCHOR_PIV),
            anchors_hardware=self._with(policy.anchors_hardware, Kind.ANCHOR_HARDWARE),
            anchors_time=self._with(policy.anchors_time, Kind.ANCHOR_TIME),
            anchors_log=self._with(policy.anchors_log, Kind.ANCHOR_LOG),
        )

    def _digests(self, kind: Kind) -> Iterator[str]:
        return (entry.digest for entry in self.entries if entry.kind is kind)

    def _with(self, given: tuple[bytes, ...], kind: Kind) -> tuple[bytes, ...]:
        found = (entry.certificate for entry in self.entries if entry.kind is kind and entry.certificate)
        return tuple(dict.fromkeys((*given, *found)))


def _malformed(message: str, code: Code = Code.BAD_VALUE) -> MalformedError:
    return MalformedError(code, message, offset=0, path="trust document")


def _entries(tables: Mapping[str, object]) -> Iterator[Entry]:
    for name, rows in tables.items():
        if name not in list(Kind):
            raise _malformed(f"there is nothing to trust as {name!r:.40}", Code.UNKNOWN_MEMBER)
        if not isinstance(rows, list):
            raise _malformed(f"{name} is written as [[{name}]]", Code.WRONG_TYPE)
        yield from (decode_entry(Kind(name), row) for row in rows)


def decode_entry(kind: Kind, row: object) -> Entry:
    """One entry as TOML has it. Raises MalformedError."""
    if not isinstance(row, dict) or not all(isinstance(value, str) for value in row.values()):
        raise _malformed(f"an entry of {kind} is a table of texts", Code.WRONG_TYPE)
    name = digest_name(kind)
    wanted = {name, "certificate"} if kind in WITH_CERTIFICATE else {name}
    if unknown := sorted(set(row) - wanted - {"note"}):
        raise _malformed(f"an entry of {kind} has no {unknown[0]!r:.40}", Code.UNKNOWN_MEMBER)
    if missing := sorted(wanted - set(row)):
        raise _malformed(f"an entry of {kind} lacks {missing[0]}", Code.MISSING_MEMBER)
    digest, note = row[name], row.get("note", "")
    if not (_FINGERPRINT if kind is Kind.OPENPGP else SHA256).fullmatch(digest):
        raise _malformed(f"{digest!r:.80} is no {name} in lower-case hexadecimal")
    if len(note) > MAX_NOTE or not note.isprintable():
        raise _malformed(f"a note is one line of at most {MAX_NOTE} characters")
    if kind not in WITH_CERTIFICATE:
        return Entry(kind=kind, digest=digest, note=note)
    entry = Entry.anchor(kind, _certificate(row["certificate"]), note)
    if entry.digest != digest:
        raise _malformed(f"the certificate beside {digest} is another one")
    return entry


def digest_name(kind: Kind) -> str:
    """How the member is called that says which identity, certificate or block it is."""
    return {Kind.OPENPGP: "fingerprint", Kind.BLOCK: "hash"}.get(kind, "sha256")


def _certificate(text: str) -> bytes:
    """The DER of the one PEM certificate."""
    try:
        found = x509.split_pem(text.encode())
        if len(found) != 1:
            raise _malformed(f"{len(found)} certificates in one entry", Code.WRONG_LENGTH)
        x509.load(found[0])
    except x509.CertificateError as error:
        raise _malformed(str(error)) from None
    return found[0]


def entry_lines(entry: Entry) -> Iterator[str]:
    """One entry in TOML. What a certificate says of itself is a comment: it is not read again."""
    yield f"[[{entry.kind}]]"
    if entry.certificate is not None:
        yield f"# {quoted(entry.subject[:MAX_NOTE])}"
    yield f'{digest_name(entry.kind)} = "{entry.digest}"'
    if entry.note:
        yield f"note = {quoted(entry.note)}"
    if entry.certificate is not None:
        base64 = binascii.b2a_base64(entry.certificate, newline=False).decode()
        yield 'certificate = """'
        yield "-----BEGIN CERTIFICATE-----"
        yield from (base64[at : at + _COLUMNS] for at in range(0, len(base64), _COLUMNS))
        yield '-----END CERTIFICATE-----"""'


def quoted(text: str) -> str:
    """A TOML string on one line; what does not show, or could end the line, is escaped."""
    shown = (char if char.isprintable() and char not in '"\\' else _escape(char) for char in text)
    return f'"{"".join(shown)}"'


def _escape(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    # TOML has no escape for half a surrogate pair
    return "\\uFFFD" if "\ud800" <= char <= "\udfff" else f"\\U{ord(char):08x}"
