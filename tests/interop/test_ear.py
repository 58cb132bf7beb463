# SPDX-License-Identifier: Apache-2.0
"""Our attestation results before PyJWT and cwt: what they accept, and what of it they read."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bundlefmt.cose import KeySigner
from bundlefmt.render import ear, thumbprint
from tests.conftest import Need
from tests.cose_keys import private_key
from tests.render.test_ear import BUILD, ISSUED_AT
from tests.test_vectors import report_of

ROOT: Final = Path(__file__).resolve().parents[2]
PYTHON: Final = ROOT / ".venv-judges" / "bin" / "python"
# name of a test key -> what the judges call its algorithm
ALGORITHMS: Final = {
    "ESP256": {"jwt": "ES256", "cwt": "ESP256"},
    "ESP384": {"jwt": "ES384", "cwt": "ESP384"},
    "Ed25519": {"jwt": "EdDSA", "cwt": "Ed25519"},
}
Ask = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def ask(part: Need) -> Ask:
    """What a judge says of a token by the key of this name."""
    part(PYTHON)

    def run(form: str, name: str, token: bytes, *, key: str | None = None) -> dict[str, Any]:
        public = private_key(key or name).public_key()
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        kid = thumbprint.of_cose_key(public).hex()
        job = {"form": form, "alg": ALGORITHMS[name][form], "key": pem, "kid": kid, "data": token.hex()}
        done = subprocess.run(
            [PYTHON, Path(__file__).with_name("judge_ear.py")],
            input=json.dumps(job),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))

    return run


def token(form: str, name: str, vector: str = "activation_whole") -> bytes:
    report, signer = report_of(vector), KeySigner(private_key(name))
    if form == "jwt":
        return ear.jwt(ear.claims_json(report, issued_at=ISSUED_AT, build=BUILD), signer)
    return ear.cwt(ear.claims_cbor(report, issued_at=ISSUED_AT, build=BUILD), signer)


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize("vector", ["activation_whole", "quote_signed-by-another-key", "seal_no-pin"])
def test_a_jwt_is_accepted_and_read(name: str, vector: str, ask: Ask) -> None:
    said = ask("jwt", name, token("jwt", name, vector))
    assert said["claims"] == ear.claims_json(report_of(vector), issued_at=ISSUED_AT, build=BUILD)
    kid = thumbprint.of_jwk(private_key(name).public_key())
    assert said["header"] == {"alg": ALGORITHMS[name]["jwt"], "kid": kid, "typ": "eat+jwt"}


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    return {str(key): _plain(each) for key, each in value.items()} if isinstance(value, dict) else value


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_cwt_is_accepted_and_read(name: str, ask: Ask) -> None:
    said = ask("cwt", name, token("cwt", name))
    claims = ear.claims_cbor(report_of("activation_whole"), issued_at=ISSUED_AT, build=BUILD)
    assert said["claims"] == _plain(claims)
    key = private_key(name)
    kid = {"hex": thumbprint.of_cose_key(key.public_key()).hex()}
    assert said["header"] == {"1": KeySigner(key).alg, "4": kid, "16": "application/eat+cwt"}


@pytest.mark.parametrize("form", ["jwt", "cwt"])
def test_the_judges_refuse_what_was_changed(form: str, ask: Ask) -> None:
    good = token(form, "ESP256")
    place = good.index(b".") + 20 if form == "jwt" else good.index(b"rats/ear")
    changed = good[:place] + (b"A" if good[place : place + 1] != b"A" else b"B") + good[place + 1 :]
    assert "claims" in ask(form, "ESP256", good)
    assert "error" in ask(form, "ESP256", changed)
    assert "error" in ask(form, "ESP256", good[:-1] + bytes([good[-1] ^ 1]))


@pytest.mark.parametrize("form", ["jwt", "cwt"])
def test_the_judges_refuse_another_key(form: str, ask: Ask) -> None:
    assert "error" in ask(form, "ESP384", token(form, "ESP256"))
