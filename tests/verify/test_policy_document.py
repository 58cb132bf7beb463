# SPDX-License-Identifier: Apache-2.0
"""The policy document: what is written is read again, what is not understood is refused, by its line."""

from __future__ import annotations

import datetime
import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundlefmt.errors import Code, MalformedError
from bundlefmt.evidence.toml_place import Places
from bundlefmt.verify import RELAXATIONS, Basis, Policy
from bundlefmt.verify.conclusions import draw
from bundlefmt.verify.context import Context
from bundlefmt.verify.policy_document import SCHEMA, AnchorFile, PolicyDocument, ReferenceFile
from bundlefmt.verify.policy_reading import (
    ALLOWABLE,
    MAX_FILE_NAME,
    MAX_MISTAKES,
    MAX_POLICY,
    MistakesError,
    decode_policy,
)
from bundlefmt.verify.required import STRONGEST
from bundlefmt.verify.trust import IDENTITIES, Entry, Kind, Trust
from tests.json_schema import faults
from tests.test_checks import of_everything
from tests.verify.test_trust import ENTRIES, NOTES, PRINTABLE, ROOT

SPEC = Path(__file__).resolve().parents[2] / "spec"
JSON_SCHEMA = json.loads((SPEC / "policy.schema.json").read_text("utf-8"))
PROFILES = sorted(path.name for path in SPEC.glob("policy-*.toml"))
HEAD = f'schema = "{SCHEMA}"\n'
DIGEST, FINGERPRINT = "ab" * 32, "cd" * 20
SECONDS = st.integers(0, 253402300799)
NAMES = st.text(PRINTABLE, min_size=1, max_size=40)
FILES = {
    "digest": st.from_regex("[0-9a-f]{64}", fullmatch=True),
    "file": NAMES,
    "note": NOTES,
}
REQUIRE = st.dictionaries(st.sampled_from(sorted(STRONGEST)), st.just(Basis.VOUCHED))
ALGORITHMS = st.dictionaries(st.sampled_from(["RSA-2048", "ECC-1024", "ML-DSA-65", "SHA-256"]), SECONDS)
ANCHOR_FILES = st.builds(AnchorFile, kind=st.just(Kind.ANCHOR_PIV), **FILES)


@st.composite
def documents(draw_: st.DrawFn) -> PolicyDocument:
    trust = Trust().plus(*draw_(st.lists(ENTRIES, max_size=4)))
    pinned = [(each.kind, each.digest) for each in trust.entries if each.kind in IDENTITIES]
    there = {each.digest for each in trust.entries}
    anchors = draw_(st.lists(ANCHOR_FILES, max_size=2, unique_by=lambda each: each.digest))
    return PolicyDocument(
        trust=trust,
        must_seal=frozenset(each for each in pinned if draw_(st.booleans())),
        anchor_files=tuple(each for each in anchors if each.digest not in there),
        reference_files=tuple(draw_(st.lists(st.builds(ReferenceFile, **FILES), max_size=2))),
        require=draw_(REQUIRE),
        algorithms=draw_(ALGORITHMS),
        allow=tuple(draw_(st.lists(st.sampled_from(ALLOWABLE), unique=True))),
        require_no_advisories=draw_(st.booleans()),
        at=draw_(st.none() | SECONDS),
        note=draw_(NOTES),
    )


def plain(value: Any) -> Any:
    """TOML as JSON: times and days as strings."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value.isoformat() if isinstance(value, datetime.date) else value


@given(documents())
def test_what_is_written_is_read_again(document: PolicyDocument) -> None:
    text = document.encode()
    assert decode_policy(text) == document
    assert decode_policy(text).encode() == text
    assert list(faults(plain(tomllib.loads(text.decode())), JSON_SCHEMA)) == []


def mistakes(text: str) -> list[tuple[int | None, str]]:
    with pytest.raises(MistakesError) as caught:
        decode_policy(text.encode())
    assert isinstance(caught.value, MalformedError)
    return [(each.line, each.message) for each in caught.value.mistakes]


def test_the_smallest_policy() -> None:
    assert decode_policy(HEAD.encode()).policy() == Policy()


def test_each_member_becomes_what_it_says() -> None:
    text = f"""{HEAD}
at = 2026-11-24T13:00:00+01:00
allow = ["withheld", "sha1-certificates"]
require-no-advisories = true
[require]
"ak.resident" = "vouched"
[algorithms]
"RSA-2048" = 2031-01-01
"SHA-256" = 2040-01-01T00:00:01Z
[[openpgp]]
fingerprint = "{FINGERPRINT}"
must-seal = true
[[openpgp]]
fingerprint = "{"ef" * 20}"
[[piv]]
sha256 = "{DIGEST}"
must-seal = true
"""
    digest = bytes(32)
    assert decode_policy(text.encode()).policy(digest=digest) == Policy(
        pins_openpgp=frozenset({FINGERPRINT}),
        known_openpgp=frozenset({"ef" * 20}),
        pins_piv=frozenset({bytes.fromhex(DIGEST)}),
        at=1795521600,
        allow_withheld=True,
        allow_sha1_certificates=True,
        require_no_advisories=True,
        require={"ak.resident": Basis.VOUCHED},
        algorithms={"RSA-2048": 1924992000, "SHA-256": 2208988801},
        document=digest,
    )


@pytest.mark.parametrize("name", ALLOWABLE)
def test_each_relaxation_has_its_name(name: str) -> None:
    policy = decode_policy(f'{HEAD}allow = ["{name}"]'.encode()).policy()
    assert policy.relaxations == (f"allow_{name.replace('-', '_')}",)
    assert len(ALLOWABLE) == len(RELAXATIONS)


WRONG: Mapping[str, tuple[str, int | None, str]] = {
    "no-schema": ("", None, "there is no schema"),
    "other-schema": ('schema = "other/1"', 1, "there is no schema"),
    "later-version": ('schema = "evidence-bundle-policy/2"', 1, "written for another version"),
    "not-toml": (f"{HEAD}at = \n", 2, "not TOML"),
    "unknown-member": (f"{HEAD}\npins = []", 3, "a policy has no 'pins'"),
    "unknown-table": (f"{HEAD}\n[allowed]\n", 3, "a policy has no 'allowed'"),
    "unknown-conclusion": (f'{HEAD}[require]\n"ak.good" = "proven"', 3, "there is no conclusion 'ak.good'"),
    "unproven": (f'{HEAD}[require]\n"ak.resident" = "unproven"', 3, "a conclusion is required as"),
    "basis-number": (f'{HEAD}[require]\n"ak.resident" = 1', 3, "a conclusion is required as"),
    "basis-list": (f'{HEAD}[require]\n"ak.resident" = []', 3, "a conclusion is required as"),
    "never-proven": (f'{HEAD}[require]\n"ak.lifetime" = "proven"', 3, "ak.lifetime is vouched at best"),
    "require-nested": (f'{HEAD}[require]\nak.resident = "vouched"', 2, "there is no conclusion 'ak'"),
    "require-list": (f"{HEAD}require = []", 2, "require is written as [require]"),
    "unknown-algorithm": (f'{HEAD}[algorithms]\n"RSA" = 2031-01-01', 3, "there is no algorithm 'RSA'"),
    "short-rsa": (f'{HEAD}[algorithms]\n"RSA-1024" = 2031-01-01', 3, "there is no algorithm 'RSA-1024'"),
    "date-as-text": (f'{HEAD}[algorithms]\n"RSA-2048" = "2031-01-01"', 3, "RSA-2048 is a time with its zone"),
    "date-without-zone": (f'{HEAD}[algorithms]\n"RSA-2048" = 2031-01-01T00:00:00', 3, "RSA-2048 is a time"),
    "before-1970": (f'{HEAD}[algorithms]\n"RSA-2048" = 1969-12-31', 3, "RSA-2048 is a time with its zone"),
    "at-day": (f"{HEAD}at = 2026-11-24", 2, "at is a time with its zone"),
    "at-number": (f"{HEAD}at = 1795521600", 2, "at is a time with its zone"),
    "at-fraction": (f"{HEAD}at = 2026-11-24T12:00:00.5Z", 2, "at is a time with its zone"),
    "unknown-relaxation": (f'{HEAD}allow = ["everything"]', 2, "there is no relaxation 'everything'"),
    "relaxation-twice": (f'{HEAD}allow = ["sha1", "sha1"]', 2, "sha1 stands twice"),
    "relaxation-is-true": (f"{HEAD}allow = true", 2, "allow is a list of names"),
    "no-advisories-false": (
        f"{HEAD}require-no-advisories = false",
        2,
        "require-no-advisories is true, or left",
    ),
    "fingerprint-short": (f'{HEAD}[[openpgp]]\nfingerprint = "abcd"', 2, "'abcd' is no fingerprint"),
    "fingerprint-missing": (f'{HEAD}[[openpgp]]\nnote = "x"', 2, "an entry of openpgp lacks fingerprint"),
    "openpgp-table": (
        f'{HEAD}[openpgp]\nfingerprint = "{FINGERPRINT}"',
        2,
        "openpgp is written as [[openpgp]]",
    ),
    "identity-twice": (
        f'{HEAD}[[openpgp]]\nfingerprint = "{FINGERPRINT}"\n[[openpgp]]\nfingerprint = "{FINGERPRINT}"',
        2,
        "stands twice",
    ),
    "must-seal-false": (
        f'{HEAD}[[openpgp]]\nfingerprint = "{FINGERPRINT}"\nmust-seal = false',
        4,
        "must-seal is true, or left out",
    ),
    "maker-must-seal": (
        f'{HEAD}[[hardware]]\nsha256 = "{DIGEST}"\nmust-seal = true',
        2,
        "an entry of hardware",
    ),
    "anchor-alone": (f'{HEAD}[[anchor]]\nsha256 = "{DIGEST}"', 2, "an entry of anchor lacks certificate"),
    "anchor-both": (
        f'{HEAD}[[anchor]]\nsha256 = "{DIGEST}"\nfile = "a"\ncertificate = "b"',
        5,
        "what is in a file has no 'certificate'",
    ),
    "file-without-digest": (f'{HEAD}[[reference]]\nfile = "a"', 2, "sha256 is missing"),
    "digest-without-file": (f'{HEAD}[[reference]]\nsha256 = "{DIGEST}"', 2, "file is missing"),
    "digest-upper-case": (
        f'{HEAD}[[reference]]\nfile = "a"\nsha256 = "{DIGEST.upper()}"',
        4,
        "sha256 is 64 digits",
    ),
    "file-empty": (f'{HEAD}[[reference]]\nfile = ""\nsha256 = "{DIGEST}"', 3, "a file has a name"),
    "file-control": (f'{HEAD}[[reference]]\nfile = "a\\u0000b"\nsha256 = "{DIGEST}"', 3, "a file has a name"),
    "file-long": (
        f'{HEAD}[[reference]]\nfile = "{"a" * (MAX_FILE_NAME + 1)}"\nsha256 = "{DIGEST}"',
        3,
        "a file has a name",
    ),
    "note-lines": (f'{HEAD}note = "a\\nb"', 2, "a note is one line"),
}
# what is for people, or what only its bytes tell, is not in the JSON Schema
ONLY_READ = {
    "not-toml",
    "date-as-text",
    "identity-twice",
    "note-lines",
    "short-rsa",
    "before-1970",
    "file-control",
    "file-long",
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_not_understood_is_refused(name: str) -> None:
    text, line, message = WRONG[name]
    ((where, said),) = mistakes(text)
    assert message in said
    assert where == line


@pytest.mark.parametrize("name", [name for name in WRONG if name not in ONLY_READ])
def test_the_schema_refuses_it_too(name: str) -> None:
    value = plain(tomllib.loads(WRONG[name][0]))
    assert list(faults(value, JSON_SCHEMA)) != []


def test_the_schema_names_what_the_reader_knows() -> None:
    assert tuple(JSON_SCHEMA["properties"]["allow"]["items"]["enum"]) == ALLOWABLE
    known = JSON_SCHEMA["properties"]["require"]["properties"]
    assert list(known) == list(STRONGEST)
    assert {name for name, each in known.items() if "enum" in each} == {"ak.lifetime"}


def test_every_conclusion_can_be_required_and_no_other() -> None:
    bundle = of_everything()
    assert [each.id for each in draw(Context(bundle, Policy(), bundle), ())] == list(STRONGEST)


def test_all_mistakes_are_told_in_the_order_of_lines() -> None:
    text = f"""{HEAD}allow = ["a"]
[[anchor]]
sha256 = "{DIGEST}"
certificate = \"\"\"
[require]
"ak.good" = "proven"
\"\"\"
[require]
"ak.good" = "proven"
[[reference]]
surplus = 1
file = ""
"""
    assert [line for line, _ in mistakes(text)] == [2, 3, 10, 11, 12, 13]


def test_mistakes_have_an_end() -> None:
    text = HEAD + "\n".join(f"x{number} = 1" for number in range(500))
    assert len(mistakes(text)) == MAX_MISTAKES


def test_a_policy_has_an_end() -> None:
    with pytest.raises(MistakesError) as caught:
        decode_policy(HEAD.encode() + b"#" * MAX_POLICY)
    assert caught.value.code is Code.SIZE_LIMIT
    decode_policy(HEAD.encode().ljust(MAX_POLICY, b"\n"))


def test_lines_of_members() -> None:
    places = Places.of(
        'a = 1\n[t]\n"b.c" = 2\n[[r]]\nd = """\n[no]\n"""\n[[r]]\n# e = 1\n[x.y]\nz = {w = 1}\n'
    )
    assert places.lines == {
        ("a",): 1,
        ("t",): 2,
        ("t", "b.c"): 3,
        ("r",): 4,
        ("r", 0): 4,
        ("r", 0, "d"): 5,
        ("r", 1): 8,
        ("x", "y"): 10,
        ("x", "y", "z"): 11,
    }
    assert places.line(("x", "y", "z", "w")) == 11
    assert places.line(("nowhere",)) is None


@given(st.text(alphabet="[]\"'=.#\na1", max_size=60))
def test_lines_of_anything(text: str) -> None:
    assert all(1 <= line <= text.count("\n") + 1 for line in Places.of(text).lines.values())


def test_anchors_in_files() -> None:
    entry = Entry.anchor(Kind.ANCHOR, ROOT, "of the maker")
    document = PolicyDocument(
        anchor_files=(AnchorFile(kind=Kind.ANCHOR, digest=entry.digest, file="r.der", note=entry.note),)
    )
    with pytest.raises(ValueError, match="have not been read"):
        document.policy()
    found = document.with_certificates({"r.der": ROOT}.__getitem__)
    assert found.trust.entries == (entry,)
    assert found.policy().anchors == (ROOT,)
    with pytest.raises(MalformedError, match="holds no certificate with SHA-256"):
        document.with_certificates({"r.der": ROOT + b"x"}.__getitem__)


@pytest.mark.parametrize("name", PROFILES)
def test_profiles_are_policies(name: str) -> None:
    text = (SPEC / name).read_text("utf-8")
    document = decode_policy(text.encode())
    assert document.require and document.note and document.trust == Trust()
    assert list(faults(plain(tomllib.loads(text)), JSON_SCHEMA)) == []
    # what stands there as a comment is what one may write
    opened = "\n".join(
        line.removeprefix("# ") if line.startswith(("# [[", "# fing", "# sha", "# file", "# must")) else line
        for line in text.splitlines()
    )
    more = decode_policy(opened.encode())
    assert more.trust.entries or more.anchor_files


def test_the_profiles_are_those_that_are_shipped() -> None:
    assert PROFILES == ["policy-archive.toml", "policy-ceremony.toml", "policy-snapshot.toml"]


def test_the_specification_names_every_member() -> None:
    section = (SPEC / "evidence-bundle.md").read_text("utf-8").split("### 8.8 Policies")[1].split("\n## ")[0]
    written = {
        name.strip("[]")
        for row in re.findall(r"^\| (`.+?) \|", section, re.M)
        for name in re.findall("`([^`]+)`", row)
    }
    assert set(JSON_SCHEMA["properties"]) <= written
