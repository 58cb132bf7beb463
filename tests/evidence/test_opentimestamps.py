# SPDX-License-Identifier: Apache-2.0
"""OpenTimestamps proofs and block headers: what is read, computed and refused; the first block of Bitcoin."""

from __future__ import annotations

import hashlib
from typing import Final

import pytest

from bundlefmt.errors import Code, MalformedError
from bundlefmt.evidence.block_header import BlockHeader
from bundlefmt.evidence.opentimestamps import BITCOIN, MAX_STEPS, PENDING, OpenTimestamp
from tests.vectorgen.blocks import APPEND, HEIGHT, MAGIC, SHA1, SHA256, STEPS, after, line, number, sized

DIGEST: Final = bytes(range(32))
HEAD: Final = MAGIC + b"\x01" + SHA256 + DIGEST
# the first block of Bitcoin
GENESIS: Final = bytes.fromhex(
    "01000000" + "00" * 32 + "3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49"
    "ffff001d1dac2b7c"
)


def test_the_first_block() -> None:
    header = BlockHeader.decode(GENESIS)
    assert header.hash.hex() == "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"
    assert header.time == 1231006505
    assert header.has_work()
    assert not BlockHeader.decode(GENESIS[:-1] + b"\x00").has_work()


@pytest.mark.parametrize("bits", ["ffff80ff", "0000801d", "00000000", "ffff7fff"])
def test_no_work_is_asked_by_what_is_no_target(bits: str) -> None:
    """Negative, nothing, or larger than any hash."""
    assert not BlockHeader.decode(GENESIS[:72] + bytes.fromhex(bits) + GENESIS[76:]).has_work()


def test_lines_that_fork() -> None:
    """Two lines from the digest, one of them in two again: each attests what it comes to."""
    inner = b"\xff" + line(((APPEND, b"a"), (SHA256, b"")), BITCOIN, number(1))
    inner += line(((APPEND, b"b"),), PENDING, sized(b"x"))
    data = HEAD + b"\xff" + SHA256 + inner + line(STEPS, BITCOIN, number(HEIGHT))
    found = OpenTimestamp.decode(data)
    first = hashlib.sha256(DIGEST).digest()
    assert [each.message for each in found.attestations] == [
        hashlib.sha256(first + b"a").digest(),
        first + b"b",
        after(DIGEST, STEPS),
    ]
    assert [each.height() for each in found.attestations] == [1, None, HEIGHT]
    assert found.encode() == data


def test_what_is_not_computed_is_read() -> None:
    found = OpenTimestamp.decode(HEAD + line(((SHA1, b""), (APPEND, b"a")), BITCOIN, number(1)))
    assert [each.message for each in found.attestations] == [None]


REFUSED: Final = {
    "no proof": (b"\x00OpenTimestamps" + bytes(50), Code.WRONG_MAGIC),
    "later version": (MAGIC + b"\x02", Code.BAD_VALUE),
    "by SHA-1": (MAGIC + b"\x01" + SHA1 + bytes(20), Code.BAD_VALUE),
    "no attestation": (HEAD, Code.TRUNCATED),
    "fork without end": (HEAD + (b"\xff" + SHA256) * 10, Code.TRUNCATED),
    "fork of a fork": (HEAD + b"\xff\xff", Code.BAD_VALUE),
    "too many steps": (HEAD + (b"\xff" + SHA256) * (MAX_STEPS // 2 + 1), Code.COUNT_LIMIT),
    "nothing appended": (HEAD + APPEND + b"\x00", Code.SIZE_LIMIT),
    "longer number": (HEAD + APPEND + b"\x81\x00" + b"a", Code.NON_SHORTEST),
    "endless number": (HEAD + APPEND + b"\xff" * 12, Code.SIZE_LIMIT),
    "unknown operation": (HEAD + b"\x77", Code.BAD_VALUE),
    "more behind": (HEAD + line((), BITCOIN, b"\x01") + b"\x00", Code.TRAILING_BYTES),
    "too large": (HEAD + line((), BITCOIN, bytes(8192)) * 9, Code.SIZE_LIMIT),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str) -> None:
    data, code = REFUSED[name]
    with pytest.raises(MalformedError) as caught:
        OpenTimestamp.decode(data)
    assert caught.value.code is code


def test_a_height_fills_its_attestation() -> None:
    (found,) = OpenTimestamp.decode(HEAD + line((), BITCOIN, b"\x01\x02")).attestations
    with pytest.raises(MalformedError):
        found.height()
