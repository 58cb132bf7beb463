# SPDX-License-Identifier: Apache-2.0
"""systemd's userspace measurement log (tpm2-measure.log): a JSON text sequence, close to CEL-JSON.

RFC 7464; systemd, docs/TPM2_PCR_MEASUREMENTS.md. A record names a PCR, an NV index that serves as PCR, or a
measurement register (`rtmr`); its digest is the hash of `string`, or an HMAC where a secret was measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final

from bundlefmt.errors import Code, MalformedError
from bundlefmt.evidence.tpm_algorithm import HASHES, TpmAlg, digest, hash_size
from bundlefmt.frozen import frozen
from bundlefmt.logs.json_text import Members, as_object, decode_json
from bundlefmt.wire import Buffer

RECORD_SEPARATOR: Final = b"\x1e"
MAX_RECORD: Final = 2**16  # bytes; real ones have a few hundred
MAX_INDEX: Final = 2**32 - 1  # TPMI_RH_NV_INDEX
ALG_BY_NAME: Final = {TpmAlg(alg).name.lower(): int(alg) for alg in HASHES}


class Register(StrEnum):
    """What a record was extended into; the value is the member's name."""

    PCR = "pcr"
    NV_INDEX = "nv_index"
    RTMR = "rtmr"


@frozen
class SystemdRecord:
    """One record; `index` counts in `register`.

    Only the digests are bound, so all of the content is untrusted.
    """

    number: int
    offset: int
    register: Register
    index: int
    digests: Mapping[int, bytes]
    untrusted_string: str | None
    untrusted_event_type: str | None
    untrusted_boot_id: str | None
    untrusted_timestamp: int | None  # microseconds since boot (CLOCK_BOOTTIME)

    @property
    def extended(self) -> bool:
        """Into a PCR; other registers are replayed by their own values."""
        return self.register is Register.PCR

    def covered(self, bank: int) -> bool:
        """Whether the digest is the hash of the string. Raises UnsupportedAlgorithmError."""
        stated = self.digests.get(bank)
        if stated is None or self.untrusted_string is None:
            return False
        return digest(bank, self.untrusted_string.encode()) == stated


@frozen
class SystemdLog:
    """The records in the order in which they were extended."""

    records: tuple[SystemdRecord, ...]

    @classmethod
    def decode(cls, data: Buffer) -> SystemdLog:
        """Raises MalformedError: a record cut short is not passed over."""
        return cls(
            records=tuple(
                _decode_record(number, offset, text)
                for number, (offset, text) in enumerate(_split(bytes(data)))
            )
        )


def _split(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(offset, text) of each record: RS, text, LF."""
    if not data.startswith(RECORD_SEPARATOR):
        raise MalformedError(Code.WRONG_MAGIC, "no record separator", offset=0, path="systemd log")
    offset = 0
    for part in data.split(RECORD_SEPARATOR)[1:]:
        offset += 1
        if len(part) > MAX_RECORD:
            raise MalformedError(Code.SIZE_LIMIT, f"{len(part)} bytes", offset=offset, path="systemd log")
        # without its LF a number could be cut short and still read (RFC 7464, 2.4)
        if not part.endswith(b"\n"):
            raise MalformedError(Code.TRUNCATED, "a record without LF", offset=offset, path="systemd log")
        yield offset, part
        offset += len(part)


def _decode_record(number: int, offset: int, text: bytes) -> SystemdRecord:
    path = f"systemd record {number}"
    record = as_object(decode_json(text, base=offset, path=path), offset, path)
    if record.optional_text("content_type") not in ("systemd", None):
        record.fail(Code.BAD_VALUE, f"content_type {record.text('content_type')!r}")
    content = (
        record.object("content")
        if "content" in record.values
        else Members(values={}, offset=offset, path=path)
    )
    register, index = _register(record)
    return SystemdRecord(
        number=number,
        offset=offset,
        register=register,
        index=index,
        digests=read_digests(record),
        untrusted_string=content.optional_text("string"),
        untrusted_event_type=content.optional_text("eventType"),
        untrusted_boot_id=content.optional_text("bootId"),
        untrusted_timestamp=content.uint("timestamp") if "timestamp" in content.values else None,
    )


def _register(record: Members) -> tuple[Register, int]:
    found = [register for register in Register if register.value in record.values]
    if len(found) != 1:
        record.fail(Code.MISSING_MEMBER, "not one of pcr, nv_index, rtmr")
    return found[0], record.uint(found[0].value, MAX_INDEX)


def read_digests(record: Members) -> dict[int, bytes]:
    """Member `digests`: [{hashAlg: name or number, digest: hexadecimal}]. Raises MalformedError."""
    found: dict[int, bytes] = {}
    for item in record.objects("digests"):
        alg = _hash_alg(item)
        value = item.hexadecimal("digest")
        if alg in found:
            item.fail(Code.DUPLICATE_KEY, f"two digests of algorithm {alg:#06x}")
        if not value or (alg in HASHES and len(value) != hash_size(alg)):
            item.fail(Code.WRONG_LENGTH, f"{len(value)} bytes for algorithm {alg:#06x}")
        found[alg] = value
    return found


def _hash_alg(item: Members) -> int:
    """TPM_ALG_ID as a name (`sha256`), a number, or a number in text (`0x000B`)."""
    value = item.values.get("hashAlg")
    if isinstance(value, str):
        if value.lower() in ALG_BY_NAME:
            return ALG_BY_NAME[value.lower()]
        try:
            number = int(value, 0) if value.isascii() and len(value) <= 6 else -1
        except ValueError:
            number = -1
        if 0 <= number <= 0xFFFF:
            return number
        item.fail(Code.BAD_VALUE, f"hashAlg {value!r}")
    return item.uint("hashAlg", 0xFFFF)
