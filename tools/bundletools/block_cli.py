# SPDX-License-Identifier: Apache-2.0
"""`bundle timestamp --opentimestamps`: the coverage goes out, proof and block headers come in."""

from __future__ import annotations

import binascii
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bundlefmt.bundle import Bundle
from bundlefmt.cli import given_file, reading
from bundlefmt.cli.files import refuse_existing, write_atomic
from bundlefmt.cli.run import Exit, UsageError, say
from bundlefmt.errors import MalformedError
from bundlefmt.evidence.block_header import SIZE, BlockHeader
from bundlefmt.evidence.opentimestamps import MAX_PROOF
from bundlefmt.frozen import frozen
from bundletools.block_renewing import BlockRenewing, heights, read_proof

_MAX_HEADER: Final = 1024  # bytes; in hexadecimal a header has 160


@frozen
class ByBlocks:
    """One renewal on its way: with the coverage out now, and the proof in later."""

    file: Path
    request_out: Path | None
    response_in: Path | None
    headers: Sequence[Path]
    pins: Sequence[str]

    def run(self, output: Path | None, *, in_place: bool, force: bool) -> int:
        renewing = BlockRenewing(bundle=Bundle.open(self.file))
        if self.request_out is not None and self.response_in is None:
            if output is not None or in_place or self.headers or self.pins:
                raise UsageError("the bundle is written when the proof is here", hint="--response-in FILE")
            refuse_existing(self.request_out, force=force)
            write_atomic(self.request_out, [renewing.covers()], force=force)
            say(f"{self.request_out}: ots stamp it, ots upgrade its proof; then --response-in with that")
            return Exit.PASSED
        if self.request_out is not None or self.response_in is None:
            raise UsageError(
                "calendars are not asked directly", hint="--request-out FILE, then --response-in FILE.ots"
            )
        if (output is None) != in_place:
            raise UsageError("say where to write the renewed bundle", hint="-o FILE, or --in-place")
        target = output or self.file
        refuse_existing(target, force=force or in_place)
        pins = frozenset(map(reading.block, self.pins))
        proof = read_proof(given_file.read_answer(self.response_in, MAX_PROOF))
        named = heights(proof)
        if not self.headers:
            raise UsageError(
                f"say which block it is: the proof names {', '.join(map(str, named))}",
                hint=f"--block-header FILE, of what bitcoin-cli getblockheader $(bitcoin-cli getblockhash "
                f"{named[0]}) false prints",
            )
        headers = [_header(path) for path in self.headers]
        made = renewing.renewed(proof, headers, pins=pins)
        write_atomic(target, made.chunks(), force=force or in_place)
        for header in headers:
            say(f"{target}: {renewing.told(header)}")
        return Exit.PASSED


def _header(path: Path) -> BlockHeader:
    """A block header in a file: its bytes, or these in hexadecimal."""
    data = given_file.read(path, _MAX_HEADER)
    try:
        raw = data if len(data) == SIZE else binascii.a2b_hex(data.strip())
        return BlockHeader.decode(raw)
    except (binascii.Error, MalformedError):
        raise UsageError(
            f"{path} holds no block header", hint=f"{SIZE} bytes, or these in hexadecimal"
        ) from None
