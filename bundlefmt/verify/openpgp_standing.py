# SPDX-License-Identifier: Apache-2.0
"""How an OpenPGP certificate stands at a time: a decision for each check.

A decision returns the sentence of what it found, or raises `Fail`, `Unsure` or `Skip`, each for one kind of
fault, so that a fault has one name.
RFC 9580, 5.2.3.10 "Notes on Subpackets", 5.2.3.31 "Reason for Revocation". Spec: "OpenPGP certificates".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Final

from bundlefmt.cose import MIN_RSA_BITS
from bundlefmt.evidence import openpgp_sequoia
from bundlefmt.evidence.openpgp_algorithm import HASHES, RSA_ALGORITHMS, PublicKeyAlgorithm, hash_name
from bundlefmt.evidence.openpgp_key import Numbers, PublicKey
from bundlefmt.evidence.openpgp_packet import OpenPgpError, PacketType
from bundlefmt.evidence.openpgp_self_signatures import HeldUserId, SelfSignatures, expiry, newest
from bundlefmt.evidence.openpgp_signature import SignaturePacket
from bundlefmt.evidence.openpgp_subpacket import Reason, reason_name
from bundlefmt.evidence.x509_signature import has_roca_form
from bundlefmt.moment import when
from bundlefmt.verify.context import Fail, Skip, Unsure

WEAK_HASHES: Final = frozenset({1, 2, 3})  # MD5, SHA-1, RIPEMD-160 (RFC 9580 9.5)
# after these the key was still its holder's (RFC 9580 5.2.3.31); any other reason may mean a thief
SOFT: Final = frozenset({Reason.SUPERSEDED, Reason.RETIRED})
# octets of the digest that a signature must have been made over (RFC 9580 5.2.3.3 to 5.2.3.5)
MIN_DIGESTS: Final[Mapping[int, int]] = {
    PublicKeyAlgorithm.EDDSA_LEGACY: 32,
    PublicKeyAlgorithm.ED25519: 32,
    PublicKeyAlgorithm.ED448: 64,
}


class Standing:
    """A certificate at the time `at`, seconds since the epoch: is it one, whole, alive and strong."""

    def __init__(self, said: SelfSignatures, at: int) -> None:
        self.said = said
        self.at = at
        self.primary = said.primary

    @cached_property
    def statements(self) -> tuple[SignaturePacket, ...]:
        """The newest self-signatures in force that speak of the primary key.

        That of the user id which stands for the key, and the direct-key signature. One that is not sound is
        left out where the other is.
        """
        direct = newest(self.said.direct, since=self.primary.created, at=self.at)
        found = tuple(each for each in (self._user_id(), direct) if each is not None)
        return tuple(each for each in found if self.is_sound(each)) or found

    def _user_id(self) -> SignaturePacket | None:
        """The certification of the user id that stands for the key.

        Sound before unsound, standing before withdrawn, then marked as primary, newest, least by its bytes.
        A user id that is withdrawn does not take the key with it (RFC 9580 5.2.1.13).
        """
        found = []
        for held in self.said.user_ids:
            said = newest(held.certifications, since=self.primary.created, at=self.at)
            if said is not None and held.user_id.type == PacketType.USER_ID:
                last = (not self.is_sound(said), self._is_withdrawn(held, said), not said.is_primary)
                found.append(((*last, -(said.created or 0), held.user_id.body), said))
        return min(found, key=lambda each: each[0])[1] if found else None

    def _is_withdrawn(self, held: HeldUserId, said: SignaturePacket) -> bool:
        revoked = newest(held.revocations, since=0, at=self.at)
        return revoked is not None and (revoked.created or 0) >= (said.created or 0)

    def is_sound(self, signature: SignaturePacket) -> bool:
        """Whether it is strong, understood and has not itself expired."""
        lapsed = signature.expires is not None and signature.expires <= self.at
        return not lapsed and not is_weak(signature) and not signature.unknown_critical()

    def time(self) -> str:
        """The key had been made."""
        return self.existed(self.primary)

    def existed(self, key: PublicKey) -> str:
        """Raises Fail where `key` was made later."""
        if key.created > self.at:
            raise Fail(f"the key {key.fingerprint} was made at {when(key.created)}, after {when(self.at)}")
        return f"made at {when(key.created)}, not after {when(self.at)}"

    def binding(self) -> str:
        """The primary key itself holds the certificate together."""
        try:
            self.time()
        except Fail:
            raise Skip("openpgp.time says why") from None
        if self.statements:
            return f"{self.primary.describe()} {self.primary.fingerprint}"
        if self.said.not_computed:
            raise Unsure("; ".join(self.said.not_computed))
        if self.said.direct or any(held.certifications for held in self.said.user_ids):
            raise Fail(f"no signature by its own primary key was in force at {when(self.at)}")
        raise Fail("; ".join(self.said.refused) or "no user id is signed by its own primary key")

    def after_binding(self) -> None:
        """Raises Skip where nothing holds the keys, so that nothing more can be said of them."""
        if self._unbound is not None:
            raise self._unbound

    @cached_property
    def _unbound(self) -> Skip | None:
        try:
            self.binding()
        except (Fail, Unsure):
            return Skip("openpgp.binding says why")
        except Skip as skip:
            return skip
        return None

    def expiry(self) -> str:
        """The key had not expired, nor the signature that holds it."""
        self.after_binding()
        return self.alive(self.primary, self.statements)

    def alive(self, key: PublicKey, statements: Sequence[SignaturePacket]) -> str:
        """Raises Fail where `key`, by what `statements` say of it, had expired."""
        for each in statements:
            if each.expires is not None and each.expires <= self.at:
                raise Fail(f"the signature that holds {key.fingerprint} expired at {when(each.expires)}")
        expires = expiry(key, statements)
        if expires is None:
            return "does not expire"
        if expires <= self.at:
            raise Fail(f"the key {key.fingerprint} expired at {when(expires)}, not after {when(self.at)}")
        return f"expires at {when(expires)}"

    def revocation(self) -> str:
        """The key had not been revoked, and was never revoked for a reason that casts doubt on its past."""
        last = max((each.created or 0 for each in self.statements), default=-1)
        found = self.unrevoked(self.primary, self.said.revocations, last)
        if self.said.undecided:
            raise Unsure(f"there may be a revocation: {'; '.join(self.said.undecided)}")
        if self.said.stray and self.said.designated_revokers():
            raise Unsure("there may be a revocation by a designated revoker, whose key is not here")
        return found

    def unrevoked(self, key: PublicKey, revocations: Iterable[SignaturePacket], last: int) -> str:
        """Raises Fail where `key` was revoked; `last` is when the holder last said that it is good."""
        later = []
        for each in revocations:
            reason = reason_name(each.reason)
            if each.reason not in SOFT or each.created is None:
                raise Fail(f"the key {key.fingerprint} is revoked ({reason}), whatever the date")
            told = f"{reason} at {when(each.created)}"
            if last <= each.created <= self.at:
                raise Fail(f"the key {key.fingerprint} was revoked: {told}, not after {when(self.at)}")
            if each.created > self.at:
                later.append(f"{told}, later than {when(self.at)}")
        return "; ".join(later) or "not revoked"

    def algorithms(self) -> str:
        """Keys and digests are strong enough to say anything."""
        key = strong(self.primary)
        return f"{key}, {strong_digests(self.statements)}" if self.statements else key

    def critical(self) -> str:
        """All that the holder insists on is understood."""
        return understood(self.statements)

    def policy(self) -> str:
        """Sequoia reads the same certificate."""
        try:
            fingerprint = openpgp_sequoia.read_fingerprint(self.said.certificate.encode())
        except OpenPgpError as error:
            raise Fail(f"Sequoia: {error}") from None
        if fingerprint != self.primary.fingerprint:
            raise Fail(f"Sequoia reads another certificate: {fingerprint}")
        return "Sequoia reads the same certificate"


def strong(key: PublicKey) -> str:
    """What the key is. Raises Fail where it is too weak."""
    if key.algorithm == PublicKeyAlgorithm.DSA:
        raise Fail(f"{key.describe()} is not accepted")
    if key.algorithm in RSA_ALGORITHMS and isinstance(key.material, Numbers):
        if (key.bits or 0) < MIN_RSA_BITS:
            raise Fail(f"{key.describe()}: less than {MIN_RSA_BITS} bits")
        if has_roca_form(key.material.values[0]):
            raise Fail(f"{key.describe()}: its primes have the form of CVE-2017-15361, which can be factored")
    return key.describe()


def strong_digests(signatures: Iterable[SignaturePacket]) -> str:
    """What was signed over. Raises Fail where it is too weak."""
    names = []
    for each in signatures:
        if is_weak(each):
            raise Fail(f"a signature over a {hash_name(each.hash_algorithm)} digest")
        names.append(hash_name(each.hash_algorithm))
    return ", ".join(dict.fromkeys(names))


def is_weak(signature: SignaturePacket) -> bool:
    """Whether the digest is broken, or shorter than the algorithm of the key asks for."""
    known = HASHES.get(signature.hash_algorithm)
    size = known.algorithm.digest_size if known is not None and known.algorithm is not None else None
    short = size is not None and size < MIN_DIGESTS.get(signature.key_algorithm, 0)
    return short or signature.hash_algorithm in WEAK_HASHES


def understood(signatures: Iterable[SignaturePacket]) -> str:
    """Raises Fail where a signer insists on what is not known here."""
    unknown = [name for each in signatures for name in each.unknown_critical()]
    if unknown:
        raise Fail(f"critical, and not understood: {', '.join(unknown)}")
    return "nothing critical that is not understood"
