# SPDX-License-Identifier: Apache-2.0
"""Certificates of endorsement and attestation keys: rules in a test PKI, and every real one in the corpus."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from asn1crypto import core
from asn1crypto import x509 as asn1
from cryptography import x509 as other
from cryptography.hazmat.primitives.asymmetric import rsa

from bundlefmt.errors import MalformedError
from bundlefmt.evidence import x509
from bundlefmt.evidence.certificate import Certificate, CertificateError
from bundlefmt.evidence.chain import STRICT, Chain, Purpose, Relaxations, find_chain
from bundlefmt.evidence.ek_certificate import (
    AK_OR_EK_PURPOSE,
    AK_PURPOSE,
    EK_PURPOSE,
    Deviation,
    ak_faults,
    ek_faults,
)
from bundlefmt.evidence.tpm_in_certificate import VENDORS, TpmName, describe, tpm_name
from bundlefmt.evidence.x509_signature import load_key
from tests.evidence import corpus_certificates as real
from tests.evidence.pki import certificate, constraints, ek_extensions, key, rsa_key, spki, tlv, usage
from tests.evidence.pki import tpm_name as names
from tests.provenance import CORPUS

RSA_EK, EC_EK = rsa_key(20), key(20)


def faults(subject: str = "", private: rsa.RSAPrivateKey | None = None, **changes: object) -> list[str]:
    """The faults of an EK certificate for an EC key, or `private`, with other extensions."""
    extensions = ek_extensions(**changes)  # type: ignore[arg-type] # passed on
    data = certificate(subject, "I", private or EC_EK, key(1), extensions=extensions)
    return [fault.message for fault in ek_faults(Certificate.decode(data))]


ENCIPHER, AGREE = (usage("key_encipherment"), True), (usage("key_agreement"), True)


def test_sound_certificates() -> None:
    assert faults() == []
    assert faults(private=RSA_EK, usage=ENCIPHER) == []
    assert faults(usage=(usage("key_agreement", "data_encipherment"), False)) == []


def test_key_usage_is_that_of_the_kind_of_key() -> None:
    assert faults(usage=None) == ["no key usage; keyAgreement is needed"]
    assert faults(usage=ENCIPHER) == ["key usage keyEncipherment; keyAgreement is needed"]
    assert faults(private=RSA_EK) == ["key usage keyAgreement; keyEncipherment is needed"]
    assert faults(private=RSA_EK, usage=None) == ["no key usage; keyEncipherment is needed"]


@pytest.mark.parametrize("bit", ["digital_signature", "content_commitment", "key_cert_sign", "crl_sign"])
def test_an_endorsement_key_does_not_sign(bit: str) -> None:
    assert [
        "an endorsement key does not sign" in each
        for each in faults(usage=(usage("key_agreement", bit), True))
    ] == [True]


def test_it_is_no_authority() -> None:
    assert faults(constraints=None) == ["no basic constraints"]
    assert faults(constraints=constraints()) == ["the certificate is that of an authority"]


MAKER, MODEL, VERSION = ("1", "id:49465800"), ("2", "SLB9670"), ("3", "id:0755")


@pytest.mark.parametrize(
    "attributes",
    [
        (MAKER, MODEL),
        (MODEL, VERSION),
        (MAKER, VERSION),
        (MAKER, MAKER, MODEL, VERSION),
        (MAKER, ("2", "A"), ("2", "B"), VERSION),
    ],
)
def test_it_names_its_tpm_once(attributes: tuple[tuple[str, str], ...]) -> None:
    assert [
        "does not name manufacturer, model and version" in each
        for each in faults(names=(names(*attributes), True))
    ] == [True]


def test_another_kind_of_name_is_no_name_of_a_tpm() -> None:
    dns = other.SubjectAlternativeName([other.DNSName("example.org")])
    assert ["does not name" in each for each in faults(names=(dns, True))] == [True]
    assert ["does not name" in each for each in faults(names=None)] == [True]


def test_the_name_is_critical_where_the_subject_is_empty() -> None:
    assert faults(names=(names(), False)) == ["the subject is empty and subjectAltName is not critical"]
    assert faults("TPM", names=(names(), False)) == []


def test_names_that_are_broken_are_malformed() -> None:
    broken = other.UnrecognizedExtension(other.ObjectIdentifier("2.5.29.17"), bytes.fromhex("3004a4023101"))
    with pytest.raises(MalformedError):
        faults(names=(broken, True))
    data = certificate("", "I", EC_EK, key(1), extensions=ek_extensions(names=(broken, True)))
    assert describe(Certificate.decode(data))["TPM"].startswith("cannot be read: ")


def test_attestation_keys_sign() -> None:
    def found(*bits: str) -> list[str]:
        extensions = [constraints(ca=False), *([(usage(*bits), True)] if bits else [])]
        return [
            f.message
            for f in ak_faults(
                Certificate.decode(certificate("A", "I", EC_EK, key(1), extensions=extensions))
            )
        ]

    assert found("digital_signature") == found() == []
    assert found("key_agreement") == ["key usage keyAgreement; digitalSignature is needed"]


@pytest.mark.parametrize(
    ("manufacturer", "words"),
    [
        ("id:494E5443", "id:494E5443 (INTC, Intel)"),
        ("id:53544D20", "id:53544D20 (STM, STMicroelectronics)"),
        ("id:414D4400", "id:414D4400 (AMD)"),
        ("id:58595A00", "id:58595A00 (XYZ)"),
        ("id:00001014", "id:00001014"),
        ("id:FFFFF1D0", "id:FFFFF1D0"),
        ("id:XYZ", "id:XYZ"),
        ("INTC", "INTC"),
    ],
)
def test_manufacturers_in_words(manufacturer: str, words: str) -> None:
    assert TpmName(manufacturer=manufacturer, model="", version="", critical=True).vendor() == words


def test_vendor_ids_are_as_a_tpm_gives_them() -> None:
    assert all(2 <= len(code) <= 4 and code.isalnum() and code == code.upper() for code in VENDORS)


def test_facts_for_inspection() -> None:
    data = certificate("", "I", EC_EK, key(1), extensions=ek_extensions())
    assert describe(Certificate.decode(data)) == {
        "TPM manufacturer": "id:54455354 (TEST)",
        "TPM model": "Test TPM",
        "TPM version": "id:00010000",
    }
    assert describe(Certificate.decode(certificate("A", "I", EC_EK, key(1)))) == {}


# --- keys -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("oid", ["rsaes_oaep", "rsassa_pss"])
def test_an_rsa_key_is_compared_whatever_it_is_named_for(oid: str) -> None:
    plain = asn1.Certificate.load(certificate("A", "I", RSA_EK, key(1)))
    plain["tbs_certificate"]["subject_public_key_info"]["algorithm"]["algorithm"] = oid
    named = plain.dump(force=True)
    assert named != certificate("A", "I", RSA_EK, key(1))
    assert x509.facts(named).spki == spki(RSA_EK)


def test_a_key_of_no_known_kind_is_compared_as_it_stands() -> None:
    data = certificate("A", "I", EC_EK, key(1)).replace(
        bytes.fromhex("2a8648ce3d0201"), bytes.fromhex("2a8648ce3d0209")
    )
    assert x509.facts(data).spki == Certificate.decode(data).spki
    with pytest.raises(CertificateError, match="the key cannot be read"):
        x509.public_key(data)


@pytest.mark.parametrize(("modulus", "exponent"), [(-5, 3), (5, -3), (0, 3), (2**2048 + 1, 2)], ids=range(4))
def test_numbers_that_are_no_rsa_key(modulus: int, exponent: int) -> None:
    numbers = core.Integer(modulus).dump() + core.Integer(exponent).dump()
    algorithm = bytes.fromhex("300d06092a864886f70d0101010500")
    info = tlv(0x30, algorithm, tlv(0x03, b"\x00", tlv(0x30, numbers)))
    with pytest.raises(CertificateError, match="the key cannot be read"):
        load_key(info)


# --- real certificates ------------------------------------------------------------------------------

DAY = 86_400
SHA1, NO_USAGE = Relaxations(allow_sha1=True), Relaxations(allow_missing_usage=True)
SOUND: frozenset[Deviation] = frozenset()
STM_SHA1 = (frozenset({Deviation.KEY_USAGE}), SHA1)
# file -> how it leaves the profile, and the relaxations under which its chain is found (None: by none)
EK: dict[str, tuple[frozenset[Deviation], Relaxations | None]] = {
    "keylime-embedded/nuvoton_malformed_ek.der": (SOUND, STRICT),
    "keylime-embedded/st_ecdsa_sha256_der.der": (SOUND, STRICT),
    "paccor/ek.crt": (SOUND, STRICT),
    "swtpm/ek-rsa2048.crt": (SOUND, STRICT),
    "swtpm/ek-secp384r1.crt": (SOUND, STRICT),
    "gce/uca_tpm_rsa_enc_cert.pem": (SOUND, STRICT),
    "gce/uca_tpm_ecc_enc_cert.pem": (SOUND, STRICT),
    "gce/pca_tpm_rsa_enc_cert.pem": (frozenset({Deviation.TPM_NAME}), NO_USAGE),
    "gce/pca_tpm_ecc_enc_cert.pem": (frozenset({Deviation.TPM_NAME}), NO_USAGE),
    "hirs/certificates/nuc-1/ek_cert_7_byte_header_removed.cer": STM_SHA1,
    "hirs/certificates/nuc-1/tpmcert.pem": STM_SHA1,
    "hirs/certificates/nuc-2/tpmcert.pem": STM_SHA1,
    "paccor/ek.cer": STM_SHA1,
    "paccor/TCG_EK_ecc_p384_P-384_Test.pem": (frozenset({Deviation.KEY_USAGE}), None),  # issuer not there
    "hirs/ci/.ci/setup/certs/ek_cert.der": (frozenset({Deviation.TPM_NAME}), None),  # 2041 bits
}
AK: dict[str, tuple[Purpose, Relaxations]] = {
    "gce/pca_tpm_rsa_sign_cert.pem": (AK_OR_EK_PURPOSE, NO_USAGE),
    "gce/pca_tpm_ecc_sign_cert.pem": (AK_OR_EK_PURPOSE, NO_USAGE),
    "gce/uca_tpm_rsa_sign_cert.pem": (AK_OR_EK_PURPOSE, STRICT),
    "gce/uca_tpm_ecc_sign_cert.pem": (AK_OR_EK_PURPOSE, STRICT),
}
OTHERS = {"hirs/ci/.ci/setup/certs/RimSignCert.pem", "keylime-embedded/iak_der.der"}  # of no EK and no AK


def only(corpus: Path, file: str) -> Certificate:
    (data,) = real.in_file(corpus / "ek" / file)
    return Certificate.decode(data)


def chain(leaf: Certificate, purpose: Purpose, relaxations: Relaxations) -> Chain:
    issuers, anchors = real.above(leaf)
    return find_chain(
        leaf.raw,
        issuers=issuers,
        anchors=anchors,
        at=leaf.not_before + DAY,
        purpose=purpose,
        relaxations=relaxations,
    )


@pytest.mark.parametrize("file", EK)
def test_real_ek_certificates(corpus: Path, file: str) -> None:
    deviations, relaxations = EK[file]
    leaf = only(corpus, file)
    assert {fault.deviation for fault in ek_faults(leaf)} == deviations
    if relaxations is not STRICT:
        with pytest.raises(CertificateError):
            chain(leaf, EK_PURPOSE, STRICT)
    if relaxations is not None:
        assert len(chain(leaf, EK_PURPOSE, relaxations).certificates) >= 2
    if Deviation.TPM_NAME not in deviations:
        assert tpm_name(leaf) is not None
    with pytest.raises(CertificateError):
        chain(leaf, AK_PURPOSE, STRICT)


@pytest.mark.parametrize("file", AK)
def test_real_ak_certificates(corpus: Path, file: str) -> None:
    purpose, relaxations = AK[file]
    leaf = only(corpus, file)
    assert list(ak_faults(leaf)) == []
    assert len(chain(leaf, purpose, relaxations).certificates) == 3
    with pytest.raises(CertificateError):
        chain(leaf, AK_PURPOSE, STRICT)
    assert Deviation.SIGNING in {fault.deviation for fault in ek_faults(leaf)}


def _leaves() -> Iterator[str]:
    for path in real.files("ek"):
        found = [real.readable().get(data) for data in real.in_file(path)]
        bounds = [each.basic_constraints() for each in found if each is not None]
        if any(each is None or not each.ca for each in bounds):
            yield path.relative_to(CORPUS / "ek").as_posix()


def test_no_real_leaf_is_left_out(corpus: Path) -> None:
    assert set(_leaves()) == {*EK, *AK, *OTHERS}


def test_an_stm_key_named_for_oaep_is_compared(corpus: Path) -> None:
    """Its modulus, taken from the certificate by another reader."""
    leaf = only(corpus, "paccor/ek.cer")
    info = asn1.PublicKeyInfo.load(leaf.spki)
    assert info["algorithm"]["algorithm"].native == "rsaes_oaep"
    numbers = core.Sequence.load(info["public_key"].contents[1:])
    loaded = x509.public_key(leaf.raw)
    assert isinstance(loaded, rsa.RSAPublicKey)
    assert loaded.public_numbers().n == numbers[0].native
    assert x509.facts(leaf.raw).spki == x509.key_spki(loaded)


def test_a_certificate_with_the_header_of_its_nv_index_is_refused(corpus: Path) -> None:
    data = (corpus / "ek/hirs/certificates/nuc-1/ek_cert_untouched.cer").read_bytes()
    with pytest.raises(CertificateError, match="not one DER certificate"):
        x509.load(data)


@pytest.mark.parametrize("file", ["AMD-fTPM-ECC-ICA-PHXFamily.crt", "AMD-fTPM-RSA-ICA-PHXFamily.crt"])
def test_a_line_end_behind_a_sound_certificate_is_refused(corpus: Path, file: str) -> None:
    data = (corpus / "ek/tpm-ca-certificates" / file).read_bytes()
    with pytest.raises(CertificateError, match="trailing-bytes"):
        x509.load(data)
    leaf = Certificate.decode(data[:-1])
    issuers, anchors = real.above(leaf)
    assert find_chain(leaf.raw, issuers=issuers, anchors=anchors, at=leaf.not_before, purpose=Purpose())


def test_attribute_certificates_are_told_apart(corpus: Path) -> None:
    told = 0
    for path in [
        *(corpus / "ek/go-attestation-attributecert").glob("*.cer"),
        *(corpus / "ek/hirs/ci").rglob("laptop_*.crt"),
    ]:
        with pytest.raises(CertificateError, match="an attribute certificate: it has no key"):
            x509.load(path.read_bytes())
        told += 1
    assert told >= 5


WEBAUTHN = sorted((CORPUS / "quotes/webauthn-tpm").glob("*.json")) or [Path("corpus-absent")]


@pytest.mark.parametrize("path", WEBAUTHN, ids=lambda path: path.stem)
def test_attestation_keys_of_webauthn(corpus: Path, path: Path) -> None:
    """AK certificates of Windows' and of test authorities; the last certificate of each is its anchor."""
    row = [Certificate.decode(bytes.fromhex(text)) for text in _x5c(json.loads(path.read_text("utf-8")))]
    assert list(ak_faults(row[0])) == []
    assert tpm_name(row[0]) is not None
    given = {"issuers": [each.raw for each in row[1:-1]], "at": row[0].not_before + 60}
    if len(row) == 1:
        pytest.skip("no issuer is beside it")
    anchors = [row[-1].raw]
    assert find_chain(row[0].raw, anchors=anchors, purpose=AK_PURPOSE, **given)  # type: ignore[arg-type] # as above
    with pytest.raises(CertificateError, match=r"2\.23\.133\.8\.1 is needed"):
        find_chain(row[0].raw, anchors=anchors, purpose=EK_PURPOSE, **given)  # type: ignore[arg-type] # as above


def _x5c(value: object) -> list[str]:
    if isinstance(value, dict):
        if "x5c" in value:
            return [str(each) for each in value["x5c"]]
        return next((found for each in value.values() if (found := _x5c(each))), [])
    return []


YUBIKEYS = sorted((CORPUS / "yubikey/piv-go").glob("*.json")) or [Path("corpus-absent")]


@pytest.mark.parametrize("path", YUBIKEYS, ids=lambda path: path.stem)
def test_yubikey_statements(corpus: Path, path: Path) -> None:
    """The same search serves hardware attestation; the YubiKey of 2018 needs the relaxation made for it."""
    case = json.loads(path.read_text("utf-8"))
    statement, device = (x509.split_pem(case[name].encode())[0] for name in ("keyCert", "deviceCert"))
    leaf = Certificate.decode(statement)
    _, anchors = real.above(Certificate.decode(device))

    def found(**relaxations: bool) -> Chain:
        return find_chain(
            statement,
            issuers=[device],
            anchors=anchors,
            at=leaf.not_before + DAY,
            purpose=Purpose(),
            relaxations=Relaxations(**relaxations),
        )

    if not case["ok"]:
        with pytest.raises(CertificateError, match="signature does not verify"):
            found(allow_ca_without_constraints=True)
    elif "2018" in path.stem:
        with pytest.raises(CertificateError, match="has no basic constraints"):
            found()
        assert len(found(allow_ca_without_constraints=True).certificates) == 3
    else:
        assert len(found().certificates) == 3
