# SPDX-License-Identifier: Apache-2.0
"""A ceremony without YubiKeys: gpg's agent, a CA key in a PKCS#11 token, and the archive's key in a file."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from bundletools.ceremony.desk import Desk
from bundletools.ceremony.journal import open_journal
from bundletools.ceremony.plan import Plan
from bundletools.ceremony.steps import publish, steps, walk
from bundletools.tpm2 import open_tpm

from bundlefmt import labels
from bundlefmt.evidence.openpgp import certificate_facts
from bundlefmt.evidence.x509 import facts
from bundlefmt.verify import Basis, Outcome, Policy, verify
from tests.hardware.conftest import Script
from tests.hardware.softhsm import MODULE
from tests.hardware.softhsm import PIN as TOKEN_PIN
from tests.swtpm import Swtpm

pytestmark = pytest.mark.xdist_group("cards")


def test_a_ceremony_with_an_hsm(
    softhsm: dict[str, Any], swtpm: Swtpm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "gnupg"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("GNUPGHOME", str(home))
    command = ["gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key"]
    subprocess.run([*command, "Root (test key) <root@test.invalid>", "ed25519", "sign"], check=True)
    path = tmp_path / "plan.toml"
    path.write_text(
        'version = 1\noutput = "o.evb"\n[openpgp]\nkey = "root@test.invalid"\n[piv]\n'
        f'pkcs11 = "pkcs11:token=Hardware%20Test;object=p256?module-path={MODULE}"\n'
        '[tpm]\nak = "session"\n'
        '[archive]\nkey = "archive.key"\ngenerate = "ML-DSA-65"\nsubject = "Archive (test key)"\n',
        encoding="utf-8",
    )
    plan = Plan.open(path)
    person = Script([TOKEN_PIN] * 9)
    with open_journal(plan.folder, plan.digest) as journal:
        desk = Desk(
            plan=plan,
            journal=journal,
            operator=person,
            open_tpm=lambda _: open_tpm(swtpm.tcti),
            clock=lambda: int(time.time()),
        )
        said: list[str] = []
        walk(desk, said.append)
        written, report = publish(desk, force=False)
        policy = Policy(
            pins_openpgp=frozenset({certificate_facts(desk.openpgp).fingerprint}),
            pins_piv=frozenset({facts(desk.piv).sha256}),
        )
    subprocess.run(["gpgconf", "--kill", "all"], check=False)
    assert len(said) == 2 * len(steps(plan)) == 18
    assert [each for each in report.findings if each.outcome is Outcome.FAILED] == []
    from bundlefmt.bundle import Bundle

    bundle = Bundle.open(written)
    assert [seal.type for seal in bundle.seals] == [labels.SEAL_OPENPGP, labels.SEAL_COSE, labels.SEAL_COSE]
    assert [seal.key is None for seal in bundle.seals] == [True, True, False]
    drawn = {each.id: each for each in verify(bundle, policy).conclusions}
    for each in ("identity.sealed", "identity.crossed", "key.bound"):
        assert drawn[each].basis is Basis.PROVEN
    assert "died with its session" in drawn["ak.lifetime"].statement
    assert "identity.hardware" not in drawn
    assert person.asked == ["PIN of token Hardware Test"] * (9 - len(person.answers))
