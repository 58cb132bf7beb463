# SPDX-License-Identifier: Apache-2.0
"""Reference files of every kind: what they say, and what is none."""

from __future__ import annotations

import json
from pathlib import Path

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundlefmt.errors import MalformedError
from bundlefmt.evidence.reference import SCHEMA, Reference, ReferenceEvent, encode_reference
from bundlefmt.evidence.tpm_algorithm import TpmAlg
from tests.cli.conftest import Bundle, bundle, terms, vector
from tests.vectorgen.judged_reference import FILES, LOADER
from tests.vectorgen.publication import FOLDER, ROOT

__all__ = ["bundle"]
SHA256 = int(TpmAlg.SHA256)
ZEROS = "00" * 32


@pytest.mark.parametrize("name", FILES)
def test_every_published_file_is_read(name: str) -> None:
    found = Reference.decode((ROOT / FOLDER / "keys" / name).read_bytes(), name)
    assert (bool(found.pcrs) != bool(found.events)) is ("empty" not in name)
    assert (found.unverified is not None) is ("signed" in name or "private" in name)


def test_what_is_written_is_read_again() -> None:
    values = {SHA256: {0: bytes(32), 23: b"\xff" * 32}, int(TpmAlg.SHA1): {7: bytes(20)}, 0x1234: {0: b"?"}}
    second = {SHA256: {0: bytes(32), 23: b"\xee" * 32}}
    written = encode_reference(Reference.of([values, second], "x").pcrs)
    del values[0x1234]
    assert Reference.decode(written.encode(), "x") == Reference.of([values, second], "x")
    assert f'23 = ["{"ee" * 32}", "{"ff" * 32}"]' in written


def test_events_of_a_pcrlock_component() -> None:
    found = Reference.decode(FILES["reference-loader.pcrlock"], "x")
    assert [event.pcr for event in found.events] == [4]
    assert (SHA256, LOADER) in found.events[0].digests
    assert len(found.events[0].digests) == 2


def test_digests_by_unknown_algorithms_are_passed_over() -> None:
    corim = cbor2.loads(FILES["reference-loader.corim"])
    comid = cbor2.loads(corim.value[1][0].value)
    comid[4][0][0][1][0][1][2].append([-9999, b"?"])
    tag = cbor2.CBORTag(506, cbor2.dumps(comid))
    data = cbor2.dumps(cbor2.CBORTag(501, {0: "x", 1: [tag, cbor2.CBORTag(505, b"")]}))
    assert Reference.decode(data, "x").events == (
        ReferenceEvent(pcr=None, digests=frozenset({(SHA256, LOADER)})),
    )


def _json(**members: object) -> bytes:
    return json.dumps({"schema": SCHEMA, **members}).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no reference",
        b"\xff\xfe",
        b"{",
        b"[]",
        b"{}",
        b'{"schema": "another/1"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        _json(more=1),
        _json(pcrs=[]),
        _json(pcrs={"md5": {"0": "00"}}),
        _json(pcrs={"sha256": {"32": "00" * 32}}),
        _json(pcrs={"sha256": {"-1": "00" * 32}}),
        _json(pcrs={"sha256": {"0": "00" * 31}}),
        _json(pcrs={"sha256": {"0": "zz" * 32}}),
        _json(pcrs={"sha256": {"0": 7}}),
        _json(pcrs={"sha256": {"0": []}}),
        _json(pcrs={"sha256": {"07": "00" * 32}}),
        _json(events={}),
        _json(events=[{"digest": 7}]),
        _json(events=[{"digest": "00" * 32, "type": 1}]),
        b'{"schema": "evidence-bundle-reference/1", "events": [], "events": []}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b"a = " + b"9" * 5000,
        b'{"records": 1}',
        b'{"records": [{"pcr": 1, "digests": []}]}',
        b'{"records": [{"pcr": 1, "digests": [{"hashAlg": "md5", "digest": "00"}]}]}',
        b'{"records": [{"pcr": true, "digests": []}]}',
        b"\xd9\x01\xf5",
        b"\xd9\x01\xf5\xa0",
        b"\xd9\x01\xf6\xa0",
        b"\xd2\x80",
        b"\xd2\x84\x40\xa0\x41\x00\x40",
        cbor2.dumps(cbor2.CBORTag(501, {1: [cbor2.CBORTag(506, b"\x00")]})),
        cbor2.dumps(cbor2.CBORTag(501, {1: []})) + b"\x00",
        b"\xd9\x01\xf5" + b"\x81" * 100_000,
    ],
)
def test_what_is_no_reference(data: bytes) -> None:
    with pytest.raises(MalformedError):
        Reference.decode(data, "x")


def test_signed_corims_do_not_nest() -> None:
    data = FILES["reference-loader.corim"]
    for _ in range(3000):
        data = cbor2.dumps(cbor2.CBORTag(18, [b"", {}, data, b""]))
    with pytest.raises(MalformedError, match="no CoRIM"):
        Reference.decode(data, "x")


@given(st.sampled_from(sorted(FILES.values())), st.data())
def test_nothing_but_our_error(seed: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(seed) - 1))
    changed = seed[:at] + bytes([data.draw(st.integers(0, 255))]) + seed[at + data.draw(st.integers(0, 3)) :]
    try:
        Reference.decode(changed, "x")
    except MalformedError:
        return


def test_a_snapshot_is_the_reference_of_the_next(bundle: Bundle, tmp_path: Path) -> None:
    known = terms("activation_whole")
    toml = tmp_path / "values.toml"
    assert bundle("reference", vector("activation_whole"), "-o", toml).code == 0
    for reference in (toml, vector("activation_whole")):
        passed = bundle("verify", vector("activation_whole"), *known, "--reference", reference)
        assert passed.code == 0
        failed = bundle("verify", vector("log_firmware"), *terms("log_firmware"), "--reference", reference)
        assert failed.code == 1
        assert f"FAIL reference.pcrs       {reference.name}: other values in sha256:0" in failed.out


def test_a_reference_that_cannot_be_read_is_told(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"no reference")
    answer = bundle("verify", vector("activation_whole"), "--reference", tmp_path / "x")
    assert answer.code == 4
    assert "in reference values: neither CBOR, JSON nor TOML" in answer.err


def test_a_snapshot_of_two_quotes_is_its_own_reference(bundle: Bundle, tmp_path: Path) -> None:
    name = "reference_two-quotes"
    answer = bundle("verify", vector(name), *terms(name)[:-2], "--reference", vector(name))
    assert answer.code == 0


@pytest.mark.parametrize(
    "text",
    [
        '{"records": [], "records": []}',
        f'{{"schema": "{SCHEMA}", "pcrs": {{"sha256": {{"0": "{ZEROS}"}}, "sha256": {{}}}}}}',
        f'{{"schema": "{SCHEMA}", "pcrs": {{"sha256": {{"0": "{ZEROS}", "00": "{ZEROS}"}}}}}}',
        f'{{"records": [{{"pcr": 1{ZEROS * 99}}}]}}',
    ],
    ids=["member", "bank", "index", "digits"],
)
def test_what_stands_twice_or_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        Reference.decode(text.encode(), "x")


def test_an_event_by_unknown_algorithms_alone_decides_nothing() -> None:
    corim = cbor2.loads(FILES["reference-loader.corim"])
    comid = cbor2.loads(corim.value[1][0].value)
    comid[4][0][0][1][0][1][2] = [[-70000, b"?"]]
    data = cbor2.dumps(cbor2.CBORTag(501, {0: "x", 1: [cbor2.CBORTag(506, cbor2.dumps(comid))]}))
    found = Reference.decode(data, "x")
    assert (found.pcrs, found.events) == ({}, ())
    assert found.unverified == "a value has no digest by an algorithm that is known here"
