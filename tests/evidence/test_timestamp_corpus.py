# SPDX-License-Identifier: Apache-2.0
"""Tokens that authorities in the world have made: read, verified, and judged by OpenSSL beside."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from bundlefmt.errors import MalformedError
from bundlefmt.evidence.certificate import Certificate, CertificateError
from bundlefmt.evidence.timestamp_exchange import granted_token
from bundlefmt.evidence.timestamp_token import TimeStampToken
from bundlefmt.evidence.x509 import split_pem
from tests.conftest import Need
from tests.provenance import Provenance, cases

TOKENS: Final = cases("timestamps", "*.tsr", "*.p7s", "*.tsq")
BUNDLES: Final = cases("timestamps", "sigstore-conformance/*/bundle.sigstore.json")
# what the source refuses for a reason that is not looked at here, or accepts without asking for a signature
OTHERWISE: Final = {
    "response-injected-certs.tsr": "its source pins a name; here the certificate is the one that is signed",
    "TimeStampTokenWithSigningTime.p7s": "its source reads the signing time; the signature is broken",
    "TimeStampTokenWithoutSigningCertificateV2IssuerSerial.p7s": "as above, of the certificate's identifier",
}


def read(path: Path) -> TimeStampToken:
    return TimeStampToken.decode(granted_token(path.read_bytes()))


def others(path: Path) -> list[bytes]:
    """The certificates beside a response, out of band."""
    beside = path.with_name("ts_chain.pem")
    return split_pem(beside.read_bytes()) if beside.exists() else []


def verified(token: TimeStampToken, beside: list[bytes]) -> Certificate:
    """Who signed. Raises CertificateError, MalformedError; LookupError without a certificate."""
    wanted = token.signer.certificate_id()
    raw = next((each for each in (*token.certificates, *beside) if wanted.fits(each)), None)
    if raw is None:
        raise LookupError("no certificate")
    certificate = Certificate.decode(raw)
    token.verify(certificate)
    return certificate


def fault(path: Path) -> str:
    """Why it does not verify; empty where it does."""
    try:
        verified(read(path), others(path))
    except (MalformedError, CertificateError, LookupError) as error:
        return str(error)
    return ""


def openssl_accepts(path: Path, folder: Path) -> bool:
    """OpenSSL's view of the signature, with no chain asked for."""
    (folder / "token").write_bytes(granted_token(path.read_bytes()))
    (folder / "beside.pem").write_text("".join(map(pem, others(path))))
    beside = ["-certfile", "beside.pem"] if others(path) else []
    command = ["openssl", "cms", "-verify", "-noverify", "-binary", "-inform", "DER", "-in", "token"]
    done = subprocess.run([*command, *beside, "-out", "said"], check=False, capture_output=True, cwd=folder)
    return done.returncode == 0


def pem(der: bytes) -> str:
    text = base64.encodebytes(der).decode()
    return f"-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----\n"


@pytest.mark.parametrize("case", TOKENS, ids=str)
def test_as_its_source_says(corpus: Path, case: Provenance) -> None:
    path = corpus / "timestamps" / case.file
    found = fault(path)
    if case.basis != "source-test" or path.name in OTHERWISE:
        return
    if "must FAIL" in case.expected:
        assert found
    elif "only if TSA cert is supplied" in case.expected:
        assert found == "" or found == "no certificate"
    else:
        assert found == ""


@pytest.mark.parametrize("case", TOKENS, ids=str)
def test_what_is_accepted_openssl_accepts(corpus: Path, case: Provenance, part: Need, tmp_path: Path) -> None:
    part("openssl")
    path = corpus / "timestamps" / case.file
    assert fault(path) or openssl_accepts(path, tmp_path)


def test_what_is_refused_otherwise_is_refused_for_that(corpus: Path) -> None:
    found = {path.name: path for path in (corpus / "timestamps").rglob("*") if path.name in OTHERWISE}
    assert found.keys() == OTHERWISE.keys()
    injected = found["response-injected-certs.tsr"]
    token = read(injected)
    assert len(token.certificates) > 1
    assert Certificate.decode(token.certificates[0]).raw != verified(token, []).raw
    for name in OTHERWISE.keys() - {injected.name}:
        assert "signature does not verify" in fault(found[name])


@pytest.mark.parametrize("case", TOKENS, ids=str)
def test_cut_short_and_trailing(corpus: Path, case: Provenance) -> None:
    data = (corpus / "timestamps" / case.file).read_bytes()
    for changed in (data[:-1], data + b"\x00", data[: len(data) // 2]):
        with pytest.raises(MalformedError):
            TimeStampToken.decode(granted_token(changed))


def tokens_of(bundle: Any) -> list[bytes]:
    material = bundle["verificationMaterial"].get("timestampVerificationData") or {}
    return [base64.b64decode(each["signedTimestamp"]) for each in material.get("rfc3161Timestamps", ())]


@pytest.mark.parametrize("case", BUNDLES, ids=str)
def test_tokens_in_bundles_of_others(corpus: Path, case: Provenance) -> None:
    path = corpus / "timestamps" / case.file
    trusted = json.loads(path.with_name("trusted_root.json").read_text("utf-8"))
    known = [
        base64.b64decode(each["rawBytes"])
        for authority in trusted.get("timestampAuthorities", ())
        for each in authority["certChain"]["certificates"]
    ]
    tokens = tokens_of(json.loads(path.read_text("utf-8")))
    assert tokens
    for response in tokens:
        token = TimeStampToken.decode(granted_token(response))
        assert verified(token, known).raw
