# SPDX-License-Identifier: Apache-2.0
"""TPM binding certificates judged: the right key under the wrong word, the right word over the wrong key."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from hypothesis import given, settings
from hypothesis import strategies as st

from bundlefmt.evidence import ocsp as ocsp_evidence
from bundlefmt.verify import Outcome
from tests.vectorgen import certificates, keys, ocsp, openpgp
from tests.vectorgen import own_certificates as own
from tests.vectorgen import software_tpm as tpm
from tests.vectorgen.ceremonies import ak, ek, key, storage, whole, whole_with_key
from tests.vectorgen.ceremony import Ceremony, fixed
from tests.vectorgen.judged_binding import binding_certificate, bound
from tests.vectorgen.judged_cross import crossed
from tests.verify.judging import broken, concluded, finding, report

LABEL: Final = "tpm.cert"
BOUND: Final = "key.bound"
REFS: Final = {"by": "operator.piv", "ek": "ek.pub", "ak": "ak.pub", "key": "key.pub"}


def test_what_a_reader_is_told() -> None:
    found = report(bound())
    assert broken(found) == {}
    assert concluded(found, BOUND) == (
        "proven",
        "a pinned X.509 identity certified the signing key, and that it goes with this EK and AK",
    )
    assert finding(found, "binding.key", LABEL)[1] == "the key of key.pub"
    assert (
        finding(found, "binding.contents", LABEL)[1] == "the key of ek.pub, the Names of ak.pub and key.pub"
    )


def test_a_bundle_without_one_says_nothing_of_it() -> None:
    assert BOUND not in {each.id for each in report(whole()).conclusions}


def _others() -> dict[str, tpm.Key]:
    return {
        "ek": tpm.ecc_key("other endorsement key", tpm.STORING, scheme=None),
        "ak": tpm.ecc_key("other attestation key", tpm.ATTESTING),
        "key": tpm.ecc_key("other signing key", tpm.SIGNING, parent=storage().qualified_name),
    }


@pytest.mark.parametrize("wrong", [each for each in product((False, True), repeat=4) if any(each)])
def test_every_mixture_of_right_and_wrong(wrong: tuple[bool, ...]) -> None:
    """Subject key, EK, AK and key Name, each right or of another key; the certificate is issued rightly."""
    others = _others()
    subject, endorsing, attesting, signing = (
        others[name] if is_wrong else right
        for is_wrong, name, right in zip(
            wrong, ("key", "ek", "ak", "key"), (key(), ek(), ak(), key()), strict=True
        )
    )
    said = own.tpm_binding(endorsing.private.public_key(), attesting.name, signing.name)
    made = own.issued(own.BINDING, subject.private.public_key(), said)
    found = report(bound().changed(LABEL, value=made))
    wanted = {}
    if wrong[0]:
        wanted["binding.key"] = Outcome.FAILED
    if any(wrong[1:]):
        wanted["binding.contents"] = Outcome.FAILED
    assert broken(found) == wanted
    assert concluded(found, BOUND)[0] == "unproven"


def test_names_the_other_way_round() -> None:
    """The AK's Name where the key's belongs, and the key's where the AK's belongs."""
    said = own.tpm_binding(ek().private.public_key(), key().name, ak().name)
    found = report(bound().changed(LABEL, value=binding_certificate(said)))
    assert broken(found) == {"binding.contents": Outcome.FAILED}


def test_the_same_key_with_other_attributes() -> None:
    """One key pair, two public areas: the certificate is for a key that may leave its TPM."""
    sound = key()
    loose = replace(sound, public=replace(sound.public, attributes=tpm.SIGNING & ~tpm.A.fixedTPM))
    assert loose.name != sound.name
    said = own.tpm_binding(ek().private.public_key(), ak().name, loose.name)
    found = report(bound().changed(LABEL, value=binding_certificate(said)))
    assert broken(found) == {"binding.contents": Outcome.FAILED}


@pytest.mark.parametrize("wrong", ["by", "ek", "ak", "key"])
def test_references_to_the_wrong_role(wrong: str) -> None:
    refs = {**REFS, wrong: "quote"}
    found = report(bound().changed(LABEL, refs=refs))
    assert broken(found)["container.refs"] is Outcome.FAILED
    assert concluded(found, BOUND)[0] == "unproven"


@pytest.mark.parametrize("wrong", ["by", "ek", "ak", "key"])
def test_references_to_nothing_and_to_two(wrong: str) -> None:
    without = {name: target for name, target in REFS.items() if name != wrong}
    twice = {**REFS, wrong: [REFS[wrong], REFS[wrong]]}
    for refs in (without, twice):
        found = report(bound().changed(LABEL, refs=refs))
        assert broken(found)["container.refs"] is Outcome.FAILED
        assert concluded(found, BOUND)[0] == "unproven"


@pytest.mark.parametrize("absent", [LABEL, "ek.pub", "ak.pub", "key.pub", "operator.piv"])
def test_what_is_withheld_leaves_a_doubt(absent: str) -> None:
    hidden = replace(bound(), absent=frozenset({absent}))
    assert concluded(report(hidden), BOUND)[0] == "unproven"
    assert Outcome.FAILED not in {
        outcome for check, outcome in broken(report(hidden)).items() if check.startswith("binding.")
    }
    allowed = report(hidden.under(allow_withheld=True))
    assert concluded(allowed, BOUND)[0] == "unproven"


CA, NO_CA = certificates.authority()[0], certificates.NO_AUTHORITY
SIGNS: Final = (certificates.usages("digital_signature"), True)


@pytest.mark.parametrize(("extensions", "sound"), [
    ((NO_CA, SIGNS), True),
    ((NO_CA, (certificates.usages("digital_signature", "key_agreement"), True)), True),
    ((CA, SIGNS), False),
    ((SIGNS,), False),
    ((NO_CA,), False),
    ((NO_CA, (certificates.usages("key_agreement"), True)), False),
    ((NO_CA, (certificates.usages("digital_signature", "key_cert_sign"), True)), False),
    ((NO_CA, (certificates.usages("digital_signature", "crl_sign"), True)), False),
])  # fmt: skip
def test_for_whom_such_a_certificate_is(
    extensions: tuple[tuple[x509.ExtensionType, bool], ...], *, sound: bool
) -> None:
    """A key that signs and is no authority's: in binding certificates and in cross-certificates."""
    issuer = keys.ec_key("operator p256")

    def made(public: certificates.CertificatePublicKeyTypes, said: own.Extension) -> bytes:
        given = (*extensions, said)
        return certificates.certificate("Test", public, own.OPERATOR, issuer, extensions=given)

    said = own.tpm_binding(ek().private.public_key(), ak().name, key().name)
    found = report(bound().changed(LABEL, value=made(key().private.public_key(), said)))
    assert broken(found) == ({} if sound else {"binding.form": Outcome.FAILED})
    primary = openpgp.OPERATOR.primary
    crossing = made(primary.secret.public_key(), own.openpgp_key(primary.fingerprint))
    found = report(crossed().changed("cross.cert", value=crossing))
    assert broken(found) == ({} if sound else {"cross.form": Outcome.FAILED})


def _two_keys() -> Ceremony:
    second = tpm.ecc_key("second signing key", tpm.SIGNING, parent=storage().qualified_name)
    return bound().having("second.pub", fixed("key-public", second.area, {"parent": "key.parent"}))


def test_of_two_keys_one_is_certified() -> None:
    """The sentence is about every signing key."""
    found = report(_two_keys())
    assert not [check for check in broken(found) if check.startswith("binding.")]
    assert concluded(found, BOUND)[0] == "unproven"


def test_it_does_not_say_that_the_key_is_in_the_tpm() -> None:
    """Without a certify statement the key may be anywhere; who certified it, certified it."""
    found = report(bound().without("certify", "certify.sig", "created", "created.sig"))
    assert concluded(found, "key.resident")[0] == "unproven"
    assert "TPM" not in concluded(found, BOUND)[1]


def test_by_a_stranger_in_the_issuers_name() -> None:
    """A self-signed certificate with the operator's name and another key is the issuer, and not pinned."""
    forger = keys.ec_key("forger")
    twin = certificates.certificate(
        own.OPERATOR, forger.public_key(), own.OPERATOR, forger, extensions=certificates.authority()
    )
    ceremony = bound().having("twin.piv", fixed("piv-certificate", twin))
    ceremony = ceremony.changed(
        LABEL, value=binding_certificate(signer=forger), refs={**REFS, "by": "twin.piv"}
    )
    found = report(ceremony)
    assert not [check for check in broken(found) if check.startswith("binding.")]
    assert concluded(found, BOUND)[0] == "unproven"


def test_an_rsa_key_of_the_tpm() -> None:
    signing = tpm.rsa_key(
        "tpm-key-rsa2048", tpm.SIGNING, scheme=(tpm.RSASSA, tpm.SHA256), parent=storage().qualified_name
    )
    said = own.tpm_binding(ek().private.public_key(), ak().name, signing.name)
    made = own.issued(own.BINDING, signing.private.public_key(), said)
    ceremony = whole_with_key(signing).having(LABEL, fixed("tpm-binding-certificate", made, REFS))
    found = report(ceremony)
    assert broken(found) == {}
    assert concluded(found, BOUND)[0] == "proven"


SOUND: Final = binding_certificate()


@settings(max_examples=60)
@given(data=st.data())
def test_one_byte_changed_and_sealed_again(data: st.DataObject) -> None:
    """Whoever writes the manifest cannot change one bit of what the issuer signed."""
    changed = bytearray(SOUND)
    place = data.draw(st.integers(0, len(changed) - 1))
    changed[place] ^= data.draw(st.integers(1, 255))
    found = report(bound().changed(LABEL, value=bytes(changed)))
    assert {check for check in broken(found) if check.startswith("binding.")}
    assert concluded(found, BOUND)[0] == "unproven"


def test_a_flood_of_responses_is_judged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work grows with certificates and with responses, and not with the product of both."""
    calls = 0
    genuine = ocsp_evidence.verify_signature

    def counted(algorithm: bytes, public: PublicKeyTypes, signature: bytes, data: bytes) -> None:
        nonlocal calls
        calls += 1
        genuine(algorithm, public, signature, data)

    monkeypatch.setattr(ocsp_evidence, "verify_signature", counted)
    issuer = certificates.operator().certificate
    maker = certificates.certificate(
        "Responder", keys.ec_key("responder").public_key(), own.OPERATOR, keys.ec_key("operator p256")
    )
    ceremony, responses, makers = bound(), 5, 16
    for number in range(responses):
        made = ocsp.response(SOUND, issuer, keys.ec_key(f"stranger {number}"), delegate=maker * makers)
        ceremony = ceremony.having(f"ocsp{number}", fixed("ocsp", made, {"issuer": "operator.piv"}))
    for number in range(20):
        ceremony = ceremony.having(f"cert{number}", fixed("tpm-binding-certificate", SOUND, REFS))
    found = report(ceremony)
    assert broken(found) == {"binding.revocation": Outcome.INDETERMINATE}
    assert calls == responses * (1 + makers)
