# SPDX-License-Identifier: Apache-2.0
"""Targets of renewals: coverages and timestamps read, and a bundle with one renewal exchanged."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from bundlefmt.bundle import Bundle, Renewal
from bundlefmt.errors import MalformedError
from bundlefmt.evidence.certificate import Certificate, CertificateError
from bundlefmt.evidence.timestamp_exchange import NotGrantedError, TimeStampReq, granted_token
from bundlefmt.evidence.timestamp_token import TimeStampToken
from bundlefmt.renewal import Coverage, Stamp
from bundlefmt.verify import Basis, verify
from tests.fuzz import mutators, seeds
from tests.fuzz.target import Targets, symmetric
from tests.vectorgen.timestamps import Authority

target: Final = Targets("der", mutators.any_tree)
RENEWED: Final = "renewal_whole"


@target("coverage", lambda: (*seeds.renewals(), *seeds.proofs()))
def coverage(data: bytes) -> None:
    """Symmetry of both maps."""
    symmetric(Stamp, data)
    symmetric(Coverage, data)


@target("timestamp", seeds.proofs)
def timestamp(data: bytes) -> None:
    """Symmetry; verifying raises nothing but that it is not so; a response is told from a token."""
    with contextlib.suppress(MalformedError, NotGrantedError):
        granted_token(data)
    token = symmetric(TimeStampToken, data)
    if token is None:
        return
    assert token.info.earliest <= token.info.generated <= token.info.latest
    for raw in (*token.certificates, Authority().certificate):
        with contextlib.suppress(MalformedError, CertificateError):
            token.verify(Certificate.decode(raw))


def _requests() -> Iterable[bytes]:
    """A request for each digest that a token of the vectors is about, with a nonce and without."""
    for raw in seeds.proofs():
        with contextlib.suppress(MalformedError):
            imprint = TimeStampToken.decode(raw).info.imprint
            yield TimeStampReq(imprint=imprint).encode()
            yield TimeStampReq(imprint=imprint, nonce=2**63).encode()


@target("timestamp-request", _requests)
def timestamp_request(data: bytes) -> None:
    """Symmetry."""
    symmetric(TimeStampReq, data)


def _known() -> set[tuple[bytes, bytes]]:
    """What the authority has stamped, and what it said."""
    found = set()
    for raw in seeds.renewals():
        with contextlib.suppress(MalformedError):
            stamp = Stamp.decode(raw)
            found.add((stamp.covers, TimeStampToken.decode(stamp.proof).info.raw))
    return found


@target("renewal", seeds.renewals)
def renewal(data: bytes) -> None:
    """As the one renewal of a bundle: nothing raises, and what was not stamped shows no time."""
    bundle: Bundle = replace(seeds.bundles()[RENEWED], renewals=(Renewal(raw=data),))
    report = verify(bundle, seeds.policy(RENEWED))
    (existed,) = (each for each in report.conclusions if each.id == "time.existed")
    if existed.basis is not Basis.UNPROVEN:
        stamp = Stamp.decode(data)
        assert (stamp.covers, TimeStampToken.decode(stamp.proof).info.raw) in _known()
