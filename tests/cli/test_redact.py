# SPDX-License-Identifier: Apache-2.0
"""`bundle redact`: what is taken out is gone, the seals are whole, and what it costs is said exactly."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from bundlefmt.bundle import Bundle as Decoded
from tests.cli.conftest import VECTORS, Bundle, terms, vector

GOOD = "activation_whole"
MANIFEST = Decoded.open(vector(GOOD)).manifest


def bases(bundle: Bundle, file: Path) -> dict[str, str]:
    """The basis of each conclusion under the policy of the good vector."""
    report = bundle("verify", file, *terms(GOOD), "--json").json
    return {each["id"]: each["basis"] for each in report["conclusions"]}


def indeterminate(bundle: Bundle, file: Path) -> set[tuple[str, str]]:
    report = bundle("verify", file, *terms(GOOD), "--json").json
    return {
        (finding["check"], label)
        for finding in report["findings"]
        if finding["outcome"] in ("indeterminate", "skipped")
        for label in finding["items"]
    }


@pytest.mark.parametrize("label", MANIFEST.items)
def test_what_it_costs_is_what_verify_says(label: str, bundle: Bundle, tmp_path: Path) -> None:
    target = tmp_path / "redacted.evb"
    answer = bundle("redact", vector(GOOD), "--item", label, "-o", target, *terms(GOOD))
    assert (answer.code, answer.err) == (0, "")
    redacted, original = Decoded.open(target), Decoded.open(vector(GOOD))
    assert set(original.content) - set(redacted.content) == {label}
    assert (redacted.manifest_raw, redacted.seals) == (original.manifest_raw, original.seals)
    before, after = bases(bundle, vector(GOOD)), bases(bundle, target)
    weaker = {
        f"  {name}: {before[name]} -> {after[name]}: " for name in before if before[name] != after[name]
    }
    lines = answer.out.splitlines()
    said = {line for line in lines if line.startswith("  ") and " -> " in line}
    assert len(said) == len(weaker)
    assert all(any(line.startswith(start) for line in said) for start in weaker)
    lost = indeterminate(bundle, target) - indeterminate(bundle, vector(GOOD))
    named = {line.split(": ")[0].strip() for line in lines if line.startswith("  ") and " -> " not in line}
    for check, item in lost - {("container.complete", label)}:
        assert any(
            each.startswith(f"{check} ") and item in each.split(" ", 1)[1].split(", ") for each in named
        )
    verdict = json.loads(bundle("verify", target, *terms(GOOD), "--json").out)["verdict"]
    assert lines[-1] == f"verdict: PASSED -> {verdict}"


@pytest.mark.parametrize("label", MANIFEST.items)
def test_without_pins_nothing_that_is_lost_is_left_unsaid(label: str, bundle: Bundle, tmp_path: Path) -> None:
    target = tmp_path / "redacted.evb"
    said = bundle("redact", vector(GOOD), "--item", label, "-o", target).out.splitlines()
    before, after = bases(bundle, vector(GOOD)), bases(bundle, target)
    assert {f"  {name}" for name in before if before[name] != after[name]} <= set(said)


def test_what_nothing_rests_on_costs_nothing(bundle: Bundle, tmp_path: Path) -> None:
    """The Name is computed anew, so its file is a convenience."""
    answer = bundle("redact", vector(GOOD), "--item", "ak.name", "-o", tmp_path / "x")
    assert "no conclusion becomes weaker" in answer.out
    assert "platform.state" not in answer.out


def test_by_role_and_in_place(bundle: Bundle, tmp_path: Path) -> None:
    file = tmp_path / "b.evb"
    shutil.copyfile(vector(GOOD), file)
    answer = bundle("redact", file, "--role", "ek-certificate", "--role", "certificate-issuer", "--in-place")
    assert answer.out.startswith(f"{file}: withheld ek.cert, ek.issuer\n")
    assert not {"ek.cert", "ek.issuer"} & set(Decoded.open(file).content)


@pytest.mark.parametrize("label", MANIFEST.items)
def test_attached_again_it_is_the_same_file(label: str, bundle: Bundle, tmp_path: Path) -> None:
    bundle("redact", vector(GOOD), "--item", label, "-o", tmp_path / "r.evb")
    bundle("extract", vector(GOOD), label, "-o", tmp_path / "artifact")
    whole = ("-o", tmp_path / "whole.evb")
    assert (
        bundle("attach", tmp_path / "r.evb", "--item", f"{label}={tmp_path / 'artifact'}", *whole).code == 0
    )
    assert (tmp_path / "whole.evb").read_bytes() == vector(GOOD).read_bytes()


def test_an_exchanged_artifact_is_warned_of(bundle: Bundle, tmp_path: Path) -> None:
    exchanged = vector("container_artifact-exchanged")
    answer = bundle("redact", exchanged, "--item", "ak.pub", "-o", tmp_path / "x")
    assert answer.code == 0
    assert "warning: ak.pub does not have the digest that was sealed" in answer.err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("-o new.evb", "say what to take out"),
        ("--item quote", "say where to write"),
        ("--item quote -o new.evb --in-place", "say where to write"),
        ("--item nothing -o new.evb", "there is no item nothing"),
        ("--role ocsp -o new.evb", "no item of role ocsp is in this file"),
        ("--item quote -o EXISTS", "exists"),
        ("--item quote -o new.evb --allow everything", "no relaxation"),
    ],
)
def test_what_cannot_be_done_is_refused(
    words: str, why: str, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "EXISTS").write_bytes(b"precious")
    answer = bundle("redact", vector(GOOD), *words.split())
    assert (answer.code, answer.out) == (2, "")
    assert why in answer.err
    assert (tmp_path / "EXISTS").read_bytes() == b"precious"
    assert not (tmp_path / "new.evb").exists()


def test_what_is_withheld_cannot_be_withheld(bundle: Bundle, tmp_path: Path) -> None:
    withheld = VECTORS / "activation_withheld" / "bundle.evb"
    answer = bundle("redact", withheld, "--item", "ek.activation", "-o", tmp_path / "x")
    assert (answer.code, "is not in this file" in answer.err) == (2, True)
