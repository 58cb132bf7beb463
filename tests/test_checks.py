# SPDX-License-Identifier: Apache-2.0
"""The verifier's plan and its description are one list: ids, order, and what is said of each check."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from bundlefmt import labels
from bundlefmt.bundle import Bundle, Renewal, Seal
from bundlefmt.cose import CoseSign1
from bundlefmt.errors import Code
from bundlefmt.evidence.ocsp import MAX_ANSWERS, MAX_CERTIFICATES
from bundlefmt.evidence.opentimestamps import BITCOIN, MAX_PROOF, MAX_STEPS, PENDING
from bundlefmt.evidence.own_extension import FINGERPRINT_SIZES, NAME_SIZES
from bundlefmt.evidence.timestamp_token import MAX_TOKEN
from bundlefmt.evidence.yubico import version
from bundlefmt.renewal import Stamp
from bundlefmt.verify.advisories import ADVISORIES
from bundlefmt.verify.authority import TIME_STAMPING
from bundlefmt.verify.checks import Check
from bundlefmt.verify.conclusions import draw
from bundlefmt.verify.context import Context
from bundlefmt.verify.policy import Policy
from bundlefmt.verify.registration import MAX_RECEIPTS
from bundlefmt.verify.stamps import MAX_RENEWALS
from bundlefmt.verify.verifier import CHECK_IDS, PLAN
from tests.test_soundness import Ceremony

SPEC: Final = Path(__file__).resolve().parents[1] / "spec"
CHECKS: Final = (SPEC / "checks.md").read_text("utf-8")
FORMAT: Final = (SPEC / "evidence-bundle.md").read_text("utf-8")
PARTS: Final = ("Rule", "Looks at", "Passed", "Failed", "Indeterminate", "Skipped", "Why", "Source")
SECTION: Final = re.compile(r"^### `(.+)`\n\n((?:(?!^#).*\n?)*)", re.MULTILINE)
SECTIONS: Final = {match[1]: match[2] for match in SECTION.finditer(CHECKS)}


def parts(section: str) -> dict[str, str]:
    """The sentences of one check's section by their headings, in order."""
    found = re.findall(r"^- \*\*(.+?)\.\*\* ((?:(?!^- ).*\n?)*)", section, re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in found}


def test_the_headings_are_the_plan() -> None:
    assert tuple(re.findall(r"^### `(.+)`$", CHECKS, re.MULTILINE)) == CHECK_IDS


def test_ids_are_dotted_and_unique() -> None:
    assert len(set(CHECK_IDS)) == len(CHECK_IDS)
    assert [id for id in CHECK_IDS if not re.fullmatch(r"[a-z]+\.[a-z]+", id)] == []


def test_the_areas_are_headings_in_the_order_of_the_plan() -> None:
    areas = list(dict.fromkeys(id.partition(".")[0] for id in CHECK_IDS))
    assert re.findall(r"^## (.+)$", CHECKS, re.MULTILINE) == areas


def test_the_steps_never_go_back() -> None:
    steps = [step for step, _, _ in PLAN]
    assert steps == sorted(steps)


def test_the_steps_are_those_of_the_specification() -> None:
    section = FORMAT.split("\n1. The container: `container.*`", 1)[1].split("\n\n", 1)[0]
    steps = re.split(r"^(\d+)\. ", f"1. The container: `container.*`{section}", flags=re.MULTILINE)
    written = {
        area: int(number)
        for number, text in zip(steps[1::2], steps[2::2], strict=True)
        for area in re.findall(r"`([a-z]+)\.\*`", text)
    }
    assert written == {check.id.partition(".")[0]: step for step, _, checks in PLAN for check in checks}


@pytest.mark.parametrize("check", CHECK_IDS)
def test_a_section_says_everything_about_its_check(check: str) -> None:
    said = parts(SECTIONS[check])
    assert tuple(said) == PARTS
    assert "verifier MUST" in said["Rule"]
    assert [name for name, text in said.items() if not re.fullmatch(r"[A-Z0-9`].*\.", text)] == []


@pytest.mark.parametrize("id", CHECK_IDS)
def test_every_relaxation_that_a_check_names_is_one(id: str) -> None:
    named = set(re.findall(r"allow_\w+", SECTIONS[id]))
    assert named <= {name for name in Policy.__slots__ if name.startswith("allow_")}


def test_every_relaxation_is_described() -> None:
    for name in Policy.__slots__:
        if name.startswith("allow_"):
            assert name in CHECKS
            assert f"| `{name}` |" in FORMAT


def test_the_specification_names_every_area() -> None:
    assert [area for area in {id.partition(".")[0] for id in CHECK_IDS} if f"`{area}.*`" not in FORMAT] == []


def of_everything() -> Bundle:
    """A bundle with something of each kind that a conclusion is about, good or bad."""
    roles = ("firmware-log", "piv-attestation", "cross-signature", "tpm-binding-certificate")
    carried = {labels.HDR_3161_CTT: b"", labels.HDR_RECEIPTS: b""}
    message = CoseSign1(protected_raw=b"", unprotected=carried, payload=b"", signature=b"")
    seal = Seal(type=labels.SEAL_COSE, value=message.encode())
    by_blocks = Stamp(covers=b"", type=labels.TYPE_OPENTIMESTAMP, proof=b"")
    bundle = Ceremony(more={role: (role, b"", {}) for role in roles}).build()
    return replace(bundle, renewals=(Renewal(raw=by_blocks.encode()),), seals=(seal,))


def test_the_specification_names_every_conclusion() -> None:
    bundle = of_everything()
    context = Context(bundle, Policy(), bundle)
    table = re.findall(r"^\| `([a-z]+\.[a-z]+)` \|", FORMAT, re.MULTILINE)
    assert table == [conclusion.id for conclusion in draw(context, ())]


def test_conclusions_rest_on_checks_that_exist() -> None:
    context = Context(Ceremony().build(), Policy())
    for conclusion in draw(context, ()):
        assert set(conclusion.rests_on) <= set(CHECK_IDS), conclusion.id


def test_checks_are_in_the_module_of_their_area() -> None:
    for _, _, checks in PLAN:
        assert len({check.id.partition(".")[0] for check in checks}) == 1
        assert all(isinstance(check, Check) for check in checks)


def _cells(heading: str) -> list[list[str]]:
    """The rows of the first table below a heading, cell by cell."""
    section = FORMAT.split(f"\n{heading}\n", 1)[1].split("\n#", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[1:]]


def test_the_registry_of_roles_is_that_of_the_code() -> None:
    written = {
        role: tuple(ref for ref in row[3].split(", ") if ref)
        for row in _cells("### 10.1 Roles")
        if len(row) == 4
        for role in row[0].split(", ")
    }
    assert written == labels.ROLES


def test_the_known_roots_are_those_of_the_code() -> None:
    rows = [row for row in _cells("### 10.8 YubiKeys") if re.fullmatch(r"[0-9a-f]{64}", row[0])]
    assert dict(rows) == labels.YUBICO_ROOTS


def test_the_advisories_are_those_of_the_code() -> None:
    kinds = {rsa.RSAPublicKey: "RSA", ec.EllipticCurvePublicKey: "ECC"}
    known = [
        [
            each.id,
            version(each.since),
            version(each.fixed),
            ", ".join(kinds[kind] for kind in each.kinds),
            each.message,
        ]
        for each in ADVISORIES
    ]
    assert [row for row in _cells("### 10.8 YubiKeys") if row[0].startswith("YSA-")] == known


def test_the_asn1_module_is_in_the_text_and_has_the_numbers_of_the_code() -> None:
    module = (SPEC / "evidence-bundle.asn1").read_text("utf-8")
    assert f"```asn1\n{module}```" in FORMAT
    arc = labels.OID_ARC.rpartition(".")[2]
    assert set(re.findall(r"uuid\(25\) (\d+)", module)) == {arc}
    numbers = re.findall(r"^id-([a-z-]+) .*id-evidence-bundle (\d+)", module, re.MULTILINE)
    assert {name: f"{labels.OID_ARC}.{number}" for name, number in numbers} == {
        "tpm-binding": labels.OID_TPM_BINDING,
        "openpgp-key": labels.OID_OPENPGP_KEY,
    }
    sizes = [tuple(map(int, row.split(" | "))) for row in re.findall(r"SIZE \(([\d | ]+)\)", module)]
    assert sizes == [NAME_SIZES, FINGERPRINT_SIZES]


def test_the_codes_of_the_appendix_are_those_of_the_code() -> None:
    written = [code for row in _cells("## Appendix A. Error codes") for code in row[0].split(", ")]
    assert written == [code.value for code in Code if code is not Code.NOT_ENCODABLE]


@pytest.mark.parametrize(
    "number",
    [
        labels.TAG_BUNDLE,
        labels.TAG_CHALLENGE,
        labels.TAG_ANSWER,
        labels.TAG_KEPT,
        labels.MAX_PAIRS,
        *labels.HASH_NAMES,
        *labels.ALG_NAMES,
        labels.HDR_CWT_CLAIMS,
        labels.HDR_TYP,
        labels.HDR_X5T,
        labels.HDR_PAYLOAD_HASH_ALG,
        labels.HDR_PREIMAGE_CONTENT_TYPE,
        labels.HDR_3161_TTC,
        labels.HDR_3161_CTT,
        labels.HDR_RECEIPTS,
        labels.HDR_VDS,
        labels.HDR_VDP,
        MAX_RECEIPTS,
        labels.TAG_COSE_SIGN1,
        labels.MAX_DEPTH,
        labels.MAX_ITEMS,
        labels.MAX_BYTES,
        labels.MAX_MANIFEST,
        labels.MAX_SEALS,
        MAX_ANSWERS,
        MAX_CERTIFICATES,
        MAX_RENEWALS,
        MAX_TOKEN,
        MAX_PROOF,
        MAX_STEPS,
    ],
)
def test_every_number_is_in_the_specification(number: int) -> None:
    spaced = f"{number:,}".replace(",", " ")
    assert re.search(rf"(?<![\d-])({number}|{spaced})(?![\d ]\d)", FORMAT)


@pytest.mark.parametrize(
    "text",
    [
        labels.COLLECTION_TYPE,
        labels.COLLECTION_TYPE_KEY,
        labels.PROFILE_SNAPSHOT,
        labels.BINDING_CONTEXT,
        labels.ANSWER_CONTEXT,
        labels.SEAL_COSE,
        labels.SEAL_OPENPGP,
        labels.SEAL_TYP,
        labels.MEDIA_TYPE,
        labels.MANIFEST_MEDIA_TYPE,
        labels.EXTENSION,
        labels.OID_TPM_BINDING,
        labels.OID_OPENPGP_KEY,
        f"below {labels.OID_YUBICO}.",
        f"extended key usage {TIME_STAMPING} alone",
        labels.TYPE_TIMESTAMP,
        labels.TYPE_OPENTIMESTAMP,
        BITCOIN.hex(),
        PENDING.hex(),
        *labels.REF_NAMES,
        *labels.BOUND_ROLES,
        *labels.WITHHOLDABLE,
        *sorted(set(labels.ROLE_TYPES.values())),
    ],
)
def test_every_name_is_in_the_specification(text: str) -> None:
    assert text in FORMAT


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((SPEC.parent / "pyproject.toml").read_text("utf-8"))
    named = [*project["build-system"]["requires"], *project["project"]["dependencies"]]
    named += [name for extra in project["project"]["optional-dependencies"].values() for name in extra]
    packages = {re.split(r"[^\w-]", name)[0] for name in named}
    table = (SPEC / "rationale.md").read_text("utf-8").split("## Dependencies", 1)[1]
    given = {
        cell.strip() for row in re.findall(r"^\| (.+?) \|", table, re.MULTILINE) for cell in row.split(",")
    }
    assert given - {"package", "---"} == packages


def test_the_changelog_counts_the_checks() -> None:
    assert f"{len(CHECK_IDS)} checks" in (SPEC / "CHANGELOG.md").read_text("utf-8")
