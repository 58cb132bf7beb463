# SPDX-License-Identifier: Apache-2.0
"""What measurement logs cost, beside the bare hashing that has to be done."""

from __future__ import annotations

import hashlib
import shutil
import struct
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from bundlefmt.evidence.tpm import TpmAlg
from bundlefmt.logs.ima_source import ImaSource
from bundlefmt.logs.replay import declared_locality, final_values
from bundlefmt.logs.tcg import FirmwareLog
from demo import firmware_log
from tests.bench.installed import Installed
from tests.bench.measure import Measure, childrens_time, counted, paired

AREA: Final = "logs"
ENTRIES: Final = 1_000_000
_HASHES: Final = {TpmAlg.SHA1: hashlib.sha1, TpmAlg.SHA256: hashlib.sha256, TpmAlg.SHA384: hashlib.sha384}
_ALONE: Final = """
import sys
from pathlib import Path
from bundlefmt.bundle import map_file
from bundlefmt.evidence.tpm import TpmAlg
from bundlefmt.logs.ima_source import ImaSource
ImaSource.decode(map_file(sys.argv[1])).replay(TpmAlg.SHA256, 10, bytes.fromhex(sys.argv[2]))
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(int(peak.split()[1]) / 1024)
"""


def _log() -> bytes:
    """A boot as long as those of real machines: the demonstration's, ten times."""
    return firmware_log.encode() + b"".join(
        event.encode() for _ in range(9) for event in firmware_log.events()
    )


def _replayed(data: bytes) -> None:
    log = FirmwareLog.decode(data)
    for bank in log.banks:
        final_values(log.events, bank, locality=declared_locality(log.events))


def _bare(digests: dict[TpmAlg, list[bytes]]) -> None:
    """The extends of every bank, and nothing else."""
    for bank, row in digests.items():
        make = _HASHES[bank]
        value = bytes(make().digest_size)
        for digest in row:
            value = make(value + digest).digest()


def firmware(installed: Installed, folder: Path) -> Iterator[Measure]:
    data = _log()
    events = FirmwareLog.decode(data).events
    digests = {bank: [event.digests[bank] for event in events if event.extended] for bank in _HASHES}
    name = "parse and replay a firmware log, 3 banks : its extends"
    yield paired(name, partial(_replayed, data), partial(_bare, digests), area=AREA, limit=8, goal=4, inner=5)
    if shutil.which("tpm2_eventlog") is None:
        return
    (folder / "log").write_bytes(data)
    yield paired(
        "bundle log : tpm2_eventlog",
        partial(installed.bundle, "log", folder / "log"),
        partial(installed.run, "tpm2_eventlog", folder / "log"),
        clock=childrens_time,
        area=AREA,
        limit=15,
        goal=5,
    )


def _write_ima(file: Path) -> list[bytes]:
    """A list of a million entries (template ima-ng); returns what each hashes."""
    hashed = []
    with file.open("wb") as out:
        for number in range(ENTRIES):
            digest = b"sha256:\0" + hashlib.sha256(number.to_bytes(4, "big")).digest()
            name = f"/usr/bin/tool-{number}".encode() + b"\0"
            fields = b"".join(struct.pack("<I", len(part)) + part for part in (digest, name))
            hashed.append(fields)
            stated = hashlib.sha1(fields).digest()  # noqa: S324 - as Linux does
            head = struct.pack("<I", 10) + stated + struct.pack("<I", 6) + b"ima-ng"
            out.write(head + struct.pack("<I", len(fields)) + fields)
    return hashed


def _bare_ima(hashed: list[bytes]) -> bytes:
    value, make = bytes(32), hashlib.sha256
    for fields in hashed:
        value = make(value + make(fields).digest()).digest()
    return value


def ima(installed: Installed, folder: Path) -> Iterator[Measure]:
    file = folder / "ima"
    hashed = _write_ima(file)
    quoted, data = _bare_ima(hashed), file.read_bytes()

    def work() -> None:
        found = ImaSource.decode(data).replay(TpmAlg.SHA256, 10, quoted)
        if found.covered != ENTRIES:
            raise RuntimeError("the replay is wrong")

    name = "parse and replay 1,000,000 IMA entries : their hashes"
    yield paired(name, work, partial(_bare_ima, hashed), area=AREA, limit=4, goal=2, repetitions=3)
    peak = float(installed.script(_ALONE, file, quoted.hex()))
    name = "peak memory of that : the list's size"
    yield counted(name, peak, len(data) / 2**20, "MiB", area=AREA, limit=1.5, goal=1)


def measures(installed: Installed, folder: Path) -> Iterator[Measure]:
    yield from firmware(installed, folder)
    yield from ima(installed, folder)
