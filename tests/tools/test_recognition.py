# SPDX-License-Identifier: Apache-2.0
"""What file(1) and shared-mime-info say of bundles, of their kin and of other CBOR."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from bundlefmt import cbor, labels
from tests.cli.conftest import ROOT, VECTORS, vector
from tests.conftest import Need

MAGIC = ROOT / "tools" / "magic" / "evidence-bundle"
PACKAGE = ROOT / "tools" / "mime" / "evidence-bundle.xml"
GOOD = "activation_whole"
KEPT = VECTORS / "activation_confirmed-whole" / "kept.evk"
CBOR = "application/cbor"
OTHERS = {
    "plain": cbor.encode({"a": [1, 2]}),
    "self-described": bytes.fromhex("d9d9f7") + cbor.encode([1, 2]),
    "another-tag": bytes.fromhex("d9d9f7da45564200") + cbor.encode([1]),
    "no-tag-55799": labels.MAGIC[3:] + cbor.encode([1]),
    "inside": b"x" + labels.MAGIC,
    "short": labels.MAGIC[:7],
}


def file_says(path: Path, *options: str) -> str:
    done = subprocess.run(
        ["file", "--brief", *options, "--magic-file", MAGIC, path], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_the_magic_file_has_no_fault(part: Need, tmp_path: Path) -> None:
    part("file")
    done = subprocess.run(
        ["file", "--compile", "--magic-file", MAGIC], cwd=tmp_path, capture_output=True, check=True
    )
    assert done.stderr == b""


def test_every_vector_is_recognised(part: Need) -> None:
    """By its first eight bytes, whatever is wrong with the rest; those with other first bytes are not."""
    part("file")
    bundles = sorted(VECTORS.glob("*/bundle.evb"))
    done = subprocess.run(
        ["file", "--brief", "--mime-type", "--magic-file", MAGIC, *bundles],
        capture_output=True,
        text=True,
        check=True,
    )
    said = done.stdout.splitlines()
    assert len(said) == len(bundles) > 700
    for path, kind in zip(bundles, said, strict=True):
        start = path.read_bytes()[: len(labels.MAGIC)]
        ours = start[:-1] == labels.MAGIC[:-1] and start[-1] >= labels.MAGIC[-1]
        assert (kind == labels.MEDIA_TYPE) is ours, path


@pytest.mark.parametrize("name", OTHERS)
def test_other_files_are_not_recognised(name: str, part: Need, tmp_path: Path) -> None:
    part("file")
    (tmp_path / "x").write_bytes(OTHERS[name])
    assert file_says(tmp_path / "x", "--mime-type") != labels.MEDIA_TYPE


def test_what_is_said(part: Need, tmp_path: Path) -> None:
    part("file")
    assert file_says(vector(GOOD)) == "Evidence Bundle, version 1"
    assert file_says(vector(GOOD), "--extension") == labels.EXTENSION.removeprefix(".")
    assert file_says(KEPT) == "Evidence Bundle challenge as kept (secret), version 1"
    for magic, said in (
        (labels.MAGIC_CHALLENGE, "Evidence Bundle challenge, version 1"),
        (labels.MAGIC_ANSWER, "Evidence Bundle answer to a challenge, version 1"),
        (labels.MAGIC[:-1] + b"2", "Evidence Bundle, of a later version"),
    ):
        (tmp_path / "x").write_bytes(magic + bytes(8))
        assert file_says(tmp_path / "x") == said


def test_the_systems_own_magic_does_not_hide_ours(part: Need, tmp_path: Path) -> None:
    """As an ordinary user installs it: a file in the home directory, beside the system's."""
    part("file")
    shutil.copy(MAGIC, tmp_path / ".magic")
    done = subprocess.run(
        ["file", "--brief", "--mime-type", vector(GOOD)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "HOME": str(tmp_path)},
    )
    assert done.stdout.strip() == labels.MEDIA_TYPE


@pytest.fixture
def data(part: Need, tmp_path: Path) -> Path:
    """A data directory of XDG with the package and the system's own types."""
    part("update-mime-database")
    packages = tmp_path / "mime" / "packages"
    packages.mkdir(parents=True)
    shutil.copy(PACKAGE, packages)
    done = subprocess.run(
        ["update-mime-database", tmp_path / "mime"],
        capture_output=True,
        check=True,
        env={**os.environ, "XDG_DATA_HOME": str(tmp_path)},
    )
    assert done.stderr == b""
    return tmp_path


def test_what_update_mime_database_makes_of_the_package(data: Path) -> None:
    mime = data / "mime"
    assert f"60:{labels.MEDIA_TYPE}".encode() in (mime / "magic").read_bytes()
    # a line is ">0=", the length in two bytes, and the value
    wanted = b">0=" + len(labels.MAGIC).to_bytes(2, "big") + labels.MAGIC
    assert wanted in (mime / "magic").read_bytes()
    assert f"50:{labels.MEDIA_TYPE}:*{labels.EXTENSION}" in (mime / "globs2").read_text(encoding="utf-8")
    assert f"{labels.MEDIA_TYPE} {CBOR}" in (mime / "subclasses").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["x.evb", "x"])
def test_a_desktop_recognises_a_bundle_by_name_and_content(name: str, data: Path, part: Need) -> None:
    """Asked of GLib: by its name where it has one, by its first bytes where it has none."""
    part("gio")
    shutil.copy(vector(GOOD), data / name)
    assert kind(data, data / name) == labels.MEDIA_TYPE


@pytest.mark.parametrize("name", OTHERS)
def test_a_desktop_does_not_take_other_files_for_bundles(name: str, data: Path, part: Need) -> None:
    part("gio")
    (data / "x").write_bytes(OTHERS[name])
    assert kind(data, data / "x") != labels.MEDIA_TYPE


def kind(data: Path, path: Path) -> str:
    done = subprocess.run(
        ["gio", "info", "--attributes=standard::content-type", path],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "XDG_DATA_HOME": str(data), "HOME": str(data)},
    )
    return done.stdout.rpartition("standard::content-type: ")[2].strip()


def test_the_package_says_what_the_specification_says() -> None:
    assert f'<mime-type type="{labels.MEDIA_TYPE}">' in PACKAGE.read_text(encoding="utf-8")
    spec = (ROOT / "spec" / "evidence-bundle.md").read_text(encoding="utf-8")
    assert f"| `{labels.MEDIA_TYPE}` | a bundle; file name extension `{labels.EXTENSION}` |" in spec
