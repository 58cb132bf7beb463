# SPDX-License-Identifier: Apache-2.0
"""What renewals carry along for whoever judges later: certificates, revocation lists and responses.

Nobody is believed for standing here: certificates count by a chain to an anchor, lists by their issuer's
signature. Spec: "Renewals".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import chain as chained
from itertools import pairwise
from typing import Final

from bundlefmt.errors import MalformedError
from bundlefmt.evidence import crl, ocsp
from bundlefmt.evidence.certificate import Certificate
from bundlefmt.evidence.chain import MAX_ISSUERS, Chain, Relaxations
from bundlefmt.evidence.timestamp_info import HASHES
from bundlefmt.evidence.timestamp_signer import CertificateId
from bundlefmt.frozen import frozen
from bundlefmt.renewal import Coverage

Said = crl.RevocationList | ocsp.OcspResponse
# whether a list or response of this issuer may say that a certificate was not revoked
Clears = Callable[[Said, Certificate], bool]
_NEAREST: Final = 2  # lists and responses that do not revoke, asked for one certificate


@frozen
class _Placed:
    """A list or response, and the renewal that carries it."""

    number: int
    value: Said


class Material:
    """Of the coverages of all renewals that can be read, in the order of the file; each decoded once."""

    def __init__(self, coverages: Sequence[tuple[int, Coverage]]) -> None:
        self._coverages = coverages

    @cached_property
    def _certificates(self) -> tuple[bytes, ...]:
        return tuple(dict.fromkeys(raw for _, each in self._coverages for raw in each.certificates))

    @cached_property
    def _by_subject(self) -> Mapping[object, list[Certificate]]:
        return _by_subject(self._certificates)

    @cached_property
    def _by_digest(self) -> Mapping[tuple[str, bytes], bytes]:
        names = HASHES.values()
        return {
            (name, CertificateId.digest_by(name, raw)): raw for raw in self._certificates for name in names
        }

    def certificate(self, wanted: CertificateId) -> bytes | None:
        """The certificate (DER) with this digest."""
        return self._by_digest.get((wanted.hash, wanted.digest))

    def above(self, leaf: Certificate, own: Iterable[bytes] = ()) -> list[bytes]:
        """What may stand above `leaf`, by name, of `own` certificates and of these; no more than is tried."""
        beside = _by_subject(own)
        found: dict[bytes, Certificate] = {}
        line = [leaf]
        while line:
            name = line.pop().issuer.comparable()
            for each in chained(beside.get(name, ()), self._by_subject.get(name, ())):
                if each.raw not in found and len(found) < MAX_ISSUERS:
                    found[each.raw] = each
                    line.append(each)
        return list(found)

    @cached_property
    def carriers(self) -> Mapping[bytes, int]:
        """The first renewal that carries each certificate, list and response (DER)."""
        found: dict[bytes, int] = {}
        for number, each in self._coverages:
            for raw in (*each.certificates, *each.revocation):
                found.setdefault(raw, number)
        return found

    @cached_property
    def _placed(self) -> tuple[_Placed, ...]:
        return tuple(
            _Placed(number=number, value=value)
            for number, each in self._coverages
            for raw in each.revocation
            if (value := read(raw)) is not None
        )

    @cached_property
    def lists(self) -> Mapping[object, list[tuple[int, crl.RevocationList]]]:
        """Revocation lists by their issuer's name, each with the number of its renewal."""
        found: dict[object, list[tuple[int, crl.RevocationList]]] = {}
        for each in self._placed:
            if isinstance(each.value, crl.RevocationList):
                found.setdefault(each.value.issuer.comparable(), []).append((each.number, each.value))
        return found

    @cached_property
    def responses(self) -> Mapping[int, list[tuple[int, ocsp.OcspResponse]]]:
        """OCSP responses by the serial numbers that they are about, each with the number of its renewal."""
        found: dict[int, list[tuple[int, ocsp.OcspResponse]]] = {}
        for each in self._placed:
            if isinstance(each.value, ocsp.OcspResponse):
                for serial in {answer.serial for answer in each.value.answers}:
                    found.setdefault(serial, []).append((each.number, each.value))
        return found

    def consult(
        self,
        certificate: Certificate,
        issuer: Certificate,
        *,
        at: int,
        since: int = 0,
        lists: Iterable[bytes] = (),
        relaxations: Relaxations,
        clears: Clears,
    ) -> Iterator[crl.Revocation]:
        """What is said of a certificate by `lists` (DER) and by renewals from the one with number `since` on.

        Those that revoke come first, then the nearest that `clears` allows: what is behind them says nothing
        else. Raises MalformedError for the issuer's key.
        """
        name, serial = certificate.issuer.comparable(), certificate.serial
        own = (value for raw in lists if isinstance(value := read(raw), crl.RevocationList))
        carried = (value for number, value in self.lists.get(name, ()) if number >= since)
        of_issuer = [
            each
            for each in chained(own, carried)
            if each.issuer.comparable() == name and (serial in each.revoked or clears(each, issuer))
        ]
        of_issuer.sort(key=lambda each: serial not in each.revoked)
        revoking = sum(serial in each.revoked for each in of_issuer)
        yield crl.revocation(
            certificate, issuer, of_issuer[: _looked_at(revoking)], at=at, relaxations=relaxations
        )
        about = [
            value
            for number, value in self.responses.get(serial, ())
            if number >= since and (_revokes(value, serial) or clears(value, issuer))
        ]
        about.sort(key=lambda each: not _revokes(each, serial))
        revoking = sum(_revokes(each, serial) for each in about)
        yield ocsp.revocation(
            certificate, issuer, about[: _looked_at(revoking)], at=at, relaxations=relaxations
        )

    def standing(
        self,
        chain: Chain,
        *,
        at: int,
        since: int,
        lists: Iterable[bytes],
        relaxations: Relaxations,
        clears: Clears,
    ) -> tuple[str | None, bool]:
        """(why a certificate of the chain does not count at `at`, whether anything says that one does).

        Lists are not required, and one that says nothing about `at` leaves no doubt.
        """
        listed = tuple(lists)
        good = False
        for place, (certificate, issuer) in enumerate(pairwise(chain.certificates), 1):
            try:
                found = list(
                    self.consult(
                        certificate,
                        issuer,
                        at=at,
                        since=since,
                        lists=listed,
                        relaxations=relaxations,
                        clears=clears,
                    )
                )
            except MalformedError as error:
                return f"certificate {place} ({certificate}): {error}", good
            for each in found:
                if each.entry is not None and each.entry.concerns(at):
                    return f"certificate {place} ({certificate}): {each.entry.describe()}", good
                good = good or each.standing is not crl.Standing.UNKNOWN
        return None, good


def read(raw: bytes) -> Said | None:
    """A revocation list or an OCSP response; None where it is neither."""
    for kind in (crl.RevocationList, ocsp.OcspResponse):
        with suppress(MalformedError):
            return kind.decode(raw)
    return None


def _looked_at(revoking: int) -> int:
    return min(revoking + _NEAREST, crl.MAX_LISTS)


def _revokes(response: ocsp.OcspResponse, serial: int) -> bool:
    return any(each.serial == serial and each.revoked is not None for each in response.answers)


def _by_subject(certificates: Iterable[bytes]) -> dict[object, list[Certificate]]:
    """Those that can be read, by the name of whom they are for."""
    found: dict[object, list[Certificate]] = {}
    for raw in dict.fromkeys(certificates):
        try:
            certificate = Certificate.decode(raw)
        except MalformedError:
            continue
        found.setdefault(certificate.subject.comparable(), []).append(certificate)
    return found
