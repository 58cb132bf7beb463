# SPDX-License-Identifier: Apache-2.0
"""The README's first screen is what `make demo` prints; its commands are all there are; its Python runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from bundletools.cli import VERBS

from demo import firmware_log
from demo.swtpm import PROGRAMS
from tests.conftest import Need

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
ELLIPSIS = "…"


def first_difference(wanted: list[str], printed: list[str]) -> str | None:
    """The first line of `wanted` that `printed` lacks in its turn; `…` stands for anything, or for lines."""
    at, gap = 0, False
    for line in wanted:
        if line == ELLIPSIS:
            gap = True
            continue
        pattern = re.compile(".*".join(re.escape(part) for part in line.split(ELLIPSIS)))
        within = range(at, len(printed)) if gap else range(at, min(at + 1, len(printed)))
        found = next((number for number in within if pattern.fullmatch(printed[number])), None)
        if found is None:
            return line
        at, gap = found + 1, False
    return None


def test_the_comparison_can_fail() -> None:
    printed = ["one", "two 2", "three"]
    assert first_difference(["one", "two …"], printed) is None
    assert first_difference(["one", ELLIPSIS, "three"], printed) is None
    assert first_difference(["one", "three"], printed) == "three"
    assert first_difference(["three", "one"], printed) == "three"
    assert first_difference(["one", ELLIPSIS, "one"], printed) == "one"


def test_the_first_screen_is_what_the_demonstration_prints(part: Need) -> None:
    part(*PROGRAMS, "gpg", "openssl", "tpm2_checkquote")
    block = re.search(r"```console\n\$ make demo\n(.*?)```", README, re.DOTALL)
    assert block is not None
    done = subprocess.run(
        [sys.executable, "-m", "demo"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    printed = [line for line in done.stdout.splitlines() if line and not line.startswith("# ")]
    assert first_difference(block[1].splitlines(), printed) is None


def test_every_command_is_in_the_table() -> None:
    named = set(re.findall(r"^\| `bundle (\w+)` \|", README, re.MULTILINE))
    assert named == {verb.name for verb in VERBS}


def test_the_python_of_the_readme_compiles_and_its_names_exist() -> None:
    block = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert block is not None
    compile(block[1], "README.md", "exec")
    imports = "".join(line for line in block[1].splitlines(keepends=True) if line.startswith("from "))
    assert imports.count("import") == 2
    exec(imports, {})  # noqa: S102 - the README's own imports


def test_continuous_integration_runs_the_readme_test_command() -> None:
    assert "`make test` sets everything up and runs all tests." in README
    commands = [
        line
        for line in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith(("#", "set ", "cd "))
    ]
    assert commands == ["exec make test"]


def test_the_demonstration_log_is_the_one_that_is_generated() -> None:
    assert firmware_log.PATH.read_bytes() == firmware_log.encode()


@pytest.mark.parametrize("bank", ["sha1", "sha256", "sha384"])
def test_the_demonstration_log_says_what_was_measured(bank: str) -> None:
    digests = [event.digests()[bank] for event in firmware_log.events()]
    assert all(digest in firmware_log.PATH.read_bytes() for digest in digests)
    assert len(set(digests)) > 10
