# SPDX-License-Identifier: Apache-2.0
"""A timestamp over the signature of a COSE seal, put into its unprotected header and checked at once.

Spec: "COSE seals". RFC 9921.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bundlefmt import labels
from bundlefmt.bundle import Bundle, Renewal
from bundlefmt.cose import CoseSign1
from bundlefmt.errors import MalformedError
from bundlefmt.evidence.timestamp_token import TimeStampToken
from bundlefmt.frozen import frozen
from bundlefmt.manifest import hash_bytes
from bundlefmt.moment import when
from bundlefmt.renewal import Coverage, Stamp
from bundlefmt.verify import Finding, Outcome, Policy, verify
from bundlefmt.verify.authority import Authorities
from bundlefmt.verify.judgement import Judgement
from bundlefmt.verify.material import Material
from bundletools.errors import SealError


@frozen
class SealStamping:
    """The seal with this number, counted from one as findings do."""

    bundle: Bundle
    number: int

    def message(self) -> CoseSign1:
        """The seal. Raises SealError where no timestamp can be added to it."""
        if not 1 <= self.number <= len(self.bundle.seals):
            raise SealError(f"there is no seal {self.number}: the bundle has {len(self.bundle.seals)}")
        seal = self.bundle.seals[self.number - 1]
        if seal.type != labels.SEAL_COSE:
            raise SealError(
                f"seal {self.number} is no COSE seal, and has no place for a timestamp",
                hint="bundle timestamp without --seal covers every seal",
            )
        if any(map(self._may_cover, self.bundle.renewals)):
            raise SealError(
                f"a renewal covers seal {self.number}, and a timestamp would change it",
                hint="the renewal shows by when it existed",
            )
        try:
            message = CoseSign1.decode(seal.value)
        except MalformedError as error:
            raise SealError(f"seal {self.number} cannot be read: {error}") from None
        if labels.HDR_3161_CTT in message.unprotected:
            raise SealError(f"seal {self.number} has a timestamp")
        return message

    def _may_cover(self, renewal: Renewal) -> bool:
        try:
            covered = Coverage.decode(Stamp.decode(renewal.raw).covers)
        except MalformedError:
            return True
        return self.number <= len(covered.seals)

    def imprint(self, alg: int) -> bytes:
        """The digest that an authority is asked to stamp. Raises SealError."""
        return hash_bytes(alg, self.message().signature_field())

    def stamped(self, token: TimeStampToken, *, anchors: Sequence[bytes] = ()) -> Bundle:
        """The bundle, its seal with the timestamp, once the verifier accepts it. Raises SealError.

        With `anchors` (DER) the authority must lead to one of them, as at the time of its token.
        """
        message = self.message()
        _require_signed(token)
        added = {**message.unprotected, labels.HDR_3161_CTT: token.raw}
        seals = list(self.bundle.seals)
        value = replace(message, unprotected=added).encode()
        seals[self.number - 1] = replace(seals[self.number - 1], value=value)
        made = replace(self.bundle, seals=tuple(seals))
        found = self._finding(made, Policy(anchors_time=tuple(anchors), now=token.info.latest))
        accepted = (Outcome.PASSED,) if anchors else (Outcome.PASSED, Outcome.INDETERMINATE)
        if found.outcome not in accepted:
            raise SealError(f"the timestamp does not hold: {found.check}: {found.message}")
        return made

    def told(self, token: TimeStampToken) -> str:
        return f"seal {self.number}: in existence by {when(token.info.latest)}"

    def _finding(self, made: Bundle, policy: Policy) -> Finding:
        of_seal = (f"seal {self.number}",)
        return next(
            each
            for each in verify(made, policy).findings
            if each.check == "seal.timestamp" and each.items == of_seal
        )


def _require_signed(token: TimeStampToken) -> None:
    """Raises SealError unless the token brings the certificate of who signed it, an authority of time."""
    authorities = Authorities(Policy(), Material(()))
    try:
        leaf, _ = authorities.signer(token)
        authorities.require_authority(token, leaf)
    except Judgement as judgement:
        raise SealError(f"the timestamp does not hold: {judgement}") from None
