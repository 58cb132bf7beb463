# SPDX-License-Identifier: Apache-2.0
"""The published vectors: each gives exactly what it expects, all are as generated, and none is missing."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives import serialization

from bundlefmt.bundle import Bundle, Seal
from bundlefmt.challenge import Kept
from bundlefmt.cose import CoseSign1
from bundlefmt.errors import Code, MalformedError
from bundlefmt.evidence.attested import TpmsQuoteInfo
from bundlefmt.evidence.tpm import HIERARCHIES
from bundlefmt.labels import SEAL_COSE
from bundlefmt.verify import Policy, Report, Verdict, verify
from bundlefmt.verify.context import Context
from bundlefmt.verify.verifier import CHECK_IDS
from tests import terms
from tests.json_schema import faults
from tests.vectorgen import publication
from tests.vectorgen.keys import NOTICE

FOLDER: Final = publication.ROOT / publication.FOLDER
NAMES: Final = sorted(path.parent.name for path in FOLDER.glob("*/vector.json"))
# a key's Name, hierarchy and parents show in what was signed about it
SHOWN_ELSEWHERE: Final = {"ak_name-by-unknown-hash", "ak_session-parent-unnamed", "key_parents-in-a-circle"}
RELAXATIONS: Final = tuple(name for name in Policy.__slots__ if name.startswith("allow_"))
# encoders only: no bytes can show it
NOT_SHOWN: Final = {Code.NOT_ENCODABLE}


def said(name: str) -> dict[str, Any]:
    """The vector.json of a vector."""
    return dict(json.loads((FOLDER / name / "vector.json").read_text(encoding="utf-8")))


def octets(name: str) -> bytes:
    return (FOLDER / name / "bundle.evb").read_bytes()


def policy_of(vector_policy: Mapping[str, Any]) -> Policy:
    return terms.policy_of(vector_policy, FOLDER / "keys")


def before(vector: Mapping[str, Any]) -> Bundle | None:
    """The bundle that the verifier is given as the one before."""
    return Bundle.decode(octets(vector["previous"])) if "previous" in vector else None


def kept(name: str, vector: Mapping[str, Any]) -> Kept | None:
    """What the verifier kept of a challenge of its own."""
    return Kept.decode((FOLDER / name / vector["confirmed"]).read_bytes()) if "confirmed" in vector else None


def with_outcome(report: Report, outcome: str) -> list[str]:
    return sorted({finding.check for finding in report.findings if finding.outcome == outcome})


REFUSED: Final = [name for name in NAMES if "error" in said(name)["expect"]]
JUDGED: Final = [name for name in NAMES if name not in REFUSED]


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    with pytest.raises(MalformedError) as caught:
        Bundle.decode(octets(name))
    assert {"error": caught.value.code.value, "offset": caught.value.offset} == said(name)["expect"]


@pytest.mark.parametrize("name", JUDGED)
def test_judged(name: str) -> None:
    vector, data = said(name), octets(name)
    bundle = Bundle.decode(data)
    assert bundle.encode() == data
    report = verify(
        bundle, policy_of(vector["policy"]), previous=before(vector), confirmed=kept(name, vector)
    )
    expected = vector["expect"]
    assert {
        "verdict": report.verdict.value,
        "failed": with_outcome(report, "failed"),
        "indeterminate": with_outcome(report, "indeterminate"),
    } == {name: value for name, value in expected.items() if name != "conclusions"}
    bases = {conclusion.id: conclusion.basis.value for conclusion in report.conclusions}
    assert bases | expected.get("conclusions", {}) == bases


@pytest.mark.parametrize("name", JUDGED)
def test_nobody_known_never_passes(name: str) -> None:
    report = verify(Bundle.decode(octets(name)), Policy())
    assert report.verdict is not Verdict.PASSED
    assert {conclusion.basis.value for conclusion in report.conclusions} == {"unproven"}


# what a relaxation must not let pass is judged as every other vector
RELAXED: Final = [
    (name, relaxation)
    for name in JUDGED
    for relaxation in RELAXATIONS
    if said(name)["policy"][relaxation] and said(name)["expect"]["verdict"] == "PASSED"
]


@pytest.mark.parametrize(("name", "relaxation"), RELAXED)
def test_relaxation_is_what_lets_it_pass(name: str, relaxation: str) -> None:
    bundle, given = Bundle.decode(octets(name)), said(name)["policy"]
    assert verify(bundle, policy_of(given)).verdict is Verdict.PASSED
    assert verify(bundle, policy_of({**given, relaxation: False})).verdict is not Verdict.PASSED


def test_each_relaxation_is_shown() -> None:
    assert {relaxation for _, relaxation in RELAXED} == set(RELAXATIONS)


def test_judged_fails_for_its_requirement() -> None:
    """A vector that names a check it must fail is not about another one."""
    checks = {name: said(name) for name in JUDGED if said(name)["requirement"] in CHECK_IDS}
    wrong = [
        name
        for name, vector in checks.items()
        if vector["expect"]["verdict"] != "PASSED"
        and vector["requirement"] not in vector["expect"]["failed"] + vector["expect"]["indeterminate"]
    ]
    assert len(checks) > len(CHECK_IDS)
    assert wrong == []


def report_of(name: str) -> Report:
    vector = said(name)
    given = {"previous": before(vector), "confirmed": kept(name, vector)}
    return verify(Bundle.decode(octets(name)), policy_of(vector["policy"]), **given)  # type: ignore[arg-type] # its keywords


@cache
def never(outcome: str) -> frozenset[str]:
    """The checks that never have this outcome, as `spec/checks.md` says."""
    text = (publication.ROOT / "spec" / "checks.md").read_text(encoding="utf-8")
    parts = re.split(r"^### `(.+)`$", text, flags=re.MULTILINE)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    words = f"- **{outcome.capitalize()}.** Never."
    return frozenset(check for check, section in sections.items() if words in section)


@pytest.mark.parametrize("check", CHECK_IDS)
def test_check_has_passing_and_failing_vector(check: str) -> None:
    for outcome in ("failed", "indeterminate"):
        if check not in never(outcome):
            assert any(check in said(name)["expect"][outcome] for name in JUDGED)
            break
    else:
        assert any(check in with_outcome(report_of(name), "skipped") for name in JUDGED)
    passing = (name for name in JUDGED if said(name)["expect"]["verdict"] == "PASSED")
    assert any(check in with_outcome(report_of(name), "passed") for name in passing)


def test_error_codes_have_a_vector() -> None:
    shown = {said(name)["expect"]["error"] for name in REFUSED}
    assert shown == {code.value for code in Code if code not in NOT_SHOWN}


# --- intermediates: what the generator computed by itself is what the package computes ---------------

SOUND: Final = [name for name in JUDGED if said(name)["expect"]["verdict"] == "PASSED"]


@pytest.mark.parametrize("name", SOUND)
def test_intermediates(name: str) -> None:
    bundle = Bundle.decode(octets(name))
    context, manifest = Context(bundle, Policy()), bundle.manifest
    roles = ("ek-public", "ak-public", "key-public", "parent-public")
    publics = [label for label in context.labels(*roles) if label in bundle.content]
    assert said(name)["intermediates"] == {
        "manifest_sha256": verify(bundle, Policy()).manifest_digest.hex(),
        "binding_preimage": manifest.binding.preimage(manifest.items, manifest.previous).hex(),
        "binding_digest": manifest.binding.digest(manifest.items, manifest.previous).hex(),
        "sig_structures": [_sig_structure(seal) for seal in bundle.seals],
        "names": {label: context.name(label).hex() for label in publics},
        "qualified_names": {label: _qualified_names(context, label) for label in publics},
        "pcr_digests": {label: _quoted(context, label) for label in context.labels("pcr-values")},
    }


def _sig_structure(seal: Seal) -> str | None:
    return CoseSign1.decode(seal.value).sig_structure().hex() if seal.type == SEAL_COSE else None


def _qualified_names(context: Context, label: str) -> dict[str, str]:
    return {HIERARCHIES[handle]: name.hex() for handle, name in context.qualified_names(label).items()}


def _quoted(context: Context, values: str) -> str:
    """The PCR digest in the quote that the values are of."""
    attested = context.attests(context.target(values, "quoted-by")).attested
    assert isinstance(attested, TpmsQuoteInfo)
    return attested.pcr_digest.hex()


# --- the collection -----------------------------------------------------------------------------------


def test_published_is_what_the_generator_makes() -> None:
    assert publication.differences(publication.ROOT) == []


def test_generation_writes_the_same_tree(tmp_path: Path) -> None:
    folder = tmp_path / publication.FOLDER
    (folder / "stale_vector").mkdir(parents=True)
    (folder / "stale_vector" / "bundle.evb").write_bytes(b"")
    publication.write(tmp_path)
    made = {path.relative_to(folder).as_posix(): path.read_bytes() for path in _files(folder)}
    published = {path.relative_to(FOLDER).as_posix(): path.read_bytes() for path in _files(FOLDER)}
    assert made == {name: data for name, data in published.items() if name not in publication.BY_HAND}


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_differences_are_found(tmp_path: Path) -> None:
    spec = tmp_path / publication.SPEC
    spec.parent.mkdir()
    spec.write_text("<!-- example: container_cose-esp256 -->\n<!-- end of example -->\n")
    publication.write(tmp_path)
    assert publication.differences(tmp_path) == []
    folder = tmp_path / publication.FOLDER
    (folder / NAMES[0] / "bundle.evb").write_bytes(b"changed")
    (folder / NAMES[1] / "bundle.diag").unlink()
    (folder / "notes.txt").write_text("left here")
    spec.write_text(spec.read_text().replace("55799", "55800"))
    assert publication.differences(tmp_path) == [
        "spec/evidence-bundle.md: the example differs",
        f"test-vectors/{NAMES[0]}/bundle.evb: differs",
        f"test-vectors/{NAMES[1]}/bundle.diag: is missing",
        "test-vectors/notes.txt: is not generated",
    ]


def test_folders_are_named_as_functions() -> None:
    made = publication.vectors()
    assert sorted(made) == NAMES
    for name, vector in made.items():
        assert re.fullmatch(r"[a-z]+_[a-z0-9]+(-[a-z0-9]+)*", name)
        assert name.replace("-", "_") == vector.make.__name__
        assert said(name)["description"] == vector.description


def test_requirements_are_checks_or_words_of_the_specification() -> None:
    words = " ".join((publication.ROOT / publication.SPEC).read_text(encoding="utf-8").split())
    cited = {name: said(name)["requirement"] for name in NAMES}
    assert {name: each for name, each in cited.items() if each not in CHECK_IDS and each not in words} == {}


def test_area_is_that_of_the_failed_check() -> None:
    """A vector whose requirement is a check stands in the area of that check."""
    cited = {name: said(name)["requirement"] for name in NAMES if said(name)["requirement"] in CHECK_IDS}
    misplaced = {name for name, check in cited.items() if name.partition("_")[0] != check.partition(".")[0]}
    assert misplaced == SHOWN_ELSEWHERE


def test_private_keys_say_what_they_are() -> None:
    held = sorted((FOLDER / "keys").glob("*.pem"))
    assert len(held) > 10
    for path in held:
        assert path.read_text().startswith(f"{NOTICE}\n-----BEGIN PRIVATE KEY-----")
        serialization.load_pem_private_key(path.read_bytes(), None)


# --- vector.json by its schema ------------------------------------------------------------------------

SCHEMA: Final = json.loads((FOLDER / "vector.schema.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", NAMES)
def test_schema(name: str) -> None:
    assert list(faults(said(name), SCHEMA)) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("description",), ""),
        (("flags",), ["Not Kebab"]),
        (("flags",), ["twice", "twice"]),
        (("surprise",), 1),
        (("expect", "verdict"), "MAYBE"),
        (("expect", "error"), "float"),
        (("expect", "failed"), ["container"]),
        (("policy", "at"), "now"),
        (("policy", "allow_sha1"), 0),
        (("policy", "pins_piv"), ["00"]),
        (("intermediates", "names", "Bad Label"), "00"),
        (("intermediates", "sig_structures"), [7]),
    ],
)
def test_schema_refuses(path: tuple[str, ...], value: object) -> None:
    vector = copy.deepcopy(said("container_whole"))
    assert list(faults(vector, SCHEMA)) == []
    holder = vector
    for name in path[:-1]:
        holder = holder[name]
    holder[path[-1]] = value
    assert list(faults(vector, SCHEMA)) != []


def test_schema_requires() -> None:
    assert list(faults({}, SCHEMA)) == [": required ['description', 'requirement', 'flags', 'expect']"]


def test_unknown_keyword_of_a_schema_is_an_error() -> None:
    with pytest.raises(ValueError, match="maximum"):
        list(faults(1, {"maximum": 0}))
