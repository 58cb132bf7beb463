# SPDX-License-Identifier: Apache-2.0
"""Tokens for tests: virtual YubiKeys behind a PC/SC service of their own, or a real one that is named.

`pytest tests/hardware --yubikey SERIAL` runs the tests that fit on that device, which they reset again and
again: so it must be in factory state, and be named. Without the option no real device is touched.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest
from bundletools.devices import DeviceError
from bundletools.yubikey import attached, open_yubikey
from bundletools.yubikey_piv import Piv

from demo.virtual_yubikey import VirtualYubiKey
from demo.virtual_yubikey_openpgp import OpenPgp
from demo.virtual_yubikey_piv import Piv as VirtualPiv
from demo.virtual_yubikey_reader import DRIVER, PROGRAMS, CardService, Slot
from demo.virtual_yubikey_vendor import Identity, Vendor
from tests.cli.conftest import bundle
from tests.hardware.softhsm import softhsm
from tests.swtpm import manufactured, manufacturer, swtpm
from tests.tools.conftest import captured, operator

__all__ = ["bundle", "captured", "manufactured", "manufacturer", "operator", "softhsm", "swtpm"]

SERIALS: Final = (10000001, 10000002)
FIRMWARE: Final = bytes([5, 7, 4])
PIN: Final = "123456"
_PATIENCE: Final = 10.0  # seconds in which the service notices a card; it looks every 0.4


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--yubikey", type=int, metavar="SERIAL", help="run on this real YubiKey, whose PIV is WIPED"
    )


@dataclass(slots=True)
class Script:
    """A person who gives these answers in turn, and remembers what was asked and said.

    Whoever is asked to type a word to go on types it, but for the `refused` times.
    """

    answers: list[str] = field(default_factory=list)
    refused: int = 0
    asked: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def secret(self, what: str) -> str:
        self.asked.append(what)
        return self.answers.pop(0)

    def notice(self, text: str) -> None:
        self.notices.append(text)

    def typed(self, what: str) -> str:
        self.asked.append(what)
        if self.refused:
            self.refused -= 1
            return "no"
        return what.removeprefix("type ").split(" ", 1)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A virtual YubiKey and its parts."""

    card: VirtualYubiKey
    piv: VirtualPiv
    openpgp: OpenPgp


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """The YubiKey of a test, in factory state; `made` where it is virtual."""

    serial: int
    made: Made | None


Make = Callable[..., Made]


@pytest.fixture(scope="session")
def vendor() -> Vendor:
    return Vendor()


@pytest.fixture(scope="session")
def make(vendor: Vendor, tmp_path_factory: pytest.TempPathFactory) -> Make:
    """`make(serial, firmware=…)`: a new virtual YubiKey of the test vendor."""

    def call(serial: int = SERIALS[0], firmware: bytes = FIRMWARE) -> Made:
        identity = Identity(serial=serial, firmware=firmware)
        piv = VirtualPiv(identity, vendor.piv_attestation(firmware))
        storage = tmp_path_factory.mktemp("openpgp")
        openpgp = OpenPgp(identity, vendor.openpgp_attestation(), storage)
        return Made(card=VirtualYubiKey(identity, (piv, openpgp)), piv=piv, openpgp=openpgp)

    return call


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Two virtual YubiKeys, each in a slot of the service."""

    service: CardService
    made: tuple[Made, Made]

    @property
    def slots(self) -> tuple[Slot, ...]:
        return self.service.slots

    def put_in(self, *which: int) -> None:
        """Exactly these of the two are attached when this returns."""
        stay = [index for index in which if self.slots[index].occupied]
        for index, made in enumerate(self.made):
            made.card.pulled_by = lambda _: False
            if index not in stay:
                self.slots[index].remove()
        wait_for(*(SERIALS[index] for index in stay))
        for index in set(which) - set(stay):
            self.slots[index].insert(self.made[index].card)
        wait_for(*(SERIALS[index] for index in which))


def wait_for(*serials: int) -> None:
    """Until exactly these are attached."""
    end = time.monotonic() + _PATIENCE
    found: list[int | None] = []
    while time.monotonic() < end:
        try:
            found = [info.serial for info in attached()]
        except DeviceError:
            time.sleep(0.05)  # a card is just going out
            continue
        if sorted(map(str, found)) == sorted(map(str, serials)):
            return
        time.sleep(0.05)
    pytest.fail(f"attached are {found}, not {serials}")


@pytest.fixture(scope="session")
def desk(make: Make, part: Callable[..., None], request: pytest.FixtureRequest) -> Iterator[Desk]:
    """Both virtual YubiKeys attached. Not there where a real one was named."""
    if request.config.getoption("--yubikey", default=None) is not None:
        pytest.skip("a virtual YubiKey can do this, not a real one")
    pytest.importorskip("ykman", reason="yubikey-manager is not installed")
    part(*PROGRAMS)
    if not DRIVER.is_file():  # a library, which is no program on PATH, but is needed just so
        part(DRIVER)
    with CardService() as service:
        os.environ.update(service.environment)
        found = Desk(service=service, made=(make(SERIALS[0]), make(SERIALS[1])))
        found.put_in(0, 1)
        yield found
        gc.collect()  # connections that failed are released while the service is still there


@pytest.fixture
def both(desk: Desk) -> Iterator[Desk]:
    """Both virtual YubiKeys attached, and again after the test."""
    yield desk
    desk.put_in(0, 1)


def _is_new(serial: int) -> bool:
    """Whether PIV is as from the factory: PIN, PUK, management key, and no key or certificate in any slot."""
    with open_yubikey(serial) as opened:
        piv = Piv(opened, Script())
        session = piv.session
        secrets = (
            session.get_pin_metadata().default_value,
            session.get_puk_metadata().default_value,
            session.get_management_key_metadata().default_value,
        )
        slots = ("9a", "9c", "9d", "9e", *(f"{slot:02x}" for slot in range(0x82, 0x96)))
        return all(secrets) and not any(piv.key(slot) or piv.find_certificate(slot) for slot in slots)


def reset(serial: int) -> None:
    """PIV as it left the factory."""
    from yubikit.piv import PivSession

    with open_yubikey(serial) as opened:
        PivSession(opened.connection).reset()


@pytest.fixture(scope="session")
def _device(request: pytest.FixtureRequest) -> Device:
    serial = request.config.getoption("--yubikey", default=None)
    if serial is None:
        made = request.getfixturevalue("desk").made[0]
        return Device(serial=SERIALS[0], made=made)
    if not _is_new(serial):
        pytest.exit(f"YubiKey {serial} is in use: these tests would wipe it; ykman piv reset", returncode=2)
    return Device(serial=serial, made=None)


@pytest.fixture
def device(_device: Device) -> Iterator[Device]:
    """The YubiKey of the test, in factory state before and after it."""
    reset(_device.serial)
    yield _device
    reset(_device.serial)


@pytest.fixture
def script() -> Callable[..., Script]:
    """`script("123456")`: a person with these answers."""
    return lambda *answers: Script(answers=list(answers))


def pem(path: Path, *ders: bytes) -> Path:
    """A file with these certificates in PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    path.write_bytes(b"".join(x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM) for der in ders))
    return path
