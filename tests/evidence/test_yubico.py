# SPDX-License-Identifier: Apache-2.0
"""Statements of devices that there are not: each field said, each field broken, any bytes.

Test keys only. Real devices: test_yubico_corpus.py.
"""

from __future__ import annotations

from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from bundlefmt.errors import Code, MalformedError
from bundlefmt.evidence.certificate import Certificate
from bundlefmt.evidence.yubico import Application, Statement, attesting_firmware, is_statement
from bundlefmt.verify.advisories import ADVISORIES, concerning
from tests.vectorgen import keys, vendor
from tests.vectorgen.certificates import tlv

KEY: Final = keys.ec_key("attested").public_key()
NAMED: Final = bytes(range(20))
PIV: Final = vendor.piv(KEY)
OPENPGP: Final = vendor.openpgp(KEY, NAMED)


def read(data: bytes) -> Statement:
    statement = Statement.decode(data)
    assert statement.encode() == data
    return statement


def test_what_a_piv_statement_says() -> None:
    statement = read(PIV)
    assert (statement.application, statement.slot, statement.firmware) == (Application.PIV, "9c", (5, 7, 1))
    assert (statement.serial, statement.form_factor, statement.generated) == (1, 3, True)
    assert (statement.pin_policy, statement.touch_policy, statement.signatures) == (3, 2, None)
    assert (statement.claimed_cardholder, statement.claimed_fingerprint, statement.claimed_created) == (
        None,
        None,
        None,
    )
    assert statement.describe() == (
        "YubiKey 1 (firmware 5.7.1), PIV slot 9c, generated in the device, USB-C keychain, PIN always,"
        " touch always"
    )


def test_what_an_openpgp_statement_says() -> None:
    statement = read(OPENPGP)
    assert (statement.application, statement.slot) == (Application.OPENPGP, "SIG")
    assert (statement.firmware, statement.serial, statement.signatures) == ((5, 7, 1), 2, 7)
    assert (statement.touch_policy, statement.pin_policy, statement.form_factor) == (2, None, 3)
    assert statement.generated
    assert statement.claimed_cardholder == "Test"
    assert statement.claimed_fingerprint == NAMED.hex()
    assert statement.claimed_created is not None
    assert "touch fixed" in statement.describe()
    assert "Test" not in statement.describe()
    assert NAMED.hex() not in statement.describe()


def test_an_imported_key() -> None:
    statement = read(vendor.openpgp(KEY, NAMED, source=tlv(2, b"\x00")))
    assert not statement.generated
    assert "imported" in statement.describe()


@pytest.mark.parametrize("missing", ["serial", "policies", "form"])
def test_a_piv_statement_of_old_firmware_says_less(missing: str) -> None:
    statement = read(vendor.piv(KEY, **{missing: None}))
    unsaid = {"serial": statement.serial, "policies": statement.pin_policy, "form": statement.form_factor}
    assert {name for name, value in unsaid.items() if value is None} == {missing}
    assert ("without a serial number" in statement.device) == (missing == "serial")


@pytest.mark.parametrize(
    "missing", ["cardholder", "fingerprint", "created", "signatures", "serial", "touch", "form"]
)
def test_an_openpgp_statement_may_say_less(missing: str) -> None:
    statement = read(vendor.openpgp(KEY, NAMED, **{missing: None}))
    assert statement.slot == "SIG"


def test_the_fips_series() -> None:
    assert not read(PIV).fips
    statement = read(vendor.piv(KEY, form=b"\x83"))
    assert statement.fips
    assert "USB-C keychain, FIPS series" in statement.describe()


@pytest.mark.parametrize(("changes", "code"), [
    ({"firmware": None}, Code.MISSING_MEMBER),
    ({"firmware": b"\x05\x07"}, Code.WRONG_LENGTH),
    ({"firmware": tlv(4, vendor.FIRMWARE)}, Code.WRONG_LENGTH),
    ({"serial": b"\x01"}, Code.TRUNCATED),
    ({"serial": tlv(2, b"\xff")}, Code.BAD_VALUE),
    ({"serial": tlv(2, b"\x01") + b"\x00"}, Code.TRAILING_BYTES),
    ({"serial": tlv(4, b"\x01")}, Code.WRONG_TYPE),
    ({"policies": b"\x03"}, Code.WRONG_LENGTH),
    ({"policies": b"\x03\x02\x01"}, Code.WRONG_LENGTH),
    ({"form": b""}, Code.WRONG_LENGTH),
])  # fmt: skip
def test_a_broken_piv_statement(changes: dict[str, bytes | None], code: Code) -> None:
    with pytest.raises(MalformedError) as caught:
        Statement.decode(vendor.piv(KEY, **changes))
    assert caught.value.code is code


@pytest.mark.parametrize(("changes", "code"), [
    ({"firmware": None}, Code.MISSING_MEMBER),
    ({"firmware": vendor.FIRMWARE}, Code.TRUNCATED),
    ({"firmware": tlv(4, b"\x05\x07")}, Code.WRONG_LENGTH),
    ({"source": None}, Code.MISSING_MEMBER),
    ({"source": tlv(2, b"\x02")}, Code.BAD_VALUE),
    ({"source": tlv(2, b"\xff")}, Code.BAD_VALUE),
    ({"fingerprint": tlv(4, bytes(32))}, Code.WRONG_LENGTH),
    ({"created": tlv(4, bytes(8))}, Code.WRONG_LENGTH),
    ({"cardholder": tlv(2, b"\x01")}, Code.WRONG_TYPE),
    ({"signatures": tlv(2, b"\x80")}, Code.BAD_VALUE),
    ({"touch": tlv(4, b"")}, Code.WRONG_LENGTH),
    ({"form": b"\x03"}, Code.TRUNCATED),
])  # fmt: skip
def test_a_broken_openpgp_statement(changes: dict[str, bytes | None], code: Code) -> None:
    with pytest.raises(MalformedError) as caught:
        Statement.decode(vendor.openpgp(KEY, NAMED, **changes))
    assert caught.value.code is code


@pytest.mark.parametrize("slot", ["9C", "9", "9cc", " 9c", "9c ", "SIG", "9c\n"])
def test_a_subject_that_no_device_writes(slot: str) -> None:
    with pytest.raises(MalformedError, match="no statement"):
        Statement.decode(vendor.piv(KEY, slot=slot))


def test_what_attests_is_no_statement() -> None:
    for arc in vendor.DEVICE:
        device = Certificate.decode(vendor.device(arc))
        assert not is_statement(device)
        with pytest.raises(MalformedError, match="no statement"):
            Statement.decode(device.raw)
    assert attesting_firmware(Certificate.decode(vendor.device("3"))) == (5, 7, 1)
    assert attesting_firmware(Certificate.decode(vendor.device("5"))) is None


@pytest.mark.parametrize("slot", ["9c", "renamed"])
def test_a_statement_is_told_by_its_extensions_too(slot: str) -> None:
    assert is_statement(Certificate.decode(vendor.piv(KEY, slot=slot)))


def test_a_statement_is_told_by_its_subject_alone() -> None:
    bare = vendor.piv(KEY, firmware=None, serial=None, policies=None, form=None)
    assert is_statement(Certificate.decode(bare))


@given(data=st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    try:
        read(data)
    except MalformedError:
        return
    raise AssertionError("nobody writes a certificate by chance")


@given(name=st.sampled_from(["firmware", "serial", "policies", "form"]), value=st.binary(max_size=8))
def test_any_value_of_a_piv_extension(name: str, value: bytes) -> None:
    try:
        read(vendor.piv(KEY, **{name: value}))
    except MalformedError as error:
        assert error.path.startswith("extension 1.3.6.1.4.1.41482.3.")


_OPENPGP_NAMES: Final = (
    "cardholder",
    "source",
    "firmware",
    "fingerprint",
    "created",
    "signatures",
    "serial",
    "touch",
    "form",
)


@given(name=st.sampled_from(_OPENPGP_NAMES), value=st.binary(max_size=8))
def test_any_value_of_an_openpgp_extension(name: str, value: bytes) -> None:
    try:
        read(vendor.openpgp(KEY, NAMED, **{name: value}))
    except MalformedError as error:
        assert error.path.startswith("extension 1.3.6.1.4.1.41482.5.")


@given(data=st.data())
def test_one_byte_changed(data: st.DataObject) -> None:
    """It is refused as malformed, or read as what it then says."""
    whole = data.draw(st.sampled_from([PIV, OPENPGP]))
    place = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole)
    changed[place] ^= data.draw(st.integers(1, 255))
    try:
        statement = Statement.decode(bytes(changed))
    except MalformedError:
        return
    assert statement.encode() == bytes(changed)
    assert statement.describe()


# --- advisories -------------------------------------------------------------------------------------------

RSA: Final = keys.rsa_key("operator-rsa2048").public_key()


@pytest.mark.parametrize(("firmware", "kind", "ids"), [
    ((4, 2, 5), RSA, []),
    ((4, 2, 6), RSA, ["YSA-2017-01"]),
    ((4, 3, 4), RSA, ["YSA-2017-01"]),
    ((4, 3, 5), RSA, []),
    ((4, 4, 1), RSA, []),
    ((4, 4, 2), RSA, ["YSA-2019-02"]),
    ((4, 4, 4), KEY, ["YSA-2019-02", "YSA-2024-03"]),
    ((4, 4, 5), KEY, ["YSA-2024-03"]),
    ((5, 6, 255), KEY, ["YSA-2024-03"]),
    ((5, 7, 0), KEY, []),
    ((5, 4, 3), RSA, []),
    ((5, 10, 0), KEY, []),
])  # fmt: skip
def test_the_advisories_by_firmware_and_kind_of_key(
    firmware: tuple[int, int, int], kind: rsa.RSAPublicKey | ec.EllipticCurvePublicKey, ids: list[str]
) -> None:
    statement = Statement.decode(vendor.piv(kind, firmware=bytes(firmware)))
    assert [each.id for each in concerning(statement)] == ids


def test_every_advisory_has_a_range_and_a_reason() -> None:
    for advisory in ADVISORIES:
        assert advisory.since < advisory.fixed
        assert advisory.kinds
        assert advisory.message
