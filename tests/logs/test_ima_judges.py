# SPDX-License-Identifier: Apache-2.0
"""evmctl on the lists that it can read: those whose template digests are SHA-1."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from bundlefmt.evidence.tpm_algorithm import TpmAlg
from bundlefmt.logs.ima_source import ImaSource
from tests.logs.test_ima import entry, listed

Need = Callable[..., None]
PCR: Final = 10
BANKS: Final = {"sha1": TpmAlg.SHA1, "sha256": TpmAlg.SHA256}
LISTS: Final = ("charra/binary_runtime_measurements", "ima-verify/binary_runtime_measurements_sha1")
MADE: Final = {
    "plain": [entry(0), entry(1, name=b"/bin/a name"), entry(2, template="ima-sig"), entry(3)],
    "violation": [entry(0), entry(1, violation=True), entry(2)],
    "nothing-after-violations": [entry(0), entry(1, violation=True), entry(2, violation=True)],
}


def evmctl_matches(list_file: Path, bank: str, value: bytes, folder: Path) -> int | None:
    """After how many entries evmctl finds this value of PCR 10; None if it does not."""
    rows = (value if index == PCR else bytes(len(value)) for index in range(24))
    pcrs = folder / "pcrs"
    pcrs.write_text("".join(f"PCR-{index:02}: {row.hex(' ').upper()}\n" for index, row in enumerate(rows)))
    done = subprocess.run(
        [
            "evmctl",
            "-v",
            "ima_measurement",
            "--ignore-violations",
            "--pcrs",
            f"{bank},{pcrs}",
            str(list_file),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(rf"{bank} PCR-{PCR}: succeed at entry (\d+)", done.stdout + done.stderr)
    return int(found[1]) if done.returncode == 0 and found else None


def compare(file: Path, folder: Path) -> None:
    source = ImaSource.decode(file.read_bytes())
    for name, bank in BANKS.items():
        value = source.replay(bank, PCR, b"").computed
        assert evmctl_matches(file, name, value, folder) == source.count
        assert evmctl_matches(file, name, value[:-1] + bytes([value[-1] ^ 1]), folder) is None


@pytest.mark.parametrize("name", LISTS)
def test_real_lists(corpus: Path, part: Need, tmp_path: Path, name: str) -> None:
    part("evmctl")
    compare(corpus / "ima" / name, tmp_path)


@pytest.mark.parametrize("name", MADE)
def test_made_lists(part: Need, tmp_path: Path, name: str) -> None:
    part("evmctl")
    file = tmp_path / "list"
    file.write_bytes(listed(*MADE[name]).encode())
    compare(file, tmp_path)


def test_a_prefix_is_counted_alike(part: Need, tmp_path: Path) -> None:
    part("evmctl")
    file = tmp_path / "list"
    file.write_bytes(listed(entry(0), entry(1, name=b"/bin/a"), entry(2)).encode())
    half = ImaSource.decode(listed(entry(0), entry(1, name=b"/bin/a")).encode())
    value = half.replay(TpmAlg.SHA256, PCR, b"").computed
    source = ImaSource.decode(file.read_bytes())
    assert source.replay(TpmAlg.SHA256, PCR, value).covered == 2
    assert evmctl_matches(file, "sha256", value, tmp_path) == 2
