# SPDX-License-Identifier: Apache-2.0
"""Judgements on OpenPGP certificates and seals: one fault, one check that fails, and no other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from bundlefmt import labels
from bundlefmt.bundle import Bundle, Seal
from bundlefmt.evidence import openpgp_sequoia
from bundlefmt.evidence.openpgp_sequoia import VerifiedSignature
from bundlefmt.moment import when
from bundlefmt.verify import Outcome, Policy, Report, Verdict, verify
from tests.test_soundness import Artifacts, Ceremony
from tests.vectorgen import openpgp_maker as pgp
from tests.vectorgen.openpgp_case import LATER, OTHER, PRIMARY, SIGNER, SOUND, Case
from tests.vectorgen.openpgp_cases import CASES
from tests.vectorgen.openpgp_maker import AT, DAY, MADE, Subkey, UserId, make

SEAL = "seal 2"  # the first is the ceremony's own


def ceremony(certificates: Mapping[str, bytes], *withheld: str) -> Bundle:
    """The ceremony that passes, with OpenPGP certificates among its items."""
    more: Artifacts = {label: ("openpgp-certificate", data, {}) for label, data in certificates.items()}
    return Ceremony(more=more, withheld=withheld).build()


def sealed(bundle: Bundle, signature: bytes, key: bytes | None = None) -> Bundle:
    return bundle.with_seal(Seal(type=labels.SEAL_OPENPGP, value=signature, key=key))


def judged(case: Case) -> Report:
    bundle = ceremony({"pgp": case.certificate})
    return verify(sealed(bundle, case.sign(bundle.manifest_raw)), Policy(at=case.at))


def checks(report: Report, outcome: Outcome, *areas: str) -> set[str]:
    """The checks of `areas` with a finding of this outcome."""
    found = {each.check for each in report.findings if each.outcome is outcome}
    return {check for check in found if not areas or check.partition(".")[0] in areas}


def message(report: Report, check: str, item: str = "pgp") -> str:
    (finding,) = (each for each in report.of(check) if each.items == (item,))
    return finding.message


@pytest.mark.parametrize("name", CASES)
def test_exactly_the_named_check_refuses(name: str) -> None:
    case = CASES[name]
    report = judged(case)
    assert checks(report, Outcome.FAILED) == set(case.failing)
    unsure = checks(report, Outcome.INDETERMINATE, "openpgp") | {
        each.check
        for each in report.findings
        if each.outcome is Outcome.INDETERMINATE and each.items == (SEAL,)
    }
    assert unsure == set(case.unsure)


@pytest.mark.parametrize("name", CASES)
def test_a_seal_counts_only_where_nothing_refuses_it(name: str) -> None:
    """`seal.signature`, by which seals are counted, passes with all of the area and never without it."""
    case = CASES[name]
    report = judged(case)
    (finding,) = (each for each in report.of("seal.signature") if each.items == (SEAL,))
    assert (finding.outcome is Outcome.PASSED) == (case.failing == case.unsure == ())
    if finding.outcome is Outcome.SKIPPED and case.failing[0].startswith("openpgp."):
        assert finding.message == f"{case.failing[0]} says why"


@pytest.mark.parametrize(
    ("fingerprint", "signing_key"), [(PRIMARY, OTHER), (OTHER, PRIMARY)], ids=["key", "certificate"]
)
def test_a_signature_that_sequoia_takes_for_anothers_is_refused(
    fingerprint: pgp.Key, signing_key: pgp.Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No signature is known of which two readers say so: what Sequoia answers is made up."""
    other = VerifiedSignature(
        fingerprint=fingerprint.fingerprint.hex(), signing_key=signing_key.fingerprint.hex()
    )
    monkeypatch.setattr(openpgp_sequoia, "verify", lambda *_: other)
    report = judged(CASES["sound SHA-512"])
    assert checks(report, Outcome.FAILED) == {"openpgp.policy"}
    assert (
        message(report, "openpgp.policy", SEAL) == f"Sequoia takes it for a signature by {other.signing_key}"
    )


def test_a_pin_is_met_by_a_sound_seal_only() -> None:
    bundle = ceremony({"pgp": SOUND.encode()})
    pins = Policy(pins_openpgp=frozenset({PRIMARY.fingerprint.hex()}), at=AT)
    good = verify(sealed(bundle, PRIMARY.detached(bundle.manifest_raw)), pins)
    assert good.of("seal.anchor")[0].outcome is Outcome.PASSED
    weak = verify(sealed(bundle, PRIMARY.detached(bundle.manifest_raw, hash_id=pgp.SHA1)), pins)
    assert weak.of("seal.anchor")[0].outcome is Outcome.FAILED


# --- certificates among the items, at the verifier's time ------------------------------------------------


@pytest.mark.parametrize(
    ("certificate", "why"),
    [
        (b"", "no certificate"),
        (b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nxjMEaUEMQBYJ\n", "gpg --dearmor converts it"),
        (SOUND.encode() + make(OTHER).encode(), "several certificates"),
        (SOUND.changed(lambda kind, body: body).encode()[6:], "not a binary OpenPGP packet"),
        (pgp.packet(pgp.SECRET_KEY, PRIMARY.body + b"\x00" + pgp.mpi(1) + bytes(2)), "SECRET key"),
        (SOUND.encode() + pgp.packet(7, SIGNER.body + b"\x00" + pgp.mpi(1) + bytes(2)), "SECRET key"),
        (PRIMARY.detached(b"a signature"), "does not begin with a public key"),
        (SOUND.encode()[:-1], "truncated"),
        (SOUND.encode() + b"\xc0", "truncated"),
    ],
)
def test_what_is_no_certificate_fails_by_its_form(certificate: bytes, why: str) -> None:
    report = verify(ceremony({"pgp": certificate}), Policy(at=AT))
    assert checks(report, Outcome.FAILED) == {"openpgp.form"}
    assert why in message(report, "openpgp.form")
    assert checks(report, Outcome.SKIPPED, "openpgp") >= {"openpgp.binding", "openpgp.revocation"}


def test_a_version_that_is_not_known_is_undecided() -> None:
    body = b"\x05" + PRIMARY.body[1:]
    report = verify(ceremony({"pgp": pgp.packet(pgp.PUBLIC_KEY, body)}), Policy(at=AT))
    assert checks(report, Outcome.FAILED) == set()
    assert "version 5 is not read here" in message(report, "openpgp.form")


def test_a_certificate_is_judged_at_the_verifiers_time() -> None:
    lapsing = make(PRIMARY, user_ids=(UserId(lifetime=60 * DAY),)).encode()
    for at, failing in ((MADE - 1, {"openpgp.time"}), (AT, set()), (MADE + 60 * DAY, {"openpgp.expiry"})):
        assert checks(verify(ceremony({"pgp": lapsing}), Policy(at=at)), Outcome.FAILED, "openpgp") == failing


def test_without_a_time_it_is_judged_when_the_manifest_was_made() -> None:
    bundle = ceremony({"pgp": make(PRIMARY, user_ids=(UserId(lifetime=60 * DAY),)).encode()})
    report = verify(bundle, Policy())
    assert bundle.manifest.created > MADE
    assert checks(report, Outcome.FAILED) == set()
    assert message(report, "openpgp.expiry") == f"expires at {when(MADE + 60 * DAY)}"


def test_a_later_retirement_is_told_and_does_not_reach_back() -> None:
    report = verify(ceremony({"pgp": SOUND.revoked(pgp.RETIRED, LATER).encode()}), Policy(at=AT))
    assert checks(report, Outcome.FAILED) == set()
    assert message(report, "openpgp.revocation") == f"retired at {when(LATER)}, later than {when(AT)}"


@pytest.mark.parametrize("label", ["first", "zzz"])
def test_each_certificate_is_judged_for_itself(label: str) -> None:
    both = {label: SOUND.encode(), "middle": SOUND.revoked(None, LATER).encode()}
    report = verify(ceremony(both), Policy(at=AT))
    found = {each.items: each.outcome for each in report.of("openpgp.revocation")}
    assert found == {(label,): Outcome.PASSED, ("middle",): Outcome.FAILED}


def test_a_certificate_that_is_withheld_is_undecided() -> None:
    report = verify(ceremony({"pgp": SOUND.encode()}, "pgp"), Policy(at=AT))
    assert checks(report, Outcome.PASSED, "openpgp") == set()
    assert "openpgp.form" in checks(report, Outcome.INDETERMINATE)


def test_a_subkey_that_is_not_bound_does_not_spoil_the_certificate() -> None:
    """Anyone can put one there, and it signs nothing."""
    grafted = make(OTHER).having((pgp.PUBLIC_SUBKEY, SIGNER.body))
    report = verify(ceremony({"pgp": grafted.encode()}), Policy(at=AT))
    assert checks(report, Outcome.FAILED, "openpgp") == set()


# --- whose seal it is ------------------------------------------------------------------------------------


@pytest.mark.parametrize("label", ["aaa", "zzz"])
def test_a_key_put_into_another_certificate_does_not_hide_its_own(label: str) -> None:
    """Whichever comes first: the certificate it is bound to is the signer's."""
    own = make(PRIMARY, subkeys=(Subkey(key=SIGNER),))
    thief = make(OTHER).having(*own.parts[3:])
    bundle = ceremony({"mmm": own.encode(), label: thief.encode()})
    report = verify(sealed(bundle, SIGNER.detached(bundle.manifest_raw)), Policy(at=AT))
    assert checks(report, Outcome.FAILED) == set()
    assert message(report, "seal.signer", SEAL) == f"mmm: {PRIMARY.fingerprint.hex()}"


def test_hints_of_who_signed_play_no_part_in_finding_the_signer() -> None:
    hint = ((pgp.FINGERPRINT, b"\x04" + PRIMARY.fingerprint),)
    bundle = ceremony({"other": make(OTHER).encode(), "pgp": SOUND.encode()})
    signature = OTHER.detached(bundle.manifest_raw, hints=False, unhashed=hint)
    report = verify(sealed(bundle, signature), Policy(at=AT))
    assert message(report, "seal.signer", SEAL).startswith("other: ")


def test_a_later_witness_brings_a_certificate_along() -> None:
    bundle = ceremony({})
    signature = PRIMARY.detached(bundle.manifest_raw, at=LATER)
    good = verify(sealed(bundle, signature, SOUND.encode()), Policy(at=AT))
    assert checks(good, Outcome.FAILED) == set()
    assert message(good, "openpgp.policy", SEAL) == "Sequoia accepts it"
    bad = verify(sealed(bundle, signature, SOUND.revoked(pgp.RETIRED, AT).encode()), Policy(at=AT))
    assert checks(bad, Outcome.FAILED) == {"openpgp.revocation"}


def test_a_secret_key_that_a_seal_brings_along_is_refused() -> None:
    bundle = ceremony({})
    secret = pgp.packet(pgp.SECRET_KEY, PRIMARY.body + b"\x00" + pgp.mpi(1) + bytes(2))
    report = verify(sealed(bundle, PRIMARY.detached(bundle.manifest_raw), secret), Policy(at=AT))
    assert checks(report, Outcome.FAILED) == {"seal.signer"}
    assert "SECRET key" in message(report, "seal.signer", SEAL)


def test_a_signature_that_does_not_say_when_is_refused() -> None:
    bundle = ceremony({"pgp": SOUND.encode()})
    report = verify(sealed(bundle, PRIMARY.detached(bundle.manifest_raw, at=None)), Policy(at=AT))
    assert checks(report, Outcome.FAILED) == {"seal.validity"}
    assert report.verdict is Verdict.FAILED


def test_the_digest_prefix_is_checked() -> None:
    """It is not signed; a wrong one is refused here, as by gpg, so that every octet has one meaning."""
    bundle = ceremony({"pgp": SOUND.encode()})
    good = PRIMARY.sign(pgp.BINARY, bundle.manifest_raw, at=AT)
    area = 6 + int.from_bytes(good[4:6], "big")
    index = area + 2 + int.from_bytes(good[area : area + 2], "big")
    bad = good[:index] + bytes([good[index] ^ 1]) + good[index + 1 :]
    report = verify(sealed(bundle, pgp.packet(pgp.SIGNATURE, bad)), Policy(at=AT))
    assert checks(report, Outcome.FAILED) == {"seal.signer"}


def test_sequoias_refusal_without_another_reason_is_its_own_check() -> None:
    """Nothing else knows today's date: a signature from the future."""
    case = CASES["from the future"]
    report = judged(case)
    assert message(report, "openpgp.policy", SEAL).startswith("Sequoia: ")
    assert checks(report, Outcome.FAILED) == {"openpgp.policy"}


def test_where_a_named_check_refuses_sequoia_is_not_asked() -> None:
    report = judged(CASES["SHA-1"])
    assert message(report, "openpgp.policy", SEAL) == "openpgp.algorithms says why"


def test_the_order_of_packets_plays_no_part() -> None:
    """Of two self-signatures the newer speaks, wherever it stands."""
    user_ids = (UserId(lifetime=DAY), UserId(lifetime=90 * DAY, at=MADE + 2))
    first, second = (each.certification(PRIMARY) for each in user_ids)
    for order in ((first, second), (second, first)):
        made = replace(SOUND, parts=(*SOUND.parts[:2], *((pgp.SIGNATURE, each) for each in order)))
        report = verify(ceremony({"pgp": made.encode()}), Policy(at=AT))
        assert message(report, "openpgp.expiry") == f"expires at {when(MADE + 90 * DAY)}"
