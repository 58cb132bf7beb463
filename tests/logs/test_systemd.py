# SPDX-License-Identifier: Apache-2.0
"""systemd's log and the strict JSON under it."""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundlefmt.errors import Code, MalformedError
from bundlefmt.evidence.tpm_algorithm import TpmAlg
from bundlefmt.logs.event import EventType
from bundlefmt.logs.json_text import MAX_DEPTH, decode_json
from bundlefmt.logs.replay import Outcome, extend, replay
from bundlefmt.logs.systemd import MAX_RECORD, Register, SystemdLog
from tests.logs.firmware import SHA256, measured
from tests.strategies import mutated

BOOT_ID: Final = "0123456789abcdef0123456789abcdef"


def record(string: str | None = "enter-initrd", **changes: Any) -> dict[str, Any]:
    digest = hashlib.sha256((string or "").encode()).hexdigest()
    content = {"string": string, "bootId": BOOT_ID, "timestamp": 5, "eventType": "phase"}
    if string is None:
        del content["string"]
    made = {
        "pcr": 11,
        "digests": [{"hashAlg": "sha256", "digest": digest}],
        "content_type": "systemd",
        "content": content,
    }
    return {**made, **changes}


def text(*records: Any) -> bytes:
    return b"".join(b"\x1e" + json.dumps(one).encode() + b"\n" for one in records)


def test_records() -> None:
    log = SystemdLog.decode(text(record(), record("leave-initrd", pcr=15)))
    first, second = log.records
    assert (first.number, first.register, first.index, first.extended) == (0, Register.PCR, 11, True)
    assert (first.untrusted_string, first.untrusted_event_type) == ("enter-initrd", "phase")
    assert (first.untrusted_boot_id, first.untrusted_timestamp) == (BOOT_ID, 5)
    assert (second.number, second.index) == (1, 15)
    assert first.offset == 1
    assert second.offset == len(text(record())) + 1


def test_coverage() -> None:
    secret = record()
    secret["digests"][0]["digest"] = "00" * 32
    log = SystemdLog.decode(text(record(), secret, record(None)))
    assert [one.covered(SHA256) for one in log.records] == [True, False, False]
    assert not log.records[0].covered(TpmAlg.SHA1)


def test_the_log_continues_the_firmwares() -> None:
    firmware = [measured(0, 11, EventType.EV_IPL, b".linux\0")]
    userspace = SystemdLog.decode(text(record("a"), record("x", pcr=15), record("b"))).records
    value = extend(SHA256, bytes(32), firmware[0].digests[SHA256])
    for one in ("a", "b"):
        value = extend(SHA256, value, hashlib.sha256(one.encode()).digest())
    (found,) = replay((*firmware, *userspace), SHA256, {11: value})
    assert (found.outcome, found.events) == (Outcome.MATCH, 3)
    (found,) = replay(firmware, SHA256, {11: value})
    assert found.outcome is Outcome.MISMATCH


@pytest.mark.parametrize("register", [Register.NV_INDEX, Register.RTMR])
def test_other_registers_are_no_pcrs(register: Register) -> None:
    made = {**record(), register.value: 2}
    del made["pcr"]
    (found,) = SystemdLog.decode(text(made)).records
    assert (found.register, found.index, found.extended) == (register, 2, False)


@pytest.mark.parametrize("alg", ["sha256", "SHA256", "0x000B", "0xb", "11", 11])
def test_algorithms_by_name_and_number(alg: str | int) -> None:
    made = record(digests=[{"hashAlg": alg, "digest": "00" * 32}])
    assert SystemdLog.decode(text(made)).records[0].digests == {11: bytes(32)}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", Code.WRONG_MAGIC),
        (b"{}", Code.WRONG_MAGIC),
        (text(record())[:-1], Code.TRUNCATED),
        (text(record())[:-9] + b"\n", Code.BAD_VALUE),
        (b"\x1e" + b" " * MAX_RECORD + b"\n", Code.SIZE_LIMIT),
        (text([]), Code.WRONG_TYPE),
        (text({}), Code.MISSING_MEMBER),
        (text(record(nv_index=1)), Code.MISSING_MEMBER),
        (text(record(pcr="11")), Code.WRONG_TYPE),
        (text(record(pcr=True)), Code.WRONG_TYPE),
        (text(record(pcr=-1)), Code.BAD_VALUE),
        (text(record(pcr=2**32)), Code.BAD_VALUE),
        (text(record(pcr=1.0)), Code.FLOAT),
        (text(record(content_type="cel")), Code.BAD_VALUE),
        (text(record(content=5)), Code.WRONG_TYPE),
        (text(record(content={"string": 5})), Code.WRONG_TYPE),
        (text(record(digests={})), Code.WRONG_TYPE),
        (text(record(digests=[{"hashAlg": "sha256", "digest": "00"}])), Code.WRONG_LENGTH),
        (text(record(digests=[{"hashAlg": "sha256", "digest": "0"}])), Code.BAD_VALUE),
        (text(record(digests=[{"hashAlg": "sha256", "digest": "0 0 "}])), Code.BAD_VALUE),
        (text(record(digests=[{"hashAlg": "nonsense", "digest": "00"}])), Code.BAD_VALUE),
        (text(record(digests=[{"hashAlg": 70000, "digest": "00"}])), Code.BAD_VALUE),
        (text(record(digests=[{"hashAlg": 0x7777, "digest": "00"}] * 2)), Code.DUPLICATE_KEY),
        (b'\x1e{"pcr":1,"pcr":2,"digests":[]}\n', Code.DUPLICATE_KEY),
        (b'\x1e{"pcr":1,"digests":[],"content":{"string":"\\ud800"}}\n', Code.INVALID_UTF8),
        (b'\x1e{"pcr":1,"digests":[],"content":{"string":"\xff"}}\n', Code.INVALID_UTF8),
    ],
)
def test_malformed(data: bytes, code: Code) -> None:
    with pytest.raises(MalformedError) as found:
        SystemdLog.decode(data)
    assert found.value.code is code


def test_the_longest_record() -> None:
    body = json.dumps(record()).encode()
    SystemdLog.decode(b"\x1e" + body + b" " * (MAX_RECORD - len(body) - 1) + b"\n")


@given(mutated(st.just(text(record(), record("sysinit")))) | st.binary(max_size=80).map(b"\x1e".__add__))
def test_any_bytes_decode_or_are_malformed(data: bytes) -> None:
    try:
        log = SystemdLog.decode(data)
    except MalformedError:
        return
    for one in log.records:
        assert one.covered(SHA256) in (True, False)


@pytest.mark.parametrize("literal", [b"NaN", b"Infinity", b"-Infinity", b"1.5", b"1e3"])
def test_numbers_that_are_no_integers(literal: bytes) -> None:
    with pytest.raises(MalformedError, match="float"):
        decode_json(literal)


def test_depth() -> None:
    assert decode_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH) is not None
    for depth in (MAX_DEPTH + 1, 100_000):
        with pytest.raises(MalformedError, match="depth-limit"):
            decode_json(b"[" * depth + b"]" * depth)
    assert decode_json(b'"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\"["') is not None


def test_integers_of_any_length_are_refused_or_read() -> None:
    with pytest.raises(MalformedError):
        decode_json(b"1" * 10_000)


@pytest.mark.parametrize(
    "data", [b'"' + b'\\"' * 300_000, b'"\\' * 300_000, b'"' * 300_000, b"[1," * 100_000]
)
def test_hostile_text_takes_linear_time(data: bytes) -> None:
    begin = time.perf_counter()
    with pytest.raises(MalformedError):
        decode_json(data)
    assert time.perf_counter() - begin < 5
