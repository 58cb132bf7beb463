# SPDX-License-Identifier: Apache-2.0
"""What a token asks of the person: a secret, or an act. The terminal is one way to ask."""

from __future__ import annotations

import getpass
import sys
from typing import Protocol

from bundlefmt.render.words import safe
from bundletools.devices import DeviceError


class Prompts(Protocol):
    """A secret is handed to the device at once: nobody stores or logs it."""

    def secret(self, what: str) -> str:
        """What the person types after `what`. Raises DeviceError where there is nobody to ask."""

    def notice(self, text: str) -> None:
        """Something the person is to know or to do now."""


class Terminal:
    """Asks without echo and writes notices to stderr."""

    def secret(self, what: str) -> str:
        try:
            return getpass.getpass(f"{safe(what)}: ")
        except EOFError:
            raise DeviceError(f"{what}: there is nobody to ask", hint="run it in a terminal") from None

    def notice(self, text: str) -> None:
        print(safe(text), file=sys.stderr, flush=True)
