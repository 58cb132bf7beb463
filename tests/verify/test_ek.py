# SPDX-License-Identifier: Apache-2.0
"""Judgements on endorsement keys and certificates of attestation keys; bundles that differ in one thing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509 as other
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ReasonFlags

from bundlefmt.evidence.ek_template import EK_TEMPLATES
from bundlefmt.evidence.tpm import TpmaObject, TpmsEccPoint, TpmtPublic
from bundlefmt.manifest import Digest
from bundlefmt.moment import when
from bundlefmt.verify import Basis, Outcome, Policy, Report, Verdict, verify
from tests.evidence.pki import (
    AK,
    AT,
    DAY,
    EK,
    Extensions,
    certificate,
    constraints,
    crl,
    ek_extensions,
    key,
    usage,
)
from tests.test_soundness import CREATED, Artifacts, Ceremony
from tests.test_soundness import certificate as operator
from tests.test_soundness import private as ceremony_key

ROOT = certificate("Root", "Root", key(1), key(1))
ISSUER = certificate("Issuer", "Root", key(2), key(1), serial=2)
EK_KEY = key(20)
EK_SERIAL, AK_SERIAL = 0x45, 0x41


def area(private: ec.EllipticCurvePrivateKey = EK_KEY, template: str = "L-2") -> TpmtPublic:
    point = private.public_key().public_numbers()
    unique = TpmsEccPoint(x=point.x.to_bytes(32, "big"), y=point.y.to_bytes(32, "big"))
    return replace(EK_TEMPLATES[template], unique=unique, raw=b"")


def ek_certificate(
    extensions: Extensions | None = None, private: ec.EllipticCurvePrivateKey = EK_KEY
) -> bytes:
    given = ek_extensions() if extensions is None else extensions
    return certificate("", "Issuer", private, key(2), extensions=given, serial=EK_SERIAL)


def ak_certificate(*usages: other.ObjectIdentifier, bits: str = "digital_signature", seed: int = 2) -> bytes:
    extensions: list[tuple[other.ExtensionType, bool]] = [constraints(ca=False), (usage(bits), True)]
    if usages:
        extensions.append((other.ExtendedKeyUsage(list(usages)), False))
    subject_key = ceremony_key(seed)  # seed 2 is the attestation key of the ceremony
    return certificate("AK", "Issuer", subject_key, key(2), extensions=extensions, serial=AK_SERIAL)


def with_ek(
    certified: bytes | None = None, public: TpmtPublic | None = None, lists: Sequence[bytes] = ()
) -> Artifacts:
    """An EK, its certificate and issuer, and revocation lists."""
    return {
        "ek.cert": ("ek-certificate", certified or ek_certificate(), {"issuer": "ek.issuer"}),
        "ek.issuer": ("certificate-issuer", ISSUER, {}),
        "ek.pub": ("ek-public", (public or area()).encode(), {"certificate": "ek.cert"}),
        **{f"crl{n}": ("crl", data, {"issuer": "ek.issuer"}) for n, data in enumerate(lists)},
    }


def judge(artifacts: Artifacts, *, withheld: tuple[str, ...] = (), **terms: object) -> Report:
    ceremony = Ceremony(more=artifacts, withheld=withheld, activated=False)
    if "ak.cert" in artifacts:
        ceremony = replace(ceremony, refs={"ak": {"certificate": "ak.cert"}})
    given = {
        "pins_piv": frozenset({Digest.of(operator()).value}),
        "anchors": (ROOT,),
        "allow_unactivated": True,
        **terms,
    }
    return verify(ceremony.build(), Policy(**given))  # type: ignore[arg-type] # its fields


def outcome(report: Report, check: str) -> Outcome:
    (finding,) = report.of(check)
    return finding.outcome


def message(report: Report, check: str) -> str:
    (finding,) = report.of(check)
    return finding.message


def genuine(report: Report) -> bool:
    (basis,) = [each.basis for each in report.conclusions if each.id == "tpm.genuine"]
    return basis is Basis.PROVEN


def broken(report: Report) -> dict[str, Outcome]:
    bad = (Outcome.FAILED, Outcome.INDETERMINATE)
    return {finding.check: finding.outcome for finding in report.findings if finding.outcome in bad}


def test_a_genuine_tpm() -> None:
    report = judge(with_ek())
    assert report.verdict is Verdict.PASSED
    assert genuine(report)
    assert message(report, "ek.certificate") == "id:54455354 (TEST), Test TPM, id:00010000"
    assert message(report, "ek.chain").startswith(
        f"valid at {when(CREATED)}, by CN=Issuer → CN=Root (anchor "
    )
    assert message(report, "ek.template") == "template L-2"
    assert outcome(report, "ek.revocation") is Outcome.SKIPPED


def test_without_an_anchor_nothing_is_proven() -> None:
    report = judge(with_ek(), anchors=())
    assert broken(report) == {"ek.chain": Outcome.INDETERMINATE}
    assert not genuine(report)


def test_the_certificate_is_for_this_key() -> None:
    report = judge(with_ek(ek_certificate(private=key(21))))
    assert broken(report) == {"ek.key": Outcome.FAILED}
    assert not genuine(report)


def test_the_time_is_the_policys() -> None:
    assert broken(judge(with_ek(), at=AT + 365 * DAY)) == {"ek.chain": Outcome.FAILED}


def test_an_issuer_that_is_withheld_leaves_a_doubt() -> None:
    report = judge(with_ek(), withheld=("ek.issuer",))
    assert broken(report)["ek.chain"] is Outcome.INDETERMINATE
    assert "ek.issuer is not in the bundle" in message(report, "ek.chain")
    allowed = judge(with_ek(), withheld=("ek.issuer",), allow_withheld=True)
    assert outcome(allowed, "ek.chain") is Outcome.SKIPPED
    assert not genuine(allowed)


def test_an_issuer_that_is_not_there_is_a_failure() -> None:
    artifacts = {label: each for label, each in with_ek().items() if label != "ek.issuer"}
    artifacts["ek.cert"] = ("ek-certificate", ek_certificate(), {})
    assert broken(judge(artifacts)) == {"ek.chain": Outcome.FAILED}


def test_more_issuers_than_can_be_looked_at() -> None:
    issuers = [certificate(f"I{n}", "Root", key(9), key(1)) for n in range(64)]
    extra: Artifacts = {f"i{n}": ("certificate-issuer", data, {}) for n, data in enumerate(issuers)}
    assert broken(judge({**with_ek(), **extra})) == {"ek.chain": Outcome.INDETERMINATE}


RELAXATIONS = [name for name in Policy.__slots__ if name.startswith("allow_")]
ENCIPHER = (usage("key_encipherment"), True)
RELAXED: list[tuple[str, Extensions, str]] = [
    ("allow_ek_key_usage", ek_extensions(usage=None), "ek.certificate"),
    ("allow_ek_key_usage", ek_extensions(usage=ENCIPHER), "ek.certificate"),
    ("allow_ek_without_tpm_name", ek_extensions(names=None), "ek.certificate"),
    ("allow_missing_usage", ek_extensions(extended=None), "ek.chain"),
]


@pytest.mark.parametrize(("relaxation", "extensions", "check"), RELAXED)
def test_relaxations(relaxation: str, extensions: Extensions, check: str) -> None:
    """Each lets pass what it is for, says so, and nothing else does."""
    artifacts = with_ek(ek_certificate(extensions))
    assert broken(judge(artifacts)) == {check: Outcome.FAILED}
    others: dict[str, Any] = {name: name != relaxation for name in RELAXATIONS}
    assert broken(judge(artifacts, **others)) == {check: Outcome.FAILED}
    alone: dict[str, Any] = {relaxation: True}
    report = judge(artifacts, **alone)
    assert report.verdict is Verdict.PASSED
    assert genuine(report)
    assert set(report.policy.relaxations) == {relaxation, "allow_unactivated"}


NEVER: dict[str, tuple[Extensions, str]] = {
    "signs": (ek_extensions(usage=(usage("key_agreement", "digital_signature"), True)), "ek.certificate"),
    "authority": (ek_extensions(constraints=constraints()), "ek.certificate"),
    "no basic constraints": (ek_extensions(constraints=None), "ek.certificate"),
    "another use": (ek_extensions(extended=(other.ExtendedKeyUsage([AK]), False)), "ek.chain"),
}


@pytest.mark.parametrize("case", NEVER)
def test_what_no_relaxation_allows(case: str) -> None:
    extensions, check = NEVER[case]
    everything: dict[str, Any] = dict.fromkeys(RELAXATIONS, True)
    report = judge(with_ek(ek_certificate(extensions)), **everything)
    assert broken(report) == {check: Outcome.FAILED}
    assert not genuine(report)


def test_what_is_allowed_is_said() -> None:
    report = judge(with_ek(ek_certificate(ek_extensions(names=None))), allow_ek_without_tpm_name=True)
    assert message(report, "ek.certificate").startswith("a TPM that is not named; ")
    assert message(report, "ek.certificate").endswith("which is allowed")


# --- templates --------------------------------------------------------------------------------------


def _changed(public: TpmtPublic, *, without: int = 0, also: int = 0) -> TpmtPublic:
    return replace(public, attributes=TpmaObject((public.attributes & ~without) | also))


TEMPLATES: list[tuple[TpmtPublic, Outcome, str]] = [
    (area(template="H-2"), Outcome.PASSED, "template H-2"),
    (_changed(area(), also=TpmaObject.noDA), Outcome.INDETERMINATE, "by none of the templates"),
    (_changed(area(), without=TpmaObject.restricted), Outcome.FAILED, "attributes lacking: restricted"),
    (_changed(area(), without=TpmaObject.fixedTPM), Outcome.FAILED, "attributes lacking: fixedTPM"),
    (_changed(area(), also=TpmaObject.sign_encrypt), Outcome.FAILED, "the key may also sign"),
]


@pytest.mark.parametrize(("public", "found", "words"), TEMPLATES)
def test_templates(public: TpmtPublic, found: Outcome, words: str) -> None:
    report = judge(with_ek(public=public))
    assert outcome(report, "ek.template") is found
    assert words in message(report, "ek.template")


# --- revocation -------------------------------------------------------------------------------------


def test_lists_that_do_not_name_the_certificates() -> None:
    report = judge(with_ek(lists=[crl("Issuer", key(2)), crl("Root", key(1))]))
    assert report.verdict is Verdict.PASSED
    assert message(report, "ek.revocation") == "certificate 1 was not revoked; certificate 2 was not revoked"
    assert genuine(report)


def test_a_certificate_without_a_list_is_named() -> None:
    report = judge(with_ek(lists=[crl("Issuer", key(2))]))
    assert report.verdict is Verdict.PASSED
    assert message(report, "ek.revocation") == "certificate 1 was not revoked; no list for certificates 2"


def test_a_list_of_a_stranger_decides_nothing() -> None:
    report = judge(with_ek(lists=[crl("Stranger", key(2))]))
    assert outcome(report, "ek.revocation") is Outcome.SKIPPED


REVOKING = {
    "the EK certificate": crl("Issuer", key(2), (EK_SERIAL, AT - DAY, None)),
    "its issuer": crl("Root", key(1), (2, AT - DAY, ReasonFlags.ca_compromise)),
    "a compromise found later": crl(
        "Issuer", key(2), (EK_SERIAL, AT + DAY, ReasonFlags.key_compromise), updates=(AT + DAY, AT + 2 * DAY)
    ),
}


@pytest.mark.parametrize("case", REVOKING)
def test_revoked(case: str) -> None:
    report = judge(with_ek(lists=[REVOKING[case]]))
    assert broken(report) == {"ek.revocation": Outcome.FAILED}
    assert not genuine(report)


def test_superseded_later_is_said_and_passes() -> None:
    entry = (EK_SERIAL, AT + DAY, ReasonFlags.superseded)
    report = judge(with_ek(lists=[crl("Issuer", key(2), entry, updates=(AT + DAY, AT + 2 * DAY))]))
    assert report.verdict is Verdict.PASSED
    assert f"revoked at {when(AT + DAY)} (superseded)" in message(report, "ek.revocation")


def test_a_list_that_cannot_be_used_leaves_a_doubt() -> None:
    report = judge(with_ek(lists=[crl("Issuer", key(9))]))
    assert broken(report) == {"ek.revocation": Outcome.INDETERMINATE}
    assert not genuine(report)


def test_a_list_that_cannot_be_read_is_a_failure() -> None:
    assert broken(judge(with_ek(lists=[b"\x30\x00"]))) == {"ek.revocation": Outcome.FAILED}


def test_a_list_that_is_withheld_leaves_a_doubt_unless_another_revokes() -> None:
    lists = [crl("Root", key(1)), crl("Issuer", key(2))]
    report = judge(with_ek(lists=lists), withheld=("crl1",))
    assert broken(report)["ek.revocation"] is Outcome.INDETERMINATE
    revoking = judge(with_ek(lists=[REVOKING["its issuer"], lists[1]]), withheld=("crl1",))
    assert broken(revoking)["ek.revocation"] is Outcome.FAILED
    allowed = judge(with_ek(lists=lists), withheld=("crl1",), allow_withheld=True)
    assert outcome(allowed, "ek.revocation") is Outcome.SKIPPED


# --- attestation keys -------------------------------------------------------------------------------


def with_ak(certified: bytes) -> Artifacts:
    return {
        "ak.cert": ("ak-certificate", certified, {"issuer": "issuer"}),
        "issuer": ("certificate-issuer", ISSUER, {}),
    }


def test_a_certified_attestation_key() -> None:
    report = judge(with_ak(ak_certificate(AK)))
    assert report.verdict is Verdict.PASSED
    assert message(report, "ak.certificate").startswith(
        f"ak, valid at {when(CREATED)}, by CN=Issuer → CN=Root"
    )
    assert outcome(judge({}), "ak.certificate") is Outcome.SKIPPED


AK_FAULTS: dict[str, tuple[bytes, str]] = {
    "another key": (ak_certificate(AK, seed=9), "certifies another key"),
    "another usage": (ak_certificate(EK), "2.23.133.8.3 is needed"),
    "no usage": (ak_certificate(), "no extended key usage"),
    "no signing": (ak_certificate(AK, bits="key_agreement"), "digitalSignature is needed"),
    "padding": (ak_certificate(AK) + b"\xff", "trailing-bytes"),
}


@pytest.mark.parametrize("fault", AK_FAULTS)
def test_certificates_of_attestation_keys(fault: str) -> None:
    certified, words = AK_FAULTS[fault]
    report = judge(with_ak(certified))
    assert broken(report) == {"ak.certificate": Outcome.FAILED}
    assert words in message(report, "ak.certificate")


def test_a_certificate_that_no_attestation_key_names() -> None:
    named = with_ak(ak_certificate(AK))
    report = judge({"stray": named["ak.cert"], "issuer": named["issuer"]})
    assert broken(report) == {"ak.certificate": Outcome.FAILED}
    assert message(report, "ak.certificate") == "no attestation key names this certificate"


def test_relaxations_of_attestation_keys() -> None:
    assert judge(with_ak(ak_certificate(EK)), allow_ak_with_ek_usage=True).verdict is Verdict.PASSED
    assert judge(with_ak(ak_certificate()), allow_missing_usage=True).verdict is Verdict.PASSED


def test_a_revoked_attestation_key() -> None:
    listed = crl("Issuer", key(2), (AK_SERIAL, AT - DAY, None))
    artifacts: Artifacts = {**with_ak(ak_certificate(AK)), "crl": ("crl", listed, {"issuer": "issuer"})}
    assert broken(judge(artifacts)) == {"ak.revocation": Outcome.FAILED}


def test_an_anchor_that_cannot_be_read_is_said() -> None:
    report = judge(with_ek(), anchors=(b"\x30\x00",))
    assert "an anchor cannot be read" in message(report, "ek.chain")
