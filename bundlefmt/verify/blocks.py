# SPDX-License-Identifier: Apache-2.0
"""Judgements on renewals by blocks of Bitcoin: a second kind of proof that needs no authority of time.

It stands beside timestamps and lends them nothing: no other judgement is made at its time.
Spec: "Renewals", "Verification", step 10.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Final

from bundlefmt import labels
from bundlefmt.errors import MalformedError
from bundlefmt.evidence.block_header import CLOCK, BlockHeader
from bundlefmt.evidence.block_proof import BlockProof
from bundlefmt.frozen import frozen
from bundlefmt.manifest import hash_bytes
from bundlefmt.moment import when
from bundlefmt.renewal import Coverage, Stamp
from bundlefmt.verify import period
from bundlefmt.verify.checks import Check, numbered
from bundlefmt.verify.context import Area, Context, Fail, Judgement, Once, Skip, Unsure, readable
from bundlefmt.verify.findings import Basis, Conclusion
from bundlefmt.verify.held import Held
from bundlefmt.verify.stamps import MAX_RENEWALS

_SHA256: Final = "SHA-256"  # of the coverage, on the way, and in the chain of blocks


@frozen
class Mined:
    """A block by its height and header: what a renewal covers was there when it was mined."""

    height: int
    header: BlockHeader

    @property
    def by(self) -> int:
        """Its time, and what a miner's clock may be ahead or behind by the custom of the network."""
        return self.header.time + CLOCK


class Blocks(Area):
    """The renewals with such a proof, counted from zero among all of them."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.form = Once(self._form)
        self.known = Once(self._known)

    def carries(self, number: int) -> bool:
        """Whether the renewal has a proof of this kind, good or bad."""
        try:
            stamp = Stamp.decode(self.context.bundle.renewals[number].raw)
        except MalformedError:
            return False
        return stamp.type == labels.TYPE_OPENTIMESTAMP

    def holding(self, number: int) -> Mined | None:
        try:
            return self.known(number)
        except Judgement:
            return None

    def _form(self, number: int) -> tuple[Mined, ...]:
        """The blocks that it leads to. Raises Fail, Unsure for what is here and not covered."""
        if not self.carries(number):
            raise Skip("it has a proof of another kind")
        if number >= MAX_RENEWALS:
            raise Unsure(f"more than {MAX_RENEWALS} renewals: this one is not looked at")
        stamp = Stamp.decode(self.context.bundle.renewals[number].raw)
        coverage = readable(lambda: Coverage.decode(stamp.covers))
        proof = readable(lambda: BlockProof.decode(stamp.proof))
        if coverage.alg != labels.HASH_SHA256:
            raise Fail("the coverage is not by SHA-256, as a proof of this kind is")
        if proof.ots.digest != hash_bytes(labels.HASH_SHA256, stamp.covers):
            raise Fail("the proof is over something else than the coverage")
        found = tuple(_blocks(proof))
        self.context.existence.stamps.require_covers(number, coverage)
        return found

    def _known(self, number: int) -> Mined:
        """The earliest of its blocks that is one of those which the verifier knows."""
        try:
            found = self.form(number)
        except (Fail, Unsure):
            raise Skip("block.form says why") from None
        policy = self.context.policy
        if not found:
            raise Skip("it leads to no block whose header is here: kept, not judged")
        if not policy.pins_block:
            raise Skip("no block is known to the verifier, and anybody can write a header")
        known = [each for each in found if each.header.hash in policy.pins_block]
        if not known:
            raise Unsure("it leads to no block that is known to the verifier")
        mined = min(known, key=lambda each: each.by)
        present = policy.now if policy.at is None else policy.at
        if present is not None and mined.header.time > present:
            raise Skip(f"mined at {when(mined.header.time)}, after the time that is asked about")
        over = period.ended(policy, (_SHA256,), by=None)
        if over is not None:
            raise Unsure(f"made by {over[0]}, which the policy ends at {when(over[1])}")
        return mined


def _blocks(proof: BlockProof) -> Iterator[Mined]:
    """Those of Bitcoin whose headers are here. Raises Fail where one is not what is attested."""
    attested = [(readable(each.height), each.message) for each in proof.ots.attestations]
    for height, header in proof.headers.items():
        roots = [message for attests, message in attested if attests == height]
        if not roots:
            raise Fail(f"the proof does not lead to block {height}, whose header is here")
        computed = [root for root in roots if root is not None]
        if any(root != header.root for root in computed):
            raise Fail(f"block {height} has other transactions than the proof leads to")
        if not header.has_work():
            raise Fail(f"the header of block {height} lacks the work that it names")
        if computed:
            yield Mined(height=height, header=header)


def _form(context: Context, number: int) -> str:
    """The proof is over the coverage, that is what is here, and leads to the headers beside it."""
    found = context.area(Blocks).form(number)
    told = ", ".join(f"block {each.height} of {when(each.header.time)}" for each in found)
    return f"over the coverage; leads to {told or 'no block whose header is here: kept, not judged'}"


def _known(context: Context, number: int) -> str:
    """It leads to a block that the verifier knows by its hash."""
    found = context.area(Blocks).known(number)
    return f"block {found.height}, {found.header.hash.hex()}: everything before existed by {when(found.by)}"


def _those(context: Context) -> Iterable[int]:
    """The renewals with such a proof."""
    return filter(context.area(Blocks).carries, range(context.existence.stamps.count))


_each: Final = partial(numbered, "renewal", _those)


CHECKS: Final = (Check("block.form", _each(_form)), Check("block.known", _each(_known)))
_MINED: Final = tuple(check.id for check in CHECKS)


def mined(context: Context, found: Held) -> Iterator[Conclusion]:
    """By when the manifest existed as blocks show; only where a renewal has such a proof."""
    blocks = context.area(Blocks)
    numbers = [each for each in range(context.existence.stamps.count) if blocks.carries(each)]
    if not numbers:
        return
    known = [each for number in numbers if (each := blocks.holding(number)) is not None]
    first = min(known, key=lambda each: each.by, default=None)
    proven = first is not None and found.holds(_MINED)
    yield Conclusion(
        id="time.mined",
        basis=Basis.PROVEN if proven else Basis.UNPROVEN,
        statement=(
            f"by block {first.height} of Bitcoin, this manifest existed by {when(first.by)}"
            if proven and first is not None
            else "by which block this manifest existed is not shown"
        ),
        rests_on=_MINED,
    )
