# SPDX-License-Identifier: Apache-2.0
"""The archive's part in a ceremony: its key in a file, made or given, and its seal by ML-DSA-65."""

from __future__ import annotations

import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from bundletools.ceremony import archive
from bundletools.ceremony.desk import Desk
from bundletools.ceremony.journal import open_journal
from bundletools.ceremony.plan import Plan
from bundletools.ceremony.steps import steps
from bundletools.devices import DeviceError
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bundlefmt import labels
from bundlefmt.bundle import Bundle as Decoded
from bundlefmt.cli.files import FileExistsRefusal
from bundlefmt.cli.run import UsageError
from bundlefmt.cose import CoseSign1, PrivateKey
from bundlefmt.evidence.x509 import facts
from bundlefmt.verify import Outcome, Policy, verify
from tests.cli.conftest import Bundle
from tests.test_vectors import octets
from tests.tools.conftest import certificate

LEAST = 'version = 1\noutput = "o.evb"\n[openpgp]\nkey = "k"\n'
MADE = LEAST + '[archive]\nkey = "a.key"\ngenerate = "ML-DSA-65"\nsubject = "Archive (test key)"\n'
GIVEN = LEAST + '[archive]\nkey = "a.key"\ncertificate = "a.der"\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A plan in a folder of its own, whose bundle is there up to the last step."""

    folder: Path
    plan: Plan

    @contextmanager
    def desk(self, clock: Callable[[], int] = lambda: int(time.time())) -> Iterator[Desk]:
        def nowhere(tcti: str | None) -> object:
            raise DeviceError("no TPM is asked here")

        with open_journal(self.plan.folder, self.plan.digest) as journal:
            yield Desk(plan=self.plan, journal=journal, operator=None, open_tpm=nowhere, clock=clock)  # type: ignore[arg-type] # nobody is asked

    def run(self, *names: str) -> None:
        """Steps of the archive, as the walk does them."""
        for step in steps(self.plan):
            if step.id in names:
                with self.desk() as desk:
                    desk.journal.end(step.id, desk.clock(), step.run(desk))

    @property
    def key(self) -> Path:
        return self.folder / "a.key"


def planned(folder: Path, text: str) -> Archive:
    (folder / "plan.toml").write_text(text, encoding="utf-8")
    found = Archive(folder=folder, plan=Plan.open(folder / "plan.toml"))
    with found.desk() as desk:
        desk.journal.end("seal.openpgp", desk.clock(), {"seal.openpgp.evb": octets("container_whole")})
    return found


def written(folder: Path, key: PrivateKey, *, days: tuple[int, int] = (-1, 364)) -> None:
    """A key and its certificate in files."""
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "a.key").write_bytes(pem)
    (folder / "a.der").write_bytes(certificate(key, days=days))


def test_what_is_planned(tmp_path: Path) -> None:
    made, given = (planned(_new(tmp_path / name), text) for name, text in (("m", MADE), ("g", GIVEN)))
    for each in made, given:
        ids = [step.id for step in steps(each.plan)]
        assert ids == ["openpgp.certificate", archive.CERTIFICATE, "tpm", "seal.openpgp", archive.SEAL]
    assert made.plan.archive is not None
    assert made.plan.archive.years == 20
    first, second = (
        next(step for step in steps(each.plan) if step.id == archive.CERTIFICATE) for each in (made, given)
    )
    assert "whoever reads the file" in first.risk
    assert second.action == "read key and certificate"


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder


@pytest.mark.parametrize("text", [MADE, GIVEN])
def test_the_archive_seals(text: str, tmp_path: Path) -> None:
    held = planned(tmp_path, text)
    if text == GIVEN:
        written(tmp_path, MLDSA65PrivateKey.generate())
    held.run(archive.CERTIFICATE, archive.SEAL)
    with held.desk() as desk:
        sealed = Decoded.decode(desk.journal.part(archive.SEAL, f"{archive.SEAL}.evb"))
        known = desk.journal.part(archive.CERTIFICATE, "archive.der")
    before = Decoded.decode(octets("container_whole"))
    assert (sealed.manifest_raw, sealed.seals[:-1]) == (before.manifest_raw, before.seals)
    assert sealed.seals[-1].key == known
    message = CoseSign1.decode(sealed.seals[-1].value)
    assert message.protected[labels.HDR_ALG] == labels.ALG_ML_DSA_65
    policy = Policy(pins_piv=frozenset({facts(known).sha256}))
    found = [each for each in verify(sealed, policy).findings if each.items == ("seal 3",)]
    assert {each.check: each.outcome for each in found}["seal.signature"] is Outcome.PASSED
    assert [each for each in found if each.outcome is Outcome.FAILED] == []


def test_the_key_that_is_made_issues_nothing(tmp_path: Path) -> None:
    held = planned(tmp_path, MADE)
    held.run(archive.CERTIFICATE)
    assert stat.S_IMODE(held.key.stat().st_mode) == 0o600
    with held.desk() as desk:
        made = x509.load_der_x509_certificate(desk.journal.part(archive.CERTIFICATE, "archive.der"))
    usage = made.extensions.get_extension_for_class(x509.KeyUsage)
    constraints = made.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (usage.critical, usage.value.digital_signature, usage.value.key_cert_sign) == (True, True, False)
    assert (constraints.critical, constraints.value.ca) == (True, False)
    assert (made.not_valid_after_utc - made.not_valid_before_utc).days == 7305
    assert made.subject.rfc4514_string() == "CN=Archive (test key)"
    made.verify_directly_issued_by(made)


# --- broken off, and refused ----------------------------------------------------------------------------


def test_a_key_that_was_there_is_not_overwritten(tmp_path: Path) -> None:
    held = planned(tmp_path, MADE)
    held.key.write_bytes(b"mine")
    with pytest.raises(FileExistsRefusal):
        held.run(archive.CERTIFICATE)
    assert held.key.read_bytes() == b"mine"


def test_a_key_of_a_broken_ceremony_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = planned(tmp_path, MADE)
    with monkeypatch.context() as patch:
        patch.setattr(archive, "self_signed", _pulled)
        with pytest.raises(OSError, match="pulled"):
            held.run(archive.CERTIFICATE)
    key = held.key.read_bytes()
    held.run(archive.CERTIFICATE, archive.SEAL)
    assert held.key.read_bytes() == key


def _pulled(*_: object) -> bytes:
    raise OSError("pulled")


def test_a_ceremony_that_broke_off_before_the_key_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = planned(tmp_path, MADE)
    with monkeypatch.context() as patch:
        patch.setattr(archive, "write_atomic", lambda *_, **__: _pulled())
        with pytest.raises(OSError, match="pulled"):
            held.run(archive.CERTIFICATE)
    assert not held.key.exists()
    held.run(archive.CERTIFICATE, archive.SEAL)


def test_where_no_such_key_can_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Old:
        @staticmethod
        def generate() -> None:
            raise UnsupportedAlgorithm("not here")

    held = planned(tmp_path, MADE)
    monkeypatch.setattr(archive, "MLDSA65PrivateKey", Old)
    with pytest.raises(UsageError, match="no ML-DSA-65 key can be made here"):
        held.run(archive.CERTIFICATE)
    assert not held.key.exists()


def test_a_key_of_another_kind(tmp_path: Path) -> None:
    held = planned(tmp_path, GIVEN)
    written(tmp_path, ec.generate_private_key(ec.SECP384R1()))
    with pytest.raises(UsageError, match="the archive's key is one of ML-DSA-65"):
        held.run(archive.CERTIFICATE)


def test_the_certificate_of_another_key(tmp_path: Path) -> None:
    held = planned(tmp_path, GIVEN)
    written(tmp_path, MLDSA65PrivateKey.generate())
    (tmp_path / "a.der").write_bytes(certificate(MLDSA65PrivateKey.generate()))
    with pytest.raises(UsageError, match="of another key"):
        held.run(archive.CERTIFICATE)


def test_a_certificate_that_has_expired(tmp_path: Path) -> None:
    held = planned(tmp_path, GIVEN)
    written(tmp_path, MLDSA65PrivateKey.generate(), days=(-9, -1))
    with pytest.raises(UsageError, match="not valid now"):
        held.run(archive.CERTIFICATE)


def test_a_key_that_was_exchanged_meanwhile(tmp_path: Path) -> None:
    held = planned(tmp_path, MADE)
    held.run(archive.CERTIFICATE)
    other = MLDSA65PrivateKey.generate()
    held.key.write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(Exception, match="seal does not hold"):
        held.run(archive.SEAL)


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        ("", "key is missing"),
        ('key = "a"\n', "name either certificate or generate"),
        ('key = "a"\ncertificate = "c"\ngenerate = "ML-DSA-65"\n', "name either certificate or generate"),
        ('key = "a"\ngenerate = "ML-DSA-44"\nsubject = "s"\n', "generate is ML-DSA-65"),
        ('key = "a"\ngenerate = "ML-DSA-65"\n', "subject is missing"),
        ('key = "a"\ngenerate = "ML-DSA-65"\nsubject = "s"\nyears = 51\n', "years is from 1 to 50"),
        ('key = "a"\ncertificate = "c"\nwith = "x"\n', "with is not known here"),
    ],
)
def test_plans_that_are_refused(rest: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(f"{LEAST}[archive]\n{rest}", encoding="utf-8")
    with pytest.raises(UsageError, match=said):
        Plan.open(path)


def test_a_dry_run_says_whether_the_archive_seals(bundle: Bundle, tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(LEAST, encoding="utf-8")
    words = " - seal.archive: left out: the plan names no key of an archive ([archive])\n"
    assert bundle("ceremony", "run", path, "--dry-run").out.endswith(words)
    path.write_text(MADE, encoding="utf-8")
    said = bundle("ceremony", "run", path, "--dry-run").out
    assert "left out" not in said
    assert (
        f" 5 seal.archive: seal the manifest, as a later witness\n     device: file {tmp_path / 'a.key'}\n"
        in said
    )
    assert not (tmp_path / "a.key").exists()
