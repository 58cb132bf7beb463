# SPDX-License-Identifier: Apache-2.0
"""From when the policy no longer takes signatures by an algorithm, unless they are known to be older.

Spec: "Policies", algorithms.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bundlefmt.errors import MalformedError
from bundlefmt.evidence import crl, ocsp, primitive
from bundlefmt.evidence.certificate import Certificate, CertificateError
from bundlefmt.evidence.x509_signature import load_key, signature_algorithm
from bundlefmt.moment import when
from bundlefmt.verify.judgement import Fail, Unsure
from bundlefmt.verify.policy import Policy


def ended(policy: Policy, used: Iterable[str], *, by: int | None) -> tuple[str, int] | None:
    """The first of what a signature was made with that ended before it is known to have been there, and when.

    None where all counts. `by` is by when it existed as renewals show, seconds since the epoch; without, it
    is the verifier's present. A verifier who does not say what time it is has reached every date.
    """
    ends = [
        (end, name)
        for each in used
        for name, end in policy.algorithms.items()
        if primitive.covers(name, each)
    ]
    there = policy.now if by is None else by
    if not ends or (there is not None and there < min(ends)[0]):
        return None
    end, name = min(ends)
    return name, end


def require_counts(policy: Policy, used: Iterable[str], *, claimed: int, by: int | None) -> None:
    """Raises Unsure where a signature has to be older than can be shown, Fail where it says it is not.

    `claimed` is when it was made by its maker's word, `by` when it existed as renewals show; seconds since
    the epoch.
    """
    found = ended(policy, used, by=by)
    if found is None:
        return
    name, end = found
    if claimed >= end:
        raise Fail(f"made by {name} at {when(claimed)} by its own word; the policy ends that at {when(end)}")
    shown = "that it is older is not shown here"
    if by is not None:
        shown = f"that it existed by {when(by)} is all that is shown here"
    raise Unsure(f"made by {name}, which the policy ends at {when(end)}: {shown}")


def used(algorithm: bytes, issuer: Certificate) -> Iterator[str]:
    """What a signature of `issuer` with this AlgorithmIdentifier is made with. Raises CertificateError."""
    digest = signature_algorithm(algorithm).digest
    if digest is not None:
        yield primitive.of_hash(digest)
    yield primitive.of_key(load_key(issuer.spki))


def used_by(said: crl.RevocationList | ocsp.OcspResponse, issuer: Certificate) -> Iterator[str]:
    """With what a list or response may be made: of a response by the issuer or by any delegate in it.

    A delegate is one by its certificate, which was made with something too.
    """
    delegates = said.certificates if isinstance(said, ocsp.OcspResponse) else ()
    for maker in (issuer.raw, *delegates):
        try:
            certificate = Certificate.decode(maker)
            yield from used(said.algorithm, certificate)
            if maker != issuer.raw:
                yield from used(certificate.algorithm, issuer)
        except (CertificateError, MalformedError):
            continue  # nor does it count for what it says
