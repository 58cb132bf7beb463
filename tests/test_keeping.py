# SPDX-License-Identifier: Apache-2.0
"""The advice on keeping bundles, as it is typed: a bag that others check, and damage that is found."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bundlefmt.bundle import MAX_COPIED
from bundlefmt.cli.files import UNFINISHED
from tests.cli.conftest import ROOT, vector
from tests.cli.test_exit_codes import SCRIPT

ADVICE = (ROOT / "spec" / "keeping.md").read_text(encoding="utf-8")
MAKE, CHECK = re.findall(r"```sh\n(.*?)```", ADVICE, re.DOTALL)
NAME = "2026-11-24-root-ceremony.evb"


def shell(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Typed with the installed command on the path."""
    path = f"{SCRIPT.parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["sh", "-ec", script],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": path},
    )


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    """Made by the commands of the advice."""
    here = tmp_path / "here"
    here.mkdir()
    shutil.copy(vector("activation_whole"), here / NAME)
    shutil.copytree(ROOT / "spec", here / "spec")
    made = shell("bundle policy init -o policy.toml", here)
    assert (made.returncode, made.stderr) == (0, "")
    made = shell(MAKE, here)
    assert (made.returncode, made.stderr) == (0, "")
    return here / "bag"


def test_the_bag_is_valid_for_another_program(bag: Path) -> None:
    try:
        import bagit
    except ImportError:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip("bagit is not installed")
    assert sorted(path.name for path in bag.iterdir()) == [
        "bag-info.txt",
        "bagit.txt",
        "data",
        "manifest-sha512.txt",
        "tagmanifest-sha512.txt",
    ]
    bagit.Bag(str(bag)).validate()
    flip(bag / "data" / NAME)
    with pytest.raises(bagit.BagValidationError):
        bagit.Bag(str(bag)).validate()


def test_the_bag_is_checked_by_what_is_everywhere(bag: Path) -> None:
    checked = shell(CHECK, bag)
    # nobody is pinned and no root is known: the file is whole, and nobody vouches for it
    assert checked.returncode == 3, checked
    assert checked.stdout.splitlines()[-1] == "verdict: INDETERMINATE"


@pytest.mark.parametrize("name", [f"data/{NAME}", "data/policy.toml", "bag-info.txt", "manifest-sha512.txt"])
def test_damage_is_found(name: str, bag: Path) -> None:
    flip(bag / name)
    checked = shell(CHECK, bag)
    assert checked.returncode == 1
    assert f"{name}: FAILED" in checked.stdout
    assert "verdict:" not in checked.stdout


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_what_the_advice_says_of_the_program() -> None:
    assert f"above {MAX_COPIED >> 20} MiB" in ADVICE
    assert f"ends in `{UNFINISHED}`" in ADVICE
