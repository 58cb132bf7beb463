# SPDX-License-Identifier: Apache-2.0
"""The laws that the tests try on a sample, tried on everything: each bit, each pair of items, each vector."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from multiprocessing import Pool
from typing import Final

from tests.attacks import flipping, mixing, test_mixing
from tests.test_vectors import JUDGED
from tests.verify.test_weaker import without_any

CHUNK: Final = 64
Law = tuple[int, Callable[[int], tuple[str, str | None]]]


def _bit(part: str, number: int) -> tuple[str, str | None]:
    """What came of a bit of a part of the reference, and the fault if it breaks the law."""
    offset = flipping.regions()[part][number // 8]
    flipped = flipping.flip(offset, number % 8)
    fault = flipping.fault(flipped)
    return flipped.outcome, fault and f"byte {offset}, bit {number % 8}: {fault}"


def _pair(by_certificate: bool, number: int) -> tuple[str, str | None]:
    """Two items of another ceremony."""
    pair = test_mixing.pairs(by_certificate=by_certificate)[number]
    first, second = mixing.wholes(by_certificate=by_certificate)
    gained = test_mixing.gained(first, second, pair, by_certificate=by_certificate)
    return "mixed", "; ".join(gained) or None


def _kept_back(number: int) -> tuple[str, str | None]:
    """One vector, of which one item after the other is kept back."""
    gained = without_any(JUDGED[number])
    return "kept back", f"{JUDGED[number]}: {'; '.join(gained)}" if gained else None


def laws() -> dict[str, Law]:
    """How many cases a law has, and how one is tried."""
    bits: dict[str, Law] = {
        f"bits-{part}": (8 * len(region), partial(_bit, part)) for part, region in flipping.regions().items()
    }
    pairs: dict[str, Law] = {
        f"pairs-{'certified' if by else 'challenged'}": (
            len(test_mixing.pairs(by_certificate=by)),
            partial(_pair, by),
        )
        for by in test_mixing.BY
    }
    return {**bits, **pairs, "kept-back": (len(JUDGED), _kept_back)}


def tried(name: str, results: Iterable[tuple[str, str | None]]) -> int:
    """The number of faults, after they were printed."""
    start, counts, faults = time.monotonic(), Counter[str](), 0
    for outcome, fault in results:
        counts[outcome] += 1
        if fault is not None:
            faults += 1
            print(f"{name}: {fault}", flush=True)
    said = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
    print(f"{name}: {said}; {faults} faults; {time.monotonic() - start:.0f} s", flush=True)
    return faults


def main() -> int:
    """0, or 1 where a law is broken."""
    known = laws()
    parser = argparse.ArgumentParser(prog="python -m tests.attacks", description=__doc__)
    parser.add_argument("laws", nargs="*", metavar="LAW", help="by default all: " + ", ".join(known))
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at once")
    given = parser.parse_args()
    if unknown := set(given.laws) - set(known):
        parser.error(f"there is no law {', '.join(sorted(unknown))}")
    faults = 0
    with Pool(given.jobs) as pool:
        for name in given.laws or known:
            count, law = known[name]
            faults += tried(name, pool.imap(law, range(count), CHUNK if count > 10 * CHUNK else 1))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
