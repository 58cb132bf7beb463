# SPDX-License-Identifier: Apache-2.0
"""What must never pass: bundles that say more than their evidence; and what absence may leave open.

The ceremony here is made in software; every test changes one thing of a ceremony that passes.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding

from bundlefmt import cose, labels
from bundlefmt.bundle import Bundle, Renewal, Seal
from bundlefmt.cbor import encode
from bundlefmt.evidence.attest import TpmsAttest
from bundlefmt.evidence.attested import Attested, AttestType, TpmsCertifyInfo, TpmsClockInfo, TpmsQuoteInfo
from bundlefmt.evidence.credential import entropy_size, make_credential
from bundlefmt.evidence.ek_template import EK_TEMPLATES
from bundlefmt.evidence.pcr import encode_pcr_values
from bundlefmt.evidence.tpm import (
    TpmaObject,
    TpmsEccPoint,
    TpmsPcrSelection,
    TpmtPublic,
    digest,
    qualified_name,
)
from bundlefmt.evidence.tpm_algorithm import TpmAlg
from bundlefmt.evidence.tpm_parameters import TpmsEccParms, TpmsRsaParms, TpmtScheme, TpmtSymDefObject
from bundlefmt.evidence.tpm_signature import EccSignature, TpmtSignature
from bundlefmt.manifest import Binding, Digest, Item, Manifest, RequiredSigner
from bundlefmt.verify import Basis, Outcome, Policy, Report, Verdict, verify

CREATED = 1_767_225_600  # 2026-01-01
OWNER, ENDORSEMENT = 0x40000001, 0x4000000B
BORN_HERE = TpmaObject.fixedTPM | TpmaObject.fixedParent | TpmaObject.sensitiveDataOrigin
SIGNING = BORN_HERE | TpmaObject.sign_encrypt
PCRS = {index: bytes([index]) * 32 for index in range(8)}
SCHEME = TpmtScheme(scheme=TpmAlg.ECDSA, hash=TpmAlg.SHA256)

Artifacts = Mapping[str, tuple[str, bytes, Mapping[str, str]]]  # role, bytes and references by label
Banks = Mapping[int, Mapping[int, bytes]]


@cache
def private(seed: int) -> ec.EllipticCurvePrivateKey:
    """A test key."""
    return ec.derive_private_key(seed, ec.SECP256R1())


def public(seed: int, attributes: TpmaObject = SIGNING, name_alg: int = TpmAlg.SHA256) -> TpmtPublic:
    point = private(seed).public_key().public_numbers()
    return TpmtPublic(
        type=TpmAlg.ECC,
        name_alg=name_alg,
        attributes=attributes,
        auth_policy=b"",
        parameters=TpmsEccParms(symmetric=TpmtSymDefObject(), scheme=SCHEME, curve=3, kdf=TpmtScheme()),
        unique=TpmsEccPoint(x=point.x.to_bytes(32, "big"), y=point.y.to_bytes(32, "big")),
    )


def qualified(area: TpmtPublic, hierarchy: int) -> bytes:
    return qualified_name(hierarchy.to_bytes(4, "big"), area.name())


@cache
def certificate(seed: int = 1) -> bytes:
    """The operator's self-signed certificate: a test key, not a real identity."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Soundness Test Operator (test key)")])
    start = datetime.datetime.fromtimestamp(CREATED - 86_400, datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(seed)
    builder = builder.not_valid_before(start).not_valid_after(start + datetime.timedelta(days=365))
    builder = builder.public_key(private(seed).public_key())
    built = builder.sign(private(seed), hashes.SHA256(), ecdsa_deterministic=True)
    return built.public_bytes(Encoding.DER)


EK = replace(EK_TEMPLATES["L-2"], raw=b"", unique=public(4).unique)
AK, KEY = public(2, SIGNING | TpmaObject.restricted), public(3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceremony:
    """Artifacts by label, made in the order of a real ceremony. A test replaces or adds some."""

    ak: TpmtPublic = AK
    key: TpmtPublic = KEY
    banks: Banks = field(default_factory=lambda: {TpmAlg.SHA256: PCRS})
    carried: Banks | None = None
    refs: Mapping[str, Mapping[str, str | tuple[str, ...]]] = field(default_factory=dict)
    more: Artifacts = field(default_factory=dict)
    withheld: tuple[str, ...] = ()
    activated: bool = True
    extensions: Mapping[str, int] = field(default_factory=dict)

    def statement(self, kind: int, attested: Attested, extra: bytes) -> bytes:
        return TpmsAttest(
            type=kind,
            qualified_signer=qualified(self.ak, ENDORSEMENT),
            extra_data=extra,
            clock_info=TpmsClockInfo(clock=1, reset_count=1, restart_count=0, safe=True),
            firmware_version=1,
            attested=attested,
        ).encode()

    def build(self) -> Bundle:
        items: dict[str, Item] = {}
        values: dict[str, bytes] = {}

        def add(label: str, role: str, data: bytes, **refs: str) -> None:
            given = {name.replace("_", "-"): target for name, target in refs.items()}
            kind = labels.ROLE_TYPES.get(role, labels.TYPE_OCTETS)
            items[label] = Item.of(data, type=kind, role=role, refs=self.refs.get(label, given))
            values[label] = data

        add("operator", "piv-certificate", certificate())
        add("ak", "ak-public", self.ak.encode())
        add("key", "key-public", self.key.encode())
        if self.activated:
            add("tpm", "ek-public", EK.encode())
            record = make_credential(EK, self.ak.name(), bytes(32), entropy=bytes(range(entropy_size(EK))))
            add("activation", "credential-activation", record.encode(), ek="tpm", ak="ak")
        for label, (role, data, refs) in self.more.items():
            add(label, role, data, **refs)
        over = sorted(label for label, item in items.items() if item.role in labels.BOUND_ROLES)
        binding = Binding(alg=labels.HASH_SHA256, nonce=bytes(32), over=tuple(over))
        extra = binding.digest(items, None)
        row = b"".join(value for bank in self.banks.values() for value in bank.values())
        info = TpmsQuoteInfo(
            pcr_select=tuple(TpmsPcrSelection.of(bank, values) for bank, values in self.banks.items()),
            pcr_digest=digest(TpmAlg.SHA256, row),
        )
        quote = self.statement(AttestType.QUOTE, info, extra)
        held = TpmsCertifyInfo(name=self.key.name(), qualified_name=qualified(self.key, OWNER))
        certify = self.statement(AttestType.CERTIFY, held, extra)
        add("quote", "quote", quote, by="ak")
        add("quote.sig", "tpm-signature", signed(2, quote), by="ak", over="quote")
        pcrs = self.banks if self.carried is None else self.carried
        add("quote.pcrs", "pcr-values", encode_pcr_values(pcrs), quoted_by="quote")
        add("certify", "certify", certify, by="ak", subject="key")
        add("certify.sig", "tpm-signature", signed(2, certify), by="ak", over="certify")
        manifest = Manifest(
            profile=labels.PROFILE_SNAPSHOT,
            created=CREATED,
            items=items,
            binding=binding,
            signers=(RequiredSigner(item="operator", part="operator"),),
            extensions=self.extensions,
        )
        present = {label: value for label, value in values.items() if label not in self.withheld}
        return sealed(Bundle.assemble(manifest, present))


def signed(seed: int, message: bytes) -> bytes:
    r, s = decode_dss_signature(private(seed).sign(message, ec.ECDSA(hashes.SHA256())))
    signature = EccSignature(hash=TpmAlg.SHA256, r=r.to_bytes(32, "big"), s=s.to_bytes(32, "big"))
    return TpmtSignature(alg=TpmAlg.ECDSA, signature=signature).encode()


def header() -> dict[int, object]:
    """The protected header of the operator's seal, `alg` aside."""
    return {
        labels.HDR_CRIT: [labels.HDR_TYP, labels.HDR_PAYLOAD_HASH_ALG],
        labels.HDR_TYP: labels.SEAL_TYP,
        labels.HDR_PAYLOAD_HASH_ALG: labels.HASH_SHA256,
        labels.HDR_PREIMAGE_CONTENT_TYPE: labels.MANIFEST_MEDIA_TYPE,
        labels.HDR_CWT_CLAIMS: {labels.CLAIM_ISS: "i", labels.CLAIM_SUB: "s", labels.CLAIM_IAT: CREATED},
        labels.HDR_X5T: [labels.HASH_SHA256, Digest.of(certificate()).value],
    }


def sealed(bundle: Bundle, protected: Mapping[int, object] | None = None) -> Bundle:
    payload = Digest.of(bundle.manifest_raw).value
    message = cose.sign1(cose.KeySigner(private(1)), protected or header(), payload)
    return replace(bundle, seals=(Seal(type=labels.SEAL_COSE, value=message.encode()),))


def judge(bundle: Bundle, *, allow_withheld: bool = False, allow_sha1: bool = False) -> Report:
    pins = frozenset({Digest.of(certificate()).value})
    return verify(bundle, Policy(pins_piv=pins, allow_withheld=allow_withheld, allow_sha1=allow_sha1))


def outcomes(report: Report, *wanted: Outcome) -> set[str]:
    return {finding.check for finding in report.findings if finding.outcome in wanted}


def bases(report: Report) -> dict[str, Basis]:
    return {conclusion.id: conclusion.basis for conclusion in report.conclusions}


def test_the_ceremony_passes() -> None:
    report = judge(Ceremony().build())
    assert report.verdict is Verdict.PASSED, outcomes(report, Outcome.FAILED, Outcome.INDETERMINATE)
    assert bases(report) == {
        "identity.sealed": Basis.PROVEN,
        "tpm.genuine": Basis.UNPROVEN,
        "ak.resident": Basis.VOUCHED,
        "platform.state": Basis.VOUCHED,
        "key.resident": Basis.VOUCHED,
        "ak.lifetime": Basis.UNPROVEN,
    }


def test_nobody_says_that_unrelated_keys_are_of_one_tpm() -> None:
    report = judge(Ceremony(more={"tpm2": ("ek-public", EK.encode(), {})}).build())
    assert outcomes(report, Outcome.INDETERMINATE) == {"activation.made"}
    assert {bases(report)[name] for name in ("ak.resident", "platform.state")} == {Basis.UNPROVEN}


def test_without_a_genuine_tpm_no_conclusion_speaks_of_it() -> None:
    statements = {c.id: c.statement for c in judge(Ceremony().build()).conclusions}
    assert "that TPM" not in statements["ak.resident"]


def test_a_statement_by_two_keys_is_refused_rather_than_left_unchecked() -> None:
    more: Artifacts = {"ak2": ("ak-public", public(4, SIGNING | TpmaObject.restricted).encode(), {})}
    ceremony = Ceremony(more=more, refs={"quote": {"by": ("ak", "ak2")}})
    report = judge(ceremony.build())
    assert "container.refs" in outcomes(report, Outcome.FAILED)
    assert bases(report)["platform.state"] is Basis.UNPROVEN


def test_a_signature_over_what_is_no_statement_is_refused_rather_than_left_unchecked() -> None:
    signature = ("tpm-signature", signed(3, b"m"), {"by": "key", "over": "minutes"})
    report = judge(Ceremony(more={"minutes": ("minutes", b"m", {}), "minutes.sig": signature}).build())
    assert outcomes(report, Outcome.FAILED) == {"container.refs"}


def test_a_creation_that_cannot_be_read_certifies_no_key() -> None:
    creation = ("certify-creation", b"anything", {"by": "ak", "subject": "key2"})
    more: Artifacts = {"key2": ("key-public", public(5).encode(), {}), "creation": creation}
    report = judge(Ceremony(more=more).build())
    assert outcomes(report, Outcome.FAILED) == {"creation.form", "creation.signature"}
    assert bases(report)["key.resident"] is Basis.UNPROVEN


def test_a_skipped_quote_denies_the_conclusion_about_all_quotes() -> None:
    quote = bytes(Ceremony().build().content["quote"].value)
    more: Artifacts = {
        "quote2": ("quote", quote, {"by": "ak"}),
        "quote2.sig": ("tpm-signature", b"unseen", {"by": "ak", "over": "quote2"}),
        "quote2.pcrs": ("pcr-values", encode_pcr_values({TpmAlg.SHA256: PCRS}), {"quoted_by": "quote2"}),
    }
    ceremony = Ceremony(more=more, withheld=("quote2.sig",))
    report = judge(ceremony.build(), allow_withheld=True)
    assert report.verdict is Verdict.PASSED
    assert bases(report)["platform.state"] is Basis.UNPROVEN


def test_quoted_octets_cannot_be_read_as_other_values() -> None:
    # 2 values of 20 bytes and 2 of 32 are as long as 2 of 32 and 2 of 20
    quoted: Banks = {TpmAlg.SHA1: {0: b"a" * 20, 1: b"b" * 20}, TpmAlg.SHA256: {0: b"c" * 32, 1: b"d" * 32}}
    row = b"".join(value for bank in quoted.values() for value in bank.values())
    split: Banks = {
        TpmAlg.SHA1: {0: row[:32], 1: row[32:64]},
        TpmAlg.SHA256: {0: row[64:84], 1: row[84:]},
    }
    assert judge(Ceremony(banks=quoted).build()).verdict is Verdict.PASSED
    report = judge(Ceremony(banks=quoted, carried=split).build())
    assert "quote.selection" in outcomes(report, Outcome.FAILED)


def test_a_pcr_that_only_the_sha1_bank_holds_is_weak() -> None:
    banks: Banks = {TpmAlg.SHA1: {0: b"a" * 20, 7: b"b" * 20}, TpmAlg.SHA256: {0: b"c" * 32}}
    assert outcomes(judge(Ceremony(banks=banks).build()), Outcome.FAILED) == {"quote.bank"}
    assert judge(Ceremony(banks=banks).build(), allow_sha1=True).verdict is Verdict.PASSED


def test_a_bank_that_is_not_known_leaves_a_doubt() -> None:
    banks: Banks = {TpmAlg.SHA256: PCRS, 0x0999: {0: b"x" * 24}}
    assert outcomes(judge(Ceremony(banks=banks).build()), Outcome.INDETERMINATE) == {"quote.bank"}


def rsa_public(bits: int) -> TpmtPublic:
    modulus = rsa.generate_private_key(65537, bits).public_key().public_numbers().n
    return TpmtPublic(
        type=TpmAlg.RSA,
        name_alg=TpmAlg.SHA256,
        attributes=SIGNING,
        auth_policy=b"",
        parameters=TpmsRsaParms(
            symmetric=TpmtSymDefObject(),
            scheme=TpmtScheme(scheme=TpmAlg.RSASSA, hash=TpmAlg.SHA256),
            key_bits=bits,
            exponent=0,
        ),
        unique=modulus.to_bytes(bits // 8, "big"),
    )


@pytest.mark.parametrize(("bits", "failed"), [(1024, {"key.scheme"}), (2048, set())])
def test_a_short_rsa_key_is_weak(bits: int, failed: set[str]) -> None:
    assert outcomes(judge(Ceremony(key=rsa_public(bits)).build()), Outcome.FAILED) == failed


def test_a_name_by_sha1_is_weak() -> None:
    weak = Ceremony(key=public(3, name_alg=TpmAlg.SHA1)).build()
    assert outcomes(judge(weak), Outcome.FAILED) == {"key.scheme"}
    assert judge(weak, allow_sha1=True).verdict is Verdict.PASSED


HEADER_FAULTS: dict[str, dict[int, object | None]] = {
    "no crit": {labels.HDR_CRIT: None},
    "crit without typ": {labels.HDR_CRIT: [labels.HDR_PAYLOAD_HASH_ALG]},
    "x5t and kid": {labels.HDR_KID: bytes(34)},
    "neither x5t nor kid": {labels.HDR_X5T: None},
    "x5t by SHA-512": {
        labels.HDR_X5T: [labels.HASH_SHA512, Digest.of(certificate(), labels.HASH_SHA512).value]
    },
    "no claims": {labels.HDR_CWT_CLAIMS: None},
    "no time": {labels.HDR_CWT_CLAIMS: {labels.CLAIM_ISS: "i", labels.CLAIM_SUB: "s"}},
    "a negative time": {
        labels.HDR_CWT_CLAIMS: {labels.CLAIM_ISS: "i", labels.CLAIM_SUB: "s", labels.CLAIM_IAT: -1}
    },
}


@pytest.mark.parametrize("fault", HEADER_FAULTS)
def test_the_protected_header_of_a_seal_is_as_the_table_says(fault: str) -> None:
    merged = {**header(), **HEADER_FAULTS[fault]}
    protected = {label: value for label, value in merged.items() if value is not None}
    report = judge(sealed(Ceremony().build(), protected))
    assert "seal.form" in outcomes(report, Outcome.FAILED)
    assert bases(report)["identity.sealed"] is Basis.UNPROVEN


def test_a_withheld_template_leaves_no_doubt() -> None:
    template = replace(AK, unique=TpmsEccPoint(x=b"u", y=b"")).encode()
    ceremony = Ceremony(more={"template": ("ak-template", template, {"of": "ak"})})
    assert judge(ceremony.build()).verdict is Verdict.PASSED
    report = judge(replace(ceremony, withheld=("template",)).build())
    assert report.verdict is Verdict.PASSED
    assert bases(report)["ak.resident"] is Basis.VOUCHED


def test_a_withheld_signer_is_undecided_and_a_stripped_seal_failed() -> None:
    withheld = Ceremony(withheld=("operator",)).build()
    undecided = judge(withheld)
    assert undecided.verdict is Verdict.INDETERMINATE
    assert {"seal.signer", "seal.required", "seal.anchor"} <= outcomes(undecided, Outcome.INDETERMINATE)
    assert judge(withheld, allow_withheld=True).verdict is Verdict.INDETERMINATE
    stripped = judge(replace(withheld, seals=()))
    assert outcomes(stripped, Outcome.FAILED) == {"seal.required", "seal.anchor"}


def test_what_is_not_judged_is_said() -> None:
    ceremony = Ceremony(more={"log": ("logbook", b"", {})}, extensions={"later": 1})
    bundle = replace(
        ceremony.build(), renewals=(Renewal(raw=encode({"covers": b"", "proof": ["x/y", b""]})),)
    )
    report = judge(bundle)
    said = {
        (f.check, f.items) for f in report.findings if f.outcome is Outcome.SKIPPED and "kept" in f.message
    }
    assert said == {
        ("container.types", ("log",)),
        ("container.profile", ()),
        ("renewal.form", ("renewal 1",)),
    }
