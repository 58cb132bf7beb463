# SPDX-License-Identifier: Apache-2.0
"""What twice as much costs, timed: items to 1,024, logs to 100 MB, renewals to 256.

Twice the work for twice as much is linear, and the limit is little above it; test_growth.py counts the
interpreter's instructions for shapes that are made to cost more.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Final

from bundletools import renewing

from bundlefmt import labels
from bundlefmt.bundle import Bundle, Renewal
from bundlefmt.evidence.tpm import TpmAlg
from bundlefmt.logs.ima_source import ImaSource
from bundlefmt.logs.replay import declared_locality, final_values
from bundlefmt.logs.tcg import FirmwareLog
from bundlefmt.renewal import Stamp
from bundlefmt.verify import Policy, verify
from demo import firmware_log
from tests.bench import samples
from tests.bench.measure import Measure, Work, paired
from tests.fuzz import resealing, seeds
from tests.vectorgen import timestamps
from tests.vectorgen.plain import CREATED

AREA: Final = "growth"
ITEMS: Final = 1024
RENEWALS: Final = 256
LOG: Final = 100 * 10**6  # bytes
LIMIT: Final = 2.2
GOAL: Final = 2.0
REPETITIONS: Final = 3


def doubled(name: str, once: Work, twice: Work) -> Measure:
    """`twice` beside `once`."""
    return paired(name, twice, once, area=AREA, limit=LIMIT, goal=GOAL, repetitions=REPETITIONS)


def _judged(data: bytes, policy: Policy) -> None:
    verify(Bundle.decode(data), policy)


def items() -> Iterator[Measure]:
    """Three items for each quote: the statement, its signature, its values."""
    policy = seeds.policy(seeds.SMALL)
    fewer, more = (samples.quoted(count // 3).encode() for count in (ITEMS // 2, ITEMS))
    name = f"decode and verify: {ITEMS:,} : {ITEMS // 2} items"
    yield doubled(name, partial(_judged, fewer, policy), partial(_judged, more, policy))


def renewed(count: int) -> Bundle:
    """The whole ceremony with so many renewals, each over all before it and by one authority."""
    bundle = resealing.good()
    for number in range(count):
        covered = renewing.coverage(bundle, labels.HASH_SHA256, renewing.Material())
        proof = timestamps.Token(at=CREATED + number)("sha256", covered.imprint())
        stamp = Stamp(covers=covered.encode(), type=labels.TYPE_TIMESTAMP, proof=proof)
        bundle = replace(bundle, renewals=(*bundle.renewals, Renewal(raw=stamp.encode())))
    return bundle


def renewals() -> Iterator[Measure]:
    policy = replace(seeds.policy(seeds.GOOD), anchors_time=(timestamps.root(),))
    all_of_them = renewed(RENEWALS)
    half = replace(all_of_them, renewals=all_of_them.renewals[: RENEWALS // 2])
    fewer, more = half.encode(), all_of_them.encode()
    name = f"decode and verify: {RENEWALS} : {RENEWALS // 2} renewals"
    yield doubled(name, partial(_judged, fewer, policy), partial(_judged, more, policy))


def firmware(size: int) -> bytes:
    """The demonstration's boot as often as it takes to have `size` bytes."""
    head, events = firmware_log.encode(), b"".join(event.encode() for event in firmware_log.events())
    return head + events * ((size - len(head)) // len(events))


def _replayed(data: bytes) -> None:
    log = FirmwareLog.decode(data)
    for bank in log.banks:
        final_values(log.events, bank, locality=declared_locality(log.events))


def ima(size: int) -> tuple[bytes, bytes]:
    """A list of so many bytes (template ima-ng), and the value that it gives."""
    value, rows, made, number = bytes(32), [], 0, 0
    while made < size:
        digest = b"sha256:\0" + hashlib.sha256(number.to_bytes(4, "big")).digest()
        name = f"/usr/bin/tool-{number:08}".encode() + b"\0"
        fields = b"".join(struct.pack("<I", len(part)) + part for part in (digest, name))
        value = hashlib.sha256(value + hashlib.sha256(fields).digest()).digest()
        stated = hashlib.sha1(fields).digest()  # noqa: S324 - as Linux does
        head = struct.pack("<I", 10) + stated + struct.pack("<I", 6) + b"ima-ng"
        rows.append(head + struct.pack("<I", len(fields)) + fields)
        made, number = made + len(rows[-1]), number + 1
    return b"".join(rows), value


def _listed(data: bytes, quoted: bytes) -> None:
    if not ImaSource.decode(data).replay(TpmAlg.SHA256, 10, quoted).covered:
        raise RuntimeError("the replay is wrong")


def logs() -> Iterator[Measure]:
    sizes = f"{LOG // 10**6} MB : {LOG // 2 // 10**6} MB"
    fewer, more = (firmware(each) for each in (LOG // 2, LOG))
    name = f"parse and replay a firmware log: {sizes}"
    yield doubled(name, partial(_replayed, fewer), partial(_replayed, more))
    del fewer, more
    half, whole = (ima(each) for each in (LOG // 2, LOG))
    yield doubled(f"parse and replay an IMA list: {sizes}", partial(_listed, *half), partial(_listed, *whole))


def measures() -> Iterator[Measure]:
    yield from items()
    yield from renewals()
    yield from logs()
