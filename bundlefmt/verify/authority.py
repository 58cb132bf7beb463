# SPDX-License-Identifier: Apache-2.0
"""Whose timestamps are believed: who signed a token, whether they may, to which anchor they lead, until when.

For tokens of renewals and of seals alike. Spec: "Renewals". RFC 3161, RFC 5652; RFC 4998 section 5.3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from bundlefmt.errors import MalformedError
from bundlefmt.evidence import primitive
from bundlefmt.evidence.certificate import EXTENDED_KEY_USAGE, Certificate, CertificateError, KeyUsage
from bundlefmt.evidence.chain import Chain, Purpose, Relaxations, find_chain
from bundlefmt.evidence.timestamp_token import TimeStampToken
from bundlefmt.evidence.x509_signature import signature_algorithm
from bundlefmt.frozen import frozen
from bundlefmt.moment import when
from bundlefmt.verify import period
from bundlefmt.verify.judgement import Fail, Unsure, readable
from bundlefmt.verify.material import Material, Said
from bundlefmt.verify.policy import Policy

TIME_STAMPING: Final = "1.3.6.1.5.5.7.3.8"
_PURPOSE: Final = Purpose(usages=frozenset({TIME_STAMPING}))
_SIGNING: Final = KeyUsage.digitalSignature | KeyUsage.nonRepudiation
# why the signature of a certificate by another is not taken, if it is not
Refusing = Callable[[Certificate, Certificate], str | None]
# by when a certificate, list or response (DER) existed, as renewals show; None where they do not
Known = Callable[[bytes], int | None]


def nothing(child: Certificate, issuer: Certificate) -> None:
    """Refuses no signature."""


@frozen
class Believed:
    """A token whose authority could still be believed: its `chain`, and whether anything carried along says
    that no certificate of it was revoked.
    """

    chain: Chain
    listed: bool


def read_token(data: bytes) -> TimeStampToken:
    """Raises Fail where it is none, or has a critical extension: none is known here."""
    token = readable(lambda: TimeStampToken.decode(data))
    unknown = sorted(each.oid for each in token.info.extensions if each.critical)
    if unknown:
        raise Fail(f"the timestamp has critical extensions that are not known: {unknown}")
    return token


class Authorities:
    """The authorities of time that a policy takes; `material` is what renewals carry along."""

    def __init__(self, policy: Policy, material: Material) -> None:
        self._policy = policy
        self._material = material

    def signer(self, token: TimeStampToken) -> tuple[Certificate, str]:
        """The certificate of who signed, and by which algorithm. Raises Fail, Unsure where it is not here."""
        try:
            token.require_signed()
            wanted = token.signer.certificate_id()
            if wanted.hash == "sha1" and not self._policy.allow_sha1_certificates:
                raise Fail("the signer's certificate is named by SHA-1 only")
            raw = token.certificate(wanted) or self._material.certificate(wanted)
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

    def require_authority(self, token: TimeStampToken, certificate: Certificate) -> None:
        """Raises Fail unless the signer's certificate is for timestamps and was valid when it signed."""
        made = token.info.generated
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

    def chain(
        self, token: TimeStampToken, leaf: Certificate, at: int, *, refuse: Refusing = nothing
    ) -> Chain:
        """From the signer's certificate to an anchor, at `at`. Raises Unsure: nothing leads there."""
        if not self._policy.anchors_time:
            raise Unsure("no authority of time was given as an anchor")
        try:
            return find_chain(
                leaf.raw,
                issuers=self._material.above(leaf, token.certificates),
                anchors=self._policy.anchors_time,
                at=at,
                purpose=_PURPOSE,
                relaxations=self._relaxations,
                refuse=refuse,
            )
        except CertificateError as error:
            raise Unsure(str(error)) from None

    def still(
        self,
        token: TimeStampToken,
        leaf: Certificate,
        until: int,
        *,
        used: Iterable[str],
        by: int | None,
        known: Known,
        since: int,
    ) -> Believed:
        """The chain at `until`. Raises Unsure where it had lapsed, Fail where it was revoked.

        It lapsed too where an algorithm of those `used` ended before `by`, when renewals show that the token
        was there: a forger sets back any clock, so the time that is asked about does not count. Lists count
        that stand in the token and in renewals from the one with number `since` on.
        """

        def refuse(child: Certificate, issuer: Certificate) -> str | None:
            return self._ended(period.used(child.algorithm, issuer), known(child.raw))

        def clears(said: Said, issuer: Certificate) -> bool:
            return self._ended(period.used_by(said, issuer), known(said.raw)) is None

        try:
            over = self._ended(used, by)
            if over is not None:
                raise Unsure(over)
            chain = self.chain(token, leaf, until, refuse=refuse)
        except Unsure as unsure:
            raise Unsure(f"not renewed in good time: {unsure}") from None
        reason, good = self._material.standing(
            chain, at=until, since=since, lists=token.lists, relaxations=self._relaxations, clears=clears
        )
        if reason is not None:
            raise Fail(reason)
        return Believed(chain=chain, listed=good)

    @property
    def _relaxations(self) -> Relaxations:
        return Relaxations(allow_sha1=self._policy.allow_sha1_certificates)

    def _ended(self, used: Iterable[str], by: int | None) -> str | None:
        """Which of the algorithms had ended before what they made is known; None where all are taken."""
        found = period.ended(self._policy, used, by=by)
        return None if found is None else f"made by {found[0]}, which the policy ends at {when(found[1])}"


def used_by(token: TimeStampToken, leaf: Certificate) -> Iterator[str]:
    """What a token rests on, its chain aside: the signer's key, the hashes of what is signed and stamped."""
    signer = token.signer
    yield from period.used(signer.algorithm, leaf)
    for name in (token.info.imprint.hash, signer.hash, signer.certificate_id().hash):
        yield primitive.of_hash(name)
