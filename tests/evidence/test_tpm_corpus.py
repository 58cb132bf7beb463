# SPDX-License-Identifier: Apache-2.0
"""TPM structures that others took from real TPMs: all are read to the last octet, and signatures verify.

What the provenance calls inferred is read but never asserted.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_public_key

from bundlefmt.errors import Code, MalformedError
from bundlefmt.evidence.attest import TpmsAttest
from bundlefmt.evidence.attested import AttestType, TpmsCertifyInfo, TpmsCreationInfo, TpmsQuoteInfo
from bundlefmt.evidence.certificate import CertificateError
from bundlefmt.evidence.chain import Purpose, find_chain
from bundlefmt.evidence.creation import TpmsCreationData
from bundlefmt.evidence.credential import TpmsIdObject
from bundlefmt.evidence.ek_template import recognised
from bundlefmt.evidence.tpm import TpmtPublic, digest, qualified_name, unwrap_tpm2b
from bundlefmt.evidence.tpm_algorithm import TpmAlg
from bundlefmt.evidence.tpm_signature import (
    EccSignature,
    RsaSignature,
    SignatureMismatchError,
    TpmtSignature,
)
from bundlefmt.wire import Reader
from tests.evidence.tpm_keys import public_of
from tests.provenance import ABSENT, Provenance, cases

Piece = tuple[type[TpmtPublic] | type[TpmsAttest] | type[TpmtSignature] | type[TpmsCreationData], bytes]
# COSE algorithm -> scheme and hash
COSE: Final = {
    -257: (TpmAlg.RSASSA, TpmAlg.SHA256),
    -65535: (TpmAlg.RSASSA, TpmAlg.SHA1),
    -7: (TpmAlg.ECDSA, TpmAlg.SHA256),
}


def plain(data: bytes) -> Any:
    return json.loads(data)


def of_azure(data: bytes) -> Iterator[Piece]:
    whole = plain(data)
    message = (whole.get("quote") or whole.get("tpm_quote") or whole)["message"]
    yield TpmsAttest, bytes.fromhex(message) if isinstance(message, str) else bytes(message)


def of_go_attestation(data: bytes) -> Iterator[Piece]:
    whole = plain(data)
    ak, quote = whole["AK"], whole["Quote"]
    yield TpmtPublic, base64.b64decode(ak["Public"])
    yield TpmsCreationData, base64.b64decode(ak["CreateData"])
    yield TpmsAttest, base64.b64decode(ak["CreateAttestation"])
    yield TpmtSignature, base64.b64decode(ak["CreateSignature"])
    yield TpmsAttest, base64.b64decode(quote["Quote"])
    yield TpmtSignature, base64.b64decode(quote["Signature"])


def of_trust_authority(data: bytes) -> Iterator[Piece]:
    quote = plain(data)["evidence"]["quote"]
    yield TpmsAttest, base64.b64decode(quote["quote_data"])
    yield TpmtSignature, base64.b64decode(quote["signature"])


def of_vaportpm(data: bytes) -> Iterator[Piece]:
    yield TpmsAttest, bytes.fromhex(plain(data)["attestation"]["tpm"]["ecc_p256"]["attest_data"])


def of_webauthn(data: bytes) -> Iterator[Piece]:
    statement = plain(data)["attStmt"]
    yield TpmtPublic, bytes.fromhex(statement["pubArea"])
    yield TpmsAttest, bytes.fromhex(statement["certInfo"])


PIECES: Final[dict[str, Callable[[bytes], Iterator[Piece]]]] = {
    "azure-cvm/az-snp-vtpm/evidence-*.json": of_azure,
    "azure-cvm/az-snp-vtpm/tpm-quote-v1.json": of_azure,
    "azure-cvm/az-snp-vtpm/tpm-quote.msg": lambda data: iter([(TpmsAttest, data)]),
    "cmc/validQuote.bin": lambda data: iter([(TpmsAttest, data)]),
    "cmc/*Signature.bin": lambda data: iter([(TpmtSignature, data)]),
    "global-trust-authority/*.json": of_trust_authority,
    "go-attestation/*.json": of_go_attestation,
    "keylime-test-data/?k.pub": lambda data: iter([(TpmtPublic, unwrap_tpm2b(data))]),
    "keylime-test-data/quote.out": lambda data: iter([(TpmsAttest, data)]),
    "keylime-test-data/quotesig.out": lambda data: iter([(TpmtSignature, data)]),
    "vaportpm/*.json": of_vaportpm,
    "webauthn-tpm/*.json": of_webauthn,
}
# written by hand for the WebAuthn specification, with clock 11111111, resetCount 22222222 and safe 33
SYNTHETIC: Final = "webauthn-tpm/webauthn-01.json"
QUOTES: Final = [case for case in cases("quotes", *PIECES) if case.file != SYNTHETIC]
WEBAUTHN: Final = [case for case in cases("quotes", "webauthn-tpm/*.json") if case.file != SYNTHETIC]
HIRS: Final = cases("ek", "hirs/tpm2/*.pub")


@pytest.mark.parametrize("case", QUOTES, ids=str)
def test_quotes_are_read(corpus: Path, case: Provenance) -> None:
    data = (corpus / "quotes" / case.file).read_bytes()
    pieces = [of for pattern, of in PIECES.items() if fnmatch(case.file, pattern)]
    read = list(pieces[0](data))
    assert read
    for structure, octets in read:
        assert structure.decode(octets).encode() == octets


@pytest.mark.parametrize("case", HIRS, ids=str)
def test_public_areas_are_read(corpus: Path, case: Provenance) -> None:
    octets = (corpus / "ek" / case.file).read_bytes()
    public = TpmtPublic.decode(octets)
    assert public.encode() == octets
    assert public.public_key().key_size == 2048
    assert recognised(public) == ("L-1" if case.file.endswith("ek.pub") else None)


def test_a_name_taken_beside_the_public_area(corpus: Path) -> None:
    # the Name in hirs/tpm2 is of another key than the public area beside it: libtss2 computes what we do
    keylime = corpus / "quotes/keylime-test-data"
    public = TpmtPublic.decode(unwrap_tpm2b((keylime / "ak.pub").read_bytes()))
    assert public.name() == (keylime / "ak.name").read_bytes()
    assert public.public_key() == load_pem_public_key((keylime / "akpub.pem").read_bytes())


def _signature(alg: int, octets: bytes) -> TpmtSignature:
    """A signature in the form of WebAuthn (raw for RSA, DER for ECDSA) in a TPM's form."""
    scheme, hash_alg = COSE[alg]
    if scheme == TpmAlg.RSASSA:
        return TpmtSignature(alg=scheme, signature=RsaSignature(hash=hash_alg, sig=octets))
    r, s = decode_dss_signature(octets)
    made = EccSignature(hash=hash_alg, r=r.to_bytes(32, "big"), s=s.to_bytes(32, "big"))
    return TpmtSignature(alg=scheme, signature=made)


def test_no_tpm_made_this(corpus: Path) -> None:
    (public, area), (attest, octets) = of_webauthn((corpus / "quotes" / SYNTHETIC).read_bytes())
    assert public.decode(area).encode() == area
    with pytest.raises(MalformedError) as caught:
        attest.decode(octets)
    assert (caught.value.code, caught.value.offset) == (Code.BAD_VALUE, 58)
    assert octets[58] == 0x33


@pytest.mark.parametrize("case", WEBAUTHN, ids=str)
def test_webauthn(corpus: Path, case: Provenance) -> None:
    statement = plain((corpus / "quotes" / case.file).read_bytes())["attStmt"]
    public = TpmtPublic.decode(bytes.fromhex(statement["pubArea"]))
    attest = TpmsAttest.decode(bytes.fromhex(statement["certInfo"]))
    assert attest.type == AttestType.CERTIFY
    assert isinstance(attest.attested, TpmsCertifyInfo)
    assert "attested name == hash(pubArea)" in case.checked
    assert attest.attested.name == public.name()
    assert "signature over certInfo verifies with x5c[0]" in case.checked
    key = x509.load_der_x509_certificate(bytes.fromhex(statement["x5c"][0])).public_key()
    signature = _signature(statement["alg"], bytes.fromhex(statement["sig"]))
    signature.verify(public_of(key), attest.raw)
    with pytest.raises(SignatureMismatchError):
        signature.verify(public_of(key), attest.raw + b"\0")


def _only(file: str) -> Provenance:
    return cases("quotes", file)[0]


def test_cmc(corpus: Path) -> None:
    """All that the source's own test says: which signature, nonce, PCR values and authority are right."""
    folder = corpus / "quotes/cmc"
    assert {case.basis for case in cases("quotes", "cmc/*")} == {"source-test"}
    told = plain((folder / "case.json").read_bytes())
    assert set(told["expect"].values()) == {"success", "fail"}
    ak = x509.load_pem_x509_certificate((folder / "validAk.pem").read_bytes())
    attest = TpmsAttest.decode((folder / "validQuote.bin").read_bytes())
    TpmtSignature.decode((folder / "validSignature.bin").read_bytes()).verify(
        public_of(ak.public_key()), attest.raw
    )
    with pytest.raises(SignatureMismatchError):
        TpmtSignature.decode((folder / "invalidSignature.bin").read_bytes()).verify(
            public_of(ak.public_key()), attest.raw
        )
    assert attest.extra_data == bytes.fromhex(told["nonce"])
    assert attest.extra_data != bytes.fromhex(told["bad_nonce"])
    assert isinstance(attest.attested, TpmsQuoteInfo)
    assert attest.attested.selected == ((TpmAlg.SHA256, 1), (TpmAlg.SHA256, 4))
    for summary, right in (("validArtifactsSummary", True), ("invalidArtifactsSummary", False)):
        values = {each["pcr"]: bytes.fromhex(each["sha256"][0]) for each in told[summary]}
        joined = b"".join(values[index] for _, index in attest.attested.selected)
        assert (digest(TpmAlg.SHA256, joined) == attest.attested.pcr_digest) is right


@pytest.mark.parametrize(("authority", "right"), [("validCa.pem", True), ("invalidCaTpm.pem", False)])
def test_the_authority_of_cmc(corpus: Path, authority: str, right: bool) -> None:
    folder = corpus / "quotes/cmc"
    ak, anchor = (
        x509.load_pem_x509_certificate((folder / name).read_bytes()) for name in ("validAk.pem", authority)
    )
    at = int(ak.not_valid_before_utc.timestamp())
    terms = {"issuers": [], "anchors": [anchor.public_bytes(Encoding.DER)], "at": at, "purpose": Purpose()}
    if right:
        chain = find_chain(ak.public_bytes(Encoding.DER), **terms)  # type: ignore[arg-type] # its keywords
        assert len(chain.certificates) == 2
    else:
        with pytest.raises(CertificateError, match="is neither an anchor nor given"):
            find_chain(ak.public_bytes(Encoding.DER), **terms)  # type: ignore[arg-type] # its keywords


def test_keylime(corpus: Path) -> None:
    folder = corpus / "quotes/keylime-test-data"
    assert "signature verifies" in _only("keylime-test-data/quote.out").checked
    ak = TpmtPublic.decode(unwrap_tpm2b((folder / "ak.pub").read_bytes()))
    attest = TpmsAttest.decode((folder / "quote.out").read_bytes())
    TpmtSignature.decode((folder / "quotesig.out").read_bytes()).verify(ak, attest.raw)
    assert isinstance(attest.attested, TpmsQuoteInfo)
    assert attest.attested.selected == ((0x0B, 15), (0x0B, 16), (0x0B, 22))


def test_a_credential_in_the_form_of_the_tools(corpus: Path) -> None:
    reader = Reader((corpus / "quotes/keylime-test-data/mkcred.out").read_bytes())
    assert reader.read(8) == bytes.fromhex("badcc0de00000001")
    blob, secret = reader.sized(), reader.sized()
    reader.finish()
    assert TpmsIdObject.decode(blob).encode() == blob
    assert len(TpmsIdObject.decode(blob).integrity_hmac) == 32
    assert len(secret) == 256


def test_go_attestation(corpus: Path) -> None:
    case = _only("go-attestation/windows_gcp_shielded_vm.json")
    assert case.basis == "source-test"
    whole = plain((corpus / "quotes" / case.file).read_bytes())
    ak, quote = whole["AK"], whole["Quote"]
    public = TpmtPublic.decode(base64.b64decode(ak["Public"]))
    creation = TpmsCreationData.decode(base64.b64decode(ak["CreateData"]))
    statement = TpmsAttest.decode(base64.b64decode(ak["CreateAttestation"]))
    TpmtSignature.decode(base64.b64decode(ak["CreateSignature"])).verify(public, statement.raw)
    assert statement.attested == TpmsCreationInfo(
        object_name=public.name(), creation_hash=creation.creation_hash(public.name_alg)
    )
    signer = qualified_name(creation.parent_qualified_name, public.name())
    assert statement.qualified_signer == signer
    quoted = TpmsAttest.decode(base64.b64decode(quote["Quote"]))
    TpmtSignature.decode(base64.b64decode(quote["Signature"])).verify(public, quoted.raw)
    assert quoted.qualified_signer == signer
    assert isinstance(quoted.attested, TpmsQuoteInfo)
    assert [index for _, index in quoted.attested.selected] == list(range(24))
    values = {each["Index"]: base64.b64decode(each["Digest"]) for each in whole["Log"]["PCRs"]}
    joined = b"".join(values[index] for _, index in quoted.attested.selected)
    assert public.scheme_hash is not None
    assert quoted.attested.pcr_digest == digest(public.scheme_hash, joined)


def test_vaportpm(corpus: Path) -> None:
    case = _only("vaportpm/test-gcp-amd-fixture.json")
    whole = plain((corpus / "quotes" / case.file).read_bytes())
    assert "ECDSA P-256 sig, nonce and pcrDigest (24 PCRs sha256) all match" in case.checked
    point, made = whole["ak_pubkeys"]["ecc_p256"], whole["attestation"]["tpm"]["ecc_p256"]
    numbers = ec.EllipticCurvePublicNumbers(int(point["x"], 16), int(point["y"], 16), ec.SECP256R1())
    attest = TpmsAttest.decode(bytes.fromhex(made["attest_data"]))
    signature = _signature(-7, bytes.fromhex(made["signature"]))
    signature.verify(public_of(numbers.public_key()), attest.raw)
    assert attest.extra_data == bytes.fromhex(whole["nonce"])
    assert isinstance(attest.attested, TpmsQuoteInfo)
    pcrs = whole["pcrs"]["sha256"]
    joined = b"".join(bytes.fromhex(pcrs[str(index)]) for _, index in attest.attested.selected)
    assert attest.attested.pcr_digest == digest(TpmAlg.SHA256, joined)


def test_the_corpus_has_enough(corpus: Path) -> None:
    assert ABSENT not in QUOTES
    assert len(QUOTES) > 20
