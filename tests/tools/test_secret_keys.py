# SPDX-License-Identifier: Apache-2.0
"""No secret key gets into a bundle, by whatever name and in whatever form it is offered."""

from __future__ import annotations

import base64
import time
from pathlib import Path
from typing import Final, NoReturn, cast

import pytest
from bundletools import keyfiles, sealing, secret_keys
from bundletools.capture import Identity, Log, Request, capture
from bundletools.tpm2 import Tpm2
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from bundlefmt import labels
from bundlefmt.bundle import Seal
from bundlefmt.cli.run import UsageError
from tests.test_soundness import Ceremony
from tests.vectorgen import openpgp_maker as pgp
from tests.vectorgen.openpgp_case import PRIMARY, SIGNER, SOUND

_EC: Final = ec.generate_private_key(ec.SECP256R1())
_RSA: Final = rsa.generate_private_key(65537, 2048)
_LOCKED: Final = BestAvailableEncryption(b"a test")
_SECRET_PART: Final = b"\x00" + pgp.mpi(1) + bytes(2)
_OPENPGP: Final = pgp.packet(pgp.SECRET_KEY, PRIMARY.body + _SECRET_PART)
_ARMORED: Final = (
    b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n"
    + base64.encodebytes(_OPENPGP)
    + b"-----END PGP PRIVATE KEY BLOCK-----\n"
)
SECRETS: Final = {
    "OpenPGP": _OPENPGP + SOUND.encode()[6 + len(PRIMARY.body) :],
    "OpenPGP subkey behind a certificate": (
        SOUND.encode() + pgp.packet(pgp.SECRET_SUBKEY, SIGNER.body + _SECRET_PART)
    ),
    "OpenPGP, armored": _ARMORED,
    "OpenPGP, armored behind a certificate": b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n" + _ARMORED,
    "PKCS #8, PEM": _EC.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    "PKCS #8 with a passphrase, PEM": _EC.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, _LOCKED),
    "SEC 1, PEM": _EC.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()),
    "OpenSSH": _EC.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()),
    "PKCS #8, DER": _EC.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
    "SEC 1, DER": _EC.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption()),
    "PKCS #1, DER": _RSA.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption()),
}
WHY: Final = "SECRET key, which has no place in a bundle"


class _Untouched:
    """A TPM that nobody may ask anything."""

    def __getattr__(self, name: str) -> NoReturn:
        raise AssertionError(f"the TPM was asked for {name}")


def test_a_certificate_is_none() -> None:
    for data in (SOUND.encode(), b"", b"minutes", PRIMARY.detached(b"a message")):
        secret_keys.refuse(data, "this")


@pytest.mark.parametrize("name", SECRETS)
def test_recognised(name: str) -> None:
    with pytest.raises(UsageError, match=f"this holds a {WHY}"):
        secret_keys.refuse(SECRETS[name], "this")


@pytest.mark.parametrize("name", SECRETS)
def test_not_taken_for_an_identity(name: str, tmp_path: Path) -> None:
    path = tmp_path / "operator"
    path.write_bytes(SECRETS[name])
    with pytest.raises(UsageError, match=WHY):
        keyfiles.identity(path, "operator", at=int(time.time()))


@pytest.mark.parametrize("role", ["openpgp-certificate", "piv-certificate"])
@pytest.mark.parametrize("name", SECRETS)
def test_not_captured_as_an_identity(name: str, role: str) -> None:
    request = Request(identities=[Identity(data=SECRETS[name], role=role, part="operator")], created=0)
    with pytest.raises(UsageError, match=WHY):
        capture(cast("Tpm2", _Untouched()), request)


@pytest.mark.parametrize("name", SECRETS)
def test_not_captured_as_a_log(name: str) -> None:
    identity = Identity(data=SOUND.encode(), role="openpgp-certificate", part="operator")
    log = Log(data=SECRETS[name], role="userspace-log", source="a file")
    with pytest.raises(UsageError, match=WHY):
        capture(cast("Tpm2", _Untouched()), Request(identities=[identity], created=0, logs=[log]))


@pytest.mark.parametrize("name", SECRETS)
def test_not_brought_along_by_a_seal(name: str) -> None:
    bundle = Ceremony().build()
    signature = PRIMARY.detached(bundle.manifest_raw)
    with pytest.raises((UsageError, sealing.SealError)):
        sealing.seal_openpgp(bundle, signature, [SECRETS[name]])
    seal = Seal(type=labels.SEAL_OPENPGP, value=signature, key=SECRETS[name])
    with pytest.raises(UsageError, match=WHY):
        sealing.checked(bundle, seal)
