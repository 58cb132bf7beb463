# SPDX-License-Identifier: Apache-2.0
"""Snapshots of machines, as many as are wanted: each a day after the last, which it names, by the same key.

The operator's test key seals them. What happens to a machine is a table: {day: fields that are other from
then on}.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from bundlefmt.verify import Policy
from tests.vectorgen import certificates
from tests.vectorgen import software_tpm as tpm
from tests.vectorgen.ceremonies import PCRS, attested_with, quote, snapshot
from tests.vectorgen.ceremony import HASHES, Ceremony, Making
from tests.vectorgen.plain import CREATED

DAY: Final = 86_400
POLICY: Final = Policy(
    pins_piv=frozenset({hashlib.sha256(certificates.operator("p256").certificate).digest()})
)
PIN: Final = next(iter(POLICY.pins_piv)).hex()


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day of a machine. `late`: seconds that its snapshot comes later; `lost`: it is not kept."""

    number: int = 0
    resets: int = 7
    restarts: int = 0
    set_back: int = 0  # milliseconds of the TPM's clock
    firmware: int = 1 << 32
    pcr_7: bytes = PCRS[tpm.SHA256][7]
    late: int = 0
    lost: bool = False
    chained: bool = True
    named_by: int = -16  # COSE hash algorithm


Events = Mapping[int, Mapping[str, object]]
_OF_ONE_DAY: Final = {"late": 0, "lost": False, "chained": True}


def days(count: int, events: Events) -> Iterator[Day]:
    """What is of one day alone does not stay."""
    day = Day()
    for number in range(count):
        changes = {**_OF_ONE_DAY, **events.get(number, {}), "number": number}
        day = replace(day, **changes)  # type: ignore[arg-type] # the fields of Day
        yield day


def machine(name: str, count: int, events: Events | None = None) -> Iterator[tuple[Day, bytes]]:
    """Its snapshots, day by day: the file of each."""
    key = tpm.ecc_key(f"attestation key of {name}", tpm.ATTESTING)
    previous: bytes | None = None
    for day in days(count, events or {}):
        making = Making(_ceremony(name, key, day, previous))
        previous = making.manifest
        if not day.lost:
            yield day, making.judged((), ()).file


def _ceremony(name: str, key: tpm.Key, day: Day, previous: bytes | None) -> Ceremony:
    values = {tpm.SHA256: {**PCRS[tpm.SHA256], 7: day.pcr_7}}
    small = snapshot()
    said = quote(
        key,
        values,
        clock=(day.number + 1) * DAY * 1000 - day.set_back,
        resets=day.resets,
        restarts=day.restarts,
        firmware=day.firmware,
    )
    members: dict[str, object] = {"created": CREATED + day.number * DAY + day.late}
    if previous is not None and day.chained:
        members["previous"] = [day.named_by, hashlib.new(HASHES[day.named_by], previous).digest()]
    nonce = hashlib.sha256(f"{name} {day.number}".encode()).digest()[:16]
    whole = replace(
        small,
        artifacts={**small.artifacts, **attested_with(key, values)},
        nonce=nonce,
        members=members,
    )
    return whole.changed("quote", make=said)


def written(folder: Path, name: str, count: int, events: Events | None = None) -> list[Path]:
    """The same as files, one for each day."""
    found = []
    folder.mkdir(parents=True, exist_ok=True)
    for day, file in machine(name, count, events):
        found.append(folder / f"{name}-{day.number:06}.evb")
        found[-1].write_bytes(file)
    return found
