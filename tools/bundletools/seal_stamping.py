# SPDX-License-Identifier: Apache-2.0
"""A timestamp over the signature of a COSE seal, put into its unprotected header and checked at once.

Spec: "COSE seals". RFC 9921.
"""

from __future__ import annotations

from collections.abc import Sequence

from bundlefmt import labels
from bundlefmt.bundle import Bundle
from bundlefmt.cose import CoseSign1
from bundlefmt.evidence.timestamp_token import TimeStampToken
from bundlefmt.frozen import frozen
from bundlefmt.manifest import hash_bytes
from bundlefmt.moment import when
from bundlefmt.verify import Outcome, Policy
from bundlefmt.verify.authority import Authorities
from bundlefmt.verify.judgement import Judgement
from bundlefmt.verify.material import Material
from bundletools.errors import SealError
from bundletools.seal_header import SealHeader


@frozen
class SealStamping:
    """The seal with this number, counted from one as findings do."""

    bundle: Bundle
    number: int

    @property
    def _header(self) -> SealHeader:
        return SealHeader(bundle=self.bundle, number=self.number)

    def message(self) -> CoseSign1:
        """The seal. Raises SealError where no timestamp can be added to it."""
        message = self._header.message(
            "timestamp",
            otherwise="bundle timestamp without --seal covers every seal",
            covered="the renewal shows by when it existed",
        )
        if labels.HDR_3161_CTT in message.unprotected:
            raise SealError(
                f"seal {self.number} has a timestamp, and has place for one",
                hint="bundle timestamp without --seal: any number of authorities, each of all that is there",
            )
        return message

    def imprint(self, alg: int) -> bytes:
        """The digest that an authority is asked to stamp. Raises SealError."""
        return hash_bytes(alg, self.message().signature_field())

    def stamped(self, token: TimeStampToken, *, anchors: Sequence[bytes] = ()) -> Bundle:
        """The bundle, its seal with the timestamp, once the verifier accepts it. Raises SealError.

        With `anchors` (DER) the authority must lead to one of them, as at the time of its token.
        """
        message = self.message()
        _require_signed(token)
        made = self._header.having(message, labels.HDR_3161_CTT, token.raw)
        policy = Policy(anchors_time=tuple(anchors), now=token.info.latest)
        found = self._header.finding(made, policy, "seal.timestamp")
        accepted = (Outcome.PASSED,) if anchors else (Outcome.PASSED, Outcome.INDETERMINATE)
        if found.outcome not in accepted:
            raise SealError(f"the timestamp does not hold: {found.check}: {found.message}")
        return made

    def told(self, token: TimeStampToken) -> str:
        return f"seal {self.number}: in existence by {when(token.info.latest)}"


def _require_signed(token: TimeStampToken) -> None:
    """Raises SealError unless the token brings the certificate of who signed it, an authority of time."""
    authorities = Authorities(Policy(), Material(()))
    try:
        leaf, _ = authorities.signer(token)
        authorities.require_authority(token, leaf)
    except Judgement as judgement:
        raise SealError(f"the timestamp does not hold: {judgement}") from None
