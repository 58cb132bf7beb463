# SPDX-License-Identifier: Apache-2.0
"""What the holder of an OpenPGP certificate said of it: the signatures by its own primary key, verified.

RFC 9580, 5.2.1 "Signature Types", 5.2.3.10 "Notes on Subpackets". Whether a statement still holds at some
time is not decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import reduce
from operator import and_
from typing import Final

from bundlefmt.errors import MalformedError
from bundlefmt.evidence.openpgp_certificate import Certificate, Signatures, UserId
from bundlefmt.evidence.openpgp_key import NotMadeByError, PublicKey
from bundlefmt.evidence.openpgp_packet import NotComputedError, OpenPgpError
from bundlefmt.evidence.openpgp_signature import (
    CERTIFICATIONS,
    REVOCATIONS,
    SignaturePacket,
    SignatureType,
)
from bundlefmt.evidence.openpgp_subpacket import KeyFlags
from bundlefmt.frozen import frozen

MAX_VERIFIED: Final = 512  # signatures by the holder; bounds the work of a hostile certificate


@frozen
class HeldUserId:
    """A user id with the holder's certifications and their revocations."""

    user_id: UserId
    certifications: Signatures
    revocations: Signatures


@frozen
class HeldSubkey:
    """A subkey with the holder's bindings and their revocations."""

    key: PublicKey
    bindings: Signatures
    revocations: Signatures


@frozen
class SelfSignatures:
    """All that the primary key says, each statement verified.

    `foreign` counts signatures that name another issuer, which are not verified; `stray` are revocations that
    the primary key did not make. `undecided` are reasons why something that may be a revocation could not be
    read or verified; `not_computed` and `refused` the same for other statements.
    """

    certificate: Certificate
    direct: Signatures
    revocations: Signatures
    user_ids: tuple[HeldUserId, ...]
    subkeys: tuple[HeldSubkey, ...]
    foreign: int
    stray: Signatures
    undecided: tuple[str, ...]
    not_computed: tuple[str, ...]
    refused: tuple[str, ...]

    @classmethod
    def of(cls, certificate: Certificate) -> SelfSignatures:
        """Verifies each signature once, and at most MAX_VERIFIED."""
        return _Reading(certificate).result()

    @property
    def primary(self) -> PublicKey:
        return self.certificate.primary

    def subkey(self, key: PublicKey) -> HeldSubkey | None:
        """What the holder says of `key`; None for the primary key."""
        return next((held for held in self.subkeys if held.key == key), None)

    def designated_revokers(self) -> tuple[str, ...]:
        """Fingerprints of keys that may revoke this certificate in the holder's stead."""
        said = (*self.direct, *(each for held in self.user_ids for each in held.certifications))
        return tuple(dict.fromkeys(revoker for each in said for revoker in each.designated_revokers))


def newest(signatures: Iterable[SignaturePacket], *, since: int, at: int | None) -> SignaturePacket | None:
    """The last of those made from `since` to `at` (None: ever); of two in one second, the later packet."""
    found: tuple[int, SignaturePacket] | None = None
    for signature in signatures:
        created = signature.created
        in_time = created is not None and since <= created and (at is None or created <= at)
        if created is not None and in_time and (found is None or created >= found[0]):
            found = (created, signature)
    return None if found is None else found[1]


def expiry(key: PublicKey, statements: Iterable[SignaturePacket]) -> int | None:
    """The earliest end that `statements` give `key`, seconds since the epoch; None where none gives one."""
    lifetimes = (each.key_lifetime for each in statements)
    return min((key.created + each for each in lifetimes if each), default=None)


def flags(statements: Iterable[SignaturePacket]) -> KeyFlags | None:
    """What all of `statements` that give flags let the key do; None where none gives any."""
    given = [each.key_flags for each in statements if each.key_flags is not None]
    return reduce(and_, given) if given else None


def back_signatures(primary: PublicKey, subkey: PublicKey, binding: SignaturePacket) -> Signatures:
    """The signatures embedded in `binding` by which the subkey itself agrees (RFC 9580 5.2.1.9)."""
    found = []
    for body in binding.embedded():
        try:
            signature = SignaturePacket.decode(body)
            if signature.type == SignatureType.PRIMARY_KEY_BINDING:
                signature.verify(subkey, primary.covered() + subkey.covered())
                found.append(signature)
        except (MalformedError, NotMadeByError, NotComputedError):
            continue
    return tuple(found)


class _Reading:
    """One pass over a certificate, in which each signature is verified once."""

    def __init__(self, certificate: Certificate) -> None:
        self._certificate = certificate
        self._primary = certificate.primary
        self._covered = certificate.primary.covered()
        self._names = (certificate.primary.fingerprint, certificate.primary.key_id)
        self._left = MAX_VERIFIED
        self._foreign = 0
        self._stray: list[SignaturePacket] = []
        self._undecided = [each.reason for each in certificate.unread if each.may_revoke]
        self._not_computed: list[str] = []
        self._refused: list[str] = []

    def result(self) -> SelfSignatures:
        certificate = self._certificate
        # what is said of the primary key alone, and a subkey's revocation, count wherever they stand
        everywhere = (
            *certificate.direct,
            *(each for part in certificate.user_ids for each in part.signatures),
            *(each for part in certificate.subkeys for each in part.signatures),
        )
        direct = self._own(_of(everywhere, SignatureType.DIRECT_KEY), b"")
        revocations = self._own(_of(everywhere, SignatureType.KEY_REVOCATION), b"")
        user_ids = tuple(
            HeldUserId(
                user_id=part,
                certifications=self._own(_of(part.signatures, *CERTIFICATIONS), part.covered()),
                revocations=self._own(
                    _of(part.signatures, SignatureType.CERTIFICATION_REVOCATION), part.covered()
                ),
            )
            for part in certificate.user_ids
        )
        keys = [part.key for part in certificate.subkeys if isinstance(part.key, PublicKey)]
        revoked = self._subkey_revocations(keys, _of(everywhere, SignatureType.SUBKEY_REVOCATION))
        subkeys = tuple(
            HeldSubkey(
                key=part.key,
                bindings=self._own(_of(part.signatures, SignatureType.SUBKEY_BINDING), part.key.covered()),
                revocations=tuple(revoked.get(part.key.fingerprint, ())),
            )
            for part in certificate.subkeys
            if isinstance(part.key, PublicKey)
        )
        return SelfSignatures(
            certificate=certificate,
            direct=direct,
            revocations=revocations,
            user_ids=user_ids,
            subkeys=subkeys,
            foreign=self._foreign,
            stray=tuple(self._stray),
            undecided=tuple(dict.fromkeys(self._undecided)),
            not_computed=tuple(dict.fromkeys(self._not_computed)),
            refused=tuple(dict.fromkeys(self._refused)),
        )

    def _own(self, signatures: Signatures, covered: bytes) -> Signatures:
        """Those that the primary key made over itself and `covered`."""
        return tuple(each for each in signatures if self._made(each, (covered,)) is not None)

    def _subkey_revocations(
        self, keys: Sequence[PublicKey], signatures: Signatures
    ) -> dict[str, list[SignaturePacket]]:
        """The revocations of each subkey by its fingerprint, wherever they stand.

        One that went astray when certificates were merged must not be overlooked.
        """
        found: dict[str, list[SignaturePacket]] = {}
        covered = [key.covered() for key in keys]
        for signature in signatures:
            index = self._made(signature, covered)
            if index is not None:
                found.setdefault(keys[index].fingerprint, []).append(signature)
        return found

    def _made(self, signature: SignaturePacket, covered: Sequence[bytes]) -> int | None:
        """Which of `covered` the primary key signed, together with itself."""
        issuers = signature.untrusted_issuers()
        revokes = signature.type in REVOCATIONS
        # a hint may be left out, but no program names another key than the one that signed
        if issuers and not set(issuers) & set(self._names):
            self._foreign += 1
            if revokes:
                self._stray.append(signature)
            return None
        try:
            self._count()
            for index, each in enumerate(covered):
                with suppress(NotMadeByError):
                    signature.verify(self._primary, self._covered + each)
                    return index
        except OpenPgpError as error:
            if revokes:
                self._undecided.append(str(error))
            elif isinstance(error, NotComputedError):
                self._not_computed.append(str(error))
            else:
                self._refused.append(str(error))
            return None
        if revokes:
            self._stray.append(signature)
        return None

    def _count(self) -> None:
        if not self._left:
            raise NotComputedError(f"more than {MAX_VERIFIED} signatures by the holder are not verified here")
        self._left -= 1


def _of(signatures: Signatures, *types: int) -> Signatures:
    return tuple(each for each in signatures if each.type in types)
