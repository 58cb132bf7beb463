# SPDX-License-Identifier: Apache-2.0
"""gpg with a key that is generated on a virtual card: its home, and its dialogue with the card."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from demo.virtual_yubikey_openpgp import ADMIN_PIN, PIN
from demo.virtual_yubikey_reader import READER

PIN_VARIABLE: Final = "CARD_PIN"  # what the pinentry of these homes types
_PINENTRY: Final = """#!/bin/sh
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


def settle(home: Path) -> None:
    """A GnuPG home whose scdaemon speaks to the service of the virtual cards, and whose pinentry types."""
    pinentry = home / "pinentry"
    pinentry.write_text(_PINENTRY, encoding="utf-8")
    pinentry.chmod(0o700)
    (home / "gpg-agent.conf").write_text(f"pinentry-program {pinentry}\n", encoding="utf-8")
    (home / "scdaemon.conf").write_text(
        f"disable-ccid\npcsc-driver libpcsclite.so.1\nreader-port {READER} 00 01\n", encoding="utf-8"
    )


def _card_edit(name: str, email: str, environment: Mapping[str, str]) -> str:
    """The status lines of gpg's dialogue with the card."""
    answers = {
        "cardedit.genkeys.backup_enc": "n",
        "cardedit.genkeys.replace_keys": "y",
        "cardedit.genkeys.algo": "2",
        "keygen.curve": "1",
        "keygen.valid": "0",
        "keygen.name": name,
        "keygen.email": email,
    }
    pins = iter([ADMIN_PIN.decode()] * 3 + [PIN.decode(), ADMIN_PIN.decode(), PIN.decode(), PIN.decode()])
    typed = iter(["admin", "key-attr", "generate", *["quit"] * 4])
    command = ["gpg", "--status-fd", "1", "--command-fd", "0", "--pinentry-mode", "loopback", "--no-tty"]
    with subprocess.Popen(
        [*command, "--expert", "--card-edit"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        bufsize=1,
        env={**os.environ, **environment, "LC_ALL": "C"},
    ) as dialogue:
        if dialogue.stdin is None or dialogue.stdout is None:
            raise RuntimeError("no pipes to gpg")
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


def generate(name: str, email: str, environment: Mapping[str, str] | None = None) -> str:
    """The fingerprint of a new key whose three parts are on the card. Raises RuntimeError."""
    said = _card_edit(name, email, environment or {})
    created = [line.split()[3] for line in said.splitlines() if " KEY_CREATED " in line]
    if not created:
        raise RuntimeError(f"gpg made no key on the card: {said}")
    return created[0].lower()
