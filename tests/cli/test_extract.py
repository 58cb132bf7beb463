# SPDX-License-Identifier: Apache-2.0
"""`bundle extract`: artifacts byte for byte, written whole or not at all."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from bundlefmt.bundle import Bundle as Decoded
from bundlefmt.cli import files
from tests.cli.conftest import Bundle, vector
from tests.cli.test_exit_codes import SCRIPT, run

GOOD = "activation_whole"


def test_each_artifact_as_it_was_made(bundle: Bundle, tmp_path: Path) -> None:
    decoded = Decoded.open(vector(GOOD))
    for label, record in decoded.content.items():
        target = tmp_path / label
        assert bundle("extract", vector(GOOD), label, "-o", target).code == 0
        assert target.read_bytes() == record.value
    assert bundle("extract", vector(GOOD), "--manifest", "-o", tmp_path / "m").code == 0
    assert (tmp_path / "m").read_bytes() == decoded.manifest_raw


def test_everything_at_once(bundle: Bundle, tmp_path: Path) -> None:
    decoded, target = Decoded.open(vector(GOOD)), tmp_path / "all"
    assert bundle("extract", vector(GOOD), "--all", "-o", target).code == 0
    found = {
        path.relative_to(target).as_posix(): path.read_bytes() for path in target.rglob("*") if path.is_file()
    }
    assert found == {
        "manifest.cbor": decoded.manifest_raw,
        **{f"items/{label}": bytes(record.value) for label, record in decoded.content.items()},
        "seals/1.cose": decoded.seals[0].value,
        "seals/2.sig": decoded.seals[1].value,
    }
    again = bundle("extract", vector(GOOD), "--all", "-o", target)
    assert (again.code, f"{target} exists" in again.err) == (2, True)


def test_bytes_go_to_a_pipe() -> None:
    import subprocess

    done = subprocess.run([SCRIPT, "extract", vector(GOOD), "quote"], capture_output=True, check=True)
    assert done.stdout == Decoded.open(vector(GOOD)).content["quote"].value


def test_an_artifact_that_was_exchanged_is_given_with_a_warning(bundle: Bundle, tmp_path: Path) -> None:
    answer = bundle("extract", vector("container_artifact-exchanged"), "ak.pub", "-o", tmp_path / "x")
    assert answer.code == 0
    assert "warning: ak.pub does not have the digest that was sealed" in answer.err


def _with(label: str, **changes: object) -> Decoded:
    """The good bundle with one item of its manifest changed; its seals do not hold any more."""
    good = Decoded.open(vector(GOOD))
    items = {**good.manifest.items, label: replace(good.manifest.items[label], **changes)}  # type: ignore[arg-type] # its fields
    manifest = replace(good.manifest, items=items)
    return replace(good, manifest=manifest, manifest_raw=manifest.encode())


@pytest.mark.parametrize(
    ("refs", "why"),
    [({}, "does not say which quote"), ({"quoted-by": "certify"}, "refers to is not a quote")],
)
def test_pcr_values_without_a_quote(refs: object, why: str, bundle: Bundle, tmp_path: Path) -> None:
    label = next(
        name for name, item in Decoded.open(vector(GOOD)).manifest.items.items() if item.role == "pcr-values"
    )
    file = tmp_path / "b.evb"
    file.write_bytes(_with(label, refs=refs).encode())
    answer = bundle("extract", file, label, "--tpm2-tools", "-o", tmp_path / "x")
    assert answer.code == 2
    assert why in answer.err


@pytest.mark.parametrize("options", [["--all", "-o", "x"], ["--manifest"], ["--seal", "1"]], ids=" ".join)
def test_the_form_of_tpm2_tools_is_for_pcr_values(options: list[str], bundle: Bundle) -> None:
    answer = bundle("extract", vector(GOOD), *options, "--tpm2-tools")
    assert (answer.code, answer.out) == (2, "")


def test_a_label_cannot_lead_elsewhere(bundle: Bundle, tmp_path: Path) -> None:
    data = Decoded.open(vector(GOOD)).encode()
    for name in ("../a", "..", "/etc"):
        file = tmp_path / "b.evb"
        # of the same length as a label, so that the encoding stays whole
        label = next(each for each in Decoded.open(vector(GOOD)).manifest.items if len(each) >= len(name))
        hostile = (name + "x" * len(label))[: len(label)]
        file.write_bytes(data.replace(label.encode(), hostile.encode()))
        answer = bundle("extract", file, "--all", "-o", tmp_path / "out")
        assert answer.code == 4
        assert not (tmp_path / "out").exists()


def test_withheld_is_said(bundle: Bundle) -> None:
    answer = bundle("extract", vector("activation_withheld"), "ek.activation")
    assert answer.code == 2
    assert "withheld or detached" in answer.err


def test_nothing_is_overwritten_unless_asked(bundle: Bundle, tmp_path: Path) -> None:
    target = tmp_path / "quote"
    target.write_bytes(b"precious")
    refused = bundle("extract", vector(GOOD), "quote", "-o", target)
    assert (refused.code, target.read_bytes()) == (2, b"precious")
    assert "--force" in refused.err
    assert bundle("extract", vector(GOOD), "quote", "-o", target, "--force").code == 0
    assert target.read_bytes() == Decoded.open(vector(GOOD)).content["quote"].value


def test_files_have_ordinary_modes(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        files.write_atomic(tmp_path / "x", [b"x"])
        files.write_tree(tmp_path / "tree", {"a/b": b"x"})
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "tree").stat().st_mode) == 0o750


@pytest.mark.parametrize("at", ["write", "fsync", "replace"])
def test_a_write_that_fails_leaves_what_was_there(
    at: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "bundle.evb"
    target.write_bytes(b"precious")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    if at == "fsync":
        monkeypatch.setattr(os, "fsync", full)
    if at == "replace":
        monkeypatch.setattr(Path, "replace", full)

    def chunks() -> object:
        yield b"half of "
        if at == "write":
            full()
        yield b"the file"

    with pytest.raises(OSError, match="No space left"):
        files.write_atomic(target, chunks(), force=True)  # type: ignore[arg-type] # a generator
    assert target.read_bytes() == b"precious"
    assert [path.name for path in tmp_path.iterdir()] == ["bundle.evb"]


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    answer = run("extract", vector(GOOD), "quote", "-o", Path("/dev/full") / "x")
    assert answer.code == 5
    assert answer.err.startswith("error: /dev/full")


def test_two_writers_do_not_overwrite_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "x"
    link = os.link

    def race(source: str, name: Path) -> None:
        target.write_bytes(b"the other writer's")
        link(source, name)

    monkeypatch.setattr(os, "link", race)
    with pytest.raises(files.FileExistsRefusal):
        files.write_atomic(target, [b"ours"])
    assert target.read_bytes() == b"the other writer's"
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_timestamp_is_taken_out_for_other_tools(bundle: Bundle, tmp_path: Path) -> None:
    """`openssl ts -verify -data 1.covers -in 1.tst -token_in` checks it."""
    assert bundle("extract", vector("renewal_three-times"), "--all", "-o", tmp_path / "out").code == 0
    found = sorted(path.name for path in (tmp_path / "out" / "renewals").iterdir())
    assert found == [f"{number}.{ending}" for number in (1, 2, 3) for ending in ("cbor", "covers", "tst")]


def test_a_renewal_is_shown(bundle: Bundle) -> None:
    shown = bundle("inspect", vector("renewal_three-times")).out
    assert "claims time" in shown
    assert "sha512" in shown
    assert len(bundle("inspect", vector("renewal_three-times"), "--json").json["renewals"]) == 3
    assert "cannot be read" in bundle("inspect", vector("renewal_token-cut-short")).out
    assert "application/x-sundial" in bundle("inspect", vector("container_renewal")).out
