# SPDX-License-Identifier: Apache-2.0
"""Attestation results: the claims are as published and the same each time; keys sign and are named."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from typing import Any, Final

import cbor2
import cddl_verifier
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bundlefmt import cbor
from bundlefmt.cose import CoseSign1, KeySigner
from bundlefmt.errors import EncodeError
from bundlefmt.render import ear, thumbprint
from bundlefmt.verify.appraisal import Attester, Category
from tests.cose_keys import private_key
from tests.test_cddl import ROOT
from tests.test_vectors import JUDGED, report_of

ISSUED_AT: Final = 1_767_225_600
BUILD: Final = "evidence-bundle 0"
SCHEMA: Final = cddl_verifier.Validator((ROOT / "spec" / "attestation-result.cddl").read_text("utf-8"))


def claims(vector: str = "activation_whole") -> dict[str, Any]:
    return ear.claims_json(report_of(vector), issued_at=ISSUED_AT, build=BUILD)


def in_cbor(vector: str = "activation_whole") -> dict[int, Any]:
    return ear.claims_cbor(report_of(vector), issued_at=ISSUED_AT, build=BUILD)


def test_the_claims_in_json() -> None:
    found = claims()
    report = found.pop("tag:evidence-bundle,2026:report")
    assert found == {
        "eat_profile": "tag:ietf.org,2026:rats/ear#03",
        "iat": ISSUED_AT,
        "ear_verifier_id": {"developer": "tag:evidence-bundle,2026", "build": BUILD},
        "ear_status": "none",
        "submods": {"tpm": {"ear_status": "none", "ear_trustworthiness_vector": {"hardware": 0}}},
    }
    assert (report["verdict"], report["conclusions"]["tpm.genuine"]) == ("PASSED", "proven")


def renamed(value: dict[str, Any]) -> dict[int, Any]:
    """What JSON says, as CBOR says it: by the numbers of the draft, written out here once more."""
    tiers = {"none": 0, "affirming": 2, "warning": 32, "contraindicated": 96}
    categories = {"instance-identity": 0, "executables": 2, "hardware": 4}
    own = dict(value["tag:evidence-bundle,2026:report"])
    own["manifest_sha256"] = bytes.fromhex(own["manifest_sha256"])
    submods = {
        name: {
            1000: tiers[each["ear_status"]],
            1001: {categories[of]: number for of, number in each["ear_trustworthiness_vector"].items()},
        }
        for name, each in value["submods"].items()
    }
    verifier = value["ear_verifier_id"]
    return {
        265: value["eat_profile"],
        6: value["iat"],
        1004: {0: verifier["developer"], 1: verifier["build"]},
        1000: tiers[value["ear_status"]],
        266: submods,
        -0x45564231: own,
    }


@pytest.mark.parametrize("name", JUDGED[::9])
def test_both_forms_are_as_published_and_say_the_same(name: str) -> None:
    plain, binary = claims(name), in_cbor(name)
    assert SCHEMA.validate(cbor2.dumps(plain), "result-json").valid
    assert SCHEMA.validate(cbor.encode(binary), "result-cbor").valid
    assert renamed(plain) == binary


def test_the_published_form_can_refuse() -> None:
    for change in ({265: "other"}, {1000: 1}, {266: {}}, {-0x45564231: {}}, {7: 7}):
        assert not SCHEMA.validate(cbor2.dumps({**in_cbor(), **change}), "result-cbor").valid


def test_a_policy_document_is_named_where_it_is_all() -> None:
    report = report_of("activation_whole")
    document = bytes(range(32))
    named = replace(report, policy=replace(report.policy, document=document))
    (tpm,) = ear.claims_json(named, issued_at=ISSUED_AT, build=BUILD)["submods"].values()  # type: ignore[union-attr] # an object
    identifier = f"ni:///sha-256;{base64.urlsafe_b64encode(document).decode().rstrip('=')}"
    assert tpm["ear_appraisal_policy_ids"] == [identifier]  # type: ignore[index,call-overload] # an object
    found = ear.claims_cbor(named, issued_at=ISSUED_AT, build=BUILD)
    assert SCHEMA.validate(cbor.encode(found), "result-cbor").valid
    more = replace(report, policy=replace(report.policy, document=document, amended=True))
    assert "ni:" not in json.dumps(ear.claims_json(more, issued_at=ISSUED_AT, build=BUILD))


def test_all_but_the_signature_is_the_same_each_time() -> None:
    signer = KeySigner(private_key("ESP256"))
    first, second = (ear.jwt(claims(), signer).split(b".") for _ in range(2))
    assert first[:2] == second[:2]
    assert first[2] != second[2]  # ECDSA draws a number each time
    assert json.loads(base64.urlsafe_b64decode(first[1] + b"==")) == claims()
    one, two = (CoseSign1.decode(ear.cwt(in_cbor(), signer)) for _ in range(2))
    assert (one.protected_raw, one.payload) == (two.protected_raw, two.payload)
    fixed = KeySigner(private_key("Ed25519"))
    assert ear.jwt(claims(), fixed) == ear.jwt(claims(), fixed)
    assert ear.cwt(in_cbor(), fixed) == ear.cwt(in_cbor(), fixed)


@pytest.mark.parametrize("name", ["ESP256", "ESP384", "Ed25519"])
def test_the_cwt_is_signed_by_the_key(name: str) -> None:
    key = private_key(name)
    CoseSign1.decode(ear.cwt(in_cbor(), KeySigner(key))).verify(key.public_key())


@pytest.mark.parametrize("name", ["PS256", "ESP512", "ML-DSA-65"])
def test_keys_that_do_not_sign_results(name: str) -> None:
    signer = KeySigner(private_key(name))
    assert not ear.can_sign(signer)
    with pytest.raises(EncodeError):
        ear.jwt(claims(), signer)
    with pytest.raises(EncodeError):
        ear.cwt(in_cbor(), signer)


def test_names_are_those_of_the_drafts() -> None:
    assert {category.label: int(category) for category in Category} == {
        "instance-identity": 0,
        "executables": 2,
        "hardware": 4,
    }
    assert [attester.value for attester in Attester] == ["tpm", "security-keys"]


def test_thumbprints() -> None:
    """The example of RFC 8037 A.3, and the same octets as COSE has them."""
    x = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    key = ed25519.Ed25519PublicKey.from_public_bytes(x)
    assert thumbprint.of_jwk(key) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    assert thumbprint.of_cose_key(key) == hashlib.sha256(bytes.fromhex("a301012006215820") + x).digest()


@pytest.mark.parametrize(("name", "number"), [("P-256", 1), ("P-384", 2)])
def test_thumbprints_of_points(name: str, number: int) -> None:
    curve = {1: ec.SECP256R1(), 2: ec.SECP384R1()}[number]
    # the point of the scalar 1, whose coordinates fill the field
    key = ec.derive_private_key(1, curve).public_key()
    raw = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)[1:]
    x, y = raw[: len(raw) // 2], raw[len(raw) // 2 :]
    shown = [base64.urlsafe_b64encode(each).rstrip(b"=").decode() for each in (x, y)]
    text = f'{{"crv":"{name}","kty":"EC","x":"{shown[0]}","y":"{shown[1]}"}}'
    digest = hashlib.sha256(text.encode()).digest()
    assert thumbprint.of_jwk(key) == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    canonical = cbor2.dumps({1: 2, -1: number, -2: x, -3: y}, canonical=True)
    assert thumbprint.of_cose_key(key) == hashlib.sha256(canonical).digest()


@pytest.mark.parametrize("name", ["PS256", "ESP512"])
def test_no_thumbprint_of_other_keys(name: str) -> None:
    for of in (thumbprint.of_jwk, thumbprint.of_cose_key):
        with pytest.raises(LookupError):
            of(private_key(name).public_key())
