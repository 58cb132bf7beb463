# SPDX-License-Identifier: Apache-2.0
"""Our seals before pycose and cwt, and theirs before us; what both let pass and we refuse."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from bundlefmt import labels
from bundlefmt.cose import CoseSign1, KeySigner, SignatureError, Signer, hash_envelope, sign1
from tests.conftest import Need
from tests.cose_keys import NUMBERS, Rs256Signer, private_key

ROOT: Final = Path(__file__).resolve().parents[2]
PYTHON: Final = ROOT / ".venv-judges" / "bin" / "python"

OLD: Final = ("ES256", "ES384", "ES512", "EdDSA", "PS256", "RS256")
FULLY_SPECIFIED: Final = ("ESP256", "ESP384", "ESP512", "Ed25519")
# what each judge knows of what we accept; the rest is tried too, and must be refused
KNOWN: Final[dict[str, tuple[str, ...]]] = {"pycose": OLD, "cwt": (*OLD, *FULLY_SPECIFIED)}
PAIRS: Final = [(judge, name) for judge, names in KNOWN.items() for name in names]
UNKNOWN: Final = [(judge, name) for judge in KNOWN for name in NUMBERS if name not in KNOWN[judge]]

Job = dict[str, Any]
Ask = Callable[[Job], Job]


@pytest.fixture(scope="module")
def ask(part: Need) -> Ask:
    """Puts one job to the judges; `judge_cose.py` says what a job is."""
    part(PYTHON)

    def run(job: Job) -> Job:
        done = subprocess.run(
            [PYTHON, Path(__file__).with_name("judge_cose.py")],
            input=json.dumps(job),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        result = json.loads(done.stdout)
        assert isinstance(result, dict)
        return result

    return run


@dataclass(frozen=True)
class Named:
    """The signer for an algorithm by any of its ids; some judges know the deprecated ones only."""

    name: str

    @property
    def alg(self) -> int:
        return NUMBERS[self.name]

    def sign(self, message: bytes) -> bytes:
        inner: Signer = Rs256Signer() if self.name == "RS256" else KeySigner(private_key(self.name))
        return inner.sign(message)


def seal(name: str) -> CoseSign1:
    return hash_envelope(
        Named(name),
        b"the bytes of a manifest",
        content_type=labels.MANIFEST_MEDIA_TYPE,
        typ=labels.SEAL_TYP,
        issued_at=1_700_000_000,
        issuer="Test Operator (test key)",
        subject="a ceremony",
        identity={labels.HDR_X5T: [labels.HASH_SHA256, bytes(32)]},
    )


def verdict(ask: Ask, judge: str, name: str, message: CoseSign1) -> Job:
    public = private_key(name).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return ask(
        {
            "judge": judge,
            "task": "verify",
            "alg": NUMBERS[name],
            "key": public.decode(),
            "data": message.encode().hex(),
        }
    )


@pytest.mark.parametrize(("judge", "name"), PAIRS)
def test_they_verify_our_seals(ask: Ask, judge: str, name: str) -> None:
    message = seal(name)
    answer = verdict(ask, judge, name, message)
    assert answer["ok"], answer["error"]
    changed = CoseSign1(
        protected_raw=message.protected_raw,
        unprotected={},
        payload=bytes(32),
        signature=message.signature,
    )
    assert not verdict(ask, judge, name, changed)["ok"]


@pytest.mark.parametrize(("judge", "name"), UNKNOWN)
def test_they_know_no_more(ask: Ask, judge: str, name: str) -> None:
    assert not verdict(ask, judge, name, seal(name))["ok"]


@pytest.mark.parametrize(("judge", "name"), PAIRS)
def test_we_verify_theirs(ask: Ask, judge: str, name: str) -> None:
    key = private_key(name)
    answer = ask(
        {
            "judge": judge,
            "task": "sign",
            "alg": NUMBERS[name],
            "key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
            "payload": b"payload".hex(),
        }
    )
    message = CoseSign1.decode(bytes.fromhex(answer["data"]))
    assert (message.payload, message.protected) == (b"payload", {labels.HDR_ALG: NUMBERS[name]})
    message.verify(key.public_key())
    changed = CoseSign1(
        protected_raw=message.protected_raw,
        unprotected=message.unprotected,
        payload=b"Payload",
        signature=message.signature,
    )
    with pytest.raises(SignatureError, match="does not verify"):
        changed.verify(key.public_key())


@pytest.mark.parametrize("judge", KNOWN)
def test_unlike_them_we_refuse_an_unknown_critical_label(ask: Ask, judge: str) -> None:
    message = sign1(Named("ES256"), {labels.HDR_CRIT: [-70_000], -70_000: "obey me"}, b"payload")
    assert verdict(ask, judge, "ES256", message)["ok"]
    with pytest.raises(SignatureError, match="critical header parameter -70000 is not understood"):
        message.verify(private_key("ES256").public_key())
