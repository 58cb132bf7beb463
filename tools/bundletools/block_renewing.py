# SPDX-License-Identifier: Apache-2.0
"""Renewing by blocks: the coverage that calendars stamp, and the proof that came of it with its headers.

Spec: "Renewals".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bundlefmt import labels
from bundlefmt.bundle import Bundle
from bundlefmt.errors import MalformedError
from bundlefmt.evidence.block_header import BlockHeader
from bundlefmt.evidence.block_proof import BlockProof
from bundlefmt.evidence.opentimestamps import OpenTimestamp
from bundlefmt.frozen import frozen
from bundlefmt.moment import when
from bundlefmt.renewal import Coverage, Stamp
from bundletools.errors import RenewalError
from bundletools.renewing import Material, coverage, with_renewal


@frozen
class BlockRenewing:
    """A renewal of this bundle by what `ots` makes of its coverage."""

    bundle: Bundle

    def covers(self) -> bytes:
        """The file that calendars are asked to stamp. Raises RenewalError."""
        return self._coverage().encode()

    def renewed(
        self, ots: OpenTimestamp, headers: Sequence[BlockHeader], *, pins: frozenset[bytes]
    ) -> Bundle:
        """The bundle with one more renewal, once the verifier accepts it. Raises RenewalError.

        The proof has to lead to each of the headers. With `pins` one of them has to be a block of that hash.
        """
        covered = self._coverage()
        if ots.digest != covered.imprint():
            raise RenewalError(
                "the proof is over something else than what is in this bundle now",
                hint="ots stamp the file that --request-out writes, and add nothing until its proof is here",
            )
        placed = {_height(ots, header): header for header in headers}
        proof = BlockProof(ots=ots, headers=placed)
        stamp = Stamp(covers=covered.encode(), type=labels.TYPE_OPENTIMESTAMP, proof=proof.encode())
        return with_renewal(self.bundle, stamp.encode(), pins_block=pins)

    def _coverage(self) -> Coverage:
        weaker = "a proof by blocks is by SHA-256 alone, and goes in before renewals by a stronger hash"
        return coverage(self.bundle, labels.HASH_SHA256, Material(), weaker=weaker)

    def told(self, header: BlockHeader) -> str:
        number = len(self.bundle.renewals) + 1
        return f"renewal {number}, by block {header.hash.hex()} of {when(header.time)}"


def read_proof(data: bytes) -> OpenTimestamp:
    """What `ots` wrote. Raises RenewalError."""
    try:
        return OpenTimestamp.decode(data)
    except MalformedError as error:
        raise RenewalError(f"not an OpenTimestamps proof: {error}") from None


def heights(ots: OpenTimestamp) -> tuple[int, ...]:
    """The blocks of Bitcoin that a proof leads to. Raises RenewalError where there is none."""
    found = tuple(dict.fromkeys(height for height, _ in _roots(ots)))
    if not found:
        raise RenewalError(
            "the proof leads to no block of Bitcoin", hint="ots upgrade FILE.ots, some hours after ots stamp"
        )
    return found


def _roots(ots: OpenTimestamp) -> Iterator[tuple[int, bytes]]:
    """Each block by its height, and the root that the proof comes to. Raises RenewalError."""
    for each in ots.attestations:
        try:
            height = each.height()
        except MalformedError as error:
            raise RenewalError(f"not an OpenTimestamps proof: {error}") from None
        if height is not None and each.message is not None:
            yield height, each.message


def _height(ots: OpenTimestamp, header: BlockHeader) -> int:
    """Of the block that has the root to which the proof leads. Raises RenewalError."""
    named = heights(ots)
    found = [height for height, root in _roots(ots) if root == header.root]
    if not found:
        raise RenewalError(
            f"block {header.hash.hex()} has other transactions than the proof leads to",
            hint=f"by the proof it is block {' or '.join(map(str, named))}",
        )
    return found[0]
