# SPDX-License-Identifier: Apache-2.0
"""How many entries of an IMA list a quoted PCR value covers.

The list grows while the machine runs, and entries are appended before they are extended: a genuine quote is
explained by a prefix of the list, and entries after it are not in the quote. Linux kernel, ima_queue.c: since
5.9 each bank is extended with its own hash of the template data; before, with the SHA-1 template digest
padded by zeros. A violation extends ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from bundlefmt.evidence.tpm_algorithm import TpmAlg, digest, hash_size
from bundlefmt.frozen import frozen
from bundlefmt.logs.ima_template import ImaEntry


class Extended(StrEnum):
    """What was extended into the bank for each entry."""

    STATED = "stated"  # the list's own template digests, which are of this bank's hash
    RECOMPUTED = "recomputed"  # this bank's hash of the template data, which is therefore covered
    PADDED_SHA1 = "padded-sha1"  # SHA-1 template digests padded with zeros: the strength is SHA-1's


@frozen
class ImaReplay:
    """`covered` entries of `entries` with this PCR give the quoted value; None if no prefix does.

    `last` is the entry after which they do, `computed` the value after the whole list. `uncovered` numbers
    entries of the prefix whose data their digest does not cover: their names and file digests are words only.
    `violations` numbers the prefix's violations.
    """

    bank: int
    index: int
    extended: Extended
    quoted: bytes
    computed: bytes
    entries: int
    covered: int | None
    last: ImaEntry | None
    uncovered: tuple[int, ...]
    violations: tuple[int, ...]


def replay_ima(
    entries: Sequence[ImaEntry], template_alg: int, bank: int, index: int, quoted: bytes
) -> ImaReplay:
    """Find the prefix of `entries` that gives `quoted` in PCR `index` of `bank`.

    `template_alg` is the hash of the list's template digests. Where it is SHA-1 and the bank is another, both
    ways a kernel may have extended are tried. Where no prefix matches, the answer is for the way that modern
    kernels have. One pass for each way, linear in the list. Raises UnsupportedAlgorithmError.
    """
    mine = [entry for entry in entries if entry.index == index]
    if template_alg == bank:
        return _replay_one(mine, template_alg, bank, index, quoted, Extended.STATED)
    first = _replay_one(mine, template_alg, bank, index, quoted, Extended.RECOMPUTED)
    if first.covered is None and template_alg == TpmAlg.SHA1:
        second = _replay_one(mine, template_alg, bank, index, quoted, Extended.PADDED_SHA1)
        if second.covered is not None:
            return second
    return first


def _replay_one(
    entries: Sequence[ImaEntry], template_alg: int, bank: int, index: int, quoted: bytes, extended: Extended
) -> ImaReplay:
    size = hash_size(bank)
    value = bytes(size)
    covered: int | None = 0 if value == quoted else None
    for count, entry in enumerate(entries, 1):
        value = digest(bank, value + _extension(entry, bank, size, extended))
        if covered is None and value == quoted:
            covered = count
    prefix = entries[: covered or 0]
    return ImaReplay(
        bank=bank,
        index=index,
        extended=extended,
        quoted=quoted,
        computed=value,
        entries=len(entries),
        covered=covered,
        last=prefix[-1] if prefix else None,
        uncovered=tuple(
            entry.number
            for entry in prefix
            if extended is not Extended.RECOMPUTED and not entry.violation and not entry.covered(template_alg)
        ),
        violations=tuple(entry.number for entry in prefix if entry.violation),
    )


def _extension(entry: ImaEntry, bank: int, size: int, extended: Extended) -> bytes:
    if extended is Extended.PADDED_SHA1:
        value = b"\xff" * hash_size(TpmAlg.SHA1) if entry.violation else entry.template_digest
        return value.ljust(size, b"\0")
    if entry.violation:
        return b"\xff" * size
    if extended is Extended.STATED:
        return entry.template_digest
    return digest(bank, entry.hashed())
