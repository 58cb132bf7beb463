# SPDX-License-Identifier: Apache-2.0
"""A whole ceremony with two YubiKeys and a TPM: held, broken off at every step, and resumed."""

from __future__ import annotations

import errno
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from bundletools import gnupg
from bundletools.ceremony import journal as journal_module
from bundletools.ceremony.desk import Desk as CeremonyDesk
from bundletools.ceremony.desk import NotConfirmedError
from bundletools.ceremony.journal import Journal, open_journal
from bundletools.ceremony.plan import Plan
from bundletools.ceremony.steps import publish, steps, walk
from bundletools.devices import DeviceError
from bundletools.tpm2 import open_tpm
from bundletools.yubikey import open_yubikey
from bundletools.yubikey_piv import Piv
from cryptography.hazmat.primitives.serialization import Encoding

from bundlefmt.bundle import Bundle
from bundlefmt.cli import reading
from bundlefmt.cli.run import UsageError
from bundlefmt.evidence.x509 import facts
from bundlefmt.verify import Basis, Outcome, Policy, verify
from demo.virtual_yubikey_openpgp import ADMIN_PIN
from demo.virtual_yubikey_vendor import Vendor
from tests.hardware.conftest import PIN, SERIALS, Desk, Script, pem, reset
from tests.hardware.gpg_card import generated, keyring
from tests.swtpm import Manufacturer, Swtpm

__all__ = ["keyring"]

pytestmark = pytest.mark.xdist_group("cards")
PIV, OPENPGP = SERIALS
PLAN = """
version = 1
title = "A test ceremony"
output = "out.evb"
minutes = "minutes.txt"
attestation_issuers = ["intermediates.pem"]

[openpgp]
key = "{key}"
yubikey = {openpgp}

[piv]
yubikey = {piv}
generate = "ECCP384"
subject = "Ceremony CA (test key)"
years = 1
pin = "ONCE"
touch = "NEVER"

[tpm]
seal = true
ek_issuers = ["issuer.pem"]

[[witness]]
certificate = "witness.pgp"
with = "gpg:{witness}"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Everything on the table: the plan, the person, and the parts behind them."""

    plan: Plan
    person: Script
    tpm: Swtpm
    fingerprint: str

    def held(self, clock: Callable[[], int] | None = None) -> list[str]:
        """Walk along the plan; returns what was said."""
        said: list[str] = []
        with open_journal(self.plan.folder, self.plan.digest) as journal:
            walk(self.desk(journal, clock), said.append)
        return said

    def desk(self, journal: Journal, clock: Callable[[], int] | None = None) -> CeremonyDesk:
        return CeremonyDesk(
            plan=self.plan,
            journal=journal,
            operator=self.person,
            open_tpm=lambda _: open_tpm(self.tpm.tcti),
            clock=clock or (lambda: int(time.time())),
        )

    def published(self) -> Bundle:
        with open_journal(self.plan.folder, self.plan.digest) as journal:
            path, report = publish(self.desk(journal), force=False)
        assert not [each for each in report.findings if each.outcome is Outcome.FAILED]
        return Bundle.open(path)


@pytest.fixture
def room(
    both: Desk, keyring: Path, swtpm: Swtpm, manufacturer: Manufacturer, vendor: Vendor, tmp_path: Path
) -> Iterator[Room]:
    reset(PIV)
    fingerprint = generated()
    witness = "witness@test.invalid"
    command = ["gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key"]
    subprocess.run([*command, f"Witness (test key) <{witness}>", "ed25519", "sign"], check=True)
    exported = subprocess.run(["gpg", "--export", witness], check=True, capture_output=True).stdout
    (tmp_path / "witness.pgp").write_bytes(exported)
    (tmp_path / "issuer.pem").write_bytes(manufacturer.issuer.read_bytes())
    pem(tmp_path / "intermediates.pem", vendor.intermediate.certificate.public_bytes(Encoding.DER))
    (tmp_path / "minutes.txt").write_text("It was held.\n", encoding="utf-8")
    plan = tmp_path / "plan.toml"
    named = {"key": fingerprint, "openpgp": OPENPGP, "piv": PIV, "witness": witness}
    plan.write_text(PLAN.format(**named), encoding="utf-8")
    person = Script([PIN] * 40)
    yield Room(plan=Plan.open(plan), person=person, tpm=swtpm, fingerprint=fingerprint)
    reset(PIV)


def policy(room: Room, bundle: Bundle, vendor: Vendor, manufacturer: Manufacturer) -> Policy:
    """Of a verifier who knows the operator's keys and both makers."""
    piv = bytes(bundle.content["operator.piv"].value)
    maker = vendor.root.certificate.public_bytes(Encoding.DER)
    return Policy(
        pins_openpgp=frozenset({room.fingerprint}),
        pins_piv=frozenset({facts(piv).sha256}),
        anchors=tuple(reading.certificates(manufacturer.root)),
        anchors_hardware=(maker,),
    )


def judge(room: Room, bundle: Bundle, vendor: Vendor, manufacturer: Manufacturer) -> Mapping[str, Basis]:
    report = verify(bundle, policy(room, bundle, vendor, manufacturer))
    wrong = [each for each in report.findings if each.outcome in (Outcome.FAILED, Outcome.INDETERMINATE)]
    assert wrong == []
    return {each.id: each.basis for each in report.conclusions}


PROVEN = ("identity.sealed", "identity.hardware", "identity.crossed", "tpm.genuine", "key.bound")
VOUCHED = ("ak.resident", "platform.state", "key.resident", "ak.lifetime")


def test_a_whole_ceremony(room: Room, vendor: Vendor, manufacturer: Manufacturer) -> None:
    said = room.held()
    assert len(said) == 2 * len(steps(room.plan)) == 22
    bundle = room.published()
    assert len(bundle.seals) == 4  # two of the operator, the witness, the TPM
    found = judge(room, bundle, vendor, manufacturer)
    assert {each: found[each] for each in PROVEN} == dict.fromkeys(PROVEN, Basis.PROVEN)
    assert {each: found[each] for each in VOUCHED} == dict.fromkeys(VOUCHED, Basis.VOUCHED)
    # each destructive act was confirmed by the serial number of its device
    typed = [asked for asked in room.person.asked if asked.startswith("type ")]
    assert [asked.split()[1] for asked in typed] == [str(OPENPGP), str(PIV)]
    # secrets are nowhere in the folder
    for file in room.plan.folder.iterdir():
        assert PIN.encode() not in file.read_bytes()


class Killed(Exception):
    """As if the process had ended here."""


def test_killed_at_every_step_and_resumed(
    room: Room, vendor: Vendor, manufacturer: Manufacturer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step is broken off once before it is written down, when its devices have done their part."""
    end, broken = Journal.end, set[str]()

    def killed_once(self: Journal, step: str, at: int, parts: Mapping[str, bytes]) -> None:
        if step not in broken:
            broken.add(step)
            raise Killed
        end(self, step, at, parts)

    monkeypatch.setattr(Journal, "end", killed_once)
    planned = [each.id for each in steps(room.plan)]
    for _ in planned:
        with pytest.raises(Killed):
            room.held()
    room.held()
    assert broken == set(planned)
    found = judge(room, room.published(), vendor, manufacturer)
    assert {each: found[each] for each in PROVEN} == dict.fromkeys(PROVEN, Basis.PROVEN)
    assert any("the key that this ceremony began with" in notice for notice in room.person.notices)
    # done means done: nothing is asked again
    room.person.asked.clear()
    assert all(line.endswith("done before") for line in room.held())
    assert room.person.asked == []


def test_what_goes_wrong_leaves_a_state_to_resume(room: Room, both: Desk) -> None:
    """Not confirmed, wrong PIN, a pulled card, a full disk, a clock set back."""
    room.person.refused = 1
    with pytest.raises(NotConfirmedError):
        room.held()
    room.person.answers[:] = ["000000"]
    with pytest.raises(DeviceError, match="wrong PIN; 2 tries are left"):
        room.held()
    room.person.answers[:] = [PIN] * 40
    both.put_in(1)
    with pytest.raises(DeviceError, match=f"YubiKey {PIV} is not attached"):
        room.held()
    both.put_in(0, 1)
    with pytest.raises(DeviceError, match="the clock is behind"):
        room.held(clock=lambda: 1_000_000_000)
    room.held()
    assert len(room.published().seals) == 4


def test_a_blocked_pin_is_told_and_can_be_mended(room: Room) -> None:
    from yubikit.openpgp import OpenPgpSession

    room.person.answers[:] = ["000000"] * 3
    for left in ("2 tries are left", "1 try is left", "the PIN is blocked"):
        with pytest.raises(DeviceError, match=left):
            room.held()
    with pytest.raises(DeviceError, match="the PIN is blocked"):
        room.held()
    assert room.person.answers == []
    with gnupg.card_released(), open_yubikey(OPENPGP) as opened:
        session = OpenPgpSession(opened.connection)
        session.verify_admin(ADMIN_PIN.decode())  # type: ignore[no-untyped-call] # yubikit's
        session.reset_pin(PIN)
    room.person.answers[:] = [PIN] * 40
    room.held()
    assert len(room.published().seals) == 4


def test_a_full_disk_loses_nothing(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    write, full = journal_module.write_atomic, [True]

    def no_space(path: Path, *arguments: object, **options: object) -> None:
        if full.pop() if full else False:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        write(path, *arguments, **options)  # type: ignore[arg-type] # as they came

    monkeypatch.setattr(journal_module, "write_atomic", no_space)
    with pytest.raises(OSError, match="No space left"):
        room.held()
    room.held()
    assert len(room.published().seals) == 4


def test_a_key_that_was_there_before_is_not_taken(room: Room) -> None:
    """However often it is tried: the ceremony did not begin with it."""
    with open_yubikey(PIV) as opened:
        piv = Piv(opened, Script([PIN]))
        piv.manage()
        piv.generate("9c", "ECCP384")
    for _ in range(2):
        with pytest.raises(DeviceError, match="slot 9c is occupied"):
            room.held()


def test_another_plan_does_not_go_on(room: Room, tmp_path: Path) -> None:
    with open_journal(room.plan.folder, room.plan.digest), pytest.raises(UsageError, match="at work"):
        room.held()
    changed = tmp_path / "plan.toml"
    changed.write_text(changed.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    with (
        pytest.raises(UsageError, match="begun with another plan"),
        open_journal(room.plan.folder, Plan.open(changed).digest),
    ):
        pass
