# SPDX-License-Identifier: Apache-2.0
"""Finding YubiKeys through the smart card service: the right one, or a refusal that says what to do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from bundletools.devices import DeviceError
from bundletools.yubikey import attached, open_yubikey

from demo.virtual_yubikey_reader import SOCKET_VARIABLE
from tests.cli.conftest import Bundle
from tests.hardware.conftest import SERIALS, Desk, Device

pytestmark = pytest.mark.xdist_group("cards")


def test_two_are_told_apart(desk: Desk) -> None:
    assert {info.serial for info in attached()} == set(SERIALS)
    for serial in SERIALS:
        with open_yubikey(serial) as opened:
            assert (opened.info.serial, opened.info.firmware) == (serial, (5, 7, 4))


def test_the_device_is_found(device: Device) -> None:
    with open_yubikey(device.serial) as opened:
        assert opened.info.name == f"YubiKey {device.serial}"


def test_two_and_no_serial_is_refused(desk: Desk) -> None:
    with pytest.raises(DeviceError, match="several YubiKeys") as refused, open_yubikey(None):
        pass
    assert all(str(serial) in refused.value.hint for serial in SERIALS)


def test_unknown_serial_is_refused(desk: Desk) -> None:
    with pytest.raises(DeviceError, match="10000003 is not attached") as refused, open_yubikey(10000003):
        pass
    assert str(SERIALS[0]) in refused.value.hint


def test_one_or_none(both: Desk) -> None:
    both.put_in(1)
    with open_yubikey(None) as opened:
        assert opened.info.serial == SERIALS[1]
    both.put_in()
    with pytest.raises(DeviceError, match="no YubiKey is attached"), open_yubikey(None):
        pass


def test_held_by_another_program(desk: Desk) -> None:
    with (
        open_yubikey(SERIALS[0]),
        pytest.raises(DeviceError, match="another program holds the YubiKey") as refused,
        open_yubikey(SERIALS[0]),
    ):
        pass
    assert "gpgconf --kill scdaemon" in refused.value.hint


def test_without_a_serial_one_that_is_held_counts(desk: Desk) -> None:
    with (
        open_yubikey(SERIALS[1]),
        pytest.raises(DeviceError, match="several YubiKeys"),
        open_yubikey(None),
    ):
        pass


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`bundle WORDS` in a process of its own."""
    return subprocess.run(
        [str(Path(sys.executable).with_name("bundle")), *words],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_service_absent(tmp_path: Path) -> None:
    pytest.importorskip("ykman", reason="yubikey-manager is not installed")
    done = run("yubikey", "list", **{SOCKET_VARIABLE: str(tmp_path / "none")})
    assert done.returncode == 5
    assert done.stderr.splitlines() == [
        "error: look for YubiKeys: the smart card service does not run",
        "hint: systemctl start pcscd.socket",
    ]


def test_library_absent(monkeypatch: pytest.MonkeyPatch, bundle: Bundle) -> None:
    monkeypatch.setitem(sys.modules, "ykman.pcsc", None)
    answer = bundle("yubikey", "list")
    assert answer.code == 5
    assert "hint: pip install 'evidence-bundle[tools]'" in answer.err


def test_list(desk: Desk, bundle: Bundle) -> None:
    answer = bundle("yubikey", "list")
    assert answer.code == 0
    assert answer.out.splitlines() == [
        f"YubiKey {serial}  firmware 5.7.4  Keychain (USB-A)" for serial in SERIALS
    ]


def test_info(desk: Desk, device: Device, bundle: Bundle) -> None:
    answer = bundle("yubikey", "info", str(device.serial))
    assert answer.code == 0
    assert "PIN: 3 tries left" in answer.out
    assert bundle("yubikey", "info").code == 5
