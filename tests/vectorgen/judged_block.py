# SPDX-License-Identifier: Apache-2.0
"""Renewals by blocks: proofs of OpenTimestamps, good and bad, and blocks that the verifier knows or does not.

Spec: "Renewals", "Verification", step 10.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import cbor2

from tests.vectorgen import blocks
from tests.vectorgen.blocks import APPEND, HEIGHT, PENDING, SHA1, STEPS, ByBlock
from tests.vectorgen.ceremonies import snapshot
from tests.vectorgen.ceremony import Ceremony, fixed
from tests.vectorgen.certificates import YEAR
from tests.vectorgen.plain import CREATED, MINUTES
from tests.vectorgen.renewing import Renewed
from tests.vectorgen.timestamps import ROOT_FILE
from tests.vectorgen.vector import Judged, Vectors

vector: Final = Vectors()
_STRANGER: Final = "00" * 32


def mined(renewal: ByBlock, *others: Renewed | ByBlock, of: Ceremony | None = None) -> Ceremony:
    """The smallest snapshot with a renewal by a block that the verifier knows."""
    ceremony = replace(snapshot() if of is None else of, renewals=(renewal, *others))
    first = cbor2.loads(ceremony.judged().file).value[3][0]
    known = (blocks.hash_of(first),) if renewal.headers is None else (_STRANGER,)
    return ceremony.under(pins_block=known)


def _refused(renewal: ByBlock) -> Judged:
    return mined(renewal).concluding(time_mined="unproven").judged("block.form")


@vector("block.known", "block")
def block_whole() -> Judged:
    """A proof to a block two hours after the ceremony, which the verifier knows by its hash."""
    return mined(ByBlock()).concluding(time_mined="proven").judged()


@vector("block.known", "block", "shape")
def block_with_a_promise_beside() -> Judged:
    """A calendar's promise stands before the line to the block: kept, not judged."""
    return mined(ByBlock(forks=blocks.waiting())).concluding(time_mined="proven").judged()


@vector("block.known", "block", "renewal")
def block_and_timestamp() -> Judged:
    """A renewal by a block, and one by an authority behind it."""
    ceremony = mined(ByBlock(), Renewed()).under(anchors_time=(ROOT_FILE,))
    return ceremony.concluding(time_mined="proven", time_existed="proven").judged()


@vector("block.known", "block", "anchor")
def block_of_nobody() -> Judged:
    """The verifier knows no block: anybody can write a header, and nothing is shown."""
    return mined(ByBlock()).under(pins_block=()).concluding(time_mined="unproven").judged()


@vector("block.known", "block", "anchor")
def block_of_another_chain() -> Judged:
    """The verifier knows another block: this header was mined cheaply."""
    ceremony = mined(ByBlock()).under(pins_block=(_STRANGER,)).concluding(time_mined="unproven")
    return ceremony.judged(unsure=("block.known",))


@vector("A proof that has only promises", "block")
def block_promised() -> Judged:
    """A proof that has nothing but a calendar's promise: kept, not judged."""
    promise = ByBlock(kind=PENDING, payload=blocks.sized(b"https://calendar.invalid"), headers={})
    return mined(promise).concluding(time_mined="unproven").judged()


@vector("operations that are not computed", "block")
def block_by_sha1() -> Judged:
    """SHA-1 stands on the way to the block: read, and not computed."""
    old = ByBlock(steps=(*STEPS, (SHA1, b"")), root=bytes(32))
    return mined(old).concluding(time_mined="unproven").judged()


@vector("block.known", "block", "time")
def block_after_the_time_asked_about() -> Judged:
    """The verifier asks about a time before the block was mined."""
    ceremony = mined(ByBlock(time=CREATED + YEAR)).under(at=CREATED + 86400)
    return ceremony.concluding(time_mined="unproven").judged()


@vector("block.known", "block", "algorithm")
def block_after_sha256_ended() -> Judged:
    """SHA-256 ended, of which all of this is made."""
    ended = {"SHA-256": CREATED + 5 * YEAR}
    ceremony = mined(ByBlock(), of=snapshot("p521")).under(algorithms=ended, now=CREATED + 6 * YEAR)
    ceremony = ceremony.concluding(time_mined="unproven")
    undecided = ("quote.signature", "seal.anchor", "seal.required", "seal.signature")
    return ceremony.judged(unsure=("block.known", *undecided))


@vector("block.form", "block", "rewrapped")
def block_over_something_else() -> Judged:
    """A genuine proof over something else."""
    return _refused(ByBlock(digest=bytes(32)))


@vector("block.form", "block", "rewrapped")
def block_one_of_two_wrong() -> Judged:
    """A renewal by a block that the verifier knows, and behind it a genuine proof over something else."""
    return mined(ByBlock(), ByBlock(digest=bytes(32))).concluding(time_mined="unproven").judged("block.form")


@vector("block.known", "block", "renewal")
def block_twice() -> Judged:
    """Renewals by two blocks, a year apart, which the verifier knows both: the earlier one counts."""
    ceremony = mined(ByBlock(time=CREATED + YEAR), ByBlock())
    both = cbor2.loads(ceremony.judged().file).value[3]
    known = tuple(map(blocks.hash_of, both))
    return ceremony.under(pins_block=known, at=CREATED + 2 * YEAR).concluding(time_mined="proven").judged()


@vector("block.form", "block", "rewrapped")
def block_of_other_transactions() -> Judged:
    """The header is that of a block with other transactions."""
    return _refused(ByBlock(root=bytes(32)))


@vector("block.form", "block")
def block_without_its_work() -> Judged:
    """The header has not the work that it names."""
    return _refused(ByBlock(worked=False))


@vector("block.form", "block")
def block_over_another_manifest() -> Judged:
    """The coverage is of another manifest."""
    return _refused(ByBlock(covered=lambda coverage: coverage.update(manifest=bytes(32))))


@vector("block.form", "block")
def block_by_sha384() -> Judged:
    """The coverage is by SHA-384, and the proof by SHA-256."""
    return _refused(ByBlock(alg=-43))


@vector("block.form", "block")
def block_artifact_not_covered() -> Judged:
    """The minutes were there and are not covered."""
    minutes = snapshot().having("minutes", fixed("minutes", MINUTES, type="text/plain"))

    def bare(coverage: dict[str, object]) -> None:
        content = coverage["content"]
        assert isinstance(content, dict)
        del content["minutes"]

    ceremony = mined(ByBlock(covered=bare), of=minutes).concluding(time_mined="unproven")
    return ceremony.judged(unsure=("block.form",))


@vector("block.form", "block", "bad-input")
def block_header_cut_short() -> Judged:
    """The header lacks its last byte."""
    return _refused(ByBlock(headers={HEIGHT: bytes(79)}))


@vector("block.form", "block", "bad-input")
def block_proof_with_more_behind() -> Judged:
    """A byte follows the proof."""
    return _refused(ByBlock(after=b"\x00"))


@vector("block.form", "block", "bad-input")
def block_proof_of_version_2() -> Judged:
    """The proof is of a version that is not known."""
    return _refused(ByBlock(version=b"\x02"))


@vector("block.form", "block", "bad-input")
def block_unknown_operation() -> Judged:
    """The proof has an operation that nobody knows."""
    return _refused(ByBlock(forks=b"\xff\x77"))


@vector("where another line of operations begins", "block", "bad-input")
def block_fork_of_a_fork() -> Judged:
    """A line forks off twice, and one of the two has no operation or attestation of its own."""
    return _refused(ByBlock(forks=b"\xff" + blocks.waiting() + blocks.line((), PENDING, b"\x01")))


@vector("block.form", "block", "bad-input")
def block_nothing_appended() -> Judged:
    """Nothing is appended on the way."""
    return _refused(ByBlock(steps=((APPEND, b""), *STEPS)))


@vector("that no line leads to", "block", "injected")
def block_header_of_another_block() -> Judged:
    """The header of another block is here too, and no line leads to it."""
    other = {HEIGHT + 1: blocks.header(bytes(32))}
    promise = ByBlock(kind=PENDING, payload=blocks.sized(b"https://calendar.invalid"), headers=other)
    return _refused(promise)


@vector("block.form", "block")
def block_by_sha1_without_its_work() -> Judged:
    """What the line comes to is not computed, and the header has not the work that it names."""
    return _refused(ByBlock(steps=(*STEPS, (SHA1, b"")), root=bytes(32), worked=False))


@vector("block.form", "block", "bad-input")
def block_message_too_long() -> Judged:
    """What is appended on the way makes more than 4096 bytes."""
    return _refused(ByBlock(steps=((APPEND, bytes(4096)),), root=bytes(32)))
