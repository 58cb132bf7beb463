# SPDX-License-Identifier: Apache-2.0
"""What is installed is all there is: every package, and the files that the code reads beside its own."""

from __future__ import annotations

import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
SETUPTOOLS: Final = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
PLACES: Final = {"bundlefmt": ROOT / "bundlefmt", "bundletools": ROOT / "tools" / "bundletools"}


def _packages() -> set[str]:
    return {
        ".".join((name, *file.parent.relative_to(place).parts))
        for name, place in PLACES.items()
        for file in place.rglob("__init__.py")
    }


def test_every_package_is_listed() -> None:
    assert _packages() | {"bundlefmt.spec"} == set(SETUPTOOLS["packages"])


def test_every_other_file_is_listed() -> None:
    """`bundlefmt/spec` is a link to the specification, so that explanations are installed with the code."""
    for package in SETUPTOOLS["packages"]:
        name, *rest = package.split(".")
        patterns = SETUPTOOLS["package-data"].get(package, [])
        for file in PLACES[name].joinpath(*rest).iterdir():
            if file.is_file() and file.suffix != ".py":
                assert any(fnmatch(file.name, pattern) for pattern in patterns), file
