# SPDX-License-Identifier: Apache-2.0
"""Statements of real YubiKeys lead to the known roots and say what their sources say of them.

There is no OpenPGP statement in the corpus: those are tried with certificates of the project's own.
"""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
from pathlib import Path
from typing import Final

import pytest
from asn1crypto import csr
from cryptography.x509 import load_pem_x509_csr

from bundlefmt import labels
from bundlefmt.errors import MalformedError
from bundlefmt.evidence.certificate import Certificate, CertificateError
from bundlefmt.evidence.chain import Chain, Purpose, Relaxations, find_chain
from bundlefmt.evidence.x509 import certificate_spki, key_spki
from bundlefmt.evidence.yubico import Statement, attesting_firmware, is_statement
from tests.conftest import Need
from tests.evidence import yubikey_corpus as yubikeys
from tests.provenance import Provenance, cases

FILES: Final = yubikeys.files()
# attestation keys of early firmware, whose certificates do not say that they are authorities
UNCONSTRAINED: Final = {"piv-go/InvalidChain.json", "piv-go/ValidChain2018.json"}
_FIELDS: Final = re.compile(r"valid_(\d)_(\d)_(\d)_([A-Za-z]+)_([A-Za-z]+)_(Usb\w+?)_(9[acde])_")
_FORMS: Final = {"UsbCKeychain": "USB-C keychain", "UsbAKeychain": "USB-A keychain"}


def chain(leaf: Certificate, *, relaxed: bool = False) -> Chain:
    """As a verifier has it at the time of the statement, who anchors the known roots."""
    return find_chain(
        leaf.raw,
        issuers=yubikeys.issuers(),
        anchors=yubikeys.roots(),
        at=leaf.not_before,
        purpose=Purpose(),
        relaxations=Relaxations(allow_ca_without_constraints=relaxed),
    )


def test_the_known_roots_are_these_certificates(corpus: Path) -> None:
    assert corpus.is_dir()
    found = {hashlib.sha256(raw).hexdigest(): each for raw, each in yubikeys.everything().items()}
    for digest, name in labels.YUBICO_ROOTS.items():
        assert name.removesuffix(" of 2016") in str(found[digest].subject)
        assert found[digest].issuer.comparable() == found[digest].subject.comparable()


@pytest.mark.parametrize("name", FILES)
def test_a_statement_leads_to_a_known_root(corpus: Path, name: str) -> None:
    assert corpus.is_dir()
    for each in yubikeys.statements(name):
        statement = Statement.decode(each.raw)
        assert statement.encode() == each.raw
        assert statement.slot in {"9a", "9c"}
        if name in UNCONSTRAINED:
            with pytest.raises(CertificateError, match="no basic constraints"):
                chain(each)
        found = chain(each, relaxed=name in UNCONSTRAINED).certificates
        # the two tiers of 2024 came with firmware 5.7, whose first devices have the old root
        assert len(found) == 3 or (len(found) == 5 and statement.firmware >= (5, 7, 0))
        assert attesting_firmware(found[1]) in {None, statement.firmware}
        assert not any(is_statement(above) for above in found[1:])


@pytest.mark.parametrize("name", FILES)
def test_openssl_agrees(corpus: Path, part: Need, tmp_path: Path, name: str) -> None:
    """On the chain that is found: openssl does not go back where two authorities have one name, as here."""
    assert corpus.is_dir()
    part("openssl")
    for number, each in enumerate(yubikeys.statements(name)):
        leaf = yubikeys.pem_file(tmp_path / f"{number}.pem", each.raw)
        *above, root = chain(each, relaxed=name in UNCONSTRAINED).certificates[1:]
        between = yubikeys.pem_file(tmp_path / "between.pem", *(one.raw for one in above))
        trusted = yubikeys.pem_file(tmp_path / "root.pem", root.raw)
        command = ["openssl", "verify", "-attime", str(each.not_before), "-CAfile", trusted]
        done = subprocess.run(
            [*command, "-untrusted", between, leaf], capture_output=True, text=True, check=False
        )
        assert done.returncode == (2 if name in UNCONSTRAINED else 0), done.stderr


@pytest.mark.parametrize(
    "case", cases("yubikey", "docker-tuf/*Slot9C*", "sigstore-root-signing/*_key_cert.pem"), ids=str
)
def test_the_serial_number_is_the_one_of_the_ceremony(corpus: Path, case: Provenance) -> None:
    """Those who held these ceremonies named files by the devices' serial numbers."""
    assert corpus.is_dir()
    (each,) = yubikeys.statements(case.file)
    statement = Statement.decode(each.raw)
    assert str(statement.serial) in case.file
    assert statement.slot == "9c"
    assert statement.fips == case.file.startswith("docker-tuf/")


@pytest.mark.parametrize("case", cases("yubikey", "sigstore-root-signing/*_pubkey.pem"), ids=str)
def test_the_attested_key_is_the_published_one(corpus: Path, case: Provenance) -> None:
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    assert corpus.is_dir()
    (each,) = yubikeys.statements(case.file.replace("_pubkey", "_key_cert"))
    published = load_pem_public_key(yubikeys.read(case.file))
    assert certificate_spki(each) == key_spki(published)


@pytest.mark.parametrize("case", cases("yubikey", "tamemycerts/embedded/0[24]-*"), ids=str)
def test_the_fields_are_those_that_the_source_tests(corpus: Path, case: Provenance) -> None:
    assert corpus.is_dir()
    assert case.basis == "source-test"
    (each,) = yubikeys.statements(case.file)
    match = _FIELDS.search(case.file)
    assert match is not None
    major, minor, patch, pin, touch, form, slot = match.groups()
    said = Statement.decode(each.raw)
    assert (said.firmware, said.slot) == ((int(major), int(minor), int(patch)), slot)
    assert said.describe().endswith(f"{_FORMS[form]}, PIN {pin.lower()}, touch {touch.lower()}")
    request = load_pem_x509_csr(yubikeys.read(case.file))
    assert certificate_spki(each) == key_spki(request.public_key())


@pytest.mark.parametrize("case", cases("yubikey", "powershellYK/*attestioncertificate.cer"), ids=str)
def test_the_slot_and_series_that_the_source_tests(corpus: Path, case: Provenance) -> None:
    assert corpus.is_dir()
    assert "slot 9a" in case.expected
    (each,) = yubikeys.statements(case.file)
    said = Statement.decode(each.raw)
    assert (said.slot, said.fips) == ("9a", "FIPS true" in case.expected)


@pytest.mark.parametrize("case", cases("yubikey", "tamemycerts/embedded/06-*"), ids=str)
def test_what_the_source_denies_is_no_statement(corpus: Path, case: Provenance) -> None:
    """The request has the extension in which a statement should be, with something else in it."""
    assert corpus.is_dir()
    assert case.expected.startswith("must be rejected")
    text = yubikeys.read(case.file)
    request = csr.CertificationRequest.load(base64.b64decode(re.sub(rb"-----[A-Z ]+-----", b"", text)))
    (extensions,) = [
        each["values"][0]
        for each in request["certification_request_info"]["attributes"]
        if each["type"].native == "extension_request"
    ]
    (value,) = [
        bytes(each["extn_value"].contents)
        for each in extensions
        if each["extn_id"].dotted == f"{labels.OID_YUBICO}.3.11"
    ]
    with pytest.raises(MalformedError):
        Statement.decode(value)


@pytest.mark.parametrize("case", cases("yubikey", "piv-go/*Chain*.json"), ids=str)
def test_the_pairs_of_statement_and_attestation_key(corpus: Path, case: Provenance) -> None:
    """As their source judges them, whose tests allow attestation keys without basic constraints."""
    assert corpus.is_dir()
    assert case.basis == "source-test"
    given = yubikeys.case(case.file)
    (device,), (statement,) = (yubikeys.inside(given[name].encode()) for name in ("deviceCert", "keyCert"))

    def judged() -> Chain:
        return find_chain(
            statement.raw,
            issuers=[device.raw],
            anchors=yubikeys.roots(),
            at=statement.not_before,
            purpose=Purpose(),
            relaxations=Relaxations(allow_ca_without_constraints=True),
        )

    if given["ok"]:
        assert len(judged().certificates) == 3
    else:
        with pytest.raises(CertificateError, match="signature does not verify with the key of"):
            judged()


def test_no_other_certificate_is_a_statement(corpus: Path) -> None:
    assert corpus.is_dir()
    others = [raw for raw, each in yubikeys.everything().items() if not is_statement(each)]
    assert len(others) > 40
    for raw in others:
        with pytest.raises(MalformedError, match="no statement of a YubiKey"):
            Statement.decode(raw)


def test_without_the_relaxation_no_statement_of_later_firmware_is_lost(corpus: Path) -> None:
    assert corpus.is_dir()
    old = [each for name in UNCONSTRAINED for each in yubikeys.statements(name)]
    assert {Statement.decode(each.raw).firmware for each in old} == {(4, 3, 7)}
