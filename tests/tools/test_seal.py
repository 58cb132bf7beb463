# SPDX-License-Identifier: Apache-2.0
"""Sealing with gpg and with keys in files, from the command line, on a captured bundle."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from bundletools import gnupg
from bundletools.capture import Identity
from bundletools.sealing import SealError, seal_cose
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from bundlefmt.bundle import Bundle as Decoded
from bundlefmt.cose import KeySigner
from bundlefmt.evidence.openpgp import certificate_facts
from bundlefmt.evidence.x509 import facts
from bundlefmt.verify import Outcome, verify
from bundlefmt.verify.policy import Policy
from tests.cli.conftest import Bundle
from tests.conftest import Need
from tests.tools.conftest import Capture, Operator, certificate

WHO = "Tools Test Witness (test key) <witness@test.invalid>"


@pytest.fixture
def keyring(part: Need, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A GnuPG home of its own; sockets do not fit into the long paths of tests."""
    part("gpg", "gpgconf")
    home = Path(tempfile.mkdtemp(prefix="gpg-"))
    monkeypatch.setenv("GNUPGHOME", str(home))
    yield home
    subprocess.run(["gpgconf", "--kill", "all"], check=False, capture_output=True)
    shutil.rmtree(home, ignore_errors=True)


def new_key(*, algorithm: str = "ed25519", usage: str = "sign", expires: str = "never", at: str = "") -> str:
    """A new key without a passphrase; returns its fingerprint."""
    faked = ["--faked-system-time", at] if at else []
    command = ["gpg", "--batch", "--quiet", "--passphrase", "", *faked]
    done = subprocess.run(
        [*command, "--status-fd", "1", "--quick-generate-key", WHO, algorithm, usage, expires],
        check=True,
        capture_output=True,
        text=True,
    )
    return next(line.split()[3] for line in done.stdout.splitlines() if " KEY_CREATED " in line).lower()


def unsealed(captured: Capture, *data: tuple[str, bytes]) -> Decoded:
    """A capture that names these certificates, (role, bytes), as its operators."""
    identities = [Identity(data=each, role=role, part="operator") for role, each in data]
    return captured(identities=identities).bundle


@pytest.mark.parametrize("algorithm", ["ed25519", "rsa3072", "nistp256"])
def test_gpg_seals(algorithm: str, keyring: Path, captured: Capture, bundle: Bundle, tmp_path: Path) -> None:
    fingerprint = new_key(algorithm=algorithm)
    file = tmp_path / "b.evb"
    file.write_bytes(unsealed(captured, ("openpgp-certificate", gnupg.export(fingerprint))).encode())
    answer = bundle("seal", file, "--with", f"gpg:{fingerprint}", "--in-place")
    assert (answer.code, answer.out) == (0, f"{file}: seal 1 added\n")
    assert bundle("verify", file, "--pin-openpgp", fingerprint).code == 3  # no TPM maker is known
    report = verify(Decoded.open(file), Policy(pins_openpgp=frozenset({fingerprint})))
    assert [each.outcome for each in report.of("seal.anchor")] == [Outcome.PASSED]
    (tmp_path / "m").write_bytes(Decoded.open(file).manifest_raw)
    (tmp_path / "s").write_bytes(Decoded.open(file).seals[0].value)
    status = subprocess.run(
        ["gpg", "--status-fd", "1", "--verify", tmp_path / "s", tmp_path / "m"],
        capture_output=True,
        check=True,
    )
    assert b" GOODSIG " in status.stdout
    (tmp_path / "cert").write_bytes(gnupg.export(fingerprint))
    sqv = ["sqv", "--keyring", tmp_path / "cert", tmp_path / "s", tmp_path / "m"]
    assert (
        subprocess.run(sqv, capture_output=True, check=True, text=True).stdout.strip().lower() == fingerprint
    )


def test_a_key_that_sequoia_cannot_judge_does_not_seal(
    keyring: Path, captured: Capture, bundle: Bundle, tmp_path: Path
) -> None:
    fingerprint = new_key(algorithm="brainpoolP256r1")
    file = tmp_path / "b.evb"
    file.write_bytes(unsealed(captured, ("openpgp-certificate", gnupg.export(fingerprint))).encode())
    answer = bundle("seal", file, "--with", f"gpg:{fingerprint}", "--in-place")
    assert (answer.code, Decoded.open(file).seals) == (1, ())
    assert "no certificate at hand: " in answer.err


def test_a_signing_subkey_seals(keyring: Path, captured: Capture, bundle: Bundle, tmp_path: Path) -> None:
    fingerprint = new_key(usage="cert")
    add = [
        "gpg",
        "--batch",
        "--quiet",
        "--passphrase",
        "",
        "--quick-add-key",
        fingerprint.upper(),
        "ed25519",
        "sign",
    ]
    subprocess.run(add, check=True, capture_output=True)
    file = tmp_path / "b.evb"
    file.write_bytes(unsealed(captured, ("openpgp-certificate", gnupg.export(fingerprint))).encode())
    assert bundle("seal", file, "--with", f"gpg:{fingerprint}", "--in-place").code == 0
    assert certificate_facts(gnupg.export(fingerprint)).fingerprint == fingerprint


def test_an_expired_key_does_not_seal(
    keyring: Path, captured: Capture, bundle: Bundle, tmp_path: Path
) -> None:
    fingerprint = new_key(expires="2020-02-01", at="20200101T000000")
    file = tmp_path / "b.evb"
    file.write_bytes(unsealed(captured, ("openpgp-certificate", gnupg.export(fingerprint))).encode())
    before = file.read_bytes()
    answer = bundle("seal", file, "--with", f"gpg:{fingerprint}", "--in-place")
    assert answer.code == 5
    assert "hint:" in answer.err
    assert file.read_bytes() == before


def test_a_later_witness_brings_a_certificate(
    keyring: Path, captured: Capture, operator: Operator, bundle: Bundle, tmp_path: Path
) -> None:
    fingerprint = new_key()
    file, out = tmp_path / "b.evb", tmp_path / "c.evb"
    file.write_bytes(operator.seal(captured().bundle).encode())
    answer = bundle("seal", file, "--with", f"gpg:{fingerprint}", "-o", out)
    assert answer.code == 0
    assert "sealed as a later witness" in answer.err
    assert Decoded.open(out).seals[1].key == gnupg.export(fingerprint)
    report = operator.judge(Decoded.open(out), pins_openpgp=frozenset({fingerprint}))
    assert report.verdict == "PASSED"


def test_gpg_that_is_not_there_is_told(
    captured: Capture, operator: Operator, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "b.evb"
    file.write_bytes(operator.seal(captured().bundle).encode())
    monkeypatch.setenv("PATH", str(tmp_path))
    answer = bundle("seal", file, "--with", "gpg:anyone", "--in-place")
    assert (answer.code, answer.err) == (5, "error: gpg is not installed\nhint: install the package gnupg\n")


KEYS = {
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "p521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "rsa2048": lambda: rsa.generate_private_key(65537, 2048),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "ml-dsa-65": mldsa.MLDSA65PrivateKey.generate,
}


@pytest.mark.parametrize("kind", KEYS)
def test_keys_in_files_seal(kind: str, captured: Capture, bundle: Bundle, tmp_path: Path) -> None:
    key = KEYS[kind]()
    der = certificate(key)
    (tmp_path / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (tmp_path / "cert.der").write_bytes(der)
    file = tmp_path / "b.evb"
    file.write_bytes(unsealed(captured, ("piv-certificate", der)).encode())
    with_file = f"file:{tmp_path}/key.pem"
    answer = bundle("seal", file, "--with", with_file, "--cert", tmp_path / "cert.der", "--in-place")
    assert answer.code == 0, answer.err
    assert answer.err == ""


def test_a_passphrase_is_asked_for(
    captured: Capture, operator: Operator, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    protected = operator.key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"right")
    )
    (tmp_path / "key.pem").write_bytes(protected)
    (tmp_path / "cert.der").write_bytes(operator.certificate)
    file = tmp_path / "b.evb"
    file.write_bytes(captured().bundle.encode())
    words = (
        "seal",
        file,
        "--with",
        f"file:{tmp_path}/key.pem",
        "--cert",
        tmp_path / "cert.der",
        "--in-place",
    )
    monkeypatch.setattr("getpass.getpass", lambda _: "wrong")
    assert bundle(*words).code == 2
    monkeypatch.setattr("getpass.getpass", lambda _: "right")
    assert bundle(*words).code == 0


def test_an_expired_certificate_does_not_seal(captured: Capture, operator: Operator) -> None:
    year = 366 * 86_400
    with pytest.raises(SealError, match="the certificate is not valid now"):
        seal_cose(
            captured().bundle,
            KeySigner(operator.key),
            operator.certificate,
            issued_at=facts(operator.certificate).not_before + year,
        )
