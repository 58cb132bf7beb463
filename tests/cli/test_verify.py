# SPDX-License-Identifier: Apache-2.0
"""`bundle verify`: the options become the policy, and the report says all that was found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from bundlefmt.bundle import Bundle as Decoded
from bundlefmt.cli import reading
from bundlefmt.cli.run import UsageError
from bundlefmt.verify import RELAXATIONS, verify
from bundlefmt.verify.verifier import CHECK_IDS
from tests.cli.conftest import VECTORS, Bundle, terms, vector
from tests.test_vectors import before, policy_of, said
from tests.vectorgen import certificates, keys, transparency

GOOD = "activation_whole"
OPENPGP = said(GOOD)["policy"]["pins_openpgp"][0]
PIV = said(GOOD)["policy"]["pins_piv"][0]
ROOT = VECTORS / "keys" / "tpm-root.der"


@pytest.mark.parametrize(
    "name", [GOOD, "certify_wrong-magic", "activation_missing", "clock_of-another-boot-allowed"]
)
def test_the_report_as_json_is_the_report(name: str, bundle: Bundle) -> None:
    answer = bundle("verify", vector(name), *terms(name), "--json")
    report = verify(Decoded.open(vector(name)), policy_of(said(name)["policy"]))
    assert answer.json["verdict"] == report.verdict == said(name)["expect"]["verdict"]
    assert [(each["check"], each["outcome"], tuple(each["items"])) for each in answer.json["findings"]] == [
        (each.check, each.outcome, each.items) for each in report.findings
    ]
    assert {each["id"]: each["basis"] for each in answer.json["conclusions"]} == {
        each.id: each.basis for each in report.conclusions
    }
    assert answer.json["policy"]["relaxations"] == list(report.policy.relaxations)


def test_every_check_is_told_of(bundle: Bundle) -> None:
    answer = bundle("verify", vector(GOOD), *terms(GOOD), "-v")
    told = [
        line.split()[1] for line in answer.out.splitlines() if line[:4].strip() in ("ok", "-", "??", "FAIL")
    ]
    assert sorted(set(told)) == sorted(CHECK_IDS)


def test_what_is_wrong_is_told_without_asking(bundle: Bundle) -> None:
    answer = bundle("verify", vector("certify_wrong-magic"), *terms("certify_wrong-magic"))
    assert [line for line in answer.out.splitlines() if line.startswith("FAIL")]
    assert "ok  " not in answer.out


@pytest.mark.parametrize("relaxation", RELAXATIONS)
def test_each_relaxation_has_its_name(relaxation: str, bundle: Bundle) -> None:
    option = relaxation.removeprefix("allow_").replace("_", "-")
    answer = bundle("verify", vector(GOOD), "--allow", option, "--json")
    assert answer.json["policy"]["relaxations"] == [relaxation]
    assert f"relaxed: {relaxation}" in bundle("verify", vector(GOOD), "--allow", option).out


def test_the_snapshot_before(bundle: Bundle) -> None:
    name = "previous_key-came-back"
    assert before(said(name)) is not None
    answer = bundle("verify", vector(name), *terms(name), "--previous", vector("previous_first"))
    assert answer.code == 0
    lines = answer.out.splitlines()
    assert "  proven    the attestation key of the snapshot before speaks again" in lines
    said_so = "the same TPM made this and the snapshot before: its key cannot be anywhere else"
    assert f"  vouched   {said_so}" in lines


@pytest.mark.parametrize(
    "pin",
    [
        OPENPGP,
        OPENPGP.upper(),
        f"0x{OPENPGP}",
        " ".join(OPENPGP[at : at + 4] for at in range(0, 40, 4)),
        ":".join(OPENPGP[at : at + 2] for at in range(0, 40, 2)),
        f"  {OPENPGP}\n",
    ],
)
def test_fingerprints_as_people_write_them(pin: str, bundle: Bundle) -> None:
    answer = bundle("verify", vector(GOOD), "--pin-openpgp", pin, "--json")
    assert answer.json["policy"]["pins_openpgp"] == [OPENPGP]


@pytest.mark.parametrize(
    "pin", [PIV, PIV.upper(), ":".join(PIV[at : at + 2] for at in range(0, 64, 2)), f"{PIV[:32]} {PIV[32:]}"]
)
def test_digests_as_people_write_them(pin: str) -> None:
    assert reading.sha256(pin).hex() == PIV


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1767225600", 1767225600),
        ("2026-01-01", 1767225600),
        ("20260101", 1767225600),  # a date, not a second of the year 1970
        ("2026-01-01T00:00:00Z", 1767225600),
        ("2026-01-01T01:00:00+01:00", 1767225600),
        ("2026-01-01 00:00", 1767225600),
    ],
)
def test_times_as_people_write_them(text: str, seconds: int) -> None:
    assert reading.moment(text) == seconds


@pytest.mark.parametrize("pin", [OPENPGP, PIV[:-1], f"{PIV}00", PIV.replace(PIV[0], "ß"), ""])
def test_what_is_no_digest(pin: str) -> None:
    with pytest.raises(UsageError, match="is not a SHA-256 digest"):
        reading.sha256(pin)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-13-01",
        "-1",
        "1e9",
        "9" * 400,
        "9" * 5000,
        "²³²³²³²³²",
        "1969-12-31",
        "1234567",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59x",
    ],
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(UsageError):
        reading.moment(text)


def test_anchors_in_pem_and_der(bundle: Bundle, tmp_path: Path) -> None:
    root = x509.load_der_x509_certificate(ROOT.read_bytes()).public_bytes(Encoding.PEM)
    other = x509.load_der_x509_certificate((VECTORS / "keys" / "other-root.der").read_bytes())
    pem = tmp_path / "roots.pem"
    pem.write_bytes(b"two roots\n" + other.public_bytes(Encoding.PEM) + root)
    pins = ["--pin-openpgp", OPENPGP, "--pin-piv", PIV]
    for anchor in (ROOT, pem):
        assert bundle("verify", vector(GOOD), *pins, "--anchor", anchor).code == 0
    assert bundle("verify", vector(GOOD), *pins, "--anchor", VECTORS / "keys" / "other-root.der").code == 1


def test_json_is_for_programs_only(bundle: Bundle) -> None:
    answer = bundle("verify", vector(GOOD), "--json")
    assert json.loads(answer.out)["schema"] == "evidence-bundle-report/1"
    assert answer.err == ""


@pytest.mark.parametrize("form", ["PEM", "DER", "certificate"])
def test_the_key_of_a_log_in_any_form(bundle: Bundle, tmp_path: Path, form: str) -> None:
    """A log publishes a key; a trust file and a policy have certificates."""
    file = tmp_path / "log"
    if form == "certificate":
        key = keys.ec_key(transparency.NAME)
        name = "Evidence Bundle Test Log (test key)"
        file.write_bytes(certificates.certificate(name, key.public_key(), name, key))
    else:
        loaded = load_der_public_key(transparency.key())
        file.write_bytes(
            loaded.public_bytes(
                Encoding.PEM if form == "PEM" else Encoding.DER, PublicFormat.SubjectPublicKeyInfo
            )
        )
    path = VECTORS / "seal_receipt" / "bundle.evb"
    pin = said("seal_receipt")["policy"]["pins_piv"][0]
    answer = bundle("verify", path, "--pin-piv", pin, "--no-trust", "--anchor-log", file)
    assert answer.code == 0, answer.out
    assert "has registered seal 1 at leaf index 5" in answer.out
