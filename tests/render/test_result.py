# SPDX-License-Identifier: Apache-2.0
"""The line of one bundle: how it is kept short, and what is refused when lines are read again."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bundlefmt.bundle import Bundle
from bundlefmt.errors import Code, MalformedError
from bundlefmt.render import result
from bundlefmt.render.history_changes import Boot, Kind, boots, pcrs
from bundlefmt.render.result_reading import checked, decode
from bundlefmt.verify import verify
from bundlefmt.verify.policy_digest import policy_digest
from tests import snapshots
from tests.cli.conftest import ROOT
from tests.json_schema import faults
from tests.terms import policy_of
from tests.test_vectors import JUDGED, said
from tests.vectorgen.ceremonies import snapshot, whole
from tests.vectorgen.ceremony import fixed

SCHEMA = json.loads((ROOT / "spec" / "result.schema.json").read_text(encoding="utf-8"))
FILE = next(snapshots.machine("machine", 1))[1]
WHOLE = whole().judged().file


def line(file: bytes = WHOLE) -> dict[str, Any]:
    bundle = Bundle.decode(file)
    found = result.judged("x.evb", file, bundle, verify(bundle, snapshots.POLICY))
    return decode(result.encode(found, policy_digest(snapshots.POLICY)))


def test_a_line_is_one_line_of_ascii() -> None:
    found = result.troubled("a\nb\u2028c\udcff\u202e.evb", result.Trouble.UNREADABLE, "why\r\nnot")
    encoded = result.encode(found, None)
    assert encoded.isascii() and encoded.count(b"\n") == 1 and b"\r" not in encoded
    assert decode(encoded)["path"] == found["path"]


def test_a_line_stays_short() -> None:
    made = snapshot()
    for number in range(result.MAX_LIST + 1):
        made = made.having(f"ek-{number:03}.pub", fixed("ek-public", b"key %d" % number))
        if number == result.MAX_LIST - 1:
            assert line(made.judged().file)["cut"] is False
    found = line(made.judged().file)
    assert (len(found["ek_sha256"]), found["cut"]) == (result.MAX_LIST, True)
    assert all(len(each["message"]) < 2 * result.MAX_MESSAGE for each in found["findings"])


WRONG: Mapping[str, tuple[object, ...]] = {
    "schema": ("evidence-bundle-result/2", None),
    "path": ("", None, 1),
    "size": (-1, 1.0, True, "1", 2**64),
    "sha256": ("00", "g" * 64, 1, "AB" * 32),
    "policy_sha256": ("00", 0),
    "error": (
        {},
        {"code": "", "message": "", "offset": None},
        {"code": "x", "message": "", "offset": -1},
        "x",
    ),
    "verdict": ("passed", "", True),
    "findings": ({}, [{}], [{"check": "x.y", "outcome": "passed", "message": "m"}], None),
    "conclusions": ([{"id": "x.y", "basis": "sure"}], [{"id": "", "basis": "proven"}], [1]),
    "manifest_sha256": ("00", 1),
    "manifest_sha384": ("0" * 64, 1),
    "manifest_sha512": ("0" * 64, 1),
    "created": (-1, "1", False, 1.5),
    "previous": ({}, {"alg": "md5", "value": "00"}, {"alg": "sha256", "value": ""}, "00"),
    "ak_names": (None, [1], [""], ["0"], "00"),
    "ek_sha256": (None, [None], {}),
    "boots": ([{}], [[]], None),
    "pcrs": ([{"bank": "", "sha256": "00", "tags": []}], None, [{}]),
    "timed": (None, 1, "true"),
    "cut": (None, 0, "false"),
}


def test_a_line_of_every_member_is_refused_where_one_is_wrong() -> None:
    good = line()
    assert list(faults(good, SCHEMA)) == []
    assert set(WRONG) == set(good)
    for name, values in WRONG.items():
        for value in values:
            with pytest.raises(MalformedError):
                checked({**good, name: value})
            # the schema knows no largest number, and a verdict needs its digests
            if value != 2**64:
                assert list(faults({**good, name: value}, SCHEMA)) != [], (name, value)
        with pytest.raises(
            MalformedError, match=f"^bad-value at byte 0 in results: (the member '{name}'|no line)"
        ):
            checked({other: value for other, value in good.items() if other != name})
    with pytest.raises(MalformedError, match="'more' is missing or unknown"):
        checked({**good, "more": 1})
    with pytest.raises(MalformedError, match="without its digests"):
        checked({**good, "manifest_sha512": None})


def test_within_lists_too() -> None:
    good = line()
    for name, member, value in (("boots", "clock", -1), ("boots", "safe", 1), ("pcrs", "tags", [{"pcr": 0}])):
        wrong = copy.deepcopy(good)
        wrong[name][0][member] = value
        with pytest.raises(MalformedError, match=f"'{name}'"):
            checked(wrong)
        assert list(faults(wrong, SCHEMA)) != []


@pytest.mark.parametrize("data", [b"", b"{", b"[]\n", b"1" * 5000, b"[" * 100_000, b"\xff", b'{"schema":1}'])
def test_what_is_no_line(data: bytes) -> None:
    with pytest.raises(MalformedError) as error:
        decode(data)
    assert error.value.code is Code.BAD_VALUE


def test_every_error_of_the_format_fits() -> None:
    for code in Code:
        found = result.malformed("x", b"", MalformedError(code, "why", offset=3))
        assert decode(result.encode(found, None))["error"]["code"] == code
        assert result.ended(found) == "malformed"
    assert not {code.value for code in Code} & {each.value for each in result.Trouble}


def test_which_pcr_differs_is_a_hint() -> None:
    """Two values may begin alike: that a bank differs is known from all of it."""
    before = {"sha256": (b"a", ((0, "00000000"), (7, "11111111")))}
    alike = {"sha256": (b"b", ((0, "00000000"), (7, "11111111")))}
    other = {"sha256": (b"b", ((0, "00000000"), (7, "22222222"), (9, "33333333")))}
    assert [change.message for change in pcrs(before, before)] == []
    assert [change.message for change in pcrs(before, alike)] == ["sha256: which ones is not told"]
    assert [change.message for change in pcrs(before, other)] == ["sha256: 7, 9"]
    assert list(pcrs(before, {"sha384": before["sha256"]})) == []


BOOT = Boot(
    ak_name="00",
    obfuscated=False,
    reset_count=7,
    restart_count=1,
    clock=1000,
    safe=True,
    firmware_version="0" * 16,
)


@pytest.mark.parametrize(
    ("changes", "kinds"),
    [
        ({}, []),
        ({"clock": 2000}, []),
        ({"clock": 999}, [Kind.CLOCK]),
        ({"clock": 999, "safe": False}, [Kind.CLOCK]),
        ({"clock": 999, "reset_count": 8}, [Kind.RESET, Kind.CLOCK]),
        # a loss of power may cost some of the clock, which then is not safe
        ({"clock": 999, "reset_count": 8, "safe": False}, [Kind.RESET]),
        ({"reset_count": 8, "restart_count": 0}, [Kind.RESET]),
        ({"restart_count": 2}, [Kind.RESTART]),
        ({"restart_count": 0}, [Kind.COUNTERS]),
        ({"reset_count": 6, "restart_count": 5}, [Kind.COUNTERS]),
        ({"firmware_version": "1" * 16}, [Kind.FIRMWARE]),
        ({"ak_name": "01", "reset_count": 8}, [Kind.RESET]),
        # obfuscated counters are shifted by another number for each key
        ({"ak_name": "01", "reset_count": 8, "obfuscated": True}, []),
        ({"ak_name": None, "reset_count": 8, "obfuscated": True}, []),
        ({"reset_count": 8, "obfuscated": True}, [Kind.RESET]),
    ],
)
def test_boots(changes: dict[str, Any], kinds: list[Kind]) -> None:
    assert [change.kind for change in boots((BOOT,), (replace(BOOT, **changes),))] == kinds
    assert list(boots((), (BOOT,))) == list(boots((BOOT,), ())) == []


def test_the_digest_of_a_policy() -> None:
    """The same for the same demands, another for any other one."""
    plain = snapshots.POLICY
    assert policy_digest(replace(plain, document=bytes(32), amended=True)) == policy_digest(plain)
    assert policy_digest(replace(plain, now=5)) == policy_digest(plain)
    others = [
        replace(plain, pins_piv=frozenset({bytes(32)})),
        replace(plain, pins_hardware=plain.pins_piv),
        replace(plain, pins_openpgp=frozenset({snapshots.PIN})),
        replace(plain, anchors=(b"a", b"b")),
        replace(plain, anchors=(b"ab",)),
        replace(plain, anchors_piv=(b"ab",)),
        replace(plain, at=5),
        replace(plain, allow_sha1=True),
        replace(plain, allow_withheld=True),
        replace(plain, require_no_advisories=True),
        replace(plain, algorithms={"ECC-256": 10}, now=9),
        replace(plain, algorithms={"ECC-256": 10}, now=10),
        replace(plain, algorithms={"ECC-256": 11}, now=11),
    ]
    found = {policy_digest(each) for each in (plain, *others)}
    assert len(found) == 1 + len(others)
    assert policy_digest(replace(plain, algorithms={"ECC-256": 10}, now=12)) == policy_digest(others[-2])


@pytest.mark.parametrize("name", JUDGED[::40])
def test_each_policy_has_a_digest(name: str) -> None:
    """Of every kind that the vectors have, references among them."""
    assert len(policy_digest(policy_of(said(name)["policy"], ROOT / "test-vectors" / "keys"))) == 32


def test_the_order_of_a_set_does_not_count() -> None:
    pins = [f"{number:040}" for number in range(50)]
    one, other = (replace(snapshots.POLICY, pins_openpgp=frozenset(each)) for each in (pins, pins[::-1]))
    assert policy_digest(one) == policy_digest(other)
