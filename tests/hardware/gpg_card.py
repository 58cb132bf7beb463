# SPDX-License-Identifier: Apache-2.0
"""A GnuPG home for tests that sign with a virtual card, and a key that is generated on it."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from demo import gpg_card
from tests.hardware.conftest import PIN, Desk


@pytest.fixture
def keyring(desk: Desk, part: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A GnuPG home whose scdaemon speaks to our service, and whose pinentry types by itself."""
    part("gpg", "gpgconf", "gpg-connect-agent", "/usr/lib/gnupg/scdaemon")
    home = Path(tempfile.mkdtemp(prefix="gpg-"))
    gpg_card.settle(home)
    monkeypatch.setenv("GNUPGHOME", str(home))
    monkeypatch.setenv(gpg_card.PIN_VARIABLE, PIN)
    yield home
    subprocess.run(["gpgconf", "--kill", "all"], check=False, capture_output=True)
    shutil.rmtree(home, ignore_errors=True)


def generated() -> str:
    """The fingerprint of a new key on the card."""
    return gpg_card.generate("Card Test (test key)", "card@test.invalid")
