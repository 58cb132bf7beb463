# SPDX-License-Identifier: Apache-2.0
"""OpenTimestamps proofs, written step by step, and blocks that nobody mined, with next to no work in them.

Each part may be wrong on purpose.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cbor2

from tests.vectorgen.plain import CREATED
from tests.vectorgen.renewing import Before, Renewed
from tests.vectorgen.tree import encoded

TYPE: Final = "application/vnd.evidence-bundle.opentimestamps+cbor"
MAGIC: Final = b"\x00OpenTimestamps\x00\x00Proof\x00\xbf\x89\xe2\xe8\x84\xe8\x92\x94"
BITCOIN: Final = bytes.fromhex("0588960d73d71901")
PENDING: Final = bytes.fromhex("83dfe30d2ef90c8e")
SHA1, SHA256, APPEND, PREPEND = b"\x02", b"\x08", b"\xf0", b"\xf1"
HEIGHT: Final = 123456
# as in a proof of a calendar: its own tree, a transaction around the root, the tree of the block
STEPS: Final = (
    (APPEND, b"a nonce of 16 b."),
    (SHA256, b""),
    (PREPEND, hashlib.sha256(b"another's").digest()),
    (SHA256, b""),
    (PREPEND, b"a transaction before it"),
    (APPEND, b"and behind it"),
    (SHA256, b""),
    (SHA256, b""),
    (APPEND, hashlib.sha256(b"another transaction").digest()),
    (SHA256, b""),
    (SHA256, b""),
)
_EASY: Final = 0x207FFFFF  # every second header has the work
Step = tuple[bytes, bytes]


def number(value: int) -> bytes:
    """Seven bits in each byte, the least first."""
    made = b""
    while value > 0x7F:
        made += bytes([value & 0x7F | 0x80])
        value >>= 7
    return made + bytes([value])


def sized(value: bytes) -> bytes:
    return number(len(value)) + value


def after(message: bytes, steps: Sequence[Step]) -> bytes:
    """What the steps make of a message."""
    for operation, beside in steps:
        if operation == APPEND:
            message += beside
        elif operation == PREPEND:
            message = beside + message
        else:
            message = hashlib.new("sha1" if operation == SHA1 else "sha256", message).digest()
    return message


def line(steps: Sequence[Step], kind: bytes, payload: bytes) -> bytes:
    """Operations and the attestation at their end."""
    written = (
        operation + (sized(beside) if operation in (APPEND, PREPEND) else b"") for operation, beside in steps
    )
    return b"".join(written) + b"\x00" + kind + sized(payload)


def waiting() -> bytes:
    """A calendar's promise beside the rest."""
    return b"\xff" + line((), PENDING, sized(b"https://calendar.invalid"))


def header(root: bytes, *, time: int = CREATED + 7200, bits: int = _EASY, worked: bool = True) -> bytes:
    """A header with the work that `bits` ask, or the first without."""
    for nonce in range(1000):
        fields = (time, bits, nonce)
        made = (2).to_bytes(4, "little") + bytes(32) + root
        made += b"".join(field.to_bytes(4, "little") for field in fields)
        found = int.from_bytes(hashlib.sha256(hashlib.sha256(made).digest()).digest(), "little")
        if (found <= (bits & 0x7FFFFF) << 8 * ((bits >> 24) - 3)) is worked:
            return made
    raise ValueError("no such header was met")


@dataclass(frozen=True, slots=True, kw_only=True)
class ByBlock(Renewed):
    """A renewal by a block; `forks` stand before the line to it, `digest` in place of the coverage's.

    `root` stands in place of that which the proof leads to, `headers` in place of the one made.
    """

    steps: Sequence[Step] = STEPS
    forks: bytes = b""
    digest: bytes | None = None
    kind: bytes = BITCOIN
    payload: bytes = number(HEIGHT)
    root: bytes | None = None
    time: int = CREATED + 7200
    worked: bool = True
    headers: dict[int, bytes] | None = None
    after: bytes = b""
    version: bytes = b"\x01"

    def __call__(self, before: Before) -> dict[str, object]:
        made = Renewed.__call__(self, before)
        covers = made["covers"]
        assert isinstance(covers, bytes)
        digest = hashlib.sha256(covers).digest() if self.digest is None else self.digest
        ots = MAGIC + self.version + SHA256 + digest + self.forks
        ots += line(self.steps, self.kind, self.payload) + self.after
        root = after(digest, self.steps) if self.root is None else self.root
        headers = self.headers
        if headers is None:
            headers = {HEIGHT: header(root, time=self.time, worked=self.worked)}
        return {"covers": covers, "proof": [TYPE, encoded({"ots": ots, "headers": headers})], **self.members}


def hash_of(renewal: bytes) -> str:
    """The hash of the block whose header an encoded renewal carries, as people write it."""
    (raw,) = cbor2.loads(cbor2.loads(renewal)["proof"][1])["headers"].values()
    return hashlib.sha256(hashlib.sha256(raw).digest()).digest()[::-1].hex()
