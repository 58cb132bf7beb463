# SPDX-License-Identifier: Apache-2.0
"""Hardware attestation judged: real statements by their own roots, and what forgers try with sound ones."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from cryptography import x509 as other
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from bundlefmt import labels
from bundlefmt.evidence.certificate import Certificate
from bundlefmt.evidence.x509_signature import load_key
from bundlefmt.verify import Outcome, Report
from tests.evidence import yubikey_corpus as yubikeys
from tests.evidence.test_yubico_corpus import FILES, UNCONSTRAINED
from tests.vectorgen import certificates, keys, openpgp, sealing, vendor
from tests.vectorgen.ceremonies import snapshot
from tests.vectorgen.ceremony import Ceremony, fixed
from tests.vectorgen.certificates import tlv
from tests.vectorgen.judged_hardware import attested, of, piv
from tests.verify.judging import broken, concluded, finding, report

PIV, OPENPGP = "operator.piv.attestation", "operator.openpgp.attestation"
HARDWARE: Final = "identity.hardware"
CHECKS: Final = tuple(f"hardware.{name}" for name in ("form", "chain", "key", "origin"))


# --- real devices ---------------------------------------------------------------------------------------


def real(statement: Certificate, issuers: list[bytes], key: object = None) -> Ceremony:
    """A snapshot beside a real statement, and a certificate of the project's own for the attested key."""
    public = load_key(statement.spki) if key is None else key
    assert isinstance(public, rsa.RSAPublicKey | ec.EllipticCurvePublicKey)
    holder = certificates.certificate(
        "Evidence Bundle Test Holder (test key)", public, "Issuer", keys.ec_key("Issuer")
    )
    refs = {"subject": "holder.piv", "issuer": [f"issuer{n}" for n in range(len(issuers))]}
    ceremony = snapshot().having("holder.piv", fixed("piv-certificate", holder))
    for number, issuer in enumerate(issuers):
        ceremony = ceremony.having(f"issuer{number}", fixed("attestation-issuer", issuer))
    return ceremony.having("holder.attestation", fixed("piv-attestation", statement.raw, refs))


def judged_hardware(found: Report) -> dict[str, Outcome]:
    return {check: finding(found, check, "holder.attestation")[0] for check in CHECKS}


@pytest.mark.parametrize("name", FILES)
def test_a_real_statement_under_a_pinned_root(corpus: Path, name: str) -> None:
    """The known roots' digests are pinned, and the roots are in the bundle."""
    assert corpus.is_dir()
    pins = frozenset(map(bytes.fromhex, labels.YUBICO_ROOTS))
    for each in yubikeys.statements(name):
        ceremony = real(each, [*yubikeys.issuers(), *yubikeys.roots()])
        fields = {
            "pins_hardware": pins,
            "at": each.not_before,
            "allow_ca_without_constraints": name in UNCONSTRAINED,
        }
        found = report(ceremony, **fields)
        assert judged_hardware(found) == dict.fromkeys(CHECKS, Outcome.PASSED)
        assert "; the root is known as Yubico" in finding(found, "hardware.chain", "holder.attestation")[1]
        # nobody sealed with that key
        assert concluded(found, HARDWARE)[0] == "unproven"
        unpinned = report(ceremony, **{**fields, "pins_hardware": frozenset()})
        assert judged_hardware(unpinned)["hardware.chain"] is Outcome.INDETERMINATE


@pytest.mark.parametrize("name", FILES[:3])
def test_a_real_statement_about_another_key(corpus: Path, name: str) -> None:
    assert corpus.is_dir()
    (each, *_) = yubikeys.statements(name)
    other_key = keys.ec_key("somebody else's").public_key()
    found = report(real(each, yubikeys.issuers(), other_key), anchors_hardware=tuple(yubikeys.roots()))
    assert judged_hardware(found)["hardware.key"] is Outcome.FAILED


def test_early_firmware_needs_the_relaxation(corpus: Path) -> None:
    assert corpus.is_dir()
    for name in sorted(UNCONSTRAINED):
        for each in yubikeys.statements(name):
            ceremony = real(each, yubikeys.issuers())
            found = report(ceremony, anchors_hardware=tuple(yubikeys.roots()), at=each.not_before)
            assert judged_hardware(found)["hardware.chain"] is Outcome.FAILED
            message = finding(found, "hardware.chain", "holder.attestation")[1]
            assert "issues certificates but has no basic constraints" in message


def test_another_product_of_the_vendor_is_no_device_of_this_kind(corpus: Path) -> None:
    """Its certificates lead to other roots, which are not among the known ones."""
    assert corpus.is_dir()
    everything = yubikeys.everything()
    modules = [raw for raw, each in everything.items() if "YubiHSM Root" in str(each.subject)]
    assert modules
    assert not {hashlib.sha256(raw).hexdigest() for raw in modules} & set(labels.YUBICO_ROOTS)


# --- what a reader is told -------------------------------------------------------------------------------


def test_the_conclusion_names_devices_and_advisories() -> None:
    found = report(attested())
    assert concluded(found, HARDWARE) == (
        "proven",
        "the keys that sealed were generated in devices of the anchored maker:"
        " operator.piv in YubiKey 1 (firmware 5.7.1); operator.openpgp in YubiKey 2 (firmware 5.7.1)",
    )
    old = bytes([5, 4, 3])
    ceremony = attested().changed(PIV, value=piv(firmware=old))
    found = report(ceremony.changed("device.piv", value=vendor.device("3", firmware=old)))
    basis, statement = concluded(found, HARDWARE)
    assert basis == "proven"
    assert "operator.piv in YubiKey 1 (firmware 5.4.3), YSA-2024-03 concerns it" in statement
    outcome, message = finding(found, "hardware.advisory", PIV)
    assert outcome is Outcome.SKIPPED
    assert message.startswith("reported, not judged: YSA-2024-03: ")


def test_a_root_that_nobody_knows_is_said_to_be_unknown() -> None:
    message = finding(report(attested()), "hardware.chain", PIV)[1]
    assert message.endswith("; the root is none of those known as Yubico's")


def test_what_is_claimed_decides_nothing() -> None:
    plain = report(attested())
    claiming = report(attested().changed(PIV, claimed={"slot": "9a", "serial": 7}))
    assert [each.outcome for each in plain.findings] == [each.outcome for each in claiming.findings]


def test_of_openpgp_nothing_that_the_holder_writes_is_told() -> None:
    """Neither in findings nor in conclusions."""
    name = "Somebody Else"
    made = of(openpgp.OPERATOR.primary, cardholder=tlv(0x0C, name.encode()), fingerprint=tlv(4, bytes(20)))
    found = report(attested().changed(OPENPGP, value=made))
    said = [each.message for each in found.findings] + [each.statement for each in found.conclusions]
    assert not [text for text in said if name in text or "00" * 20 in text]


# --- who sealed -------------------------------------------------------------------------------------------


def test_an_attested_key_that_did_not_seal_proves_nothing() -> None:
    """The operator's PIV seal is missing; the statement about that key is sound."""
    ceremony = attested()
    found = report(replace(ceremony, seals=ceremony.seals[1:]).under(pins_piv=()))
    assert concluded(found, HARDWARE)[0] == "proven"  # of the one who sealed
    assert "operator.piv" not in concluded(found, HARDWARE)[1]


def test_without_a_pin_no_hardware_is_anybodys() -> None:
    found = report(attested().under(pins_piv=(), pins_openpgp=()))
    assert concluded(found, HARDWARE)[0] == "unproven"


def test_a_later_witness_has_no_statement() -> None:
    """Whoever seals later is not among the items; the conclusion does not cover them silently."""
    witness = certificates.operator("p384", who="witness")
    digest = hashlib.sha256(witness.certificate).hexdigest()
    sealed = attested().sealed_also(sealing.by(witness, certificate=witness.certificate))
    assert concluded(report(sealed), HARDWARE)[0] == "proven"
    pinned = report(sealed.under(pins_piv=(*attested().terms.pins_piv, digest)))
    assert broken(pinned) == {}
    assert concluded(pinned, HARDWARE)[0] == "unproven"


# --- what forgers try -------------------------------------------------------------------------------------


def test_a_middleman_with_a_renamed_attested_key() -> None:
    """An attested key, certified by its holder under a plain name as an authority, signs a statement."""
    genuine, forger = keys.ec_key("attested p256"), keys.ec_key("forger")
    own = "YubiKey PIV Attestation 9a"
    plain = certificates.certificate(
        "Plain", forger.public_key(), own, genuine, extensions=certificates.authority()
    )
    statement = piv(by="Plain", signer=forger)
    ceremony = attested().changed(PIV, value=statement)
    ceremony = ceremony.having("plain", fixed("attestation-issuer", plain))
    ceremony = ceremony.having(
        "genuine", fixed("attestation-issuer", vendor.piv(genuine.public_key(), slot="9a"))
    )
    for relaxed in (False, True):
        found = report(ceremony.under(allow_ca_without_constraints=relaxed))
        assert broken(found) == {"hardware.chain": Outcome.FAILED}
        assert concluded(found, HARDWARE)[0] == "unproven"


def test_the_relaxation_is_for_the_key_below_the_anchor_alone() -> None:
    """Without basic constraints below an intermediate: no device has ever been like that."""
    made = vendor.device("3", is_authority=False)
    ceremony = attested().changed("device.piv", value=made).under(allow_ca_without_constraints=True)
    found = report(ceremony)
    assert broken(found) == {"hardware.chain": Outcome.FAILED}
    assert "does not stand right below an anchor" in finding(found, "hardware.chain", PIV)[1]


def test_the_attesting_key_attests_itself() -> None:
    """A piv-certificate for the device's own attestation key, and its certificate as the statement."""
    device = vendor.device("3")
    key = keys.ec_key(vendor.DEVICE["3"])
    holder = certificates.certificate("Test", key.public_key(), "Test", key)
    ceremony = snapshot().having("f9.piv", fixed("piv-certificate", holder))
    ceremony = ceremony.having("issuer", fixed("attestation-issuer", vendor.issuer()))
    refs = {"subject": "f9.piv", "issuer": "issuer"}
    found = report(ceremony.having("f9", fixed("piv-attestation", device, refs)).under(
        anchors_hardware=(vendor.ROOT_FILE,)
    ))  # fmt: skip
    assert broken(found) == {"hardware.form": Outcome.FAILED}


def test_a_pinned_certificate_that_is_withheld_leaves_a_doubt() -> None:
    pin = hashlib.sha256(vendor.root()).hexdigest()
    ceremony = attested().having("root", fixed("attestation-issuer", vendor.root()))
    ceremony = replace(ceremony.under(anchors_hardware=(), pins_hardware=(pin,)), absent=frozenset({"root"}))
    found = report(ceremony)
    assert broken(found)["hardware.chain"] is Outcome.INDETERMINATE
    assert concluded(found, HARDWARE)[0] == "unproven"


def test_a_statement_that_is_withheld() -> None:
    hidden = replace(attested(), absent=frozenset({PIV}))
    found = report(hidden)
    assert {broken(found)[check] for check in CHECKS} == {Outcome.INDETERMINATE}
    allowed = report(hidden.under(allow_withheld=True))
    assert broken(allowed) == {}
    assert concluded(allowed, HARDWARE)[0] == "unproven"


def test_more_issuers_than_can_be_looked_at() -> None:
    ceremony = attested()
    for number in range(64):
        name = f"Test {number}"
        key = keys.ec_key(name)
        made = certificates.certificate(name, key.public_key(), name, key)
        ceremony = ceremony.having(f"issuer{number}", fixed("attestation-issuer", made))
    found = report(ceremony)
    assert broken(found) == {"hardware.chain": Outcome.INDETERMINATE}


STATEMENTS: Final = {PIV: piv(), OPENPGP: of(openpgp.OPERATOR.primary), "device.piv": vendor.device("3")}


@settings(max_examples=60)
@given(data=st.data())
def test_one_byte_changed_and_sealed_again(data: st.DataObject) -> None:
    """Whoever writes the manifest cannot change one bit of what a device or its maker signed."""
    label = data.draw(st.sampled_from(sorted(STATEMENTS)))
    changed = bytearray(STATEMENTS[label])
    place = data.draw(st.integers(0, len(changed) - 1))
    changed[place] ^= data.draw(st.integers(1, 255))
    found = report(attested().changed(label, value=bytes(changed)))
    assert {check for check in broken(found) if check in CHECKS}
    assert concluded(found, HARDWARE)[0] == "unproven"


def test_the_public_key_of_every_kind_is_found() -> None:
    """RSA and elliptic curves; the statement's key is compared as a key."""
    for public in (keys.rsa_key("operator-rsa2048").public_key(), keys.ec_key("x", "p384").public_key()):
        statement = Certificate.decode(vendor.piv(public))
        ceremony = real(statement, [vendor.device("3"), vendor.issuer()], public)
        found = report(ceremony.under(anchors_hardware=(vendor.ROOT_FILE,)))
        assert judged_hardware(found) == dict.fromkeys(CHECKS, Outcome.PASSED)


def test_it_is_another_with_another_exponent() -> None:
    numbers = keys.rsa_key("operator-rsa2048").public_key().public_numbers()
    small = rsa.RSAPublicNumbers(3, numbers.n).public_key()
    statement = Certificate.decode(vendor.piv(small))
    ceremony = real(statement, [vendor.device("3"), vendor.issuer()], numbers.public_key())
    found = report(ceremony.under(anchors_hardware=(vendor.ROOT_FILE,)))
    assert judged_hardware(found)["hardware.key"] is Outcome.FAILED


def test_the_test_maker_writes_what_another_reader_reads() -> None:
    loaded = other.load_der_x509_certificate(piv())
    assert loaded.subject.rfc4514_string() == "CN=YubiKey PIV Attestation 9c"
    assert {each.oid.dotted_string for each in loaded.extensions} == {
        f"{labels.OID_YUBICO}.3.{number}" for number in (3, 7, 8, 9)
    }
