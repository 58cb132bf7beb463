# SPDX-License-Identifier: Apache-2.0
"""PKCS#11 tokens: URIs, and SoftHSM through its module as any other HSM."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from bundletools.devices import DeviceError
from bundletools.pkcs11 import open_token
from bundletools.pkcs11_uri import Pkcs11Uri
from bundletools.token_certificate import Validity, self_signed_ca
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, load_der_public_key

from bundlefmt import cose, labels
from bundlefmt.cli.run import UsageError
from bundlefmt.cose import KeySigner
from bundlefmt.evidence import x509
from tests.hardware.conftest import Script
from tests.hardware.softhsm import KEYS, MODULE, PIN, uri

pytestmark = pytest.mark.xdist_group("cards")

MESSAGE: Final = b"what is signed"


@pytest.mark.parametrize("label", KEYS)
def test_signs(label: str, softhsm: dict[str, Any]) -> None:
    script = Script([PIN])
    with open_token(uri(object=label), script) as key:
        signature = key.sign(MESSAGE)
        assert key.alg == KEYS[label][0]
    cose.verify_signature(key.alg, softhsm[label], signature, MESSAGE)
    cose.verify_signature(key.alg, x509.public_key(key.certificate), signature, MESSAGE)
    assert script.asked == ["PIN of token Hardware Test"]


def test_rs256(softhsm: dict[str, Any]) -> None:
    with open_token(uri(object="rsa"), Script([PIN])) as key:
        signature = replace(key, alg=labels.ALG_RS256).sign(MESSAGE)
    cose.verify_signature(labels.ALG_RS256, softhsm["rsa"], signature, MESSAGE)


@pytest.mark.parametrize("label", KEYS)
def test_certificates_by_openssl(
    label: str, softhsm: dict[str, Any], part: Callable[..., None], tmp_path: Path
) -> None:
    part("openssl")
    with open_token(uri(object=label), Script([PIN])) as key:
        der = tmp_path / "ca.der"
        der.write_bytes(key.certificate)
    pem = tmp_path / "ca.pem"
    subprocess.run(["openssl", "x509", "-inform", "DER", "-in", der, "-out", pem], check=True)
    command = ["openssl", "verify", "-check_ss_sig", "-x509_strict", "-CAfile", str(pem), str(pem)]
    assert subprocess.run(command, check=False).returncode == 0


def test_by_id(softhsm: dict[str, Any]) -> None:
    decoded = Pkcs11Uri.decode(f"pkcs11:token=Hardware%20Test;id=%70%32%35%36?module-path={MODULE}")
    with open_token(decoded, Script([PIN])) as key:
        assert x509.public_key(key.certificate) == softhsm["p256"]


def test_refusals(softhsm: dict[str, Any], tmp_path: Path) -> None:
    text = tmp_path / "text.so"
    text.write_text("no library", encoding="utf-8")
    cases: list[tuple[Pkcs11Uri, list[str], str]] = [
        (uri(object="p256"), ["000000"], "wrong PIN"),
        (uri(object="p256"), [""], "this cannot be the PIN|wrong PIN"),
        (uri(object="none"), [PIN], "no private key fits"),
        (uri(), [PIN], "several keys fit"),
        (uri(object="bare"), [PIN], "no certificate with id 62617265"),
        (uri(token="none"), [], "no token fits"),
        (Pkcs11Uri(module_path=str(MODULE)), [], "several tokens fit"),
        (uri(module_path=""), [], "names no module"),
        (uri(module_path=str(tmp_path / "none.so")), [], "is no PKCS#11 module"),
        (uri(module_path=str(text)), [], "is no PKCS#11 module"),
    ]
    for wanted, answers, said in cases:
        with pytest.raises(DeviceError, match=said), open_token(wanted, Script(answers)):
            pass
    # nothing of this disturbed the token
    with open_token(uri(object="p256"), Script([PIN])) as key:
        assert key.sign(MESSAGE)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("pkcs11:", Pkcs11Uri()),
        (
            "pkcs11:token=a%3Bb;object=%C3%A9;id=%00%FF;type=private?module-path=/m.so",
            Pkcs11Uri(module_path="/m.so", token="a;b", object="é", id=b"\x00\xff"),
        ),
        ("pkcs11:serial=1;manufacturer=M;model=X", Pkcs11Uri(serial="1", manufacturer="M", model="X")),
        ("pkcs11:token=", Pkcs11Uri(token="")),
    ],
)
def test_uri(text: str, wanted: Pkcs11Uri) -> None:
    assert Pkcs11Uri.decode(text) == wanted


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("token=a", "no PKCS#11 URI"),
        ("PKCS11:token=a", "no PKCS#11 URI"),
        ("pkcs11:token=a;token=b", "twice"),
        ("pkcs11:token", "'token' is not understood"),
        ("pkcs11:slot-id=1", "'slot-id' is not understood"),
        ("pkcs11:x-own=1", "'x-own' is not understood"),
        ("pkcs11:token=a;", "'' is not understood"),
        ("pkcs11:type=public", "cannot sign"),
        ("pkcs11:object=%FF", "UTF-8"),
        ("pkcs11:object=a%00", "NUL"),
        ("pkcs11:?pin-value=1234", "no PIN belongs into a URI"),
        ("pkcs11:?pin-source=file:/pin", "no PIN belongs into a URI"),
        ("pkcs11:module-path=/m.so", "'module-path' is not understood"),
    ],
)
def test_uri_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        Pkcs11Uri.decode(text)
    assert "1234" not in str(refused.value)


@pytest.mark.parametrize(
    "key", [ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate()]
)
def test_token_certificates_are_as_the_library_makes_them(
    key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey,
) -> None:
    """What comes out is DER that an own reader and the library's take alike, to the last byte."""
    from cryptography.x509 import load_der_x509_certificate

    der = self_signed_ca(KeySigner(key), key.public_key(), "Test", Validity(start=1, end=2))
    loaded = load_der_x509_certificate(der)
    loaded.verify_directly_issued_by(loaded)
    assert loaded.public_bytes(Encoding.DER) == der
    assert load_der_public_key(x509.load(der).spki) == key.public_key()
