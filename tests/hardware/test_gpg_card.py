# SPDX-License-Identifier: Apache-2.0
"""Sealing by gpg with a key that was generated on the card, through gpg-agent, scdaemon and the service."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from bundletools import gnupg
from bundletools.capture import Identity
from bundletools.devices import DeviceError
from bundletools.sealing import seal_openpgp

from bundlefmt.verify import Policy, verify
from tests.hardware.conftest import Desk
from tests.hardware.gpg_card import generated, keyring
from tests.tools.conftest import Capture

__all__ = ["keyring"]

pytestmark = pytest.mark.xdist_group("cards")


def test_gpg_seals_with_the_card(keyring: Path, both: Desk, captured: Capture) -> None:
    """The same sign and export as with a key in a file; the PIN goes from pinentry to the card."""
    fingerprint = generated()
    listed = subprocess.run(
        ["gpg", "--batch", "--with-colons", "--list-secret-keys"], check=True, capture_output=True, text=True
    ).stdout
    # field 15 of a key on a card is the card's serial number, with the vendor's number 0006 in it
    (primary,) = (line.split(":") for line in listed.splitlines() if line.startswith("sec:"))
    assert primary[14].startswith("D276000124010304000610000002")
    public = gnupg.export(fingerprint)
    identities = [Identity(data=public, role="openpgp-certificate", part="operator")]
    bundle = captured(identities=identities).bundle
    sealed = seal_openpgp(bundle, gnupg.sign(fingerprint, bundle.manifest_raw), [public])
    report = verify(sealed, Policy(pins_openpgp=frozenset({fingerprint})))
    seals = [finding for finding in report.findings if finding.check.startswith("seal.")]
    assert seals
    of_cose = ("seal.timestamp", "seal.receipt")
    assert {each.outcome.name for each in seals if each.check not in of_cose} == {"PASSED"}
    # gpg asks for a card that is not there; the person gives up
    both.put_in(0)
    with pytest.raises(DeviceError, match=f"sign as {fingerprint}"):
        gnupg.sign(fingerprint, bundle.manifest_raw)
