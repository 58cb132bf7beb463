# SPDX-License-Identifier: Apache-2.0
"""gpg with a key that was generated on a virtual card, for tests: its home, its dialogue with the card."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from demo.virtual_yubikey_openpgp import ADMIN_PIN
from demo.virtual_yubikey_reader import READER
from tests.hardware.conftest import PIN, Desk

PINENTRY = """#!/bin/sh
echo OK
while read -r command rest; do
  case $command in
    GETPIN) echo "D $CARD_PIN"; echo OK ;;
    CONFIRM) echo "ERR 83886179 canceled" ;;
    BYE) echo OK; exit ;;
    *) echo OK ;;
  esac
done
"""


@pytest.fixture
def keyring(desk: Desk, part: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A GnuPG home whose scdaemon speaks to our service, and whose pinentry types by itself."""
    part("gpg", "gpgconf", "gpg-connect-agent", "/usr/lib/gnupg/scdaemon")
    home = Path(tempfile.mkdtemp(prefix="gpg-"))
    pinentry = home / "pinentry"
    pinentry.write_text(PINENTRY, encoding="utf-8")
    pinentry.chmod(0o700)
    (home / "gpg-agent.conf").write_text(f"pinentry-program {pinentry}\n", encoding="utf-8")
    (home / "scdaemon.conf").write_text(
        f"disable-ccid\npcsc-driver libpcsclite.so.1\nreader-port {READER} 00 01\n", encoding="utf-8"
    )
    monkeypatch.setenv("GNUPGHOME", str(home))
    monkeypatch.setenv("CARD_PIN", PIN)
    yield home
    subprocess.run(["gpgconf", "--kill", "all"], check=False, capture_output=True)
    shutil.rmtree(home, ignore_errors=True)


def card_edit(*commands: str) -> str:
    """The status lines of gpg's dialogue with the card; `commands` answer its prompts, in turn."""
    answers = {
        "cardedit.genkeys.backup_enc": "n",
        "cardedit.genkeys.replace_keys": "y",
        "cardedit.genkeys.algo": "2",
        "keygen.curve": "1",
        "keygen.valid": "0",
        "keygen.name": "Card Test (test key)",
        "keygen.email": "card@test.invalid",
    }
    pins = iter([ADMIN_PIN.decode()] * 3 + [PIN, ADMIN_PIN.decode(), PIN, PIN])
    typed = iter([*commands, *["quit"] * 3])
    command = ["gpg", "--status-fd", "1", "--command-fd", "0", "--pinentry-mode", "loopback", "--no-tty"]
    with subprocess.Popen(
        [*command, "--expert", "--card-edit"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        bufsize=1,
        env={**os.environ, "LC_ALL": "C"},
    ) as dialogue:
        assert dialogue.stdin is not None
        assert dialogue.stdout is not None
        said = []
        for line in dialogue.stdout:
            said.append(line)
            words = line.split()
            if len(words) < 3 or not words[1].startswith("GET_"):
                continue
            if words[1] == "GET_HIDDEN":
                answer = next(pins)
            elif words[2] == "cardedit.prompt":
                answer = next(typed)
            else:
                answer = answers.get(words[2], "")
            dialogue.stdin.write(answer + "\n")
            dialogue.stdin.flush()
    return "".join(said)


def generated() -> str:
    """The fingerprint of a new key whose three parts are on the card."""
    said = card_edit("admin", "key-attr", "generate", "quit")
    assert " KEY_CREATED " in said, said
    return next(line.split()[3] for line in said.splitlines() if " KEY_CREATED " in line).lower()
