# SPDX-License-Identifier: Apache-2.0
"""Certificate revocation lists: what one says about a certificate at a time.

RFC 5280 sections 5 and 6.3. Lists in full only: delta and indirect lists, and lists of some reasons, are not
used. Partitioned lists count for the certificates in their scope.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from bundlefmt.errors import Code, MalformedError
from bundlefmt.evidence import der
from bundlefmt.evidence.certificate import (
    CRL_DISTRIBUTION_POINTS,
    Certificate,
    CertificateError,
    Extension,
    KeyUsage,
    read_extensions,
)
from bundlefmt.evidence.chain import STRICT, Relaxations
from bundlefmt.evidence.distinguished_name import Name
from bundlefmt.evidence.x509_signature import load_key, signature_algorithm, verify_signature, weakness
from bundlefmt.frozen import frozen
from bundlefmt.moment import when
from bundlefmt.wire import Buffer

MAX_ENTRIES: Final = 200_000  # of one list: a second or two of work
MAX_LISTS: Final = 64  # consulted for one certificate

_PATH: Final = "crl"
_REASON_CODE: Final = "2.5.29.21"
_ISSUING_POINT: Final = "2.5.29.28"
_VERSION_2: Final = 1
_EXTENSIONS: Final = der.context(0, constructed=True)
_FULL_NAME: Final = der.context(0, constructed=True)
_HARMLESS: Final = frozenset({3, 4, 5, 6})  # affiliationChanged, superseded, cessationOfOperation, hold
_REASONS: Final = {
    0: "unspecified",
    1: "keyCompromise",
    2: "cACompromise",
    3: "affiliationChanged",
    4: "superseded",
    5: "cessationOfOperation",
    6: "certificateHold",
    9: "privilegeWithdrawn",
    10: "aACompromise",
}


@frozen
class Revoked:
    """One entry: since when (seconds since the epoch) and why (CRLReason; 0 where no reason is given)."""

    since: int
    reason: int

    def concerns(self, at: int) -> bool:
        """Whether it takes away belief at `at`: it is earlier, or later with a reason that reaches back."""
        return self.since <= at or self.reason not in _HARMLESS

    def describe(self) -> str:
        return f"revoked at {when(self.since)} ({_REASONS.get(self.reason, f'reason {self.reason}')})"


@frozen
class RevocationList:
    """A list; times are seconds since the epoch, `next_update` None where none is promised."""

    raw: bytes
    tbs: bytes
    algorithm: bytes
    signature: bytes
    issuer: Name
    this_update: int
    next_update: int | None
    revoked: dict[int, Revoked]
    extensions: tuple[Extension, ...]
    entry_extensions: frozenset[str]

    @classmethod
    def decode(cls, data: Buffer) -> RevocationList:
        """Exactly one list. `entry_extensions`: the critical ones in entries. Raises MalformedError."""
        outer = der.Fields(der.decode_element(data, path=_PATH), _PATH)
        tbs, algorithm = outer.take(der.SEQUENCE), outer.take(der.SEQUENCE)
        signature = der.bit_string(outer.next(), _PATH)
        outer.finish()
        fields = der.Fields(tbs, _PATH)
        version = fields.optional(der.INTEGER)
        number = 0 if version is None else der.integer(version, _PATH)
        if fields.take(der.SEQUENCE).raw != algorithm.raw:
            raise algorithm.error(
                Code.BAD_VALUE, "the signature algorithm differs from the signed one", _PATH
            )
        issuer = Name.decode(fields.next())
        this_update = der.moment(fields.next(), _PATH)
        following = fields.optional(der.UTC_TIME, der.GENERALIZED_TIME)
        entries = fields.optional(der.SEQUENCE)
        extensions = fields.optional(_EXTENSIONS)
        fields.finish()
        if number != _VERSION_2 and extensions is not None:
            raise extensions.error(Code.BAD_VALUE, f"extensions in version {number + 1}", _PATH)
        revoked, critical = _entries(entries)
        return cls(
            raw=bytes(data),
            tbs=tbs.raw,
            algorithm=algorithm.raw,
            signature=signature,
            issuer=issuer,
            this_update=this_update,
            next_update=None if following is None else der.moment(following, _PATH),
            revoked=revoked,
            extensions=() if extensions is None else read_extensions(der.inner(extensions, _PATH), _PATH),
            entry_extensions=critical,
        )

    def encode(self) -> bytes:
        return self.raw


def _entries(element: der.Element | None) -> tuple[dict[int, Revoked], frozenset[str]]:
    if element is None:
        return {}, frozenset()
    entries = der.children(element, der.SEQUENCE, _PATH)
    if len(entries) > MAX_ENTRIES:
        raise element.error(Code.COUNT_LIMIT, f"more than {MAX_ENTRIES} entries", _PATH)
    revoked: dict[int, Revoked] = {}
    critical: set[str] = set()
    for entry in entries:
        fields = der.Fields(entry, _PATH)
        serial = der.integer(fields.next(), _PATH)
        since = der.moment(fields.next(), _PATH)
        listed = fields.optional(der.SEQUENCE)
        fields.finish()
        reason = 0
        for extension in () if listed is None else read_extensions(listed, _PATH):
            if extension.oid == _REASON_CODE:
                reason = der.integer(extension.element(), _PATH, tag=der.ENUMERATED)
            elif extension.critical:
                critical.add(extension.oid)
        known = revoked.get(serial)
        # of two entries the one that takes away more
        if known is None or (reason not in _HARMLESS, -since) > (known.reason not in _HARMLESS, -known.since):
            revoked[serial] = Revoked(since=since, reason=reason)
    return revoked, frozenset(critical)


class Standing(StrEnum):
    """What lists say about a certificate."""

    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


@frozen
class Revocation:
    """`entry` is there where the certificate is revoked; `reasons` say why lists could not be used."""

    standing: Standing
    entry: Revoked | None = None
    reasons: tuple[str, ...] = ()


def revocation(
    certificate: Certificate,
    issuer: Certificate,
    lists: Sequence[RevocationList],
    *,
    at: int,
    relaxations: Relaxations = STRICT,
) -> Revocation:
    """What `lists` say at `at` about `certificate`, which `issuer` has issued.

    An entry in any list that is genuine counts, however old or new the list is. Without an entry the
    certificate is good if a list was current at `at`, or was made later and before the certificate ended:
    entries stay until then (RFC 5280 3.3). Everything else leaves it unknown.
    """
    if len(lists) > MAX_LISTS:
        return Revocation(standing=Standing.UNKNOWN, reasons=(f"more than {MAX_LISTS} lists",))
    found: list[Revoked] = []
    reasons: list[str] = []
    good = False
    for each in lists:
        try:
            entry = _consult(each, certificate, issuer, at, relaxations)
        except (CertificateError, MalformedError) as error:
            reasons.append(str(error))
        else:
            good = True
            if entry is not None:
                found.append(entry)
    if found:
        worst = max(found, key=lambda entry: (entry.concerns(at), -entry.since))
        return Revocation(standing=Standing.REVOKED, entry=worst, reasons=tuple(reasons))
    return Revocation(standing=Standing.GOOD if good else Standing.UNKNOWN, reasons=tuple(reasons))


def _consult(
    crl: RevocationList, certificate: Certificate, issuer: Certificate, at: int, relaxations: Relaxations
) -> Revoked | None:
    """The entry of `certificate`; None where the list says that there is none. Raises CertificateError."""
    if not crl.issuer.comparable() == certificate.issuer.comparable() == issuer.subject.comparable():
        raise CertificateError(f"the list of {crl.issuer} is of another issuer")
    usage = issuer.key_usage()
    if usage is not None and KeyUsage.cRLSign not in usage:
        raise CertificateError(f"the key usage of {issuer} lacks cRLSign")
    if signature_algorithm(crl.algorithm).sha1 and not relaxations.allow_sha1:
        raise CertificateError("the list's signature uses SHA-1")
    key = load_key(issuer.spki)
    weak = weakness(key)
    if weak is not None:
        raise CertificateError(f"the list's issuer has {weak}")
    verify_signature(crl.algorithm, key, crl.signature, crl.tbs)
    _judge_scope(crl, certificate)
    entry = crl.revoked.get(certificate.serial)
    if entry is not None:
        return entry
    if crl.this_update <= at:
        if crl.next_update is None or at > crl.next_update:
            raise CertificateError(f"the list of {when(crl.this_update)} was no longer current at {when(at)}")
    elif crl.this_update > certificate.not_after:
        raise CertificateError("the list was made after the certificate ended, when entries may be gone")
    return None


def _judge_scope(crl: RevocationList, certificate: Certificate) -> None:
    """The list is understood, and `certificate` would be on it. Raises CertificateError."""
    unknown = {each.oid for each in crl.extensions if each.critical} | crl.entry_extensions
    unknown -= {_ISSUING_POINT}
    if unknown:
        raise CertificateError(f"the list has critical extensions that are not known: {sorted(unknown)}")
    extension = next((each for each in crl.extensions if each.oid == _ISSUING_POINT), None)
    if extension is None:
        return
    fields = der.Fields(extension.element(), _PATH)
    point = fields.optional(der.context(0, constructed=True))
    flags = [fields.optional(der.context(number, constructed=False)) for number in range(1, 6)]
    fields.finish()
    users, authorities, some_reasons, indirect, attributes = (
        each is not None and each.content != b"\x00" for each in flags
    )
    constraints = certificate.basic_constraints()
    is_authority = constraints is not None and constraints.ca
    if (
        some_reasons
        or indirect
        or attributes
        or (users and is_authority)
        or (authorities and not is_authority)
    ):
        raise CertificateError("the list's scope leaves the certificate out")
    if point is not None and not _locations(der.inner(point, _PATH)) & _distribution_points(certificate):
        raise CertificateError("the list is for another distribution point than the certificate's")


def _locations(name: der.Element) -> frozenset[bytes]:
    """The full names of a distribution point, as DER."""
    if name.tag != _FULL_NAME:
        return frozenset()
    return frozenset(each.raw for each in der.children(name, _FULL_NAME, _PATH))


def _distribution_points(certificate: Certificate) -> frozenset[bytes]:
    extension = certificate.extension(CRL_DISTRIBUTION_POINTS)
    if extension is None:
        return frozenset()
    found: frozenset[bytes] = frozenset()
    for point in der.children(extension.element(), der.SEQUENCE, _PATH):
        name = der.Fields(point, _PATH).optional(der.context(0, constructed=True))
        if name is not None:
            found |= _locations(der.inner(name, _PATH))
    return found
