# SPDX-License-Identifier: Apache-2.0
"""`bundle verify --ear`: attestation results beside the report, signed by the key that is given."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from bundlefmt import cose
from bundlefmt.cose import CoseSign1
from bundlefmt.render import thumbprint
from tests.cli.conftest import Bundle, terms, vector
from tests.cli.test_exit_codes import assert_plain
from tests.cli.test_policy import anchor, identities, required, written
from tests.cli.test_verify import GOOD
from tests.cose_keys import NUMBERS, private_key

NOW = "2026-12-01T00:00:00Z"
SECONDS = 1796083200
JOSE = {"ES256": "ESP256", "ES384": "ESP384", "EdDSA": "Ed25519"}


def key_file(folder: Path, name: str, *, passphrase: bytes | None = None) -> Path:
    file = folder / f"{name}.pem"
    protection = NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase)
    file.write_bytes(private_key(name).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection))
    return file


def decoded(part: bytes) -> bytes:
    return base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))


@pytest.mark.parametrize(("alg", "name"), JOSE.items())
def test_a_jwt(alg: str, name: str, bundle: Bundle, tmp_path: Path) -> None:
    file = tmp_path / "result.jwt"
    key = key_file(tmp_path, name)
    answer = bundle("verify", vector(GOOD), *terms(GOOD), "--ear", file, "--ear-key", key, "--now", NOW)
    assert answer.code == 0
    head, claims, signature = file.read_bytes().split(b".")
    kid = thumbprint.of_jwk(private_key(name).public_key())
    assert json.loads(decoded(head)) == {"alg": alg, "kid": kid, "typ": "eat+jwt"}
    found = json.loads(decoded(claims))
    assert (found["iat"], found["eat_profile"]) == (SECONDS, "tag:ietf.org,2026:rats/ear#03")
    assert found["ear_verifier_id"]["build"].startswith("evidence-bundle ")
    public = private_key(name).public_key()
    cose.verify_signature(NUMBERS[name], public, decoded(signature), head + b"." + claims)
    with pytest.raises(cose.SignatureError):
        cose.verify_signature(NUMBERS[name], public, decoded(signature), head + b"." + claims[:-1])


def test_a_cwt(bundle: Bundle, tmp_path: Path) -> None:
    file = tmp_path / "result.cwt"
    options = ("--ear", file, "--ear-key", key_file(tmp_path, "ESP256"), "--ear-format", "cwt", "--now", NOW)
    assert bundle("verify", vector(GOOD), *terms(GOOD), *options).code == 0
    token = CoseSign1.decode(file.read_bytes())
    token.verify(private_key("ESP256").public_key())
    kid = thumbprint.of_cose_key(private_key("ESP256").public_key())
    assert token.protected == {1: -9, 4: kid, 16: "application/eat+cwt"}


def test_the_policy_decides_whose_word_is_taken(bundle: Bundle, tmp_path: Path) -> None:
    tables = (required(ak_resident="vouched", tpm_genuine="proven"), identities(), anchor())
    policy, key = written(tmp_path / "p.toml", *tables), key_file(tmp_path, "Ed25519")
    found, more = {}, ("--policy", policy, "--allow", "sha1")
    for number, options in enumerate((terms(GOOD), ("--policy", policy), more)):
        file = tmp_path / f"{number}.jwt"
        assert bundle("verify", vector(GOOD), *options, "--ear", file, "--ear-key", key).code == 0
        found[number] = json.loads(decoded(file.read_bytes().split(b".")[1]))
    assert [each["ear_status"] for each in found.values()] == ["none", "affirming", "affirming"]
    tpm = found[1]["submods"]["tpm"]
    assert tpm["ear_trustworthiness_vector"] == {"hardware": -2}
    assert tpm["ear_appraisal_policy_ids"][0].startswith("ni:///sha-256;")
    assert "ear_appraisal_policy_ids" not in found[2]["submods"]["tpm"]
    assert found[2]["tag:evidence-bundle,2026:report"]["relaxations"] == ["allow_sha1"]


def test_a_failed_bundle_is_contraindicated(bundle: Bundle, tmp_path: Path) -> None:
    name, file = "certify_wrong-magic", tmp_path / "result.jwt"
    key = key_file(tmp_path, "ESP256")
    answer = bundle("verify", vector(name), *terms(name), "--ear", file, "--ear-key", key, "--json")
    assert (answer.code, answer.json["verdict"]) == (1, "FAILED")
    claims = json.loads(decoded(file.read_bytes().split(b".")[1]))
    assert claims["ear_status"] == claims["submods"]["tpm"]["ear_status"] == "contraindicated"


def test_what_cannot_be_done_is_told_before_judging(bundle: Bundle, tmp_path: Path) -> None:
    file, key = tmp_path / "result.jwt", key_file(tmp_path, "ESP256")
    there = tmp_path / "there.jwt"
    there.write_bytes(b"mine")
    for options, said in (
        (("--ear", file), "whose key?"),
        (("--ear-key", key), "where should attestation results go?"),
        (("--ear-format", "cwt"), "where should attestation results go?"),
        (("--ear", file, "--ear-key", key, "--ear-format", "xml"), "there is no form 'xml'"),
        (
            ("--ear", file, "--ear-key", key_file(tmp_path, "PS256")),
            "P-256, P-384 or Ed25519",
        ),
        (("--ear", file, "--ear-key", vector(GOOD)), "holds no private key that can be read"),
        (("--ear", there, "--ear-key", key), "exists"),
    ):
        answer = bundle("verify", vector(GOOD), *options)
        assert (answer.code, answer.out) == (2, "")
        assert said in answer.err
        assert_plain(answer)
    assert not file.exists()
    assert there.read_bytes() == b"mine"


def test_a_key_with_a_passphrase(bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getpass", lambda prompt: "secret")
    file, key = tmp_path / "result.jwt", key_file(tmp_path, "ESP256", passphrase=b"secret")
    assert bundle("verify", vector(GOOD), *terms(GOOD), "--ear", file, "--ear-key", key).code == 0
    assert file.read_bytes().count(b".") == 2
