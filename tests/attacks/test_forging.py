# SPDX-License-Identifier: Apache-2.0
"""What an attacker does with one honest bundle and keys of their own; each attack once, by its name."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Final

import pytest

from bundlefmt import labels
from bundlefmt.bundle import Bundle, Renewal
from bundlefmt.cbor import encode
from bundlefmt.manifest import RequiredSigner
from bundlefmt.verify import Basis, Outcome, Policy, Report, Verdict, verify
from tests.attacks import mixing
from tests.attacks.mixing import sealed, sealers
from tests.vectorgen import openpgp, sealing
from tests.vectorgen import software_tpm as tpm
from tests.vectorgen.ceremonies import activation, quote, signature
from tests.vectorgen.ceremony import Artifact, Ceremony, fixed
from tests.vectorgen.complete import OPERATOR, WITNESS, Party, complete
from tests.vectorgen.judged_renewal import renewed
from tests.vectorgen.renewing import Renewed
from tests.vectorgen.timestamps import root
from tests.verify.judging import broken, concluded, policy_of

POLICY: Final = policy_of(complete())
SPOKEN: Final = ("quote", "certify", "certify-creation", "time", "nv-certify", "tpm-signature")
OF_A_TPM: Final = ("ak.resident", "platform.state", "key.resident", "platform.boot", "ak.lifetime")


def honest() -> Bundle:
    return Bundle.decode(complete().judged().file)


def judged(bundle: Bundle, policy: Policy = POLICY) -> Report:
    """What an honest verifier says of a file with this in it."""
    return verify(Bundle.decode(bundle.encode()), policy)


def shown(report: Report) -> set[str]:
    return {each.id for each in report.conclusions if each.basis is not Basis.UNPROVEN}


def made(ceremony: Ceremony) -> Report:
    return verify(Bundle.decode(ceremony.judged().file), POLICY)


def test_the_honest_bundle_passes() -> None:
    assert judged(honest()).verdict is Verdict.PASSED
    assert shown(judged(honest())) > set(OF_A_TPM)


@pytest.mark.parametrize("stripped", [0, 1])
def test_a_stripped_seal_is_missed(stripped: int) -> None:
    seals = tuple(seal for number, seal in enumerate(honest().seals) if number != stripped)
    report = judged(replace(honest(), seals=seals))
    assert broken(report) == {"seal.required": Outcome.FAILED, "seal.anchor": Outcome.FAILED}
    assert shown(report).isdisjoint(OF_A_TPM)


def test_one_seal_twice_is_one_seal() -> None:
    first, _ = honest().seals
    report = judged(replace(honest(), seals=(first, first)))
    assert report.verdict is Verdict.FAILED
    assert shown(report).isdisjoint(OF_A_TPM)


def test_one_seal_is_not_that_of_two_signers_with_one_certificate() -> None:
    """The same certificate stands under two labels, and both are to seal."""
    ceremony = complete().having("twin.piv", fixed("piv-certificate", OPERATOR.piv.certificate))
    ceremony = replace(ceremony, signers={**ceremony.signers, "twin.piv": "witness"})
    assert broken(made(ceremony)) == {"seal.required": Outcome.FAILED}


@pytest.mark.parametrize("party", [WITNESS, None])
def test_seals_of_others_in_place_of_the_operators_do_not_count(party: object) -> None:
    by = mixing.attackers() if party is None else sealers(WITNESS)
    report = judged(sealed(honest(), *by))
    assert report.verdict is Verdict.FAILED
    assert shown(report) == {"tpm.genuine"}


def test_seals_moved_to_another_manifest_do_not_count() -> None:
    other = replace(honest().manifest, title="Another ceremony")
    report = judged(replace(honest(), manifest_raw=other.encode(), manifest=other))
    assert report.verdict is Verdict.FAILED
    assert shown(report) == {"tpm.genuine"}


def test_the_signers_cannot_be_changed_to_the_attackers() -> None:
    """An attacker's certificate as an item changes the binding, which the TPM did not repeat."""
    stolen = complete().having("attacker.openpgp", fixed("openpgp-certificate", mixing.ATTACKER.encode()))
    stolen = replace(
        stolen,
        artifacts={
            **stolen.artifacts,
            **{
                label: fixed(each.role, complete().value_of(label), each.refs)
                for label, each in complete().artifacts.items()
                if each.role
                in ("quote", "certify", "certify-creation", "time", "nv-certify", "tpm-signature")
            },
        },
        signers={"attacker.openpgp": "operator"},
        seals=(sealing.OpenPgpSeal(signer=mixing.ATTACKER),),
    )
    report = verify(
        Bundle.decode(stolen.judged().file),
        replace(POLICY, pins_openpgp=frozenset({mixing.ATTACKER.fingerprint}), pins_piv=frozenset()),
    )
    assert {"quote.binding", "certify.binding", "creation.binding", "clock.binding", "nv.binding"} <= set(
        broken(report)
    )
    assert shown(report) & {"platform.state", "key.resident", "platform.boot"} == set()


def test_a_nonce_used_again_does_not_carry_a_quote_over() -> None:
    """The same nonce in another ceremony: what was quoted covers other people."""
    again = replace(complete(WITNESS), nonce=OPERATOR.nonce)
    old = complete().value_of("quote"), complete().value_of("quote.sig")
    again = again.changed("quote", value=old[0]).changed("quote.sig", value=old[1])
    policy = policy_of(complete(WITNESS), allow_nonce_binding=True)
    report = verify(Bundle.decode(again.judged().file), policy)
    assert broken(report)["quote.binding"] is Outcome.FAILED
    assert concluded(report, "platform.state")[0] == "unproven"


def test_a_quote_of_another_boot_is_told_apart() -> None:
    """Same key, same binding, the machine was reset in between."""
    again = quote(OPERATOR.ak, OPERATOR.pcrs, resets=8)
    ceremony = complete().changed("quote", make=again)
    assert broken(made(ceremony)) == {"clock.boot": Outcome.INDETERMINATE}


def test_a_second_item_of_a_role_is_judged_too() -> None:
    """Beside the sound quote there is a second one, by a key in software that the bundle calls an AK."""
    fake = tpm.ecc_key("attacker's attestation key", tpm.ATTESTING)
    refs = {"by": "fake.pub"}
    ceremony = (
        complete()
        .having("fake.pub", fixed("ak-public", fake.area))
        .having("fake", Artifact(role="quote", make=quote(fake, OPERATOR.pcrs), refs=refs))
        .having(
            "fake.sig",
            Artifact(role="tpm-signature", make=signature(fake, "fake"), refs={**refs, "over": "fake"}),
        )
        .having("fake.pcrs", replace(complete().artifacts["quote.pcrs"], refs={"quoted-by": "fake"}))
    )
    report = made(ceremony)
    assert broken(report) == {"activation.made": Outcome.INDETERMINATE}
    assert shown(report).isdisjoint(OF_A_TPM[:4])


def test_an_attestation_key_in_software_is_not_said_to_be_in_the_tpm() -> None:
    """A genuine EK certificate is copied; the challenge to the attacker's own key is the attacker's word."""
    party = Party(who="attacker", openpgp=mixing.ATTACKER, nonce=bytes(16), secure_boot=True)
    record = activation(OPERATOR.ek, party.ak.name).encode()
    stolen = complete(party).without("tpm.cert").changed("ek.activation", value=record)
    for label in ("ek.cert", "ek.pub", "ek.ocsp"):
        stolen = stolen.changed(label, value=complete().value_of(label))
    report = made(stolen)
    assert broken(report) == {"seal.anchor": Outcome.FAILED}
    assert shown(report) == {"tpm.genuine"}


@pytest.mark.parametrize("label", sorted(complete().artifacts))
def test_each_artifact_that_is_withheld_costs_what_rests_on_it(label: str) -> None:
    """Withheld, and allowed to be: nothing is shown that was not, and evidence is missed somewhere."""
    bundle = honest()
    content = {each: record for each, record in bundle.content.items() if each != label}
    report = judged(replace(bundle, content=content), replace(POLICY, allow_withheld=True))
    assert shown(report) <= shown(judged(bundle))
    missed = shown(judged(bundle)) - shown(report)
    assert missed == COSTS.get(label, COSTS.get(bundle.manifest.items[label].role, set()))


_QUOTED: Final = {"platform.state", "platform.boot"}
_ALL_OF_THE_KEY: Final = {"ak.resident", *_QUOTED, "key.resident"}
_PEOPLE: Final = {"identity.sealed", "identity.hardware", "identity.crossed", "key.bound", *OF_A_TPM}
# role or label -> what is no longer shown without it
COSTS: Final[dict[str, set[str]]] = {
    "piv-certificate": _PEOPLE,
    "openpgp-certificate": _PEOPLE,
    "piv-attestation": {"identity.hardware"},
    "openpgp-attestation": {"identity.hardware"},
    "attestation-issuer": {"identity.hardware"},
    "cross-signature": {"identity.crossed"},
    "cross-certificate": {"identity.crossed"},
    "certificate-issuer": {"tpm.genuine"},
    "ek-certificate": {"tpm.genuine", *_ALL_OF_THE_KEY},
    "crl": {"tpm.genuine"},
    "ocsp": {"tpm.genuine"},
    "ek-public": {"tpm.genuine", "key.bound", *_ALL_OF_THE_KEY},
    "credential-activation": _ALL_OF_THE_KEY,
    "ak-public": {"key.bound", *OF_A_TPM},
    "ak-template": {"ak.lifetime"},
    "key-public": {"key.bound", "key.resident"},
    "parent-public": {"key.resident"},
    "tpm-binding-certificate": {"key.bound"},
    "quote": _QUOTED,
    "quote.sig": _QUOTED,
    "pcr-values": _QUOTED,
    "certify": {"key.resident"},
    "certify.sig": {"key.resident"},
    "certify-creation": {"key.resident"},
    "created.sig": {"key.resident"},
    "firmware-log": {"platform.boot"},
    "userspace-log": {"platform.boot"},
    "ima-log": {"platform.boot"},
}


def test_a_renewal_with_an_unknown_proof_is_worth_nothing_and_said_to_be_unjudged() -> None:
    coverage = encode({"alg": labels.HASH_SHA256, "manifest": hashlib.sha256(b"other").digest()})
    renewal = Renewal(raw=encode({"covers": coverage, "proof": ["application/vnd.example.proof", b"token"]}))
    before, after = judged(honest()), judged(replace(honest(), renewals=(renewal,)))
    assert [(each.id, each.basis) for each in after.conclusions] == [
        *((each.id, each.basis) for each in before.conclusions),
        ("time.existed", Basis.UNPROVEN),
    ]
    assert any("is not known here: kept, not judged" in each.message for each in after.findings)


def test_a_renewal_of_another_bundle_is_refused() -> None:
    stolen = Bundle.decode(renewed(Renewed()).judged().file).renewals
    report = judged(replace(honest(), renewals=stolen), replace(POLICY, anchors_time=(root(),)))
    assert broken(report)["renewal.covers"] is Outcome.FAILED
    assert {each.id: each.basis for each in report.conclusions}["time.existed"] is Basis.UNPROVEN


def test_a_seal_of_one_signer_does_not_stand_for_another() -> None:
    """The manifest asks for the platform's seal; those of the operator do not stand for it."""
    manifest = honest().manifest
    asked = replace(manifest, signers=(*manifest.signers, RequiredSigner(item="key.pub", part="platform")))
    bundle = replace(honest(), manifest_raw=asked.encode(), manifest=asked)
    report = judged(sealed(bundle, *sealers(OPERATOR)))
    assert broken(report) == {"seal.required": Outcome.FAILED}


def test_an_openpgp_key_in_somebody_elses_certificate_does_not_seal_for_them() -> None:
    """The attacker's key is grafted on the operator's certificate, and seals."""
    grafted = openpgp.OPERATOR.encode() + mixing.ATTACKER.primary.as_subkey()
    ceremony = complete().changed("operator.openpgp", value=grafted)
    seals = (sealing.by(OPERATOR.piv), sealing.OpenPgpSeal(signer=mixing.ATTACKER))
    report = made(replace(ceremony, seals=seals))
    assert report.verdict is Verdict.FAILED
    assert ("openpgp-certificate", openpgp.OPERATOR.fingerprint) not in report.sealed_by
