# SPDX-License-Identifier: Apache-2.0
"""By when the bundle existed: its renewals, each read once, and which hold, from the last to the first.

A renewal holds if its authority is one that the verifier trusts for time, and was still to be believed when
the next that holds took over; the last ones, at the verifier's time. It covers everything before it by hashes
of its own, so it needs no other renewal before it, and one that does not hold takes no other with it.
Spec: "Renewals". RFC 3161, RFC 4998 section 5.3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial

from bundlefmt.bundle import Bundle
from bundlefmt.evidence.chain import Chain
from bundlefmt.frozen import frozen
from bundlefmt.moment import when
from bundlefmt.verify.authority import Believed, used_by
from bundlefmt.verify.judgement import Fail, Judgement, Skip
from bundlefmt.verify.policy import Policy
from bundlefmt.verify.stamps import Stamps


@frozen
class Holding:
    """A renewal that holds, counted from zero: everything before it existed by `by`, seconds since the epoch.

    `until` is when it had to be believed still: when the next one took over, or the verifier's time; `listed`
    whether anything carried along says that no certificate of its chain was revoked. It covers `seals` seals.
    """

    number: int
    by: int
    until: int
    seals: int
    chain: Chain
    listed: bool


class Existence:
    """Of the renewals of a bundle, counted from zero, those that hold."""

    def __init__(self, bundle: Bundle, policy: Policy) -> None:
        self._policy = policy
        self.stamps = Stamps(bundle, policy)

    def order(self, number: int) -> str:
        """Not stamped before what it covers, by authorities that are trusted. Raises Fail."""
        info = self.stamps.read(number).token.info
        if info.generated > self.now:
            raise Skip(f"made at {when(info.generated)}, after the time that is asked about")
        before = self._before[number]
        if before is not None and info.latest < before and _passes(partial(self.stamps.chain, number)):
            raise Fail(f"it says {when(info.generated)}, and what it covers was made at {when(before)}")
        return f"made at {when(info.generated)}"

    @cached_property
    def now(self) -> int:
        """The verifier's time; where the policy has none, when the last renewal was made."""
        asked = self.asked
        if asked is not None:
            return asked
        return max((found.token.info.generated for _, found in self.stamps.readable()), default=0)

    @property
    def asked(self) -> int | None:
        """The verifier's time, where the policy has one."""
        return self._policy.now if self._policy.at is None else self._policy.at

    def _is_sound(self, number: int) -> bool:
        """Whether it says what it says by an authority that the verifier trusts, time aside."""
        return _passes(
            *(
                partial(decide, number)
                for decide in (self.stamps.covers, self.stamps.imprint, self.stamps.chain)
            )
        )

    @cached_property
    def _before(self) -> Sequence[int | None]:
        """For each renewal, the latest time at which a sound one before it was made at the earliest."""
        found: list[int | None] = []
        latest: int | None = None
        for number in range(self.stamps.count):
            found.append(latest)
            if self._is_sound(number):
                earliest = self.stamps.read(number).token.info.earliest
                latest = earliest if latest is None else max(latest, earliest)
        return found

    @cached_property
    def _judged(self) -> tuple[dict[int, Holding], dict[int, Judgement]]:
        """Those that hold, and why others that are sound do not; from the last to the first."""
        held: dict[int, Holding] = {}
        refused: dict[int, Judgement] = {}
        until = self.now
        for number in reversed(range(self.stamps.count)):
            if not self._is_sound(number) or not _passes(partial(self.order, number)):
                continue
            info = self.stamps.read(number).token.info
            try:
                believed = self._still(number, until, held)
            except Judgement as judgement:
                refused[number] = judgement
                continue
            held[number] = Holding(
                number=number,
                by=info.latest,
                until=until,
                seals=len(self.stamps.covers(number).seals),
                chain=believed.chain,
                listed=believed.listed,
            )
            until = min(until, info.latest)
        return held, refused

    def _still(self, number: int, until: int, held: Mapping[int, Holding]) -> Believed:
        """The authority at `until`. Raises Unsure where it had lapsed, Fail where it was revoked.

        What a renewal carries is known by those of `held` that cover it, never by itself.
        """
        found = self.stamps.read(number)
        token, leaf = found.token, self.stamps.authority(number)

        def known(raw: bytes) -> int | None:
            own = raw in (*token.certificates, *token.lists)
            carrier = number if own else self.stamps.material.carriers.get(raw)
            return None if carrier is None else _covered(held, max(carrier, number + 1))

        return self.stamps.authorities.still(
            token,
            leaf,
            until,
            used=used_by(token, leaf),
            by=_covered(held, number + 1),
            known=known,
            since=number,
        )

    @property
    def held(self) -> dict[int, Holding]:
        return self._judged[0]

    def kept(self, number: int) -> Holding:
        """Raises Unsure where it lapsed, Fail where it was revoked, Skip where another check says why."""
        held, refused = self._judged
        if number in held:
            return held[number]
        if number in refused:
            raise refused[number]
        raise Skip("another check says why it does not count")

    @cached_property
    def by(self) -> int | None:
        """By when the manifest existed; None where no renewal shows it."""
        return min((each.by for each in self.held.values()), default=None)

    def carried_by(self, raw: bytes) -> int | None:
        """By when a certificate, list or response (DER) that a renewal carries existed."""
        known = self.stamps.material.carriers.get(raw)
        return None if known is None else _covered(self.held, known)

    def seal_by(self, number: int) -> int | None:
        """By when a seal, counted from zero, existed: the earliest of the renewals that cover it."""
        return min((each.by for each in self.held.values() if number < each.seals), default=None)


def _covered(held: Mapping[int, Holding], number: int) -> int | None:
    """By when what renewal `number` holds existed: the earliest of `held` that covers it, or is it."""
    return min((each.by for each in held.values() if each.number >= number), default=None)


def _passes(*decisions: Callable[[], object]) -> bool:
    try:
        for decide in decisions:
            decide()
    except Judgement:
        return False
    return True
