# SPDX-License-Identifier: Apache-2.0
"""What verification costs in one process, beside what it cannot avoid."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial
from typing import Final

from bundlefmt.bundle import Bundle
from bundlefmt.manifest import Digest
from bundlefmt.verify import Policy, Verdict, verify
from tests.bench import samples
from tests.bench.bare import Bare
from tests.bench.measure import Measure, paired
from tests.bench.programs import REFERENCE, reference_file
from tests.fuzz import seeds
from tests.remembered import caches

AREA: Final = "verifying"
MEDIA: Final = 100 * 10**6  # bytes


def judge(data: bytes, policy: Policy) -> None:
    """From the file's bytes to the report, which must say PASSED: a verification that ends early is quick."""
    report = verify(Bundle.decode(data), policy)
    if report.verdict is not Verdict.PASSED:
        raise RuntimeError(f"the verdict is {report.verdict}")


def reference() -> Iterator[Measure]:
    data, policy = reference_file().read_bytes(), seeds.policy(REFERENCE)
    bare = Bare.of(Bundle.decode(data), policy)
    judge(data, policy)
    # looked for beforehand: that takes as long as a tenth of what is measured, and is no part of it
    remembered = frozenset(caches())

    def first() -> None:
        for cache in remembered:
            cache.cache_clear()
        judge(data, policy)

    yield paired(
        f"decode and verify : its {len(bare.signatures) + len(bare.openpgp)} signatures and its hashes",
        first,
        bare.run,
        area=AREA,
        limit=3,
        goal=1.5,
        repetitions=15,
        inner=3,
    )


def media() -> Iterator[Measure]:
    data, policy = bytes(MEDIA), seeds.policy(seeds.GOOD)
    large = samples.with_media(data, Digest.of(data))
    name = "verify with 100 MB of media : SHA-256 of them"
    hashing = partial(_sha256, data)
    yield paired(name, partial(verify, large, policy), hashing, area=AREA, limit=1.5, goal=1, repetitions=5)


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def measures() -> Iterator[Measure]:
    yield from reference()
    yield from media()
