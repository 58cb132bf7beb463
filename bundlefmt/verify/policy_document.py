# SPDX-License-Identifier: Apache-2.0
"""The policy document: a verifier's whole policy as text for people, without any file.

All that it takes from files it names by digest, so its own digest says all that was demanded.
Spec: "Policies".
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field, replace
from typing import Any, Final

from bundlefmt.errors import Code, MalformedError
from bundlefmt.evidence import x509
from bundlefmt.evidence.reference import Reference
from bundlefmt.frozen import frozen
from bundlefmt.verify.findings import Basis
from bundlefmt.verify.policy import Policy
from bundlefmt.verify.trust import Entry, Kind, Trust, entry_lines, quoted

SCHEMA: Final = "evidence-bundle-policy/1"
_HEAD: Final = (
    "# What a bundle is verified under. Files are found from where this one is, each known by its digest."
)


@frozen
class AnchorFile:
    """An anchor whose certificate stands in a file, PEM or DER; `digest` is its SHA-256 in hexadecimal."""

    kind: Kind
    digest: str
    file: str
    note: str = ""


@frozen
class ReferenceFile:
    """A file of reference values; `digest` is its SHA-256 in hexadecimal."""

    digest: str
    file: str
    note: str = ""


@frozen
class PolicyDocument:
    """What the document says. `must_seal` are those of `trust` that are pinned: each must have sealed.

    `at` and the ends of `algorithms` are seconds since the epoch; `allow` has relaxations as the command line
    names them.
    """

    trust: Trust = field(default_factory=Trust)
    must_seal: frozenset[tuple[Kind, str]] = frozenset()
    anchor_files: tuple[AnchorFile, ...] = ()
    reference_files: tuple[ReferenceFile, ...] = ()
    require: Mapping[str, Basis] = field(default_factory=dict)
    algorithms: Mapping[str, int] = field(default_factory=dict)
    allow: tuple[str, ...] = ()
    require_no_advisories: bool = False
    at: int | None = None
    note: str = ""

    def encode(self) -> bytes:
        """TOML, the same for the same document."""
        return ("\n".join(_written(self)) + "\n").encode()

    def with_certificates(self, read: Callable[[str], bytes]) -> PolicyDocument:
        """The same with every anchor in it; `read` gives a file's bytes by its name here.

        Raises MalformedError, CertificateError.
        """
        found = [Entry.anchor(each.kind, _from_file(each, read), each.note) for each in self.anchor_files]
        return replace(self, trust=self.trust.plus(*found), anchor_files=())

    def knowing(self, trust: Trust) -> PolicyDocument:
        """The same that also knows all of this."""
        return replace(self, trust=self.trust.plus(*trust.entries))

    def policy(self, references: tuple[Reference, ...] = (), *, digest: bytes | None = None) -> Policy:
        """The policy of a document that has its certificates; `digest` is the document's SHA-256.

        Raises ValueError where an anchor is still in a file, or not every reference is given.
        """
        if self.anchor_files or len(references) != len(self.reference_files):
            raise ValueError("the document's files have not been read")
        pinned = {kind: {one for each, one in self.must_seal if each is kind} for kind in Kind}
        others = [each for each in self.trust.entries if (each.kind, each.digest) not in self.must_seal]
        allowed: dict[str, Any] = {f"allow_{name.replace('-', '_')}": True for name in self.allow}
        policy = Policy(
            pins_openpgp=frozenset(pinned[Kind.OPENPGP]),
            pins_piv=frozenset(map(bytes.fromhex, pinned[Kind.PIV])),
            at=self.at,
            references=references,
            require_no_advisories=self.require_no_advisories,
            require=self.require,
            algorithms=self.algorithms,
            document=digest,
            **allowed,
        )
        return Trust(entries=tuple(others)).within(policy)


def _from_file(anchor: AnchorFile, read: Callable[[str], bytes]) -> bytes:
    """The certificate that the document means, among those in its file."""
    data = read(anchor.file)
    found = x509.split_pem(data) if b"-----BEGIN CERTIFICATE-----" in data else [data]
    for each in found:
        if hashlib.sha256(each).hexdigest() == anchor.digest:
            x509.load(each)
            return each
    message = f"{anchor.file} holds no certificate with SHA-256 {anchor.digest}"
    raise MalformedError(Code.BAD_VALUE, message, offset=0, path="policy document")


def require_digest(reference: ReferenceFile, data: object) -> None:
    """Raises MalformedError unless the file's bytes are those that the document means."""
    if hashlib.sha256(data).hexdigest() != reference.digest:  # type: ignore[arg-type] # any buffer
        message = (
            f"{reference.file} is another file than the document means: its SHA-256 is not {reference.digest}"
        )
        raise MalformedError(Code.BAD_VALUE, message, offset=0, path="policy document")


def _written(document: PolicyDocument) -> Iterator[str]:
    yield _HEAD
    yield f'schema = "{SCHEMA}"'
    if document.note:
        yield f"note = {quoted(document.note)}"
    if document.at is not None:
        yield f"at = {_moment(document.at)}"
    if document.allow:
        yield f"allow = [{', '.join(map(quoted, document.allow))}]"
    if document.require_no_advisories:
        yield "require-no-advisories = true"
    for name, table in (
        ("require", {each: quoted(basis) for each, basis in document.require.items()}),
        ("algorithms", {each: _moment(end) for each, end in document.algorithms.items()}),
    ):
        if table:
            yield from ("", f"[{name}]")
            yield from (f"{quoted(each)} = {value}" for each, value in sorted(table.items()))
    for entry in document.trust.entries:
        yield from ("", *entry_lines(entry))
        if (entry.kind, entry.digest) in document.must_seal:
            yield "must-seal = true"
    for anchor in document.anchor_files:
        yield from ("", f"[[{anchor.kind}]]", *_file_lines(anchor))
    for reference in document.reference_files:
        yield from ("", "[[reference]]", *_file_lines(reference))


def _file_lines(named: AnchorFile | ReferenceFile) -> Iterator[str]:
    yield f'sha256 = "{named.digest}"'
    yield f"file = {quoted(named.file)}"
    if named.note:
        yield f"note = {quoted(named.note)}"


def _moment(seconds: int) -> str:
    """An offset date-time of TOML."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ").zfill(20)
