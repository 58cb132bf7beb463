# SPDX-License-Identifier: Apache-2.0
"""The OpenPGP application of a YubiKey: its statement about a key that it generated."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from bundletools.devices import DeviceError
from bundletools.yubikey import YubiKey, open_yubikey
from bundletools.yubikey_openpgp import attest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ObjectIdentifier, load_der_x509_certificate

from demo.virtual_yubikey_direct import connect
from demo.virtual_yubikey_openpgp import ADMIN_PIN
from demo.virtual_yubikey_vendor import Vendor
from tests.hardware.conftest import PIN, SERIALS, Desk, Make, Script, pem
from tests.tools.conftest import certificate

pytestmark = pytest.mark.xdist_group("cards")

EDDSA = bytes.fromhex("162b06010401da470f01")  # OpenPGP card 3.4, 4.4.3.10: EdDSA on Ed25519
SERIAL = ObjectIdentifier("1.3.6.1.4.1.41482.5.7")


def generate(yubikey: YubiKey) -> ed25519.Ed25519PublicKey:
    """A new Ed25519 signature key; the virtual card has no list of algorithms for yubikit to read."""
    from yubikit.openpgp import DO, OpenPgpSession

    session = OpenPgpSession(yubikey.connection)
    session.verify_admin(ADMIN_PIN.decode())  # type: ignore[no-untyped-call] # yubikit's
    session.put_data(DO.ALGORITHM_ATTRIBUTES_SIG, EDDSA)
    answer = session.protocol.send_apdu(0, 0x47, 0x80, 0, b"\xb6\x00")
    return ed25519.Ed25519PublicKey.from_public_bytes(answer[-32:])


def test_attestation(desk: Desk, vendor: Vendor, part: Callable[..., None], tmp_path: Path) -> None:
    part("openssl")
    script = Script([PIN, PIN])
    with open_yubikey(SERIALS[1]) as opened:
        key = generate(opened)
        attested = attest(opened, script)
        # the earlier statement may be overwritten, for it can be had again
        again = attest(opened, script)
    statement = load_der_x509_certificate(attested.statement)
    assert statement.public_key() == load_der_x509_certificate(again.statement).public_key() == key
    serial = statement.extensions.get_extension_for_oid(SERIAL).value.public_bytes()
    assert int.from_bytes(serial[2:], "big") == SERIALS[1]
    assert script.asked == [f"OpenPGP PIN of YubiKey {SERIALS[1]} (3 tries left)"] * 2
    assert any("takes the place of slot SIG's cardholder certificate" in notice for notice in script.notices)
    root, intermediate = (
        each.certificate.public_bytes(Encoding.DER) for each in (vendor.root, vendor.intermediate)
    )
    anchor = pem(tmp_path / "root.pem", root)
    untrusted = pem(tmp_path / "untrusted.pem", attested.issuer, intermediate)
    file = pem(tmp_path / "statement.pem", attested.statement)
    command = ["openssl", "verify", "-CAfile", str(anchor), "-untrusted", str(untrusted), str(file)]
    assert subprocess.run(command, check=False).returncode == 0


def test_a_cardholder_certificate_is_not_overwritten(make: Make) -> None:
    made, own = make(), certificate(ed25519.Ed25519PrivateKey.generate())
    yubikey = connect(made.card)
    generate(yubikey)
    made.openpgp.certificates["SIG"] = own
    script = Script([PIN])
    with pytest.raises(DeviceError, match="overwrite the cardholder certificate") as refused:
        attest(yubikey, script)
    assert "ykman openpgp certificates export SIG" in refused.value.hint
    assert (script.asked, made.openpgp.certificates["SIG"]) == ([], own)
    attested = attest(yubikey, script, overwrite=True)
    assert made.openpgp.certificates["SIG"] == attested.statement


def test_attestation_refusals(make: Make) -> None:
    empty = connect(make().card)
    with pytest.raises(DeviceError, match="slot SIG has no key"):
        attest(empty, Script([PIN]))
    with pytest.raises(DeviceError, match="no OpenPGP slot 'sig'"):
        attest(empty, Script(), "sig")
    with pytest.raises(DeviceError, match=r"requires YubiKey|5\.2") as refused:
        attest(connect(make(firmware=bytes([5, 1, 2])).card), Script())
    assert "take a newer YubiKey" in refused.value.hint


def test_wrong_pin_until_blocked(make: Make) -> None:
    yubikey = connect(make().card)
    generate(yubikey)
    script = Script(["111111", "111111", "111111"])
    for said in ("2 tries are left", "1 try is left", "is blocked", "is blocked"):
        with pytest.raises(DeviceError, match=said):
            attest(yubikey, script)
    assert script.answers == []
