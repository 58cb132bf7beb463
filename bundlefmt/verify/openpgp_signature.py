# SPDX-License-Identifier: Apache-2.0
"""How a detached OpenPGP signature stands at the time it says it was made: a decision for each check.

What is decided of its certificate holds here too. RFC 9580, 5.2.1.9 "Primary Key Binding Signature",
5.2.3.29 "Key Flags". Spec: "OpenPGP certificates".
"""

from __future__ import annotations

from functools import cached_property

from bundlefmt.evidence import openpgp_sequoia, primitive
from bundlefmt.evidence.openpgp_key import PublicKey
from bundlefmt.evidence.openpgp_packet import OpenPgpError
from bundlefmt.evidence.openpgp_self_signatures import SelfSignatures, back_signatures, flags, newest
from bundlefmt.evidence.openpgp_signature import SignaturePacket
from bundlefmt.evidence.openpgp_subpacket import KeyFlags
from bundlefmt.frozen import frozen
from bundlefmt.moment import when
from bundlefmt.verify.context import Fail, Skip, Unsure
from bundlefmt.verify.openpgp_standing import Standing, strong, strong_digests, understood


@frozen
class Made:
    """A detached signature, `raw` and read as `packet`; the `key` made it over `message`."""

    raw: bytes
    packet: SignaturePacket
    key: PublicKey
    message: bytes


class SignatureStanding(Standing):
    """A detached signature by a key of the certificate, at the time that it says it was made: `at`.

    `lapse` is when its own expiry is judged: the verifier's time.
    """

    def __init__(self, said: SelfSignatures, made: Made, *, at: int, lapse: int) -> None:
        super().__init__(said, at)
        self.made = made
        self.key = made.key
        self.lapse = lapse

    @property
    def _by_primary(self) -> bool:
        return self.key == self.primary

    @cached_property
    def _bound(self) -> SignaturePacket | None:
        """The newest binding in force of the subkey that signed."""
        held = self.said.subkey(self.key)
        return None if held is None else newest(held.bindings, since=self.key.created, at=self.at)

    @cached_property
    def _back(self) -> SignaturePacket | None:
        """The newest signature, embedded in that binding, by which the subkey agreed."""
        if self._bound is None:
            return None
        backs = back_signatures(self.primary, self.key, self._bound)
        return newest(backs, since=self.key.created, at=self.at)

    @property
    def _in_force(self) -> tuple[SignaturePacket, ...]:
        """What speaks of the key that signed."""
        if self._by_primary:
            return self.statements
        return () if self._bound is None else (self._bound,)

    def time(self) -> str:
        """Both keys had been made."""
        super().time()
        return self.existed(self.key)

    def binding(self) -> str:
        """The key that signed belongs to the certificate, by the primary key's word."""
        found = super().binding()
        if self._by_primary:
            return found
        if self._bound is not None:
            return f"{self.key.describe()} {self.key.fingerprint} of {self.primary.fingerprint}"
        held = self.said.subkey(self.key)
        if held is not None and held.bindings:
            raise Fail(
                f"the subkey {self.key.fingerprint} was not bound to the primary key at {when(self.at)}"
            )
        raise Fail(f"the primary key never signed the subkey {self.key.fingerprint}")

    def subkey(self) -> str:
        """A subkey that signs has agreed to belong to the certificate."""
        self.after_binding()
        if self._bound is None:
            raise Skip("the primary key signed")
        back = self._back
        if back is None:
            raise Fail(f"no back-signature by the subkey {self.key.fingerprint}")
        if not self.is_sound(back):
            raise Fail(
                f"the back-signature by {self.key.fingerprint} is weak, has expired or is not understood"
            )
        return "the subkey agrees by its back-signature"

    def flags(self) -> str:
        """The key may sign."""
        self.after_binding()
        allowed = flags(self._in_force)
        if allowed is None:
            raise Fail(f"nothing says what the key {self.key.fingerprint} is for")
        names = ", ".join(allowed.names()) or "nothing"
        if KeyFlags.SIGN not in allowed:
            raise Fail(f"the key {self.key.fingerprint} is to {names}, not to sign")
        return f"the key may {names}"

    def expiry(self) -> str:
        """Neither key had expired then, nor has the signature by the verifier's time."""
        found = super().expiry()
        if not self._by_primary:
            found = self.alive(self.key, self._in_force)
        expires = self.made.packet.expires
        if expires is not None and expires <= self.lapse:
            raise Fail(f"the signature itself expired at {when(expires)}")
        return found if expires is None else f"{found}; the signature itself expires at {when(expires)}"

    def revocation(self) -> str:
        """Neither key had been revoked."""
        found = super().revocation()
        held = self.said.subkey(self.key)
        if self._by_primary or held is None:
            return found
        last = -1 if self._bound is None else (self._bound.created or 0)
        return self.unrevoked(self.key, held.revocations, last)

    def algorithms(self) -> str:
        """Both keys, what holds them and the signature are strong enough."""
        super().algorithms()
        digests = strong_digests((*self.statements, *self._in_force, self.made.packet))
        return f"{strong(self.key)}, {digests}"

    def critical(self) -> str:
        """All that the signer insists on is understood."""
        return understood((self.made.packet, *self.statements, *self._in_force))

    def policy(self) -> str:
        """Sequoia accepts it; where a named check has refused it already, nothing is left to explain."""
        self._require_unrefused()
        found = self._sequoias
        if isinstance(found, OpenPgpError):
            for key in (self.primary, self.key):
                if openpgp_sequoia.lacks(key):
                    raise Unsure(f"this build of Sequoia does not know {key.describe()}")
            raise Fail(f"Sequoia: {found}")
        if (found.fingerprint, found.signing_key) != (self.primary.fingerprint, self.key.fingerprint):
            raise Fail(f"Sequoia takes it for a signature by {found.signing_key}")
        return "Sequoia accepts it"

    @cached_property
    def _sequoias(self) -> openpgp_sequoia.VerifiedSignature | OpenPgpError:
        """What Sequoia makes of it, asked once: it reads the whole certificate each time."""
        try:
            return openpgp_sequoia.verify(self.said.certificate.encode(), self.made.raw, self.made.message)
        except OpenPgpError as error:
            return error

    @cached_property
    def _against(self) -> tuple[tuple[str, Fail | Unsure], ...]:
        """What speaks against it of the decisions that are this project's own, by their checks."""
        found = list[tuple[str, Fail | Unsure]]()
        for name, decide in (
            ("openpgp.time", self.time),
            ("openpgp.binding", self.binding),
            ("openpgp.subkey", self.subkey),
            ("openpgp.flags", self.flags),
            ("openpgp.expiry", self.expiry),
            ("openpgp.revocation", self.revocation),
            ("openpgp.algorithms", self.algorithms),
            ("openpgp.critical", self.critical),
        ):
            try:
                decide()
            except (Fail, Unsure) as judgement:
                found.append((name, judgement))
            except Skip:  # of a primary key that signs, nothing is to be said about subkeys
                continue
        return tuple(found)

    def _require_unrefused(self) -> None:
        """Raises Skip where one of these decisions refuses it."""
        for name, judgement in self._against:
            if isinstance(judgement, Fail):
                raise Skip(f"{name} says why")

    def used(self) -> frozenset[str]:
        """What the signature, and those by which its key counts, are made with."""
        packets = (*self.statements, *self._in_force, self.made.packet)
        keys = frozenset(map(primitive.of_openpgp_key, (self.primary, self.key)))
        return keys | primitive.of_openpgp_hashes(packet.hash_algorithm for packet in packets)

    def require(self) -> None:
        """Raises Skip where a check refuses the signature, which says why; Unsure where one cannot decide."""
        self._require_unrefused()
        doubts = [judgement for _, judgement in self._against]
        try:
            self.policy()
        except Fail:
            raise Skip("openpgp.policy says why") from None
        except Unsure as unsure:
            doubts.append(unsure)
        if doubts:
            raise doubts[0]

    def require_nothing_against(self) -> None:
        """Raises what the first decision ends in that speaks against it, the last being Sequoia's."""
        if self._against:
            raise self._against[0][1]
        self.policy()
