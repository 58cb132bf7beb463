# SPDX-License-Identifier: Apache-2.0
"""Renewals from the command line, by an authority that OpenSSL plays; it judges what comes of it as well."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from bundletools import authority, renewing
from bundletools.errors import DeviceError

from bundlefmt import labels
from bundlefmt.bundle import Bundle as Decoded
from bundlefmt.evidence.timestamp_exchange import TimeStampReq, granted_token
from bundlefmt.evidence.timestamp_token import TimeStampToken
from bundlefmt.renewal import Coverage, Stamp
from bundlefmt.verify import Policy, verify
from tests.cli.conftest import Bundle
from tests.conftest import Need
from tests.test_vectors import octets, policy_of, said
from tests.tools.time_authority import Answering, Authority, made


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    path = tmp_path / "ceremony.evb"
    path.write_bytes(octets("container_whole"))
    return path


@pytest.fixture
def pins() -> list[str]:
    known = said("container_whole")["policy"]
    return ["--pin-piv", known["pins_piv"][0], "--pin-openpgp", known["pins_openpgp"][0]]


def carried(bundle: Bundle, verb: str, file: Path, stamps: Authority, *options: object) -> None:
    """A renewal across an air gap: the request goes out, the answer comes in."""
    request, response = file.with_suffix(".tsq"), file.with_suffix(".tsr")
    assert bundle(verb, file, "--request-out", request, "--force", *options).code == 0
    stamps.answer(request, response)
    answer = bundle(
        verb, file, "--response-in", response, "--anchor-time", stamps.root, "--in-place", *options
    )
    assert answer.code == 0, answer.err


def stamp(path: Path, number: int) -> tuple[Stamp, Coverage, TimeStampToken]:
    found = Stamp.decode(Decoded.open(path).renewals[number].raw)
    return found, Coverage.decode(found.covers), TimeStampToken.decode(found.proof)


def test_a_timestamp_across_an_air_gap_holds(
    bundle: Bundle, sealed: Path, stamps: Authority, pins: list[str]
) -> None:
    carried(bundle, "timestamp", sealed, stamps)
    found, coverage, token = stamp(sealed, 0)
    assert coverage.alg == labels.HASH_SHA256
    assert set(coverage.content) == set(Decoded.open(sealed).content)
    stamps.judge(found.proof, found.covers)
    with pytest.raises(subprocess.CalledProcessError):
        stamps.judge(found.proof, found.covers + b"\x00")
    assert token.info.latest - token.info.generated == 1  # the accuracy that is configured
    keys = Path(__file__).parents[2] / "test-vectors" / "keys"
    judged = ["verify", sealed, *pins, "--anchor", keys / "tpm-root.der", "--no-trust"]
    answer = bundle(*judged, "--anchor-time", stamps.root)
    assert answer.code == 0, answer.out
    assert "Renewal Test Root (test key), this manifest existed by 20" in answer.out
    assert bundle(*judged).code == 3  # no authority of time


def test_renewed_three_times_each_stronger(bundle: Bundle, sealed: Path, stamps: Authority) -> None:
    for _ in range(4):
        carried(bundle, "renew", sealed, stamps, "--add", stamps.folder / "tsa.pem")
    found = [stamp(sealed, number) for number in range(4)]
    sha256, sha384, sha512 = labels.HASH_SHA256, labels.HASH_SHA384, labels.HASH_SHA512
    assert [coverage.alg for _, coverage, _ in found] == [sha256, sha384, sha512, sha512]
    for each, coverage, _ in found:
        stamps.judge(each.proof, each.covers)
        assert len(coverage.certificates) == 1
    answer = bundle("timestamp", sealed, "--hash", "sha256", "--request-out", sealed.with_suffix(".q"))
    assert answer.code == 1
    assert "hint: without --hash" in answer.err


def test_a_list_is_told_from_a_certificate(bundle: Bundle, sealed: Path, stamps: Authority) -> None:
    (stamps.folder / "index").write_text("")
    (stamps.folder / "ca.cnf").write_text("[ca]\ndefault_ca=x\n[x]\ndatabase=index\ndefault_md=sha256\n")
    crl = ["-gencrl", "-keyfile", "root.key", "-cert", "root.pem", "-crldays", "30", "-out", "crl.pem"]
    stamps.openssl("ca", "-config", "ca.cnf", *crl)
    stamps.openssl("crl", "-in", "crl.pem", "-outform", "DER", "-out", "crl.der")
    carried(bundle, "renew", sealed, stamps, "--add", stamps.folder / "crl.der", "--add", stamps.root)
    _, coverage, _ = stamp(sealed, 0)
    assert (len(coverage.certificates), len(coverage.revocation)) == (1, 1)
    der = (stamps.folder / "crl.der").read_bytes()
    assert coverage.revocation == (der,)
    both, cut = stamps.folder / "both.pem", stamps.folder / "cut.pem"
    pem = (stamps.folder / "crl.pem").read_bytes()
    both.write_bytes(pem + stamps.root.read_bytes())
    cut.write_bytes(pem[:-20])
    carried(bundle, "renew", sealed, stamps, "--add", stamps.folder / "crl.pem")
    carried(bundle, "renew", sealed, stamps, "--add", both)
    assert [stamp(sealed, number)[1].revocation for number in (1, 2)] == [(der,), (der,)]
    assert [len(stamp(sealed, number)[1].certificates) for number in (1, 2)] == [0, 1]
    answer = bundle("renew", sealed, "--add", cut, "--request-out", sealed.with_suffix(".q"))
    assert (answer.code, "a revocation list that is cut short" in answer.err) == (2, True)
    answer = bundle(
        "renew", sealed, "--add", stamps.folder / "tsa.key", "--request-out", sealed.with_suffix(".q")
    )
    assert answer.code == 2
    assert "SECRET" in answer.err


# --- refused --------------------------------------------------------------------------------------------


def test_an_answer_to_something_else_is_refused(bundle: Bundle, sealed: Path, stamps: Authority) -> None:
    request, response = sealed.with_suffix(".tsq"), sealed.with_suffix(".tsr")
    assert bundle("timestamp", sealed, "--request-out", request).code == 0
    stamps.answer(request, response)
    other = sealed.with_name("other.evb")
    other.write_bytes(octets("container_cose-esp384"))
    before = other.read_bytes()
    answer = bundle("timestamp", other, "--response-in", response, "--in-place")
    assert answer.code == 1
    assert "over something else than what is in this bundle now" in answer.err
    assert "hint: give what --add gave to the request" in answer.err
    assert other.read_bytes() == before


def test_an_authority_of_somebody_else_is_refused(
    bundle: Bundle, sealed: Path, stamps: Authority, tmp_path: Path
) -> None:
    strange = tmp_path / "strange"
    strange.mkdir()
    request, response = sealed.with_suffix(".tsq"), sealed.with_suffix(".tsr")
    assert bundle("timestamp", sealed, "--request-out", request).code == 0
    made(strange).answer(request, response)
    options = ["--response-in", response, "-o", sealed.with_suffix(".new")]
    answer = bundle("timestamp", sealed, *options, "--anchor-time", stamps.root)
    assert answer.code == 1
    assert "renewal.chain" in answer.err
    assert bundle("timestamp", sealed, *options).code == 0


def test_a_certificate_named_by_sha1_is_refused(
    bundle: Bundle, sealed: Path, part: Need, tmp_path: Path
) -> None:
    part("openssl")
    folder = tmp_path / "old"
    folder.mkdir()
    request, response = sealed.with_suffix(".tsq"), sealed.with_suffix(".tsr")
    assert bundle("timestamp", sealed, "--request-out", request).code == 0
    made(folder, ess="sha1").answer(request, response)
    answer = bundle("timestamp", sealed, "--response-in", response, "--in-place")
    assert answer.code == 1
    assert "SHA-1" in answer.err


def test_a_refusal_is_told(bundle: Bundle, sealed: Path, stamps: Authority) -> None:
    request, response = sealed.with_suffix(".tsq"), sealed.with_suffix(".tsr")
    request.write_bytes(b"\x30\x03\x02\x01\x07")
    stamps.answer(request, response)
    answer = bundle("timestamp", sealed, "--response-in", response, "--in-place")
    assert answer.code == 1
    assert answer.err.startswith("error: the authority gave no timestamp: rejection")


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--url", "http://x.invalid", "--request-out", "x"],
        ["--response-in", "x"],
        ["--request-out", "x", "-o", "y"],
        ["--request-out", "x", "--hash", "md5"],
    ],
)
def test_usage(bundle: Bundle, sealed: Path, options: list[str]) -> None:
    assert bundle("timestamp", sealed, *options).code == 2


# --- the request ----------------------------------------------------------------------------------------


def test_openssl_reads_the_request(stamps: Authority, tmp_path: Path) -> None:
    decoded = Decoded.decode(octets("container_whole"))
    for alg in renewing.STRENGTH:
        covered = renewing.coverage(decoded, alg, renewing.Material())
        asked = renewing.request(covered, nonce=2**63)
        path = tmp_path / "request"
        path.write_bytes(asked.encode())
        done = subprocess.run(
            ["openssl", "ts", "-query", "-in", str(path), "-text"], check=True, capture_output=True, text=True
        )
        assert f"Hash Algorithm: {labels.HASH_NAMES[alg]}" in done.stdout
        assert "Nonce: 0x8000000000000000" in done.stdout
        assert "Certificate required: yes" in done.stdout
        assert TimeStampReq.decode(asked.encode()) == asked


# --- the network ----------------------------------------------------------------------------------------


def test_an_authority_on_the_network(bundle: Bundle, sealed: Path, server: tuple[str, Answering]) -> None:
    url, answering = server
    answer = bundle("timestamp", sealed, "--url", url, "--anchor-time", answering.stamps.root, "--in-place")
    assert answer.code == 0, answer.err
    found, _, token = stamp(sealed, 0)
    answering.stamps.judge(found.proof, found.covers)
    assert token.info.nonce is not None


def test_an_old_answer_is_refused(bundle: Bundle, sealed: Path, server: tuple[str, Answering]) -> None:
    url, answering = server
    request, response = sealed.with_suffix(".tsq"), sealed.with_suffix(".tsr")
    assert bundle("timestamp", sealed, "--request-out", request).code == 0
    answering.stamps.answer(request, response)
    answering.body = response.read_bytes()
    answer = bundle("timestamp", sealed, "--url", url, "--in-place")
    assert answer.code == 1
    assert "nonce" in answer.err


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"status": 500}, "answers 500"),
        ({"status": 302, "body": b""}, "answers 302"),
        ({"kind": "text/html", "body": b"<html>"}, "text/html"),
        ({"body": bytes(2**20 + 1)}, "more than 1048576 bytes"),
    ],
)
def test_what_is_no_answer(server: tuple[str, Answering], changes: dict[str, object], words: str) -> None:
    url, answering = server
    for name, value in changes.items():
        setattr(answering, name, value)
    with pytest.raises(DeviceError, match=words):
        authority.ask(
            url, TimeStampReq(imprint=renewing.MessageImprint(hash="sha256", digest=bytes(32))).encode()
        )


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://x.invalid", "x", "http://127.0.0.1:1/"])
def test_who_cannot_be_asked(url: str) -> None:
    with pytest.raises(DeviceError):
        authority.ask(url, b"", timeout=1)


def test_the_token_is_taken_from_a_response_or_as_it_is(stamps: Authority, tmp_path: Path) -> None:
    decoded = Decoded.decode(octets("container_whole"))
    covered = renewing.coverage(decoded, labels.HASH_SHA256, renewing.Material())
    (tmp_path / "q").write_bytes(renewing.request(covered, nonce=None).encode())
    stamps.answer(tmp_path / "q", tmp_path / "r")
    token = granted_token((tmp_path / "r").read_bytes())
    assert granted_token(token) == token
    renewed = renewing.renewed(decoded, covered, renewing.token_of(token))
    assert len(renewed.renewals) == 1
    report = verify(renewed, policy_of(said("container_whole")["policy"]))
    assert [each.basis.value for each in report.conclusions if each.id == "time.existed"] == ["unproven"]
    assert Policy().anchors_time == ()
