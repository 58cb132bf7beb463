# SPDX-License-Identifier: Apache-2.0
"""`bundle seal --with` a token, from capture to the verdict, through the command line."""

from __future__ import annotations

import getpass
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from bundletools.capture import Identity
from bundletools.crossing import with_item
from bundletools.pkcs11 import open_token
from bundletools.sealing import SealError, seal_cose
from bundletools.token_certificate import Validity, self_signed_ca
from bundletools.yubikey import open_yubikey
from bundletools.yubikey_piv import Piv
from bundletools.yubikey_signer import signer
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from bundlefmt import labels
from bundlefmt.bundle import Bundle as Decoded
from bundlefmt.cli.reading import certificates
from bundlefmt.evidence.x509 import facts
from bundlefmt.verify import Basis, Policy, Verdict, verify
from demo.virtual_yubikey_vendor import Vendor
from tests.cli.conftest import Bundle
from tests.hardware.conftest import PIN, SERIALS, Desk, Device, Script, reset
from tests.hardware.softhsm import MODULE, uri
from tests.hardware.softhsm import PIN as TOKEN_PIN
from tests.swtpm import Manufacturer
from tests.tools.conftest import Capture, certificate

pytestmark = pytest.mark.xdist_group("cards")


@dataclass(frozen=True, slots=True)
class Typist:
    """Who types at the terminal: the answers in turn, and what was asked."""

    answers: list[str]
    asked: list[str]


@pytest.fixture
def typing(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Typist]:
    def start(*answers: str) -> Typist:
        typist = Typist([*answers], [])

        def answer(prompt: str = "") -> str:
            typist.asked.append(prompt)
            return typist.answers.pop(0)

        monkeypatch.setattr(getpass, "getpass", answer)
        return typist

    return start


def new_ca(serial: int, algorithm: str = "ECCP256", *, slot: str = "9c") -> bytes:
    """A key in the slot of this YubiKey, and a CA certificate that it signed itself and holds."""
    now = int(time.time())
    with open_yubikey(serial) as opened:
        piv = Piv(opened, Script([PIN]))
        piv.manage()
        key = piv.generate(slot, algorithm)
        issuing = signer(piv, slot, key=key, alg=labels.ALG_RS256 if algorithm == "RSA2048" else None)
        der = self_signed_ca(
            issuing, key, f"Sealing Test {serial} (test key)", Validity(start=now - 60, end=now + 86400)
        )
        piv.put_certificate(slot, der)
    return der


def unsealed(captured: Capture, *ders: bytes) -> Decoded:
    identities = [Identity(data=der, role="piv-certificate", part="operator") for der in ders]
    return captured(identities=identities).bundle


def pins(manufacturer: Manufacturer, *ders: bytes) -> list[str]:
    """The options of a verifier who knows these keys and the TPM's maker."""
    known = [word for der in ders for word in ("--pin-piv", facts(der).sha256.hex())]
    return [*known, "--anchor", str(manufacturer.root)]


@pytest.mark.parametrize("algorithm", ["ECCP256", "RSA2048"])
def test_piv_seal_verifies(
    algorithm: str,
    device: Device,
    captured: Capture,
    manufacturer: Manufacturer,
    typing: Callable[..., Typist],
    bundle: Bundle,
    tmp_path: Path,
) -> None:
    ca = new_ca(device.serial, algorithm)
    file = tmp_path / "b.evb"
    file.write_bytes(unsealed(captured, ca).encode())
    typist = typing(PIN)
    answer = bundle("seal", file, "--in-place", "--with", f"yubikey:{device.serial}")
    assert (answer.code, answer.out) == (0, f"{file}: seal 1 added\n")
    assert typist.asked == [f"PIN of YubiKey {device.serial} (3 tries left): "]
    assert bundle("verify", file, *pins(manufacturer, ca)).code == 0
    assert bundle("verify", file, "--anchor", manufacturer.root).code == 3


@pytest.mark.parametrize("algorithm", ["ECCP256", "RSA2048"])
def test_an_attested_piv_key_certifies_and_seals(
    algorithm: str,
    device: Device,
    vendor: Vendor,
    captured: Capture,
    manufacturer: Manufacturer,
    typing: Callable[..., Typist],
    bundle: Bundle,
    tmp_path: Path,
) -> None:
    """The device's statement goes in, the key certifies the TPM's key and seals; all of it is concluded."""
    if device.made is None:
        pytest.skip("the root of a real device is not at hand")
    ca = new_ca(device.serial, algorithm)
    with open_yubikey(device.serial) as opened:
        attested = Piv(opened, Script([PIN])).attest("9c")
    unsealed_, refs = unsealed(captured, ca), {"subject": "operator.piv", "issuer": "f9"}
    root, intermediate = (
        each.certificate.public_bytes(Encoding.DER) for each in (vendor.root, vendor.intermediate)
    )
    for label, role, value, to in (
        ("f9", "attestation-issuer", attested.issuer, {}),
        ("vendor", "attestation-issuer", intermediate, {}),
        ("operator.attestation", "piv-attestation", attested.statement, refs),
    ):
        unsealed_ = with_item(unsealed_, label, role, value, to)
    file = tmp_path / "b.evb"
    file.write_bytes(unsealed_.encode())
    typing(PIN, PIN)
    answer = bundle("certify", file, "--in-place", "--with", f"yubikey:{device.serial}")
    assert (answer.code, answer.out) == (0, f"{file}: key.cert added\n")
    assert bundle("seal", file, "--in-place", "--with", f"yubikey:{device.serial}").code == 0
    policy = Policy(
        pins_piv=frozenset({facts(ca).sha256}),
        anchors=tuple(certificates(manufacturer.root)),
        anchors_hardware=(root,),
    )
    report = verify(Decoded.decode(file.read_bytes()), policy)
    assert report.verdict is Verdict.PASSED
    known = {each.id: (each.basis, each.statement) for each in report.conclusions}
    assert known["key.bound"][0] is Basis.PROVEN
    basis, statement = known["identity.hardware"]
    assert basis is Basis.PROVEN
    assert f"operator.piv in YubiKey {device.serial} (firmware " in statement


def test_two_people_seal(
    both: Desk,
    captured: Capture,
    manufacturer: Manufacturer,
    typing: Callable[..., Typist],
    bundle: Bundle,
    tmp_path: Path,
) -> None:
    """Two YubiKeys attached: each seals when it is named, none when it is not."""
    for serial in SERIALS:
        reset(serial)
    cas = [new_ca(SERIALS[0]), new_ca(SERIALS[1], "ECCP384", slot="9a")]
    file = tmp_path / "b.evb"
    file.write_bytes(unsealed(captured, *cas).encode())
    typing(PIN, PIN)
    refused = bundle("seal", file, "--in-place", "--with", "yubikey:")
    assert refused.code == 5
    assert refused.err.startswith("error: several YubiKeys are attached\nhint: name one of them: ")
    assert bundle("seal", file, "--in-place", "--with", f"yubikey:{SERIALS[0]}").code == 0
    assert bundle("verify", file, *pins(manufacturer, *cas)).code != 0
    assert bundle("seal", file, "--in-place", "--with", f"yubikey:{SERIALS[1]}:9a").code == 0
    assert bundle("verify", file, *pins(manufacturer, *cas)).code == 0


def test_what_went_wrong_is_said_and_nothing_is_written(
    desk: Desk,
    device: Device,
    captured: Capture,
    typing: Callable[..., Typist],
    bundle: Bundle,
    tmp_path: Path,
) -> None:
    ca = new_ca(device.serial)
    file = tmp_path / "b.evb"
    before = unsealed(captured, ca).encode()
    file.write_bytes(before)
    cases = [
        (f"yubikey:{device.serial}", ["000000"], 5, "wrong PIN; 2 tries are left"),
        (f"yubikey:{device.serial}:9d", [], 5, "slot 9d holds no certificate"),
        ("yubikey:10000003", [], 5, "YubiKey 10000003 is not attached"),
        ("yubikey:x", [], 2, "names no YubiKey"),
        ("yubikey:1:2:3", [], 2, "names no YubiKey"),
        ("yubikey:10000001:f9", [], 5, "no PIV slot"),
        ("pkcs11:", [], 2, "is no signer"),
        ("pkcs11:object=a", [], 5, "names no module"),
        ("pkcs11:pin-value=1?", [], 2, "no PIN belongs into a URI"),
    ]
    for using, answers, code, said in cases:
        typing(*answers)
        answer = bundle("seal", file, "--in-place", "--with", using)
        assert (using, answer.code) == (using, code)
        assert said in answer.err
        assert answer.err.startswith("error: ")
    assert file.read_bytes() == before


@pytest.mark.parametrize("label", ["p256", "rsa"])
def test_hsm_seal_verifies(
    label: str,
    softhsm: dict[str, Any],
    captured: Capture,
    manufacturer: Manufacturer,
    typing: Callable[..., Typist],
    bundle: Bundle,
    tmp_path: Path,
) -> None:
    with open_token(uri(object=label), Script([TOKEN_PIN])) as key:
        ca = key.certificate
    file = tmp_path / "b.evb"
    file.write_bytes(unsealed(captured, ca).encode())
    typist = typing(TOKEN_PIN, TOKEN_PIN)
    using = f"pkcs11:token=Hardware%20Test;object={label}?module-path={MODULE}"
    answer = bundle("certify", file, "--in-place", "--with", using)
    assert (answer.code, answer.out) == (0, f"{file}: key.cert added\n")
    answer = bundle("seal", file, "--in-place", "--with", using)
    assert (answer.code, answer.err) == (0, "")
    assert typist.asked == ["PIN of token Hardware Test: "] * 2
    assert bundle("verify", file, *pins(manufacturer, ca)).code == 0


def test_a_later_witness_with_an_hsm(
    softhsm: dict[str, Any], captured: Capture, typing: Callable[..., Typist], bundle: Bundle, tmp_path: Path
) -> None:
    """The manifest does not name this key: the seal carries its certificate."""
    file = tmp_path / "b.evb"
    file.write_bytes(unsealed(captured, certificate(ec.generate_private_key(ec.SECP256R1()))).encode())
    typing(TOKEN_PIN)
    using = f"pkcs11:token=Hardware%20Test;object=ed?module-path={MODULE}"
    assert bundle("seal", file, "--in-place", "--with", using).code == 0
    with open_token(uri(object="ed"), Script([TOKEN_PIN])) as key:
        assert Decoded.open(file).seals[0].key == key.certificate


def test_a_signature_of_another_key_is_no_seal(softhsm: dict[str, Any], captured: Capture) -> None:
    other = certificate(ec.generate_private_key(ec.SECP256R1()))
    with (
        open_token(uri(object="p256"), Script([TOKEN_PIN])) as key,
        pytest.raises(SealError, match="does not verify"),
    ):
        seal_cose(unsealed(captured, other), key, other, issued_at=int(time.time()))
