# SPDX-License-Identifier: Apache-2.0
"""What judgements on certificates share: the chain to an anchor, and what revocation lists and responses say.

Spec: "Verification", steps 3 to 5. RFC 5280 section 6, RFC 6960.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice, pairwise
from typing import TypeVar

from bundlefmt.evidence import crl, ocsp, x509
from bundlefmt.evidence.certificate import Certificate, CertificateError
from bundlefmt.evidence.chain import MAX_ISSUERS, Chain, Purpose, Relaxations, find_chain
from bundlefmt.frozen import frozen
from bundlefmt.verify import period
from bundlefmt.verify.context import Area, Context, Fail, Judgement, Once, Skip, Unsure, readable


@frozen
class Route:
    """Where a chain may lead: through items of role `through` (None: through none), to `anchors` (DER).

    `at` is when it is judged, seconds since the epoch; None is when all certificates are.
    """

    through: str | None
    anchors: tuple[bytes, ...]
    purpose: Purpose
    allow_ca_without_constraints: bool = False
    at: int | None = None


E = TypeVar("E", crl.RevocationList, ocsp.OcspResponse)
# the values of a role's items by label, and what follows from those that are absent
Present = tuple[dict[str, bytes], Judgement | None]


class Chains(Area):
    """Certificates, lists and responses, each decoded once, and chains, each found once."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._certificates: Once[str, Certificate] = Once(self._decode)
        self._lists: Once[str, crl.RevocationList] = Once(self._decode_list)
        self._responses: Once[str, ocsp.OcspResponse] = Once(self._decode_response)
        self._routes: Once[tuple[str, Route], Chain] = Once(self._find)
        self.present: Once[str | None, Present] = Once(self._present)
        self._by_issuer: Once[str, Mapping[object, list[crl.RevocationList]]] = Once(self._index_lists)
        self._by_serial: Once[str, Mapping[int, list[ocsp.OcspResponse]]] = Once(self._index_responses)

    def _decode(self, label: str) -> Certificate:
        value = self.context.value(label)
        return readable(lambda: x509.load(value))

    def _decode_list(self, label: str) -> crl.RevocationList:
        value = self.context.value(label)
        return readable(lambda: crl.RevocationList.decode(value))

    def _decode_response(self, label: str) -> ocsp.OcspResponse:
        value = self.context.value(label)
        return readable(lambda: ocsp.OcspResponse.decode(value))

    def form(self, label: str) -> Certificate:
        """Raises Fail where it cannot be read."""
        return self._certificates(label)

    def certificate(self, label: str) -> Certificate:
        """Raises Skip where it cannot be read: the form check says why."""
        try:
            return self._certificates(label)
        except Fail:
            raise Skip(f"{label} cannot be read") from None

    def chain(self, label: str, purpose: Purpose) -> Chain:
        """The chain of `label` to a TPM manufacturer. Raises Unsure without anchors, Fail without a chain."""
        if not self.context.policy.anchors:
            self.certificate(label)
            raise Unsure("no TPM manufacturer's certificate was given as an anchor")
        return self.along(label, self.to_manufacturer(purpose))

    def to_manufacturer(self, purpose: Purpose) -> Route:
        """The route of EK and AK certificates."""
        return Route(through="certificate-issuer", anchors=self.context.policy.anchors, purpose=purpose)

    def along(self, label: str, route: Route) -> Chain:
        """The chain of `label` along a route. Raises Fail without a chain."""
        return self._routes((label, route))

    def at(self, route: Route) -> int:
        """When a chain along this route is judged, seconds since the epoch."""
        return self.context.at if route.at is None else route.at

    def _find(self, key: tuple[str, Route]) -> Chain:
        label, route = key
        leaf = self.certificate(label)
        issuers, absent = self.present(route.through)
        if len(issuers) > MAX_ISSUERS:
            raise Unsure(f"more than {MAX_ISSUERS} issuers' certificates")
        carried = (
            self.context.existence.stamps.material.above(leaf, issuers.values()) if route.through else []
        )
        given = list(dict.fromkeys((*issuers.values(), *carried)))[:MAX_ISSUERS]
        here = frozenset((leaf.raw, *issuers.values()))
        relaxations = replace(
            self.relaxations, allow_ca_without_constraints=route.allow_ca_without_constraints
        )
        search = partial(
            find_chain,
            leaf.raw,
            issuers=given,
            anchors=route.anchors,
            at=self.at(route),
            purpose=route.purpose,
            relaxations=relaxations,
        )
        try:
            return search(refuse=partial(self._ended, here))
        except CertificateError as error:
            if self.context.policy.algorithms:
                self._judge_periods(here, search)
            if absent is not None:
                raise type(absent)(f"{error}; {absent}") from None
            raise Fail(str(error)) from None

    def _by(self, here: frozenset[bytes], child: Certificate) -> int | None:
        """By when a certificate existed, as an item or as carried by a renewal."""
        existence = self.context.existence
        return existence.by if child.raw in here else existence.carried_by(child.raw)

    def _ended(self, here: frozenset[bytes], child: Certificate, issuer: Certificate) -> str | None:
        """Why the policy no longer takes the signature of a certificate by another; items are `here`."""
        found = period.ended(
            self.context.policy, period.used(child.algorithm, issuer), by=self._by(here, child)
        )
        return None if found is None else f"its signature is by {found[0]}, which the policy ends"

    def _judge_periods(self, here: frozenset[bytes], search: Callable[[], Chain]) -> None:
        """A chain there would be but for algorithms that ended is in doubt. Raises Unsure, Fail."""
        try:
            certificates = search().certificates
        except CertificateError:
            return
        for child, issuer in pairwise(certificates):
            try:
                period.require_counts(
                    self.context.policy,
                    period.used(child.algorithm, issuer),
                    claimed=child.not_before,
                    by=self._by(here, child),
                )
            except Judgement as judgement:
                raise type(judgement)(f"{child}: {judgement}") from None

    @property
    def relaxations(self) -> Relaxations:
        policy = self.context.policy
        return Relaxations(
            allow_sha1=policy.allow_sha1_certificates, allow_missing_usage=policy.allow_missing_usage
        )

    def _present(self, role: str | None) -> Present:
        """The values of a role's items by label, and what follows from those that are absent."""
        values, absent = {}, None
        for label in self.context.labels(role) if role is not None else ():
            try:
                values[label] = bytes(self.context.value(label))
            except Judgement as judgement:
                absent = absent or judgement
        return values, absent

    def _index_lists(self, role: str) -> Mapping[object, list[crl.RevocationList]]:
        found: dict[object, list[crl.RevocationList]] = {}
        for label in self.present(role)[0]:
            each = self._lists(label)
            found.setdefault(each.issuer.comparable(), []).append(each)
        return found

    def _index_responses(self, role: str) -> Mapping[int, list[ocsp.OcspResponse]]:
        found: dict[int, list[ocsp.OcspResponse]] = {}
        for label in self.present(role)[0]:
            each = self._responses(label)
            for serial in {answer.serial for answer in each.answers}:
                found.setdefault(serial, []).append(each)
        return found

    def standing(self, label: str, route: Route) -> str:
        """What lists and responses in the bundle say of a chain.

        Raises Fail if one revokes, Unsure if none of an issuer is usable. A certificate whose issuer has
        neither here is named, and leaves no doubt: they are not required.
        """
        self.context.value(label)  # an absent certificate is undecided, not without a chain
        try:
            if not route.anchors:
                raise Skip("there is no anchor")
            certificates = self.along(label, route).certificates
        except Judgement:
            raise Skip("there is no chain") from None
        absent = self.present("crl")[1] or self.present("ocsp")[1]
        judged, unlisted, doubts, at = [], [], [], self.at(route)
        for place, (certificate, issuer) in enumerate(pairwise(certificates), 1):
            found = self._consulted(certificate, issuer, at)
            if found is None:
                unlisted.append(place)
                continue
            if found.entry is not None and found.entry.concerns(at):
                raise Fail(f"certificate {place} ({certificate}): {found.entry.describe()}")
            if found.standing is crl.Standing.UNKNOWN:
                doubts.append(f"certificate {place} ({certificate}): {'; '.join(found.reasons)}")
                continue
            later = f", {found.entry.describe()}" if found.entry is not None else ""
            judged.append(f"certificate {place} was not revoked{later}")
        if doubts:
            raise Unsure(doubts[0])
        if absent is not None:
            raise absent
        if not judged:
            raise Skip("no revocation list or response here is of an authority of the chain")
        none = f"; no list for certificates {', '.join(map(str, unlisted))}" if unlisted else ""
        return "; ".join(judged) + none

    def _consulted(self, certificate: Certificate, issuer: Certificate, at: int) -> crl.Revocation | None:
        """What the issuer's lists and the responses about the certificate say; None where there are none.

        Of those that renewals carry only what says something: they were put there for many certificates.

        The worst of both counts. Lists are known by their issuer's name, responses by the certificate's.
        """
        of_issuer = self._by_issuer("crl").get(certificate.issuer.comparable(), [])
        of_serial = self._by_serial("ocsp").get(certificate.serial, [])
        about = (each for each in of_serial if readable(partial(ocsp.concerns, each, certificate, issuer)))
        # one more than are looked at says that there are too many
        responses = list(islice(about, crl.MAX_LISTS + 1))
        relaxations = self.relaxations
        material = self.context.existence.stamps.material
        carried = readable(
            lambda: list(
                material.consult(
                    certificate, issuer, at=at, relaxations=relaxations, clears=self._carried_clears
                )
            )
        )
        found = [each for each in carried if each.standing is not crl.Standing.UNKNOWN]
        if of_issuer:
            by_lists = partial(crl.revocation, certificate, issuer, at=at, relaxations=relaxations)
            found.append(self._weighed(by_lists, of_issuer, issuer))
        if responses:
            by_responses = partial(ocsp.revocation, certificate, issuer, at=at, relaxations=relaxations)
            found.append(self._weighed(by_responses, responses, issuer))
        if not found:
            return None

        def rank(each: crl.Revocation) -> tuple[bool, bool]:
            return each.entry is not None and each.entry.concerns(
                at
            ), each.standing is not crl.Standing.UNKNOWN

        return max(found, key=rank)

    def _carried_clears(self, said: crl.RevocationList | ocsp.OcspResponse, issuer: Certificate) -> bool:
        """Whether a list or response that a renewal carries may clear: its algorithms had not ended."""
        by = self.context.existence.carried_by(said.raw)
        return period.ended(self.context.policy, period.used_by(said, issuer), by=by) is None

    def _weighed(
        self, consult: Callable[[Sequence[E]], crl.Revocation], said: Sequence[E], issuer: Certificate
    ) -> crl.Revocation:
        """What lists or responses say. By an algorithm that ended they can take away and not clear."""
        found = consult(said)
        if found.entry is not None or not self.context.policy.algorithms:
            return found
        by = self.context.existence.by
        kept = [
            each
            for each in said
            if period.ended(self.context.policy, period.used_by(each, issuer), by=by) is None
        ]
        if len(kept) == len(said):
            return found
        reason = "a list or response is by an algorithm that the policy ends"
        without: crl.Revocation = consult(kept)
        return replace(without, reasons=(*without.reasons, reason))
