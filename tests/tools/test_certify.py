# SPDX-License-Identifier: Apache-2.0
"""What an identity's key says of the other keys: from the command line, judged by verifier and openssl."""

from __future__ import annotations

import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest
from bundletools import crossing, issuing
from bundletools.capture import Identity
from bundletools.issuing import Issuer, IssuingError
from bundletools.sealing import seal_cose
from bundletools.token_certificate import Validity, self_signed_ca
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, rsa

from bundlefmt.bundle import Bundle as Decoded
from bundlefmt.cose import KeySigner, PrivateKey
from bundlefmt.evidence.certificate import Certificate, KeyUsage
from bundlefmt.evidence.own_extension import OpenPgpKeyName, TpmBinding
from bundlefmt.evidence.x509 import certificate_spki, key_spki
from bundlefmt.verify import Basis, Outcome, Verdict
from tests.cli.conftest import Bundle
from tests.conftest import Need
from tests.evidence.yubikey_corpus import pem_file
from tests.tools.conftest import Capture, Operator, certificate
from tests.tools.test_seal import keyring, new_key
from tests.vectorgen import openpgp
from tests.vectorgen.ceremonies import ak, ek, key

__all__ = ["keyring"]  # the fixture

NOW = int(time.time())
VALIDITY = Validity(start=NOW - 60, end=NOW + 86400)
KINDS = {
    "ecc256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ecc384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "rsa2048": lambda: rsa.generate_private_key(65537, 2048),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
}


def authority(private: PrivateKey, *, validity: Validity = VALIDITY) -> Issuer:
    """A self-signed identity that may issue."""
    signer = KeySigner(private)
    made = self_signed_ca(signer, private.public_key(), "Tools Test CA (test key)", validity)  # type: ignore[arg-type] # a kind that tokens have
    return Issuer(certificate=made, signer=signer)


def binding(issuer: Issuer, validity: Validity = VALIDITY) -> bytes:
    return issuing.tpm_binding(
        issuer, "Test", key=key().public, ek=ek().public, ak=ak().public, validity=validity
    )


def crossing_of(issuer: Issuer, validity: Validity = VALIDITY) -> bytes:
    return issuing.openpgp_cross(issuer, "Test", openpgp.OPERATOR.encode(), validity=validity)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_issued(kind: str, part: Need, tmp_path: Path) -> None:
    """By every kind of key that a token has; openssl takes both certificates at its strictest."""
    part("openssl")
    issuer = authority(KINDS[kind]())
    said = TpmBinding.of(Certificate.decode(binding(issuer)))
    assert said == TpmBinding(
        ek_spki=key_spki(ek().public.public_key()), ak_name=ak().name, key_name=key().name
    )
    named = OpenPgpKeyName.of(Certificate.decode(crossing_of(issuer)))
    assert named.fingerprint == openpgp.OPERATOR.fingerprint
    anchor = pem_file(tmp_path / "ca.pem", issuer.certificate)
    for der, subject in (
        (binding(issuer), key().public.public_key()),
        (crossing_of(issuer), openpgp.OPERATOR.primary.secret.public_key()),
    ):
        found = Certificate.decode(der)
        assert certificate_spki(found) == key_spki(subject)
        assert found.key_usage() == KeyUsage.digitalSignature
        constraints = found.basic_constraints()
        assert constraints is not None
        assert not constraints.ca
        leaf = pem_file(tmp_path / "leaf.pem", der)
        subprocess.run(["openssl", "verify", "-x509_strict", "-CAfile", anchor, leaf], check=True)


def test_two_certificates_have_two_serial_numbers() -> None:
    issuer = authority(KINDS["ecc256"]())
    assert Certificate.decode(binding(issuer)).serial != Certificate.decode(binding(issuer)).serial


def test_who_may_not_issue() -> None:
    private = KINDS["ecc256"]()
    plain = Issuer(certificate=certificate(private), signer=KeySigner(private))
    with pytest.raises(IssuingError, match="no authority"):
        binding(plain)
    issuer = authority(private)
    for start, end in ((VALIDITY.start - 1, VALIDITY.end), (VALIDITY.start, VALIDITY.end + 1)):
        with pytest.raises(IssuingError, match="would end before"):
            crossing_of(issuer, Validity(start=start, end=end))
    usage = {bit: bit == "crl_sign" for bit in issuing._NO_USAGE}
    limited = _with_usage(private, x509.KeyUsage(digital_signature=True, **usage))
    with pytest.raises(IssuingError, match="may not issue"):
        binding(Issuer(certificate=limited, signer=KeySigner(private)))


def _with_usage(private: ec.EllipticCurvePrivateKey, usage: x509.KeyUsage) -> bytes:
    from tests.vectorgen import certificates

    constraints = certificates.authority()[0]
    return certificates.certificate(
        "Test",
        private.public_key(),
        "Test",
        private,
        validity=(VALIDITY.start, VALIDITY.end),
        extensions=(constraints, (usage, True)),
    )


def test_a_key_that_cannot_be_certified() -> None:
    issuer = authority(KINDS["ecc256"]())
    with pytest.raises(IssuingError, match="cannot be certified here"):
        unusual = mldsa.MLDSA65PrivateKey.generate().public_key()
        issuer.issue("Test", unusual, ("2.25.1", b"\x05\x00"), VALIDITY)


# --- a bundle that nobody has sealed -----------------------------------------------------------------------


@pytest.fixture
def holder(captured: Capture, operator: Operator, keyring: Path) -> tuple[Decoded, Issuer, str]:
    """An unsealed capture for one person with two keys, the X.509 one and the OpenPGP fingerprint."""
    fingerprint = new_key()
    exported = subprocess.run(["gpg", "--export", fingerprint], check=True, capture_output=True).stdout
    issuer = authority(operator.key)
    identities = [
        Identity(data=exported, role="openpgp-certificate", part="operator"),
        Identity(data=issuer.certificate, role="piv-certificate", part="operator"),
    ]
    return captured(identities=identities).bundle, issuer, fingerprint


def test_the_whole_way(
    holder: tuple[Decoded, Issuer, str], operator: Operator, bundle: Bundle, tmp_path: Path
) -> None:
    """capture, certify twice, seal twice, verify: every identity check passes and every sentence holds."""
    unsealed, issuer, fingerprint = holder
    file = tmp_path / "ceremony.evb"
    file.write_bytes(unsealed.encode())
    ca = pem_file(tmp_path / "ca.pem", issuer.certificate)
    secret = tmp_path / "ca.key"
    secret.write_bytes(_pem(operator.key))
    by_gpg, by_file = f"gpg:{fingerprint}", f"file:{secret}"
    done = bundle("certify", file, "--in-place", "--with", by_gpg)
    assert (done.code, done.out) == (0, f"{file}: operator.piv.cross added\n")
    done = bundle("certify", file, "--in-place", "--with", by_file, "--cert", ca)
    assert (done.code, done.out) == (0, f"{file}: key.cert, operator.openpgp.cross added\n")
    assert bundle("seal", file, "--in-place", "--with", by_gpg).code == 0
    assert bundle("seal", file, "--in-place", "--with", by_file, "--cert", ca).code == 0
    sealed = Decoded.decode(file.read_bytes())
    known = replace(operator, certificate=issuer.certificate)
    report = known.judge(sealed, pins_openpgp=frozenset({fingerprint}))
    assert report.verdict is Verdict.PASSED
    bases = {each.id: each.basis for each in report.conclusions}
    assert bases["identity.crossed"] is bases["key.bound"] is Basis.PROVEN
    for check in ("cross.form", "cross.signature", "cross.key", "binding.key", "binding.contents"):
        assert {each.outcome for each in report.of(check)} == {Outcome.PASSED}
    # what is sealed stays
    again = bundle("certify", file, "--in-place", "--with", by_gpg)
    assert again.code == 2
    assert "the bundle is sealed" in again.err
    assert file.read_bytes() == sealed.encode()


def _pem(private: ec.EllipticCurvePrivateKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_the_tpms_statements_stay_as_they_are(holder: tuple[Decoded, Issuer, str]) -> None:
    unsealed, issuer, _ = holder
    certified = crossing.by_x509(unsealed, issuer, validity=VALIDITY)
    assert certified.manifest.binding == unsealed.manifest.binding
    before = {label: bytes(record.value) for label, record in unsealed.content.items()}
    after = {label: bytes(record.value) for label, record in certified.content.items()}
    assert {label: after[label] for label in before} == before
    assert set(after) - set(before) == {"key.cert", "operator.openpgp.cross"}


def test_what_is_there_already(holder: tuple[Decoded, Issuer, str]) -> None:
    unsealed, issuer, _ = holder
    certified = crossing.by_x509(unsealed, issuer, validity=VALIDITY)
    with pytest.raises(IssuingError, match=r"there is an item operator\.openpgp\.cross already"):
        crossing.by_x509(certified, issuer, validity=VALIDITY)


def test_a_stranger_has_nothing_to_say(holder: tuple[Decoded, Issuer, str]) -> None:
    unsealed, _, _ = holder
    stranger = authority(KINDS["ecc256"]())
    with pytest.raises(IssuingError, match=r"does not name this X\.509 certificate"):
        crossing.by_x509(unsealed, stranger, validity=VALIDITY)
    with pytest.raises(IssuingError, match="does not name the OpenPGP key"):
        crossing.by_openpgp(unsealed, openpgp.OPERATOR.fingerprint, openpgp.OPERATOR.sign)


def test_an_identity_of_another_part_is_let_be(captured: Capture, operator: Operator) -> None:
    """A witness's OpenPGP key is not the operator's: nobody is certified as somebody else's other half."""
    issuer = authority(operator.key)
    identities = [
        Identity(data=openpgp.OPERATOR.encode(), role="openpgp-certificate", part="witness"),
        Identity(data=issuer.certificate, role="piv-certificate", part="operator"),
    ]
    unsealed = captured(identities=identities).bundle
    certified = crossing.by_x509(unsealed, issuer, validity=VALIDITY)
    assert set(certified.manifest.items) - set(unsealed.manifest.items) == {"key.cert"}
    with pytest.raises(IssuingError, match=r"no X\.509 identity of the same part"):
        crossing.by_openpgp(unsealed, openpgp.OPERATOR.fingerprint, openpgp.OPERATOR.sign)


def test_several_of_one_part_are_not_guessed(captured: Capture, operator: Operator) -> None:
    issuer = authority(operator.key)
    identities = [
        Identity(data=openpgp.OPERATOR.encode(), role="openpgp-certificate", part="operator"),
        Identity(data=openpgp.WITNESS.encode(), role="openpgp-certificate", part="operator"),
        Identity(data=issuer.certificate, role="piv-certificate", part="operator"),
    ]
    with pytest.raises(IssuingError, match=r"several identities play the part of operator\.piv"):
        crossing.by_x509(captured(identities=identities).bundle, issuer, validity=VALIDITY)


def test_seals_hold_over_what_was_added(holder: tuple[Decoded, Issuer, str], operator: Operator) -> None:
    unsealed, issuer, _ = holder
    certified = crossing.by_x509(unsealed, issuer, validity=VALIDITY)
    sealed = seal_cose(certified, KeySigner(operator.key), issuer.certificate, issued_at=NOW)
    report = replace(operator, certificate=issuer.certificate).judge(sealed)
    assert {each.outcome for each in report.of("binding.chain")} == {Outcome.PASSED}


@pytest.mark.parametrize(("arguments", "words"), [
    (("--with", "gpg:x"), "say where to write the bundle"),
    (("--in-place", "--with", "pigeon:x"), "is no signer"),
    (("--in-place", "--with", "file:"), "is no signer"),
    (("--in-place", "--with", "file:ca.key"), "file: needs the key's certificate"),
    (("--in-place", "--with", "gpg:x", "--cert", "ca.pem"), "file: needs the key's certificate"),
])  # fmt: skip
def test_usage(bundle: Bundle, tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    file = tmp_path / "any.evb"
    file.write_bytes(b"not looked at")
    done = bundle("certify", file, *arguments)
    assert done.code == 2
    assert words in done.err
    assert file.read_bytes() == b"not looked at"
