# SPDX-License-Identifier: Apache-2.0
"""Renewals and times: which of them count at the time asked about, and when chains are judged then.

Spec: "Renewals"; "Verification", policy.
"""

from __future__ import annotations

from typing import Final

from tests.vectorgen import certificates, keys, sealing, timestamps
from tests.vectorgen.ceremonies import ek_certificate, whole
from tests.vectorgen.certificates import YEAR
from tests.vectorgen.judged_piv import AUTHORITY, issued, issued_and_sealed
from tests.vectorgen.judged_renewal import DAY, FIRST, OTHER, SECOND, renewed, thrice
from tests.vectorgen.plain import CREATED
from tests.vectorgen.renewing import Renewed
from tests.vectorgen.timestamps import Token
from tests.vectorgen.vector import Judged, Vectors

vector: Final = Vectors()
_IN_TIME: Final = CREATED + 15 * YEAR
_EXPIRED: Final = CREATED + 21 * YEAR  # the person's authority, the manufacturer


# --- which count --------------------------------------------------------------------------------------


@vector("renewal.order", "two-authorities", "renewal")
def renewal_backdated_by_a_stranger() -> Judged:
    """The second renewal, by an authority that nobody trusts, says that it was made before the first."""
    early = Renewed(token=OTHER.changed(at=CREATED + DAY - 1))
    return renewed(Renewed(), early).concluding(time_existed="proven").judged()


@vector("whose genTime is after the verifier's time does not count", "limit", "renewal")
def renewal_at_the_time_asked_about() -> Judged:
    """The verifier asks about the second of genTime; the latest time by the accuracy is later."""
    ceremony = renewed(Renewed(token=FIRST.changed(accuracy=timestamps.ACCURACY)))
    return ceremony.under(at=FIRST.at).concluding(time_existed="proven").judged()


@vector("whose genTime is after the verifier's time does not count", "limit", "renewal")
def renewal_made_after_the_time_asked_about() -> Judged:
    """The verifier asks about the second before genTime: the authority was there, the token was not."""
    return renewed(Renewed()).under(at=FIRST.at - 1).concluding(time_existed="unproven").judged()


@vector("renewal.order", "time", "renewal")
def renewal_backdated_after_the_time_asked_about() -> Judged:
    """The verifier asks about a time before both renewals, of which the second says that it is the older."""
    early = Renewed(token=FIRST.changed(at=FIRST.at - 1))
    return renewed(Renewed(), early).under(at=FIRST.at - 2).concluding(time_existed="unproven").judged()


@vector("if that is earlier", "time", "renewal")
def ek_certified_after_all_was_there() -> Judged:
    """All was there before the EK certificate begins, and so before `created`, which is within it."""
    later = whole().changed("ek.cert", value=ek_certificate(validity=(CREATED - DAY, CREATED + YEAR)))
    early = Renewed(token=Token(at=CREATED - 2 * DAY))
    return renewed(early, of=later).concluding(tpm_genuine="unproven").judged("ek.chain")


# --- the chain above a certificate whose key sealed ---------------------------------------------------


@vector("piv.chain", "decades")
def piv_issuer_expired_since() -> Judged:
    """The operator's authority has expired since the time that the seal claims, which nothing shows."""
    return issued_and_sealed().under(at=_EXPIRED).judged("piv.chain")


@vector("by when the last of its seals provably existed", "decades", "valid", "renewal")
def piv_issuer_expired_after_the_renewal() -> Judged:
    """The operator's authority has expired since a renewal showed that the seal was there."""
    return thrice(issued_and_sealed()).under(at=_EXPIRED).concluding(identity_sealed="proven").judged()


@vector("by when the last of its seals provably existed", "decades", "witness", "renewal")
def piv_issuer_expired_before_the_last_seal() -> Judged:
    """The operator sealed again when the authority had expired, and claims the time of the first seal."""
    again = issued_and_sealed().sealed_also(sealing.by(issued()))
    late = SECOND.changed(at=_EXPIRED, by=timestamps.Authority(name="late", validity=timestamps.LONG))
    ceremony = renewed(Renewed(token=FIRST.changed(by=late.by), seals=1), Renewed(token=late), of=again)
    return ceremony.under(at=_EXPIRED + DAY).judged("piv.chain")


@vector("never as the end of a", "injected", "renewal")
def piv_issuer_of_that_name_carried() -> Judged:
    """The operator's authority is not here; a renewal carries another one of its name."""
    key = keys.ec_key("intruder p256")
    other = certificates.certificate(
        AUTHORITY, key.public_key(), AUTHORITY, key, extensions=certificates.authority()
    )
    alone = issued_and_sealed().under(anchors_piv=())
    carrying = renewed(Renewed(certificates=(other,)), of=alone)
    return carrying.concluding(identity_sealed="proven").judged()
