# SPDX-License-Identifier: Apache-2.0
"""`bundle capture` and `bundle recheck` from the command line, on a software TPM."""

from __future__ import annotations

import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from bundletools import cli
from bundletools.errors import IssuingError, ToolError
from bundletools.tpm2 import Tpm2
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509 import load_der_x509_certificate

from bundlefmt.bundle import Bundle as Decoded
from bundlefmt.cli.run import Exit
from bundlefmt.cose import SignatureError
from bundlefmt.errors import EncodeError
from bundlefmt.evidence.openpgp import OpenPgpError
from bundlefmt.manifest import Digest
from tests.cli.conftest import Bundle
from tests.swtpm import Manufacturer, Swtpm, quiet_tss
from tests.tools.conftest import Capture, Operator, certificate
from tests.tools.test_capture import FROM_MANUFACTURER, remains
from tests.tools.test_seal import KEYS, keyring, new_key

__all__ = ["keyring"]
SLOW_QUOTE = """
import sys, time
from bundletools import cli, tpm2

def quote(*_):
    print("quoting", flush=True)
    time.sleep(30)

tpm2.Tpm2.quote = quote
sys.exit(cli.main())
"""


@pytest.fixture
def directory(swtpm: Swtpm, operator: Operator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with `operator.der` in it; $TPM2TOOLS_TCTI names the software TPM."""
    quiet_tss()
    here = tmp_path / "here"
    here.mkdir()
    (here / "operator.der").write_bytes(operator.certificate)
    monkeypatch.chdir(here)
    monkeypatch.setenv("TPM2TOOLS_TCTI", swtpm.tcti)
    return here


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_a_capture_with_everything(
    directory: Path, bundle: Bundle, operator: Operator, manufacturer: Manufacturer, swtpm: Swtpm
) -> None:
    (directory / "before.evb").write_bytes(bundle_of(bundle, directory).encode())
    (directory / "firmware.log").write_bytes(b"any bytes")
    (directory / "witness.pem").write_bytes(
        load_der_x509_certificate(certificate(KEYS["p384"](), "Tools Test Witness (test key)")).public_bytes(
            Encoding.PEM
        )
    )
    answer = bundle(
        *("capture", "-o", "new.evb", "--operator", "operator.der", "--witness", "witness.pem"),
        *("--firmware-log", "firmware.log", "--previous", "before.evb", "--title", "A \x1b title"),
        *("--ek-issuer", manufacturer.issuer),
    )
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith("new.evb: ")
    assert "to be sealed by operator.piv, witness.piv" in answer.out
    made = Decoded.open("new.evb")
    assert made.manifest.title == "A \x1b title"
    assert made.manifest.previous == Digest.of(Decoded.open("before.evb").manifest_raw)
    assert made.content["firmware.log"].value == b"any bytes"
    assert made.manifest.items["firmware.log"].claimed == {"source": "firmware.log"}
    assert [(signer.item, signer.part) for signer in made.manifest.signers] == [
        ("operator.piv", "operator"),
        ("witness.piv", "witness"),
    ]
    assert remains(swtpm) == FROM_MANUFACTURER


def bundle_of(bundle: Bundle, directory: Path, *options: str) -> Decoded:
    """A capture under another name, which is taken away again."""
    assert bundle("capture", "-o", "some.evb", "--operator", "operator.der", *options).code == 0
    made = Decoded.decode((directory / "some.evb").read_bytes())
    (directory / "some.evb").unlink()
    return made


def test_a_withheld_template_lies_beside_for_the_owner_alone(directory: Path, bundle: Bundle) -> None:
    words = ["capture", "-o", "new.evb", "--operator", "operator.der", "--withhold-template"]
    answer = bundle(*words)
    assert answer.code == 0
    assert "new.ak.template: kept out of the bundle, for you alone\n" in answer.out
    assert names(directory) == ["new.ak.template", "new.evb", "operator.der"]
    assert stat.S_IMODE((directory / "new.ak.template").stat().st_mode) == 0o600
    assert bundle("recheck", "new.evb").code == 2
    assert bundle("recheck", "new.evb", "--template", "new.ak.template").code == 0


def test_no_template_is_overwritten(directory: Path, bundle: Bundle) -> None:
    (directory / "new.ak.template").write_bytes(b"of an older bundle")
    answer = bundle("capture", "-o", "new.evb", "--operator", "operator.der", "--withhold-template")
    assert (answer.code, answer.err.splitlines()[0]) == (2, "error: new.ak.template exists")
    assert (directory / "new.ak.template").read_bytes() == b"of an older bundle"
    assert not (directory / "new.evb").exists()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("-o new.evb", "no identity is to seal this"),
        ("-o new.evb --operator operator.der --witness operator.der", "a certificate is named twice"),
        ("-o new.evb --operator expired.der", "this certificate is not valid now"),
        ("-o new.evb --operator two.pem", "holds 2 certificates, one is wanted"),
        ("-o old.evb --operator operator.der", "old.evb exists"),
        ("-o . --operator operator.der", "exists"),
    ],
)
def test_what_could_not_be_sealed_or_kept_is_told_before_the_tpm_is_asked(
    words: str, why: str, directory: Path, operator: Operator, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TPM2TOOLS_TCTI", "swtpm:path=/absent")
    (directory / "old.evb").write_bytes(b"precious")
    pem = load_der_x509_certificate(operator.certificate).public_bytes(Encoding.PEM)
    (directory / "two.pem").write_bytes(pem * 2)
    (directory / "expired.der").write_bytes(certificate(operator.key, days=(-9, -2)))
    before = names(directory)
    answer = bundle("capture", *words.split())
    assert (answer.code, answer.out) == (2, "")
    assert why in answer.err
    assert (names(directory), (directory / "old.evb").read_bytes()) == (before, b"precious")


def test_an_expired_openpgp_key_is_not_named(keyring: Path, directory: Path, bundle: Bundle) -> None:
    fingerprint = new_key(expires="2020-02-01", at="20200101T000000")
    exported = subprocess.run(["gpg", "--export", fingerprint], check=True, capture_output=True)
    (directory / "old.pgp").write_bytes(exported.stdout)
    answer = bundle("capture", "-o", "new.evb", "--operator", "old.pgp")
    assert (answer.code, answer.err) == (2, "error: old.pgp: this key is expired\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_capture_that_is_broken_off_leaves_nothing(
    number: signal.Signals, directory: Path, swtpm: Swtpm
) -> None:
    command = [sys.executable, "-c", SLOW_QUOTE, "capture", "-o", "new.evb", "--operator", "operator.der"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"quoting\n"
        process.send_signal(number)
        assert process.wait(timeout=20) == 128 + number
    assert names(directory) == ["operator.der"]
    assert remains(swtpm) == FROM_MANUFACTURER


def test_a_tpm_that_dies_is_told(
    directory: Path, bundle: Bundle, swtpm: Swtpm, monkeypatch: pytest.MonkeyPatch
) -> None:
    certify = Tpm2.certify

    def power_fails(*words: object) -> object:
        swtpm.stop()
        return certify(*words)  # type: ignore[arg-type] # handed on

    monkeypatch.setattr(Tpm2, "certify", power_fails)
    answer = bundle("capture", "-o", "new.evb", "--operator", "operator.der")
    assert (answer.code, answer.out) == (5, "")
    assert answer.err.startswith("error: ")
    assert names(directory) == ["operator.der"]


# --- recheck -----------------------------------------------------------------------------------------


def test_recheck_says_whether_it_is_this_tpm(directory: Path, bundle: Bundle, swtpm: Swtpm) -> None:
    Path("b.evb").write_bytes(bundle_of(bundle, directory).encode())
    same = bundle("recheck", "b.evb")
    assert (same.code, same.out.splitlines()[-1]) == (0, "the same key: this is the TPM of the bundle")
    swtpm.change_eps()
    other = bundle("recheck", "b.evb")
    assert other.code == 1
    assert other.out.splitlines()[-1].startswith("another key: ")


def test_recheck_of_a_session_key(directory: Path, bundle: Bundle) -> None:
    Path("b.evb").write_bytes(bundle_of(bundle, directory, "--ak", "session").encode())
    answer = bundle("recheck", "b.evb")
    assert answer.code == 2
    assert "made to die with its session" in answer.err
    assert "hint: only a re-derivable AK can be rechecked" in answer.err


def test_recheck_compares_with_the_key_that_was_sealed(
    directory: Path, bundle: Bundle, captured: Capture
) -> None:
    """Whoever swaps the public area of another TPM's bundle for ours does not get our word for it."""
    theirs, ours = captured().bundle, captured().bundle
    record = replace(theirs.content["ak.pub"], value=ours.content["ak.pub"].value)
    forged = replace(theirs, content={**theirs.content, "ak.pub": record})
    Path("b.evb").write_bytes(forged.encode())
    answer = bundle("recheck", "b.evb")
    assert (answer.code, answer.out) == (2, "")
    assert "ak.pub does not have the digest that was sealed" in answer.err


# --- sealing in place --------------------------------------------------------------------------------


def test_sealing_in_place_keeps_links_and_modes(directory: Path, bundle: Bundle, operator: Operator) -> None:
    pem = operator.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (directory / "key.pem").write_bytes(pem)
    real = directory / "real"
    real.mkdir()
    (real / "b.evb").write_bytes(bundle_of(bundle, directory).encode())
    (real / "b.evb").chmod(0o600)
    Path("b.evb").symlink_to(real / "b.evb")
    answer = bundle("seal", "b.evb", "--with", "file:key.pem", "--cert", "operator.der", "--in-place")
    assert answer.code == 0, answer.err
    assert Path("b.evb").is_symlink()
    assert len(Decoded.open(real / "b.evb").seals) == 1
    assert stat.S_IMODE((real / "b.evb").stat().st_mode) == 0o600
    assert names(real) == ["b.evb"]


def test_a_passphrase_that_nobody_can_give(
    directory: Path, bundle: Bundle, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(_: str) -> str:
        raise EOFError

    pem = operator.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    (directory / "key.pem").write_bytes(pem)
    Path("b.evb").write_bytes(bundle_of(bundle, directory).encode())
    monkeypatch.setattr("getpass.getpass", ended)
    answer = bundle("seal", "b.evb", "--with", "file:key.pem", "--cert", "operator.der", "--in-place")
    assert (answer.code, answer.err) == (
        2,
        "error: key.pem needs a passphrase, and there is nobody to ask for it\n",
    )


def test_every_way_in_which_a_tool_stops_has_its_exit_code() -> None:
    """One that had none would end in a traceback."""
    assert set(ToolError.__subclasses__()) == set(cli._CODES)


@pytest.mark.parametrize(
    "error", [SignatureError("no"), IssuingError("no"), OpenPgpError("no"), EncodeError("no")]
)
def test_no_error_of_the_project_ends_in_a_traceback(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(_: object) -> Callable[..., int]:
        def ended(*arguments: object, **named: object) -> int:
            raise error

        return ended

    monkeypatch.setattr(cli, "program", stop)
    assert cli.main() == Exit.USAGE
    assert capsys.readouterr().err.startswith("error: no\n")
