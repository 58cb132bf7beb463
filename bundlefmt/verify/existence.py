# SPDX-License-Identifier: Apache-2.0
"""By when the bundle existed: its renewals, each read once, and which hold, from the last to the first.

A renewal holds if its authority is one that the verifier trusts for time, and was still to be believed when
the next that holds took over; the last ones, at the verifier's time. It covers everything before it by hashes
of its own, so it needs no other renewal before it, and one that does not hold takes no other with it.
Spec: "Renewals". RFC 3161, RFC 4998 section 5.3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Final, TypeVar

from bundlefmt import labels
from bundlefmt.bundle import Bundle
from bundlefmt.errors import MalformedError
from bundlefmt.evidence.certificate import EXTENDED_KEY_USAGE, Certificate, CertificateError, KeyUsage
from bundlefmt.evidence.chain import Chain, Purpose, Relaxations, find_chain
from bundlefmt.evidence.timestamp_token import TimeStampToken
from bundlefmt.evidence.x509_signature import signature_algorithm
from bundlefmt.manifest import hash_bytes
from bundlefmt.moment import when
from bundlefmt.renewal import Coverage, Stamp
from bundlefmt.verify.judgement import Fail, Judgement, Once, Skip, Unsure, readable
from bundlefmt.verify.material import Material
from bundlefmt.verify.policy import Policy

MAX_RENEWALS: Final = 256  # of one bundle: two authorities, each twice a year for more than sixty years
TIME_STAMPING: Final = "1.3.6.1.5.5.7.3.8"
_PURPOSE: Final = Purpose(usages=frozenset({TIME_STAMPING}))
_SIGNING: Final = KeyUsage.digitalSignature | KeyUsage.nonRepudiation
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One renewal, its proof read as a timestamp."""

    stamp: Stamp
    coverage: Coverage
    token: TimeStampToken


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A renewal that holds, counted from zero: everything before it existed by `by`, seconds since the epoch.

    `until` is when it had to be believed still: when the next one took over, or the verifier's time; `listed`
    whether anything carried along says that no certificate of its chain was revoked. It covers `seals` seals.
    """

    number: int
    by: int
    until: int
    seals: int
    chain: Chain
    listed: bool


class Existence:
    """The renewals of a bundle, counted from zero. Each decision returns a fact or raises a Judgement."""

    def __init__(self, bundle: Bundle, policy: Policy) -> None:
        self._bundle = bundle
        self._policy = policy
        self.count = len(bundle.renewals)
        self.form = Once(self._form)
        self.covers = Once(self._covers)
        self.imprint = Once(self._imprint)
        self.signer = Once(self._signer)
        self.authority = Once(self._authority)
        self.chain = Once(self._chain)
        self._digests: Once[tuple[int, str], bytes] = Once(self._digest)
        self._rows: Once[tuple[int, str], tuple[bytes, ...]] = Once(self._digest_rows)

    # --- what each renewal says ---------------------------------------------------------------------

    def _form(self, number: int) -> Read:
        """Raises Fail where it is none, Skip where its proof is of a kind that is not known here."""
        if number >= MAX_RENEWALS:
            raise Unsure(f"more than {MAX_RENEWALS} renewals: this one is not looked at")
        stamp = readable(lambda: Stamp.decode(self._bundle.renewals[number].raw))
        if stamp.type != labels.TYPE_TIMESTAMP:
            raise Skip(f"a proof of type {stamp.type} is not known here: kept, not judged")
        coverage = readable(lambda: Coverage.decode(stamp.covers))
        token = readable(lambda: TimeStampToken.decode(stamp.proof))
        unknown = sorted(each.oid for each in token.info.extensions if each.critical)
        if unknown:
            raise Fail(f"the timestamp has critical extensions that are not known: {unknown}")
        return Read(stamp=stamp, coverage=coverage, token=token)

    def read(self, number: int) -> Read:
        """Raises Skip where the form check says why it is not judged."""
        try:
            return self.form(number)
        except Judgement:
            raise Skip("renewal.form says why") from None

    def _digest(self, what: tuple[int, str]) -> bytes:
        """The digest of an artifact by `alg` and label; each is computed once, whoever covers it."""
        alg, label = what
        return hash_bytes(alg, self._bundle.content[label].value)

    def _digest_rows(self, what: tuple[int, str]) -> tuple[bytes, ...]:
        """The digests by `alg` of all seals or of all renewals."""
        alg, part = what
        values = [each.value for each in self._bundle.seals]
        if part == "renewals":
            values = [each.raw for each in self._bundle.renewals]
        return tuple(hash_bytes(alg, value) for value in values)

    def _covers(self, number: int) -> Coverage:
        """The coverage, once it is that of this file. Raises Fail where it is of another, Unsure for gaps."""
        coverage = self.read(number).coverage
        alg, content = coverage.alg, self._bundle.content
        if coverage.manifest != hash_bytes(alg, self._bundle.manifest_raw):
            raise Fail("it covers another manifest")
        if strange := sorted(set(coverage.content) - set(self._bundle.manifest.items)):
            raise Fail(f"it covers {strange[0]}, which is no item")
        for label in sorted(set(coverage.content) & set(content)):
            if coverage.content[label] != self._digests((alg, label)):
                raise Fail(f"{label} is not what it covers")
        for name, rows, there in (
            ("seal", coverage.seals, self._rows((alg, "seals"))),
            ("renewal", coverage.renewals, self._rows((alg, "renewals"))[:number]),
        ):
            if len(rows) > len(there):
                raise Fail(f"it covers {len(rows)} {name}s, and {len(there)} are before it")
            if rows != there[: len(rows)]:
                place = next(place for place, row in enumerate(rows, 1) if row != there[place - 1])
                raise Fail(f"{name} {place} is not what it covers")
        if len(coverage.renewals) < number:
            raise Fail(f"it covers {len(coverage.renewals)} of the {number} renewals before it")
        if bare := sorted(set(content) - set(coverage.content)):
            raise Unsure(f"{bare[0]} is here, and it does not cover it")
        return coverage

    def _imprint(self, number: int) -> str:
        """The timestamp is over the coverage, by the same hash algorithm."""
        found = self.read(number)
        alg, imprint = found.coverage.alg, found.token.info.imprint
        if imprint.hash != labels.HASH_NAMES[alg]:
            raise Fail(f"a timestamp over {imprint.hash}, and the coverage is by {labels.HASH_NAMES[alg]}")
        if imprint.digest != hash_bytes(alg, found.stamp.covers):
            raise Fail("the timestamp is over something else")
        return f"over the coverage, by {imprint.hash}"

    def _signer(self, number: int) -> tuple[Certificate, str]:
        """The certificate of who signed, and by which algorithm. Raises Unsure where it is not here."""
        token = self.read(number).token
        try:
            wanted = token.signer.certificate_id()
            if wanted.hash == "sha1" and not self._policy.allow_sha1_certificates:
                raise Fail("the signer's certificate is named by SHA-1 only")
            raw = token.certificate(wanted) or self.material.certificate(wanted)
            if raw is None:
                raise Unsure("the certificate of who signed is not here")
            certificate = readable(lambda: Certificate.decode(raw))
            try:
                signature_algorithm(token.signer.algorithm)
            except CertificateError as error:
                raise Unsure(str(error)) from None
            return certificate, token.verify(certificate)
        except (CertificateError, MalformedError) as error:
            raise Fail(str(error)) from None

    def _authority(self, number: int) -> Certificate:
        """The signer's certificate, which is for timestamps and was valid when it signed. Raises Fail."""
        certificate = _after("renewal.signature", lambda: self.signer(number))[0]
        made = self.read(number).token.info.generated
        try:
            usages, usage = certificate.extended_key_usage(), certificate.key_usage()
        except MalformedError as error:
            raise Fail(str(error)) from None
        extension = certificate.extension(EXTENDED_KEY_USAGE)
        if extension is None or usages != frozenset({TIME_STAMPING}) or not extension.critical:
            raise Fail(f"{certificate} is not for timestamps alone (extended key usage, critical)")
        if usage is not None and not usage & _SIGNING:
            raise Fail(f"the key usage of {certificate} is {usage.describe()}: digitalSignature is needed")
        if not certificate.not_before <= made <= certificate.not_after:
            raise Fail(f"{certificate} was not valid at {when(made)}, when it signed")
        return certificate

    def _chain(self, number: int) -> Chain:
        """From the authority to an anchor, at the time of signing. Raises Unsure: nothing leads there."""
        _after("renewal.authority", lambda: self.authority(number))
        return self._chain_at(number, self.read(number).token.info.generated)

    def _chain_at(self, number: int, at: int) -> Chain:
        leaf = self.authority(number)
        if not self._policy.anchors_time:
            raise Unsure("no authority of time was given as an anchor")
        try:
            return find_chain(
                leaf.raw,
                issuers=self.material.above(leaf, self.read(number).token.certificates),
                anchors=self._policy.anchors_time,
                at=at,
                purpose=_PURPOSE,
                relaxations=Relaxations(allow_sha1=self._policy.allow_sha1_certificates),
            )
        except CertificateError as error:
            raise Unsure(str(error)) from None

    def order(self, number: int) -> str:
        """Not stamped before what it covers, by authorities that are trusted. Raises Fail."""
        info = self.read(number).token.info
        if info.generated > self.now:
            raise Skip(f"made at {when(info.generated)}, after the time that is asked about")
        before = self._before[number]
        if before is not None and info.latest < before:
            raise Fail(f"it says {when(info.generated)}, and what it covers was made at {when(before)}")
        return f"made at {when(info.generated)}"

    # --- which of them hold -------------------------------------------------------------------------

    @cached_property
    def material(self) -> Material:
        """What all renewals carry along."""
        return Material([(number, found.coverage) for number, found in self._readable()])

    def _readable(self) -> Iterator[tuple[int, Read]]:
        for number in range(self.count):
            try:
                yield number, self.form(number)
            except Judgement:
                continue

    @cached_property
    def now(self) -> int:
        """The verifier's time; where the policy has none, when the last renewal was made."""
        if self._policy.at is not None:
            return self._policy.at
        if self._policy.now is not None:
            return self._policy.now
        return max((found.token.info.generated for _, found in self._readable()), default=0)

    def _is_sound(self, number: int) -> bool:
        """Whether it says what it says by an authority that the verifier trusts, time aside."""
        return _passes(*(partial(decide, number) for decide in (self.covers, self.imprint, self.chain)))

    @cached_property
    def _before(self) -> Sequence[int | None]:
        """For each renewal, the latest time at which a sound one before it was made at the earliest."""
        found: list[int | None] = []
        latest: int | None = None
        for number in range(self.count):
            found.append(latest)
            if self._is_sound(number):
                earliest = self.read(number).token.info.earliest
                latest = earliest if latest is None else max(latest, earliest)
        return found

    @cached_property
    def _judged(self) -> tuple[dict[int, Held], dict[int, Judgement]]:
        """Those that hold, and why others that are sound do not; from the last to the first."""
        held: dict[int, Held] = {}
        refused: dict[int, Judgement] = {}
        until = self.now
        for number in reversed(range(self.count)):
            if not self._is_sound(number) or not _passes(partial(self.order, number)):
                continue
            info = self.read(number).token.info
            try:
                chain, listed = self._still(number, until)
            except Judgement as judgement:
                refused[number] = judgement
                continue
            held[number] = Held(
                number=number,
                by=info.latest,
                until=until,
                seals=len(self.covers(number).seals),
                chain=chain,
                listed=listed,
            )
            until = min(until, info.latest)
        return held, refused

    def _still(self, number: int, until: int) -> tuple[Chain, bool]:
        """The chain at `until`, where nothing says that it was revoked. Raises Unsure where it had lapsed."""
        try:
            chain = self._chain_at(number, until)
        except Unsure as unsure:
            raise Unsure(f"not renewed in good time: {unsure}") from None
        return chain, self._unrevoked(number, chain, until)

    def _unrevoked(self, number: int, chain: Chain, until: int) -> bool:
        """Whether anything says that no certificate was revoked. Raises Fail where one was."""
        reason, good = self.material.standing(
            chain,
            at=until,
            since=number,
            lists=self.read(number).token.lists,
            relaxations=Relaxations(allow_sha1=self._policy.allow_sha1_certificates),
        )
        if reason is not None:
            raise Fail(reason)
        return good

    @property
    def held(self) -> dict[int, Held]:
        return self._judged[0]

    def kept(self, number: int) -> Held:
        """Raises Unsure where it lapsed, Fail where it was revoked, Skip where another check says why."""
        held, refused = self._judged
        if number in held:
            return held[number]
        if number in refused:
            raise refused[number]
        raise Skip("another check says why it does not count")

    @cached_property
    def by(self) -> int | None:
        """By when the manifest existed; None where no renewal shows it."""
        return min((each.by for each in self.held.values()), default=None)

    def seal_by(self, number: int) -> int | None:
        """By when a seal, counted from zero, existed."""
        return min((each.by for each in self.held.values() if number < each.seals), default=None)


def _after(check: str, decide: Callable[[], T]) -> T:
    """What `decide` returns; where it fails or is not decided, another check has said so."""
    try:
        return decide()
    except (Fail, Unsure):
        raise Skip(f"{check} says why") from None


def _passes(*decisions: Callable[[], object]) -> bool:
    try:
        for decide in decisions:
            decide()
    except Judgement:
        return False
    return True
