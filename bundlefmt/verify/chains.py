# SPDX-License-Identifier: Apache-2.0
"""What judgements on certificates share: the chain to the verifier's anchors, and what revocation lists say.

Spec: "Verification", step 5. RFC 5280 section 6.
"""

from __future__ import annotations

from itertools import pairwise

from bundlefmt.evidence import crl
from bundlefmt.evidence.certificate import Certificate, CertificateError
from bundlefmt.evidence.chain import MAX_ISSUERS, Chain, Purpose, Relaxations, find_chain
from bundlefmt.verify.context import Area, Context, Fail, Judgement, Once, Skip, Unsure, readable


class Chains(Area):
    """Chains through the `certificate-issuer` items, each found once."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._certificates: Once[str, Certificate] = Once(self._decode)
        self._lists: Once[str, crl.RevocationList] = Once(self._decode_list)
        self._chains: Once[tuple[str, Purpose], Chain] = Once(self._find)

    def _decode(self, label: str) -> Certificate:
        value = self.context.value(label)
        return readable(lambda: Certificate.decode(value))

    def _decode_list(self, label: str) -> crl.RevocationList:
        value = self.context.value(label)
        return readable(lambda: crl.RevocationList.decode(value))

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
        """The chain of `label` to an anchor. Raises Unsure without anchors, Fail without a chain."""
        return self._chains((label, purpose))

    def _find(self, key: tuple[str, Purpose]) -> Chain:
        label, purpose = key
        leaf = self.certificate(label)
        if not self.context.policy.anchors:
            raise Unsure("no TPM manufacturer's certificate was given as an anchor")
        issuers, absent = self._present("certificate-issuer")
        if len(issuers) > MAX_ISSUERS:
            raise Unsure(f"more than {MAX_ISSUERS} issuers' certificates")
        try:
            return find_chain(
                leaf.raw,
                issuers=list(issuers.values()),
                anchors=self.context.policy.anchors,
                at=self.context.at,
                purpose=purpose,
                relaxations=self.relaxations,
            )
        except CertificateError as error:
            if absent is not None:
                raise type(absent)(f"{error}; {absent}") from None
            raise Fail(str(error)) from None

    @property
    def relaxations(self) -> Relaxations:
        policy = self.context.policy
        return Relaxations(
            allow_sha1=policy.allow_sha1_certificates, allow_missing_usage=policy.allow_missing_usage
        )

    def _present(self, role: str) -> tuple[dict[str, bytes], Judgement | None]:
        """The values of a role's items by label, and what follows from those that are absent."""
        values, absent = {}, None
        for label in self.context.labels(role):
            try:
                values[label] = bytes(self.context.value(label))
            except Judgement as judgement:
                absent = absent or judgement
        return values, absent

    def standing(self, label: str, purpose: Purpose) -> str:
        """What lists in the bundle say of the chain. Raises Fail if one revokes, Unsure if none is usable.

        A certificate whose issuer has no list here is named, and leaves no doubt: lists are not required.
        """
        values, absent = self._present("crl")
        try:
            certificates = self.chain(label, purpose).certificates
        except Judgement:
            raise Skip("there is no chain") from None
        lists = [self._lists(each) for each in values]
        judged, unlisted = [], []
        for place, (certificate, issuer) in enumerate(pairwise(certificates), 1):
            named = certificate.issuer.comparable()
            of_issuer = [each for each in lists if each.issuer.comparable() == named]
            found = crl.revocation(
                certificate, issuer, of_issuer, at=self.context.at, relaxations=self.relaxations
            )
            if found.entry is not None and found.entry.concerns(self.context.at):
                raise Fail(f"certificate {place} ({certificate}): {found.entry.describe()}")
            if not of_issuer:
                unlisted.append(place)
            elif found.standing is crl.Standing.UNKNOWN:
                raise Unsure(f"certificate {place} ({certificate}): {'; '.join(found.reasons)}")
            else:
                later = f", {found.entry.describe()}" if found.entry is not None else ""
                judged.append(f"certificate {place} was not revoked{later}")
        if absent is not None:
            raise absent
        if not judged:
            raise Skip("no revocation list here is of an authority of the chain")
        none = f"; no list for certificates {', '.join(map(str, unlisted))}" if unlisted else ""
        return "; ".join(judged) + none
