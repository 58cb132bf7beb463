# SPDX-License-Identifier: Apache-2.0
"""The renewals of a bundle one by one: what each covers and says, who stamped it, and whether they may.

Which of them hold is decided from all together, in `existence`. Spec: "Renewals". RFC 3161, RFC 5652.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Final, TypeVar

from bundlefmt import labels
from bundlefmt.bundle import Bundle
from bundlefmt.evidence.certificate import Certificate
from bundlefmt.evidence.chain import Chain
from bundlefmt.evidence.timestamp_token import TimeStampToken
from bundlefmt.frozen import frozen
from bundlefmt.manifest import hash_bytes
from bundlefmt.renewal import Coverage, Stamp
from bundlefmt.verify.authority import Authorities, read_token
from bundlefmt.verify.judgement import Fail, Judgement, Once, Skip, Unsure, readable
from bundlefmt.verify.material import Material
from bundlefmt.verify.policy import Policy

MAX_RENEWALS: Final = 256  # of one bundle: two authorities, each twice a year for more than sixty years
T = TypeVar("T")


@frozen
class Read:
    """One renewal, its proof read as a timestamp."""

    stamp: Stamp
    coverage: Coverage
    token: TimeStampToken


class Stamps:
    """The renewals, counted from zero. Each decision returns a fact or raises a Judgement."""

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

    def _form(self, number: int) -> Read:
        """Raises Fail where it is none, Skip where its proof is of a kind that is not known here."""
        if number >= MAX_RENEWALS:
            raise Unsure(f"more than {MAX_RENEWALS} renewals: this one is not looked at")
        stamp = readable(lambda: Stamp.decode(self._bundle.renewals[number].raw))
        if stamp.type == labels.TYPE_OPENTIMESTAMP:
            raise Skip("a proof by blocks: block.form judges it")
        if stamp.type != labels.TYPE_TIMESTAMP:
            raise Skip(f"a proof of type {stamp.type} is not known here: kept, not judged")
        coverage = readable(lambda: Coverage.decode(stamp.covers))
        return Read(stamp=stamp, coverage=coverage, token=read_token(stamp.proof))

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
        self.require_covers(number, coverage)
        return coverage

    def require_covers(self, number: int, coverage: Coverage) -> None:
        """Whatever its proof: it covers this file. Raises Fail where another, Unsure for gaps."""
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
        """The certificate of who signed, and by which algorithm. Raises Fail, Unsure where it is not here."""
        return self.authorities.signer(self.read(number).token)

    def _authority(self, number: int) -> Certificate:
        """The signer's certificate, which is for timestamps and was valid when it signed. Raises Fail."""
        certificate = _after("renewal.signature", lambda: self.signer(number))[0]
        self.authorities.require_authority(self.read(number).token, certificate)
        return certificate

    def _chain(self, number: int) -> Chain:
        """From the authority to an anchor, at the time of signing. Raises Unsure: nothing leads there."""
        leaf = _after("renewal.authority", lambda: self.authority(number))
        token = self.read(number).token
        return self.authorities.chain(token, leaf, token.info.generated)

    @cached_property
    def authorities(self) -> Authorities:
        return Authorities(self._policy, self.material)

    @cached_property
    def material(self) -> Material:
        """What all renewals carry along."""
        return Material([(number, found.coverage) for number, found in self.readable()])

    def readable(self) -> Iterator[tuple[int, Read]]:
        for number in range(self.count):
            try:
                yield number, self.form(number)
            except Judgement:
                continue


def _after(check: str, decide: Callable[[], T]) -> T:
    """What `decide` returns; where it fails or is not decided, another check has said so."""
    try:
        return decide()
    except (Fail, Unsure):
        raise Skip(f"{check} says why") from None
