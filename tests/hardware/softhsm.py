# SPDX-License-Identifier: Apache-2.0
"""A SoftHSM token for tests, with a key of each kind and the certificates that they signed themselves."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from bundletools.pkcs11 import Pkcs11Key
from bundletools.pkcs11_uri import Pkcs11Uri
from bundletools.prompts import Terminal
from bundletools.token_certificate import Validity, self_signed_ca
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from bundlefmt import labels

MODULE: Final = Path("/usr/lib/softhsm/libsofthsm2.so")
PIN: Final = "567890"
_EDWARDS25519: Final = b"\x13\x0cedwards25519"  # PrintableString: PKCS #11 3.0, 6.3.3
_CURVES: Final[dict[str, ec.EllipticCurve]] = {
    "secp256r1": ec.SECP256R1(),
    "secp384r1": ec.SECP384R1(),
    "secp521r1": ec.SECP521R1(),
}
# label -> (COSE algorithm, curve or bits of an RSA key)
KEYS: Final[dict[str, tuple[int, str | int]]] = {
    "p256": (labels.ALG_ESP256, "secp256r1"),
    "p384": (labels.ALG_ESP384, "secp384r1"),
    "p521": (labels.ALG_ESP512, "secp521r1"),
    "rsa": (labels.ALG_PS256, 2048),
    "ed": (labels.ALG_ED25519, "edwards25519"),
}


def uri(**changes: str) -> Pkcs11Uri:
    found = Pkcs11Uri(module_path=str(MODULE), token="Hardware Test")
    return replace(found, **changes)  # type: ignore[arg-type] # its fields


def _generate(session: Any, label: str, kind: str | int) -> Any:
    """The public key of a new pair on the token, whose id is its label."""
    from pkcs11 import Attribute, KeyType
    from pkcs11.util.ec import encode_named_curve_parameters

    names = {"label": label, "id": label.encode(), "store": True}
    if isinstance(kind, int):
        public, _ = session.generate_keypair(KeyType.RSA, kind, **names)
        numbers = (int.from_bytes(public[each]) for each in (Attribute.PUBLIC_EXPONENT, Attribute.MODULUS))
        return rsa.RSAPublicNumbers(*numbers).public_key()
    edwards = kind == "edwards25519"
    parameters = _EDWARDS25519 if edwards else encode_named_curve_parameters(kind)
    domain = session.create_domain_parameters(
        KeyType.EC_EDWARDS if edwards else KeyType.EC, {Attribute.EC_PARAMS: parameters}, local=True
    )
    public, _ = domain.generate_keypair(**names)
    point = public[Attribute.EC_POINT]
    if edwards:
        return ed25519.Ed25519PublicKey.from_public_bytes(point[-32:])
    curve = _CURVES[kind]
    return ec.EllipticCurvePublicKey.from_encoded_point(
        curve, point[-(2 * ((curve.key_size + 7) // 8) + 1) :]
    )


@pytest.fixture(scope="session")
def softhsm(tmp_path_factory: pytest.TempPathFactory, part: Callable[..., None]) -> dict[str, Any]:
    """A token with a key of each kind, each with a certificate that it signed itself; the public keys."""
    part("softhsm2-util")
    pkcs11 = pytest.importorskip("pkcs11", reason="python-pkcs11 is not installed")
    home = tmp_path_factory.mktemp("softhsm")
    (home / "tokens").mkdir()
    (home / "softhsm2.conf").write_text(
        f"directories.tokendir = {home}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n",
        encoding="utf-8",
    )
    os.environ["SOFTHSM2_CONF"] = str(home / "softhsm2.conf")
    for token in ("Hardware Test", "Another"):
        command = ["softhsm2-util", "--init-token", "--free", "--so-pin", "12345678", "--pin", PIN]
        subprocess.run([*command, "--label", token], check=True, capture_output=True)
    now = int(time.time())
    validity = Validity(start=now - 60, end=now + 86400)
    found = {}
    token = pkcs11.lib(str(MODULE)).get_token(token_label="Hardware Test")
    with token.open(rw=True, user_pin=PIN) as session:
        for label, (alg, kind) in KEYS.items():
            found[label] = _generate(session, label, kind)
            key = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label=label)
            signing = Pkcs11Key(
                name="test",
                key=key,
                certificate=b"",
                alg=labels.ALG_RS256 if label == "rsa" else alg,
                prompts=Terminal(),
            )
            _store(session, label, self_signed_ca(signing, found[label], f"HSM Test {label}", validity))
        _generate(session, "bare", "secp256r1")
    return found


def _store(session: Any, label: str, der: bytes) -> None:
    from pkcs11 import Attribute, CertificateType, ObjectClass

    session.create_object(
        {
            Attribute.CLASS: ObjectClass.CERTIFICATE,
            Attribute.CERTIFICATE_TYPE: CertificateType.X_509,
            Attribute.TOKEN: True,
            Attribute.LABEL: label,
            Attribute.ID: label.encode(),
            Attribute.SUBJECT: b"",
            Attribute.VALUE: der,
        }
    )
