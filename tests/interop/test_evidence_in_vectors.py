# SPDX-License-Identifier: Apache-2.0
"""The evidence in the vectors before stock programs: gpg and sqv, openssl, tpm2_checkquote.

What our software TPM and packet writer make is real only if programs that never heard of them say so.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bundlefmt.bundle import Bundle
from bundlefmt.cose import CoseSign1
from bundlefmt.evidence import x509
from bundlefmt.evidence.tpm import TpmtPublic, alg_name
from bundlefmt.evidence.tpm_signature import RsaSignature, TpmtSignature
from bundlefmt.labels import SEAL_OPENPGP
from tests.conftest import Need
from tests.vectorgen.publication import FOLDER, ROOT

VECTORS: Final = ROOT / FOLDER
OPENPGP_SOUND: Final = ("container_openpgp", "container_whole", "openpgp_signing-subkey")
OPENPGP_UNSOUND: Final = (
    "seal_openpgp-of-another-manifest",
    "openpgp_sha1-signature",
    "openpgp_certify-only",
    "openpgp_key-expired",
    "openpgp_before-key",
    "openpgp_no-back-signature",
    "openpgp_signature-expired",
    "openpgp_critical-subpacket",
    "openpgp_foreign-subkey",
    "openpgp_revocation-retired-before",
)
QUOTES_SOUND: Final = (
    "container_cose-esp256",
    "ak_rsa",
    "ak_p384",
    "ak_session-under-ek",
    "quote_signature-short",
    "quote_of-two-banks",
)
# magic and type are not among these: tpm2_checkquote before 5.7 looks at neither
QUOTES_UNSOUND: Final = ("quote_signed-by-another-key", "quote_of-another-ceremony")


def bundle_of(name: str) -> Bundle:
    return Bundle.decode((VECTORS / name / "bundle.evb").read_bytes())


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)


# --- OpenPGP ------------------------------------------------------------------------------------------


def extracted(name: str, folder: Path) -> tuple[Path, Path, Path]:
    """Certificate, signature and manifest as files."""
    bundle = bundle_of(name)
    seal = next(seal for seal in bundle.seals if seal.type == SEAL_OPENPGP)
    items = bundle.manifest.items
    label = next(label for label, item in items.items() if item.role == "openpgp-certificate")
    files = {
        "certificate.pgp": bytes(bundle.content[label].value),
        "seal.sig": seal.value,
        "manifest.cbor": bundle.manifest_raw,
    }
    for file, data in files.items():
        (folder / file).write_bytes(data)
    certificate, signature, manifest = (folder / file for file in files)
    return certificate, signature, manifest


def gpg_status(name: str, folder: Path) -> str:
    """What gpg's status lines say of the signature."""
    certificate, signature, manifest = extracted(name, folder)
    home = folder / "home"
    home.mkdir(mode=0o700)
    gpg = ("gpg", "--homedir", home, "--batch", "--no-autostart", "--status-fd", "1")
    assert "IMPORT_OK" in run(*gpg, "--import", certificate).stdout
    return run(*gpg, "--verify", signature, manifest).stdout


def sqv_accepts(name: str, folder: Path) -> bool:
    certificate, signature, manifest = extracted(name, folder)
    return run("sqv", "--keyring", certificate, signature, manifest).returncode == 0


@pytest.mark.parametrize("name", OPENPGP_SOUND)
def test_openpgp_seal_is_sound(name: str, part: Need, tmp_path: Path) -> None:
    part("gpg", "sqv")
    status = gpg_status(name, tmp_path)
    assert sqv_accepts(name, tmp_path)
    assert "GOODSIG" in status
    assert "VALIDSIG" in status


def test_openpgp_key_retired_later(part: Need, tmp_path: Path) -> None:
    """sqv looks at the reason for the revocation and its time; gpg says that the key is revoked."""
    part("gpg", "sqv")
    assert "REVKEYSIG" in gpg_status("openpgp_revocation-retired-later", tmp_path)
    assert sqv_accepts("openpgp_revocation-retired-later", tmp_path)


@pytest.mark.parametrize("name", OPENPGP_UNSOUND)
def test_openpgp_seal_is_unsound(name: str, part: Need, tmp_path: Path) -> None:
    part("sqv")
    assert not sqv_accepts(name, tmp_path)


# --- X.509 --------------------------------------------------------------------------------------------


def chain_holds(name: str, folder: Path) -> bool:
    """Whether openssl builds the chain from EK certificate to root at the time of the capture."""
    bundle = bundle_of(name)
    files = {
        "root.pem": (VECTORS / "keys" / "tpm-root.der").read_bytes(),
        "issuer.pem": bytes(bundle.content["ek.issuer"].value),
        "ek.pem": bytes(bundle.content["ek.cert"].value),
    }
    for file, der in files.items():
        (folder / "one.der").write_bytes(der)
        assert run("openssl", "x509", "-in", folder / "one.der", "-out", folder / file).returncode == 0
    root, issuer, leaf = (folder / file for file in files)
    at = str(bundle.manifest.created)
    verify = ("openssl", "verify", "-x509_strict", "-attime", at, "-CAfile", root, "-untrusted", issuer)
    return run(*verify, leaf).returncode == 0


@pytest.mark.parametrize(
    ("name", "holds"),
    [("container_whole", True), ("ek_certificate-expired", False), ("ek_issuer-no-authority", False)],
)
def test_ek_chain(name: str, *, holds: bool, part: Need, tmp_path: Path) -> None:
    part("openssl")
    assert chain_holds(name, tmp_path) is holds


# --- TPM ----------------------------------------------------------------------------------------------


def quote_holds(name: str, folder: Path) -> bool:
    """Whether tpm2_checkquote accepts quote, signature and binding with the attestation key."""
    bundle = bundle_of(name)
    content = {label: bytes(record.value) for label, record in bundle.content.items()}
    public = TpmtPublic.decode(content["ak.pub"])
    key = public.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    files = {"ak.pem": key, "quote": content["quote"], "quote.sig": content["quote.sig"]}
    for file, data in files.items():
        (folder / file).write_bytes(data)
    assert public.scheme_hash is not None
    binding = bundle.manifest.binding.digest(bundle.manifest.items, bundle.manifest.previous).hex()
    check = ("tpm2_checkquote", "-u", folder / "ak.pem", "-m", folder / "quote", "-s", folder / "quote.sig")
    return run(*check, "-g", alg_name(public.scheme_hash), "-q", binding).returncode == 0


@pytest.mark.parametrize("name", QUOTES_SOUND)
def test_quote_is_sound(name: str, part: Need, tmp_path: Path) -> None:
    part("tpm2_checkquote")
    assert quote_holds(name, tmp_path)


@pytest.mark.parametrize("name", QUOTES_UNSOUND)
def test_quote_is_unsound(name: str, part: Need, tmp_path: Path) -> None:
    part("tpm2_checkquote")
    assert not quote_holds(name, tmp_path)


# --- RSASSA-PSS, whose padding the generator writes itself --------------------------------------------


def pss_holds(key: bytes, signature: bytes, message: bytes, folder: Path) -> bool:
    for file, data in {"key.pem": key, "signature": signature, "message": message}.items():
        (folder / file).write_bytes(data)
    options = ("-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32")
    verify = ("-verify", folder / "key.pem", "-signature", folder / "signature", folder / "message")
    return run("openssl", "dgst", "-sha256", *options, *verify).returncode == 0


def test_pss_quote(part: Need, tmp_path: Path) -> None:
    part("openssl")
    content = bundle_of("ak_rsa-pss").content
    key = TpmtPublic.decode(content["ak.pub"].value).public_key()
    made = TpmtSignature.decode(content["quote.sig"].value).signature
    assert isinstance(made, RsaSignature)
    pem, quote = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), content["quote"].value
    assert pss_holds(pem, made.sig, bytes(quote), tmp_path)
    assert not pss_holds(pem, made.sig, bytes(quote) + b"?", tmp_path)


def test_pss_seal(part: Need, tmp_path: Path) -> None:
    part("openssl")
    bundle = bundle_of("container_cose-ps256")
    message = CoseSign1.decode(bundle.seals[0].value)
    key = x509.public_key(bundle.content["operator.piv"].value)
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert pss_holds(pem, message.signature, message.sig_structure(), tmp_path)
