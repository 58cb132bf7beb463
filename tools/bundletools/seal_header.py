# SPDX-License-Identifier: Apache-2.0
"""The unprotected header of a COSE seal: whether something may be added to it, and the bundle with that.

Spec: "COSE seals".
"""

from __future__ import annotations

from dataclasses import replace

from bundlefmt import labels
from bundlefmt.bundle import Bundle, Renewal
from bundlefmt.cbor import Value
from bundlefmt.cose import CoseSign1
from bundlefmt.errors import MalformedError
from bundlefmt.frozen import frozen
from bundlefmt.renewal import Coverage, Stamp
from bundlefmt.verify import Finding, Policy, verify
from bundletools.errors import SealError


@frozen
class SealHeader:
    """Of the seal with this number, counted from one as findings do."""

    bundle: Bundle
    number: int

    def message(self, what: str, *, otherwise: str = "", covered: str = "") -> CoseSign1:
        """The seal. Raises SealError where `what` cannot be added to it.

        The hints are for a seal of another type, and for one that a renewal covers.
        """
        if not 1 <= self.number <= len(self.bundle.seals):
            raise SealError(f"there is no seal {self.number}: the bundle has {len(self.bundle.seals)}")
        seal = self.bundle.seals[self.number - 1]
        if seal.type != labels.SEAL_COSE:
            raise SealError(
                f"seal {self.number} is no COSE seal, and has no place for a {what}", hint=otherwise
            )
        if any(map(self._may_cover, self.bundle.renewals)):
            raise SealError(
                f"a renewal covers seal {self.number}, and a {what} would change it", hint=covered
            )
        try:
            return CoseSign1.decode(seal.value)
        except MalformedError as error:
            raise SealError(f"seal {self.number} cannot be read: {error}") from None

    def _may_cover(self, renewal: Renewal) -> bool:
        try:
            covered = Coverage.decode(Stamp.decode(renewal.raw).covers)
        except MalformedError:
            return True
        return self.number <= len(covered.seals)

    def having(self, message: CoseSign1, label: int, value: Value) -> Bundle:
        """The bundle, its seal being `message` with this in the header."""
        seals = list(self.bundle.seals)
        added = replace(message, unprotected={**message.unprotected, label: value}).encode()
        seals[self.number - 1] = replace(seals[self.number - 1], value=added)
        return replace(self.bundle, seals=tuple(seals))

    def finding(self, made: Bundle, policy: Policy, check: str) -> Finding:
        """What the verifier says of this seal by a check of that name."""
        of_seal = (f"seal {self.number}",)
        return next(
            each for each in verify(made, policy).findings if each.check == check and each.items == of_seal
        )
