# SPDX-License-Identifier: Apache-2.0
"""`bundle policy` and `bundle verify --policy`: a file says what is demanded, options add to it."""

from __future__ import annotations

import hashlib
import stat
import tomllib
from pathlib import Path

import pytest

from bundlefmt.cli.policy import PROFILES
from bundlefmt.verify.policy_document import SCHEMA
from bundlefmt.verify.policy_reading import decode_policy
from tests.cli.conftest import VECTORS, Bundle, terms, vector
from tests.cli.test_exit_codes import assert_plain
from tests.cli.test_verify import GOOD, OPENPGP, PIV, ROOT
from tests.test_vectors import said

ROOT_SHA256 = hashlib.sha256(ROOT.read_bytes()).hexdigest()
REFERENCE = VECTORS / "keys" / "reference-good.toml"


def written(path: Path, *tables: str, head: str = "") -> Path:
    """A policy file that only its owner can write."""
    path.write_text("\n".join([f'schema = "{SCHEMA}"', head, *tables]) + "\n", encoding="utf-8")
    path.chmod(0o600)
    return path


def identities(must_seal: str = "must-seal = true\n") -> str:
    return f'[[openpgp]]\nfingerprint = "{OPENPGP}"\n{must_seal}[[piv]]\nsha256 = "{PIV}"\n{must_seal}'


def anchor(file: Path = ROOT) -> str:
    return f'[[anchor]]\nsha256 = "{ROOT_SHA256}"\nfile = "{file}"\n'


def required(**bases: str) -> str:
    return "[require]\n" + "\n".join(
        f'"{name.replace("_", ".")}" = "{basis}"' for name, basis in bases.items()
    )


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """A policy under which the good vector passes."""
    demand = required(identity_sealed="proven", tpm_genuine="proven", ak_resident="vouched")
    return written(tmp_path / "good.toml", demand, identities(), anchor())


def test_a_policy_decides(good: Path, bundle: Bundle) -> None:
    answer = bundle("verify", vector(GOOD), "--policy", good, "--json")
    assert answer.code == 0
    policy = answer.json["policy"]
    assert policy["document"] == {"sha256": hashlib.sha256(good.read_bytes()).hexdigest(), "amended": False}
    assert policy["pins_openpgp"] == [OPENPGP]
    assert policy["pins_piv"] == [PIV]
    assert (policy["anchors"], policy["known_openpgp"], policy["now"]) == (1, 0, None)
    assert policy["require"] == {
        "ak.resident": "vouched",
        "identity.sealed": "proven",
        "tpm.genuine": "proven",
    }
    lines = bundle("verify", vector(GOOD), "--policy", good).out.splitlines()
    assert f"policy sha-256 {policy['document']['sha256']}" in lines


@pytest.mark.parametrize(
    ("table", "code", "reason"),
    [
        (required(ak_resident="proven"), 3, "ak.resident is vouched, and has to be proven"),
        (required(platform_boot="vouched"), 3, "platform.boot is required, and there is no evidence"),
        (required(identity_sealed="proven"), 0, ""),
    ],
)
def test_a_conclusion_that_is_too_weak(
    table: str, code: int, reason: str, tmp_path: Path, bundle: Bundle
) -> None:
    policy = written(tmp_path / "p.toml", table, identities(), anchor())
    answer = bundle("verify", vector(GOOD), "--policy", policy)
    assert answer.code == code
    assert reason in answer.out
    assert ("policy.required" in answer.out) == bool(code)


def test_what_is_refuted_fails_by_name(tmp_path: Path, bundle: Bundle) -> None:
    name = "policy_required-and-refuted"
    policy = written(tmp_path / "p.toml", required(platform_state="vouched"), identities(), anchor())
    answer = bundle("verify", vector(name), "--policy", policy, "--json")
    failed = {each["check"] for each in answer.json["findings"] if each["outcome"] == "failed"}
    assert (answer.code, failed) == (1, {"policy.required", "quote.signature"})


def test_options_add_to_it(tmp_path: Path, bundle: Bundle) -> None:
    known = written(tmp_path / "known.toml", identities(""))
    call = ("verify", vector(GOOD), "--policy", known)
    assert bundle(*call).code == 3
    answer = bundle(*call, "--anchor", ROOT, "--json")
    assert answer.code == 0
    assert answer.json["policy"]["document"]["amended"] is True
    assert "and more was demanded or allowed beside it" in bundle(*call, "--anchor", ROOT).out
    # whom the options pin must have sealed, and what they refer to must fit
    assert bundle(*call, "--anchor", ROOT, "--pin-openpgp", "ab" * 20).code == 1
    other = VECTORS / "keys" / "reference-other.toml"
    assert bundle(*call, "--anchor", ROOT, "--reference", other).code == 1
    assert bundle(*call, "--anchor", ROOT, "--allow", "sha1", "--json").json["policy"]["relaxations"] == [
        "allow_sha1"
    ]


def test_a_trust_file_adds_to_it_and_is_told(
    tmp_path: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert bundle("trust", "add", "--anchor", ROOT).code == 0
    policy = written(tmp_path / "p.toml", identities())
    answer = bundle("verify", vector(GOOD), "--policy", policy, "--json")
    assert (answer.code, answer.json["policy"]["document"]["amended"]) == (0, True)
    assert bundle("verify", vector(GOOD), "--policy", policy, "--no-trust").code == 3


def test_two_times_contradict(tmp_path: Path, bundle: Bundle) -> None:
    policy = written(tmp_path / "p.toml", identities(), anchor(), head="at = 2026-01-16T00:00:00Z")
    call = ("verify", vector(GOOD), "--policy", policy)
    assert bundle(*call, "--json").json["policy"]["at"] == 1768521600
    assert bundle(*call, "--at", "2026-01-16").code == 0
    answer = bundle(*call, "--at", "2026-01-17")
    assert answer.code == 2
    assert_plain(answer)


def test_algorithms_end_by_the_clock_or_by_the_word(tmp_path: Path, bundle: Bundle) -> None:
    tables = ("[algorithms]\n" + '"ECC-256" = 2035-01-01', identities(), anchor())
    policy = written(tmp_path / "p.toml", *tables)
    call = ("verify", vector(GOOD), "--policy", policy)
    answer = bundle(*call, "--now", "2034-12-31T23:59:59Z", "--json")
    assert (answer.code, answer.json["policy"]["now"]) == (0, 2051222399)
    assert answer.json["policy"]["algorithms"] == {"ECC-256": 2051222400}
    ended = bundle(*call, "--now", "2035-01-01", "--json")
    unsure = {each["check"] for each in ended.json["findings"] if each["outcome"] == "indeterminate"}
    assert ended.code == 3
    assert {"seal.signature", "ek.chain", "quote.signature", "certify.signature"} <= unsure
    assert bundle(*call, "--json").json["policy"]["now"] > 1_790_000_000  # the clock's


def test_reference_values_are_known_by_digest(tmp_path: Path, bundle: Bundle) -> None:
    (tmp_path / "golden.toml").write_bytes(REFERENCE.read_bytes())
    digest = hashlib.sha256(REFERENCE.read_bytes()).hexdigest()
    table = f'[[reference]]\nsha256 = "{digest}"\nfile = "golden.toml"\n'
    policy = written(tmp_path / "p.toml", identities(), anchor(), table)
    answer = bundle("verify", vector(GOOD), "--policy", policy, "-v")
    assert answer.code == 0
    assert "golden.toml" in answer.out
    assert bundle("policy", "check", policy).code == 0
    (tmp_path / "golden.toml").write_bytes(REFERENCE.read_bytes() + b"\n")
    refused = bundle("verify", vector(GOOD), "--policy", policy)
    assert (refused.code, refused.out) == (2, "")
    assert "golden.toml is another file than the document means" in refused.err
    checked = bundle("policy", "check", policy)
    assert (checked.code, checked.out) == (4, "")
    assert "golden.toml is another file" in checked.err


def test_a_bundle_as_reference(tmp_path: Path, bundle: Bundle) -> None:
    (tmp_path / "before.evb").write_bytes(vector(GOOD).read_bytes())
    digest = hashlib.sha256(vector(GOOD).read_bytes()).hexdigest()
    table = f'[[reference]]\nsha256 = "{digest}"\nfile = "before.evb"\n'
    policy = written(tmp_path / "p.toml", identities(), anchor(), table)
    report = bundle("verify", vector(GOOD), "--policy", policy, "--json").json
    assert [each["outcome"] for each in report["findings"] if each["check"] == "reference.pcrs"] == ["passed"]


def test_a_missing_file_is_told(tmp_path: Path, bundle: Bundle) -> None:
    policy = written(tmp_path / "p.toml", anchor(tmp_path / "nowhere.pem"))
    answer = bundle("verify", vector(GOOD), "--policy", policy)
    assert answer.code == 5
    assert "nowhere.pem" in answer.err


def test_check_tells_every_mistake_with_its_line(tmp_path: Path, bundle: Bundle) -> None:
    policy = written(tmp_path / "p.toml", "pins = 1", '[require]\n"ak.good" = "proven"')
    answer = bundle("policy", "check", policy)
    assert (answer.code, answer.out) == (4, "")
    assert answer.err.splitlines() == [
        f"error: {policy}:3: a policy has no 'pins'",
        f"error: {policy}:5: there is no conclusion 'ak.good'",
    ]
    refused = bundle("verify", vector(GOOD), "--policy", policy)
    assert refused.code == 2
    assert refused.err.splitlines() == [
        f"error: {policy}: line 3: a policy has no 'pins'",
        f"hint: bundle policy check {policy}",
    ]


def test_check_says_what_there_is(good: Path, bundle: Bundle) -> None:
    digest = hashlib.sha256(good.read_bytes()).hexdigest()
    assert bundle("policy", "check", good).out.splitlines() == [
        f"{good}: 2 identities, 1 anchor, 3 required conclusions, 0 files of reference values",
        f"{good}: sha-256 {digest}",
    ]


def test_what_others_can_write_is_no_policy(good: Path, bundle: Bundle) -> None:
    good.chmod(good.stat().st_mode | stat.S_IWOTH)
    for words in (
        ("verify", vector(GOOD), "--policy", good),
        ("policy", "check", good),
        ("policy", "show", good),
    ):
        answer = bundle(*words)
        assert (answer.code, answer.out) == (2, "")
        assert "can be written by others" in answer.err


def test_show_stands_alone(
    good: Path, tmp_path: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert bundle("trust", "add", "--openpgp", "ab" * 20).code == 0
    shown = bundle("policy", "show", good)
    assert shown.code == 0
    assert [line.split(":")[0] for line in shown.out.splitlines()[:2]] == [
        f"# policy {good}",
        f"# trust {tmp_path}/config/evidence-bundle/trust.toml",
    ]
    alone = tmp_path / "alone" / "p.toml"
    alone.parent.mkdir()
    alone.write_text(shown.out, encoding="utf-8")
    alone.chmod(0o600)
    document = decode_policy(alone.read_bytes())
    assert document.anchor_files == ()
    assert document.trust.count() == (3, 1)
    ours = bundle("verify", vector(GOOD), "--policy", alone, "--no-trust", "--json").json
    theirs = bundle("verify", vector(GOOD), "--policy", good, "--json").json
    for report in (ours, theirs):
        del report["policy"]["document"], report["policy"]["trust"]
    assert ours == theirs
    assert "ab" * 20 not in bundle("policy", "show", good, "--no-trust").out


def test_show_without_a_policy_is_what_is_trusted(bundle: Bundle) -> None:
    assert tomllib.loads(bundle("policy", "show", "--no-trust").out) == {"schema": SCHEMA}


@pytest.mark.parametrize("profile", PROFILES)
def test_init_writes_a_profile(profile: str, tmp_path: Path, bundle: Bundle) -> None:
    file = tmp_path / "p.toml"
    assert bundle("policy", "init", "--profile", profile, "-o", file).out == f"{file}: written\n"
    assert bundle("policy", "init", "--profile", profile).out == file.read_text(encoding="utf-8")
    assert bundle("policy", "init", "--profile", profile, "-o", file).code == 2
    assert bundle("policy", "check", file).code == 0
    # nobody is known yet
    assert bundle("verify", vector(GOOD), "--policy", file).code == 3


def test_init_knows_its_profiles(bundle: Bundle) -> None:
    answer = bundle("policy", "init", "--profile", "everything")
    assert (answer.code, answer.err.splitlines()[1]) == (2, "hint: one of snapshot, ceremony, archive")


def test_the_profile_snapshot_passes_what_is_one(tmp_path: Path, bundle: Bundle) -> None:
    file = tmp_path / "p.toml"
    assert bundle("policy", "init", "--profile", "snapshot", "-o", file).code == 0
    call = (
        "verify",
        vector(GOOD),
        "--policy",
        file,
        "--pin-openpgp",
        OPENPGP,
        "--pin-piv",
        PIV,
        "--anchor",
        ROOT,
    )
    assert bundle(*call).code == 0
    # the smallest snapshot says nothing of where its key is
    name = "container_cose-esp256"
    pin = said(name)["policy"]["pins_piv"][0]
    assert bundle("verify", vector(name), "--policy", file, "--pin-piv", pin).code == 3


def test_the_profile_ceremony_passes_a_whole_ceremony_and_no_less(tmp_path: Path, bundle: Bundle) -> None:
    file = tmp_path / "p.toml"
    assert bundle("policy", "init", "-o", file).code == 0
    whole = "policy_whole-ceremony"
    assert bundle("verify", vector(whole), *terms(whole), "--policy", file).code == 0
    less = bundle("verify", vector(GOOD), *terms(GOOD), "--policy", file, "--json")
    reasons = [
        each["message"].split()[0] for each in less.json["findings"] if each["check"] == "policy.required"
    ]
    unsure = [each["outcome"] for each in less.json["findings"] if each["check"] == "policy.required"]
    assert less.code == 3
    assert [name for name, outcome in zip(reasons, unsure, strict=True) if outcome == "indeterminate"] == [
        "identity.crossed",
        "identity.hardware",
        "key.bound",
    ]


def test_the_profile_archive_ends_what_a_quantum_computer_breaks(tmp_path: Path, bundle: Bundle) -> None:
    file = tmp_path / "p.toml"
    assert bundle("policy", "init", "--profile", "archive", "-o", file).code == 0
    call = ("verify", vector(GOOD), *terms(GOOD), "--policy", file)
    assert bundle(*call, "--now", "2035-12-31").code == 0
    late = bundle(*call, "--now", "2036-01-01", "--json")
    assert late.code == 3
    assert {each["basis"] for each in late.json["conclusions"]} == {"unproven"}
