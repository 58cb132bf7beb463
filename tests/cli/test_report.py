# SPDX-License-Identifier: Apache-2.0
"""`bundle report`: judged as `bundle verify` judges, with the same options, written as one file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bundlefmt.cli.app import VERBS
from tests.cli.conftest import Bundle, terms, vector
from tests.render.page_reading import faults
from tests.test_vectors import said

GOOD = "activation_whole"
VERDICTS = (GOOD, "certify_wrong-magic", "activation_missing")


def options(name: str) -> dict[str, Any]:
    (verb,) = (verb for verb in VERBS if verb.name == name)
    return {parameter.name: (parameter.opts, parameter.help) for parameter in verb.load().params}


@pytest.mark.parametrize("name", VERDICTS)
def test_the_verdict_is_that_of_verify(name: str, bundle: Bundle, tmp_path: Path) -> None:
    verdict = said(name)["expect"]["verdict"]
    answer = bundle("report", vector(name), *terms(name), "-o", tmp_path / "r.html")
    assert answer.out == f"{tmp_path / 'r.html'}: verdict {verdict}\n"
    assert answer.code == bundle("verify", vector(name), *terms(name)).code
    source = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert list(faults(source)) == []
    assert source.count(f"<title>{verdict}: ") == 1


OWN = ("as_json", "verbose", "ear", "ear_key", "ear_format")  # verify's


def test_its_options_are_those_of_verify() -> None:
    verify, report = options("verify"), options("report")
    assert {name: of for name, of in report.items() if name not in ("output", "force")} == {
        name: of
        for name, of in verify.items()
        if name not in ("as_json", "verbose") and not name.startswith("ear")
    }
    assert len(report) > 12


def test_the_snapshot_before(bundle: Bundle, tmp_path: Path) -> None:
    name = "previous_key-came-back"
    before = ["--previous", vector("previous_first")]
    assert bundle("report", vector(name), *terms(name), *before, "-o", tmp_path / "r.html").code == 0
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "the attestation key of the snapshot before speaks again" in text


def test_trust_has_its_digest_on_the_page_and_not_its_place(bundle: Bundle, tmp_path: Path) -> None:
    trust = tmp_path / "a-place" / "trust.toml"
    trust.parent.mkdir(mode=0o700)
    pin = said(GOOD)["policy"]["pins_openpgp"][0]
    assert bundle("trust", "add", "--openpgp", pin, "--trust", trust).code == 0
    answer = bundle("report", vector(GOOD), "--trust", trust, "-o", tmp_path / "r.html")
    assert answer.code == bundle("verify", vector(GOOD), "--trust", trust).code
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert (
        bundle("verify", vector(GOOD), "--trust", trust, "--json").json["policy"]["trust"]["sha256"] in text
    )
    assert "a-place" not in text


def test_a_file_is_not_overwritten_unless_asked(bundle: Bundle, tmp_path: Path) -> None:
    target = tmp_path / "r.html"
    target.write_text("mine")
    answer = bundle("report", vector(GOOD), "-o", target)
    assert (answer.code, answer.out, target.read_text()) == (2, "", "mine")
    assert "hint: choose another name" in answer.err
    assert bundle("report", vector(GOOD), "-o", target, "--force").code == 3
    assert target.read_text().startswith("<!DOCTYPE html>")


def test_a_malformed_file_has_no_report(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "x.evb").write_bytes(b"no bundle")
    answer = bundle("report", tmp_path / "x.evb", "-o", tmp_path / "r.html")
    assert answer.code == 4
    assert not (tmp_path / "r.html").exists()


def test_an_output_is_asked_for(bundle: Bundle) -> None:
    answer = bundle("report", vector(GOOD))
    assert answer.code == 2
    assert "output" in answer.err


def test_the_page_is_the_same_in_every_process(tmp_path: Path) -> None:
    """Also where text is hashed differently: no order comes of that."""
    pages = set()
    for seed in ("1", "2"):
        target = tmp_path / f"{seed}.html"
        code = f"import sys; sys.argv = ['bundle', 'report', {str(vector(GOOD))!r}, '-o', {str(target)!r}]"
        run = f"{code}\nfrom bundletools.cli import main\nsys.exit(main())"
        command = [sys.executable, "-c", run]
        paths = {"PYTHONPATH": ":".join(sys.path), "XDG_CONFIG_HOME": str(tmp_path), "PYTHONHASHSEED": seed}
        done = subprocess.run(command, env=paths, capture_output=True, check=False)
        assert done.returncode == 3, done.stderr
        pages.add(target.read_bytes())
    assert len(pages) == 1
