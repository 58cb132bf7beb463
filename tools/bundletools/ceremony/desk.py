# SPDX-License-Identifier: Apache-2.0
"""What every step of a ceremony works with: plan, journal, the person who answers, the clock, the devices."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final, Protocol

from bundlefmt import cose
from bundlefmt.frozen import frozen
from bundlefmt.render.words import safe
from bundletools.ceremony.journal import Journal
from bundletools.ceremony.plan import PivPart, Plan
from bundletools.devices import DeviceError, Tpm
from bundletools.pkcs11 import open_token
from bundletools.pkcs11_uri import Pkcs11Uri
from bundletools.prompts import Prompts, Terminal
from bundletools.token_certificate import TokenKey
from bundletools.yubikey import open_yubikey
from bundletools.yubikey_piv import Piv
from bundletools.yubikey_signer import signer

OPENPGP: Final = "openpgp.certificate"
PIV: Final = "piv.certificate"


class Operator(Prompts, Protocol):
    """Who is asked for secrets and told what to do, and who confirms what cannot be undone."""

    def typed(self, what: str) -> str:
        """What the person types in the open after `what`. Raises DeviceError where there is nobody to ask."""


class TerminalOperator(Terminal):
    """Reads confirmations from standard input."""

    def typed(self, what: str) -> str:
        print(f"{safe(what)}: ", end="", file=sys.stderr, flush=True)
        answer = sys.stdin.readline()
        if not answer:
            raise DeviceError(f"{what}: there is nobody to ask", hint="run it in a terminal")
        return answer.strip()


class NotConfirmedError(DeviceError):
    """The person did not confirm: nothing was done."""


@frozen
class Desk:
    """`open_tpm` takes the plan's TCTI; `clock` gives seconds since the epoch."""

    plan: Plan
    journal: Journal
    operator: Operator
    open_tpm: Callable[[str | None], AbstractContextManager[Tpm]]
    clock: Callable[[], int] = lambda: int(time.time())

    def confirm(self, risk: str, word: str) -> None:
        """The person types `word`, which names the device. Raises NotConfirmedError."""
        self.operator.notice(risk)
        if self.operator.typed(f"type {word} to go on, anything else to stop") != word:
            raise NotConfirmedError("not confirmed: nothing was done", hint="the ceremony can be resumed")

    @property
    def openpgp(self) -> bytes:
        """The operator's OpenPGP certificate."""
        return self.journal.part(OPENPGP, "operator.pgp")

    @property
    def piv(self) -> bytes:
        """The operator's X.509 certificate, DER."""
        return self.journal.part(PIV, "operator.der")

    @contextmanager
    def open_piv(self, serial: int) -> Iterator[Piv]:
        with open_yubikey(serial) as opened:
            yield Piv(opened, self.operator)

    @contextmanager
    def piv_signer(self, part: PivPart, key: TokenKey | None = None) -> Iterator[cose.Signer]:
        """The CA's key; `key` is its public key where there is no certificate yet."""
        if part.pkcs11 is not None:
            with open_token(Pkcs11Uri.decode(part.pkcs11), self.operator) as token:
                yield token
        elif part.yubikey is not None:
            with self.open_piv(part.yubikey) as piv:
                yield signer(piv, part.slot, key=key)
