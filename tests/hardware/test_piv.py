# SPDX-License-Identifier: Apache-2.0
"""PIV through the whole driver stack: keys, attestation, certificates, PIN, touch, management key."""

from __future__ import annotations

import logging
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from bundletools.devices import DeviceError
from bundletools.token_certificate import Validity, self_signed_ca
from bundletools.yubikey import open_yubikey
from bundletools.yubikey_piv import Piv
from bundletools.yubikey_signer import signer
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bundlefmt import cose, labels
from bundlefmt.evidence import x509
from demo.virtual_yubikey import Command
from demo.virtual_yubikey_vendor import Vendor
from tests.hardware.conftest import PIN, SERIALS, Desk, Device, Script, pem

pytestmark = pytest.mark.xdist_group("cards")

MESSAGE = b"what is signed"
NAME = "Hardware Test CA (test key)"
KINDS = {
    "ECCP256": labels.ALG_ESP256,
    "ECCP384": labels.ALG_ESP384,
    "RSA2048": labels.ALG_PS256,
    "ED25519": labels.ALG_ED25519,
}
NeedParts = Callable[..., None]


@contextmanager
def opened(device: Device, script: Script) -> Iterator[Piv]:
    with open_yubikey(device.serial) as yubikey:
        yield Piv(yubikey, script)


def validity() -> Validity:
    now = int(time.time())
    return Validity(start=now - 60, end=now + 86400)


@pytest.mark.parametrize(("algorithm", "alg"), KINDS.items())
def test_generate_certify_attest_sign(
    algorithm: str, alg: int, device: Device, part: NeedParts, tmp_path: Path
) -> None:
    """The ceremony of one PIV key, judged by openssl where it can judge."""
    part("openssl")
    script = Script([PIN, PIN])
    with opened(device, script) as piv:
        piv.manage()
        key = piv.generate("9c", algorithm)
        issuing = signer(piv, "9c", key=key, alg=labels.ALG_RS256 if algorithm == "RSA2048" else None)
        ca = self_signed_ca(issuing, key, NAME, validity())
        piv.put_certificate("9c", ca)
        sealing = signer(piv, "9c")
        cose.verify_signature(alg, key, sealing.sign(MESSAGE), MESSAGE)
        statement = piv.attest("9c")
    assert sealing.alg == alg
    # slot 9c wants the PIN for each signature
    assert script.asked == [f"PIN of YubiKey {device.serial} (3 tries left)"] * 2
    assert statement.issuer != ca
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert x509.load(statement.statement).spki == x509.load(ca).spki == spki
    file = pem(tmp_path / "ca.pem", ca)
    subprocess.run(["openssl", "verify", "-check_ss_sig", "-x509_strict", "-CAfile", file, file], check=True)
    shown = subprocess.run(
        ["openssl", "x509", "-noout", "-text", "-in", file], check=True, capture_output=True, text=True
    ).stdout
    assert f"Subject: CN = {NAME}" in shown
    assert "CA:TRUE" in shown
    assert "Digital Signature, Certificate Sign, CRL Sign" in shown


def test_attestation_chain(device: Device, vendor: Vendor, part: NeedParts, tmp_path: Path) -> None:
    part("openssl")
    if device.made is None:
        pytest.skip("the root of a real device is not at hand")
    with opened(device, Script()) as piv:
        piv.manage()
        piv.generate("9c", "ECCP256", touch_policy="ALWAYS")
        attested = piv.attest("9c")
    root, intermediate = (
        each.certificate.public_bytes(Encoding.DER) for each in (vendor.root, vendor.intermediate)
    )
    untrusted = pem(tmp_path / "untrusted.pem", attested.issuer, intermediate)
    anchor = pem(tmp_path / "root.pem", root)
    command = ["openssl", "verify", "-CAfile", str(anchor), "-untrusted", str(untrusted)]
    statement = pem(tmp_path / "statement.pem", attested.statement)
    assert subprocess.run([*command, statement], check=False).returncode == 0
    # without the intermediate there is no path
    pem(untrusted, attested.issuer)
    assert subprocess.run([*command, statement], check=False, capture_output=True).returncode != 0


def test_rs256_is_to_be_had(device: Device) -> None:
    with opened(device, Script([PIN])) as piv:
        piv.manage()
        key = piv.generate("9c", "RSA2048")
        signature = signer(piv, "9c", key=key, alg=labels.ALG_RS256).sign(MESSAGE)
        with pytest.raises(DeviceError, match="does not sign so"):
            signer(piv, "9c", key=key, alg=labels.ALG_ESP256)
    cose.verify_signature(labels.ALG_RS256, key, signature, MESSAGE)


def test_pin_once(device: Device) -> None:
    script = Script([PIN])
    with opened(device, script) as piv:
        piv.manage()
        key = piv.generate("9a", "ECCP256", pin_policy="ONCE")
        signing = signer(piv, "9a", key=key)
        for _ in range(2):
            cose.verify_signature(signing.alg, key, signing.sign(MESSAGE), MESSAGE)
    assert len(script.asked) == 1


def test_pin_never(device: Device) -> None:
    with opened(device, Script()) as piv:
        piv.manage()
        key = piv.generate("9e", "ECCP256")
        signing = signer(piv, "9e", key=key)
        cose.verify_signature(signing.alg, key, signing.sign(MESSAGE), MESSAGE)


def test_wrong_pin_until_blocked(device: Device) -> None:
    script = Script(["111111", "111111", "111111"])
    with opened(device, script) as piv:
        piv.manage()
        signing = signer(piv, "9c", key=piv.generate("9c", "ECCP256"))
        for said in ("wrong PIN; 2 tries are left", "wrong PIN; 1 try is left", "the PIN is blocked"):
            with pytest.raises(DeviceError, match=said):
                signing.sign(MESSAGE)
        with pytest.raises(DeviceError, match="the PIN is blocked") as refused:
            signing.sign(MESSAGE)
    assert "unblock-pin" in refused.value.hint
    assert [words.split("(")[1] for words in script.asked] == [
        "3 tries left)",
        "2 tries left)",
        "1 try left)",
    ]


@pytest.mark.parametrize("pin", ["", "12345", "123456789", "ééééé"])
def test_what_cannot_be_a_pin_costs_no_try(pin: str, device: Device) -> None:
    with opened(device, Script([pin])) as piv:
        with pytest.raises(DeviceError, match="it was not tried"):
            piv.verify_pin()
        assert piv.pin_tries() == 3


def test_pin_is_not_logged(device: Device, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with opened(device, Script(["987654", PIN])) as piv:
        with pytest.raises(DeviceError, match="wrong PIN") as refused:
            piv.verify_pin()
        piv.verify_pin()
    assert caplog.records
    for text in (caplog.text, str(refused.value), repr(piv)):
        assert "987654" not in text
        assert b"987654".hex() not in text


def test_touch(device: Device) -> None:
    if device.made is None:
        pytest.skip("nobody is there to touch it, or not to")
    touches = iter([False, True])
    device.made.piv.touch = lambda: next(touches)
    script = Script([PIN, PIN])
    with opened(device, script) as piv:
        piv.manage()
        key = piv.generate("9c", "ECCP256", touch_policy="ALWAYS")
        signing = signer(piv, "9c", key=key)
        with pytest.raises(DeviceError, match="not touched in time"):
            signing.sign(MESSAGE)
        cose.verify_signature(signing.alg, key, signing.sign(MESSAGE), MESSAGE)
    assert script.notices.count(f"touch YubiKey {device.serial} when it blinks") == 2


def test_occupied_slot_is_not_overwritten(device: Device) -> None:
    with opened(device, Script()) as piv:
        piv.manage()
        piv.generate("9c", "ECCP256")
        before = piv.attest("9c").statement
        with pytest.raises(DeviceError, match="slot 9c is occupied"):
            piv.generate("9c", "ECCP256")
        assert x509.load(piv.attest("9c").statement).spki == x509.load(before).spki


def test_certificate_of_another_key(device: Device) -> None:
    with opened(device, Script([PIN])) as piv:
        piv.manage()
        key = piv.generate("9a", "ECCP256")
        piv.generate("9c", "ECCP256")
        piv.put_certificate("9c", self_signed_ca(signer(piv, "9a", key=key), key, NAME, validity()))
        with pytest.raises(DeviceError, match="of another key"):
            signer(piv, "9c")


def test_empty_slot(device: Device) -> None:
    with opened(device, Script()) as piv:
        with pytest.raises(DeviceError, match="slot 9c holds no certificate"):
            signer(piv, "9c")
        with pytest.raises(DeviceError, match="attest slot 9c"):
            piv.attest("9c")
        for slot in ("f9", "9b", "zz", ""):
            with pytest.raises(DeviceError, match="no PIV slot"):
                piv.attest(slot)


def test_management_key_of_the_factory_is_pointed_out(device: Device) -> None:
    script = Script()
    with opened(device, script) as piv:
        piv.manage()
    assert ["management key of the factory" in notice for notice in script.notices] == [True]


def _set_management_key(device: Device, key: bytes, *, protected: bool = False) -> None:
    from ykman.piv import pivman_set_mgm_key
    from yubikit.piv import MANAGEMENT_KEY_TYPE

    with opened(device, Script([PIN])) as piv:
        piv.manage()
        piv.verify_pin()
        pivman_set_mgm_key(piv.session, key, MANAGEMENT_KEY_TYPE.AES256, store_on_device=protected)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("22" * 32, "wrong management key"),
        ("11" * 24, "has 32 bytes; it was not tried"),
        ("not hex", "is not hexadecimal; it was not tried"),
    ],
)
def test_management_key_from_prompt(typed: str, said: str, device: Device) -> None:
    _set_management_key(device, bytes([0x11]) * 32)
    script = Script([typed, "11" * 32])
    with opened(device, script) as piv:
        with pytest.raises(DeviceError, match=said):
            piv.manage()
        with pytest.raises(DeviceError, match="generate in slot 9c"):
            piv.generate("9c", "ECCP256")
        piv.manage()
        piv.generate("9c", "ECCP256")
    assert script.asked == [f"management key of YubiKey {device.serial} (AES256, hexadecimal)"] * 2


def test_management_key_protected_by_pin(device: Device) -> None:
    _set_management_key(device, bytes([0x33]) * 32, protected=True)
    script = Script([PIN])
    with opened(device, script) as piv:
        piv.manage()
        piv.generate("9c", "ECCP256")
    assert script.asked == [f"PIN of YubiKey {device.serial} (3 tries left)"]


def test_pulled_while_signing(both: Desk) -> None:
    def at_sign(command: Command) -> bool:
        return (command.ins, command.p2) == (0x87, 0x9C)

    made, device = both.made[1], Device(serial=SERIALS[1], made=both.made[1])
    with opened(device, Script([PIN])) as piv:
        piv.manage()
        signing = signer(piv, "9c", key=piv.generate("9c", "ECCP256"))
        made.card.pulled_by = at_sign
        with pytest.raises(DeviceError, match="sign with slot 9c: the YubiKey was pulled out") as refused:
            signing.sign(MESSAGE)
    assert "put it in again" in refused.value.hint


def test_two_people_sign_in_turn(desk: Desk, device: Device) -> None:
    """Both devices open at once, each with its own PIN and key."""
    second = Device(serial=SERIALS[1], made=desk.made[1])
    with opened(device, Script([PIN])) as first, opened(second, Script([PIN])) as other:
        for piv in (first, other):
            piv.manage()
            slot = "9a" if piv is first else "9d"
            key = piv.generate(slot, "ECCP256", pin_policy="ONCE")
            signing = signer(piv, slot, key=key)
            cose.verify_signature(signing.alg, key, signing.sign(MESSAGE), MESSAGE)
