# SPDX-License-Identifier: Apache-2.0
"""The vendor's own program takes the virtual YubiKeys for real ones: so tests with them mean something."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from bundletools.yubikey import open_yubikey
from bundletools.yubikey_piv import Piv
from cryptography.x509 import load_pem_x509_certificate

from demo.virtual_yubikey_piv import MANAGEMENT_KEY
from demo.virtual_yubikey_vendor import Vendor
from tests.hardware.conftest import SERIALS, Desk, Script, reset

pytestmark = pytest.mark.xdist_group("cards")


def ykman(*words: str | Path) -> str:
    """stdout of ykman. Its PATH is empty, so that it cannot end other programs' scdaemon."""
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ykman")), *map(str, words)],
        env={**os.environ, "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_list(desk: Desk) -> None:
    assert ykman("list").splitlines() == [f"YubiKey 5A (5.7.4) [CCID] Serial: {serial}" for serial in SERIALS]


def test_a_key_made_by_ykman(desk: Desk, vendor: Vendor, tmp_path: Path) -> None:
    """What ykman made we read, and what we read is what ykman reads."""
    serial = SERIALS[1]
    reset(serial)
    device, public = ("--device", str(serial)), tmp_path / "public.pem"
    ykman(*device, "piv", "keys", "generate", "-m", MANAGEMENT_KEY.hex(), "-a", "eccp256", "9c", public)
    ykman(*device, "piv", "keys", "attest", "9c", tmp_path / "statement.pem")
    ykman(*device, "piv", "certificates", "export", "f9", tmp_path / "f9.pem")
    statement = load_pem_x509_certificate((tmp_path / "statement.pem").read_bytes())
    issuer = load_pem_x509_certificate((tmp_path / "f9.pem").read_bytes())
    statement.verify_directly_issued_by(issuer)
    issuer.verify_directly_issued_by(vendor.intermediate.certificate)
    with open_yubikey(serial) as opened:
        piv = Piv(opened, Script())
        key = piv.key("9c")
        assert key is not None
        assert (key.algorithm, key.pin, key.touch) == ("ECCP256", "ALWAYS", "NEVER")
        assert key.public == statement.public_key()
    assert "PIN tries remaining:      3/3" in ykman(*device, "piv", "info")
    reset(serial)
