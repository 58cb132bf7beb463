# SPDX-License-Identifier: Apache-2.0
"""Plans of ceremonies: what is accepted, what is refused and why, and what they say will be done."""

from __future__ import annotations

from pathlib import Path

import pytest
from bundletools.ceremony.plan import MAX_SIZE, TEMPLATE, Plan
from bundletools.ceremony.steps import steps

from bundlefmt.cli.run import UsageError
from tests.cli.conftest import Bundle, bundle

__all__ = ["bundle"]

LEAST = 'version = 1\noutput = "o.evb"\n[openpgp]\nkey = "k"\n'
PIV = 'version = 1\noutput = "o.evb"\n[piv]\n'


def opened(tmp_path: Path, text: str) -> Plan:
    path = tmp_path / "plan.toml"
    path.write_text(text, encoding="utf-8")
    return Plan.open(path)


def test_the_template_is_a_plan(tmp_path: Path) -> None:
    plan = opened(tmp_path, TEMPLATE)
    assert plan.output == tmp_path / "ceremony.evb"
    assert plan.folder == tmp_path / "ceremony.evb.ceremony"
    assert [step.id for step in steps(plan)] == [
        "openpgp.certificate",
        "piv.generate",
        "piv.certificate",
        "piv.attest",
        "cross.signature",
        "cross.certificate",
        "tpm",
        "seal.openpgp",
        "seal.piv",
    ]


def test_the_template_with_all_that_it_leaves_out(tmp_path: Path) -> None:
    """What stands in comments is right too."""
    whole = "\n".join(
        line.removeprefix("# ") if " = " in line or line.startswith("# [") else line
        for line in TEMPLATE.splitlines()[2:]
    )
    plan = opened(tmp_path, whole)
    assert plan.openpgp is not None
    assert plan.openpgp.yubikey == 10000001
    assert set(plan.tpm.logs) == {"firmware-log", "ima-log", "userspace-log"}
    assert [witness.using for witness in plan.witnesses] == ["gpg:FINGERPRINT"]
    assert plan.archive is not None
    assert plan.archive.key == tmp_path / "archive.key"
    assert {"openpgp.attest", "seal.archive"} <= {step.id for step in steps(plan)}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version = 2\n", "version is from 1 to 1"),
        ('output = "o"\n', "version is missing"),
        ("version = 1\n", "output is missing"),
        ("version = true\n", "version is a number"),
        ('version = 1\noutput = "o"\n', "nobody seals"),
        (LEAST + "yubikey = 0\n", "yubikey is from 1 to"),
        (LEAST + "yubikey = -1\n", "yubikey is from 1 to"),
        (LEAST + "pin = 1\n", "pin is not known here"),
        (LEAST.replace("key =", "keys ="), "not known|key is missing"),
        (LEAST + "[other]\n", "other is not known here"),
        (LEAST + '[tpm]\nak = "both"\n', "ak is one of template, session"),
        (LEAST + "[tpm]\nseal = 1\n", "seal is true or false"),
        (LEAST + "[tpm]\nek_issuers = [1]\n", "ek_issuers is an array of texts"),
        (LEAST + "[[witness]]\n", "certificate is missing"),
        (LEAST + '[[witness]]\ncertificate = "c"\nwith = "me"\n', "with is gpg:KEY"),
        (LEAST + "witness = 1\n", "witness is not known here"),
        (PIV, "name either yubikey or pkcs11"),
        (PIV + 'yubikey = 1\npkcs11 = "pkcs11:"\n', "name either yubikey or pkcs11"),
        (PIV + 'yubikey = 1\nslot = "f9"\n', "no slot for a key"),
        (PIV + 'yubikey = 1\nslot = "9c "\n', "no slot for a key"),
        (PIV + 'yubikey = 1\ngenerate = "RSA512"\nsubject = "s"\n', "generate is one of"),
        (PIV + 'yubikey = 1\ngenerate = "ECCP256"\n', "subject is missing"),
        (PIV + 'pkcs11 = "pkcs11:"\ngenerate = "ECCP256"\nsubject = "s"\n', "in YubiKeys only"),
        (PIV + "yubikey = 1\nyears = 51\n", "years is from 1 to 50"),
        ("version = 1\nversion = 1\n", "overwrite"),
        ("\x00", "plan.toml"),
        ("#" * (MAX_SIZE + 1), "at most 65536 bytes"),
    ],
)
def test_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        opened(tmp_path, text)


def test_dry_run_says_everything_and_does_nothing(bundle: Bundle, tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    assert bundle("ceremony", "plan", "-o", path).code == 0
    assert bundle("ceremony", "plan", "-o", path).code == 2  # there it is
    answer = bundle("ceremony", "run", path, "--dry-run")
    assert answer.code == 0
    assert "8 seal.openpgp" in answer.out
    assert answer.out.count("device:") == answer.out.count("risk:") == 9
    assert "YubiKey 10000002, PIV slot 9c" in answer.out
    assert list(tmp_path.iterdir()) == [path]


def test_an_output_that_is_there_ends_it_before_it_begins(bundle: Bundle, tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(LEAST, encoding="utf-8")
    (tmp_path / "o.evb").write_bytes(b"mine")
    assert bundle("ceremony", "run", path).code == 2
    assert not (tmp_path / "o.evb.ceremony").exists()


def test_a_plan_that_nests_too_deep_is_refused(tmp_path: Path) -> None:
    """It ended in a RecursionError."""
    with pytest.raises(UsageError, match="nested too deep"):
        opened(tmp_path, f"{LEAST}x = {'[' * 5000}")
