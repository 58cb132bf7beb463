# SPDX-License-Identifier: Apache-2.0
"""Timestamps over signatures of COSE seals, from the command line; OpenSSL plays the authority and judges."""

from __future__ import annotations

import subprocess
from pathlib import Path

import cbor2
import pytest

from bundlefmt import labels
from bundlefmt.bundle import Bundle as Decoded
from bundlefmt.cose import CoseSign1
from tests.cli.conftest import Bundle
from tests.test_vectors import octets, said
from tests.tools.test_renew import carried
from tests.tools.time_authority import Answering, Authority, made

KEYS = Path(__file__).parents[2] / "test-vectors" / "keys"


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    path = tmp_path / "ceremony.evb"
    path.write_bytes(octets("container_whole"))
    return path


def judged(stamps: Authority, path: Path, number: int) -> None:
    """OpenSSL accepts the timestamp over the signature with its CBOR head, and not without."""
    message = cbor2.loads(Decoded.open(path).seals[number - 1].value).value
    token, signature = message[1][labels.HDR_3161_CTT], message[3]
    stamps.judge(token, cbor2.dumps(signature))
    with pytest.raises(subprocess.CalledProcessError):
        stamps.judge(token, signature)


def test_a_seal_is_stamped_across_an_air_gap(bundle: Bundle, sealed: Path, stamps: Authority) -> None:
    before = Decoded.open(sealed)
    carried(bundle, "timestamp", sealed, stamps, "--seal", 1)
    judged(stamps, sealed, 1)
    after = Decoded.open(sealed)
    old, new = (CoseSign1.decode(each.seals[0].value) for each in (before, after))
    assert (old.protected_raw, old.payload, old.signature) == (new.protected_raw, new.payload, new.signature)
    assert after.seals[1:] == before.seals[1:]
    known = said("container_whole")["policy"]
    pins = ["--pin-piv", known["pins_piv"][0], "--pin-openpgp", known["pins_openpgp"][0]]
    judge = ["verify", sealed, *pins, "--anchor", KEYS / "tpm-root.der", "--no-trust"]
    answer = bundle(*judge, "--anchor-time", stamps.root)
    assert answer.code == 0, answer.out
    assert "Renewal Test Root (test key), seal 1 existed by 20" in answer.out
    assert bundle(*judge).code == 3  # no authority of time


def test_a_renewal_takes_over(bundle: Bundle, sealed: Path, stamps: Authority) -> None:
    carried(bundle, "timestamp", sealed, stamps, "--seal", 1)
    carried(bundle, "timestamp", sealed, stamps)
    answer = bundle("timestamp", sealed, "--seal", 1, "--request-out", sealed.with_suffix(".q"))
    assert answer.code == 1
    assert "a renewal covers seal 1" in answer.err


@pytest.mark.parametrize(("number", "words"), [(2, "is no COSE seal"), (3, "there is no seal 3")])
def test_which_seal(bundle: Bundle, sealed: Path, number: int, words: str) -> None:
    answer = bundle("timestamp", sealed, "--seal", number, "--request-out", sealed.with_suffix(".q"))
    assert answer.code == 1
    assert words in answer.err


def test_a_seal_has_one_timestamp(bundle: Bundle, sealed: Path, stamps: Authority) -> None:
    carried(bundle, "timestamp", sealed, stamps, "--seal", 1)
    answer = bundle("timestamp", sealed, "--seal", 1, "--request-out", sealed.with_suffix(".q"))
    assert answer.code == 1
    assert "seal 1 has a timestamp, and has place for one" in answer.err
    assert "hint: bundle timestamp without --seal" in answer.err


def test_an_answer_to_something_else_is_refused(bundle: Bundle, sealed: Path, stamps: Authority) -> None:
    request, response = sealed.with_suffix(".tsq"), sealed.with_suffix(".tsr")
    assert bundle("timestamp", sealed, "--request-out", request).code == 0  # of everything
    stamps.answer(request, response)
    before = sealed.read_bytes()
    answer = bundle("timestamp", sealed, "--seal", 1, "--response-in", response, "--in-place")
    assert answer.code == 1
    assert "over something else than this signature" in answer.err
    assert sealed.read_bytes() == before


def test_an_authority_of_somebody_else_is_refused(
    bundle: Bundle, sealed: Path, stamps: Authority, tmp_path: Path
) -> None:
    strange = tmp_path / "strange"
    strange.mkdir()
    request, response = sealed.with_suffix(".tsq"), sealed.with_suffix(".tsr")
    assert bundle("timestamp", sealed, "--seal", 1, "--request-out", request).code == 0
    made(strange).answer(request, response)
    options = ["--seal", 1, "--response-in", response, "-o", sealed.with_suffix(".new")]
    answer = bundle("timestamp", sealed, *options, "--anchor-time", stamps.root)
    assert answer.code == 1
    assert "seal.timestamp" in answer.err
    assert bundle("timestamp", sealed, *options).code == 0


def test_sealed_and_stamped_at_once(
    bundle: Bundle, tmp_path: Path, sealed: Path, server: tuple[str, Answering]
) -> None:
    url, answering = server
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    subject = ["-days", "30", "-subj", "/CN=Seal Stamping Test (test key)"]
    answering.stamps.openssl(*request, *subject, "-keyout", key, "-out", certificate)
    answer = bundle(
        "seal",
        sealed,
        "--with",
        f"file:{key}",
        "--cert",
        certificate,
        "--timestamp",
        url,
        "--in-place",
    )
    assert answer.code == 0, answer.err
    judged(answering.stamps, sealed, 3)


def test_an_openpgp_seal_has_no_place_for_one(bundle: Bundle, sealed: Path) -> None:
    answer = bundle("seal", sealed, "--with", "gpg:x", "--timestamp", "http://x.invalid", "--in-place")
    assert answer.code == 2
    assert "no place for a timestamp" in answer.err


def test_the_clock_of_the_verifier_counts(bundle: Bundle, sealed: Path, stamps: Authority) -> None:
    carried(bundle, "timestamp", sealed, stamps, "--seal", 1)
    judge = ["verify", sealed, "--anchor-time", stamps.root, "--no-trust", "-v"]
    assert "seal.timestamp" in bundle(*judge).out
    late = bundle(*judge, "--now", "2060-01-01T00:00:00Z")
    assert "not renewed in good time" in late.out
    assert "not renewed in good time" not in bundle(*judge).out
