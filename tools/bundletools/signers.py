# SPDX-License-Identifier: Apache-2.0
"""Whose key signs: `--with KIND:NAME` as a table of kinds, each of which opens a token's key by name."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from bundlefmt import cose
from bundlefmt.bundle import Bundle
from bundlefmt.cli.run import UsageError
from bundletools import sealing
from bundletools.pkcs11 import open_token
from bundletools.pkcs11_uri import SCHEME, Pkcs11Uri
from bundletools.prompts import Prompts, Terminal
from bundletools.yubikey import open_yubikey
from bundletools.yubikey_piv import DEFAULT_SLOT, Piv
from bundletools.yubikey_signer import signer

_YUBIKEY: Final = re.compile(r"(?P<serial>[0-9]{1,10})?(:(?P<slot>[0-9a-f]{2}))?", re.ASCII)
Opened = tuple[cose.Signer, bytes]


@contextmanager
def _yubikey(name: str, prompts: Prompts) -> Iterator[Opened]:
    parsed = _YUBIKEY.fullmatch(name)
    if parsed is None:
        raise UsageError(f"yubikey:{name} names no YubiKey", hint="yubikey:SERIAL, or yubikey:SERIAL:SLOT")
    serial, slot = parsed["serial"], parsed["slot"] or DEFAULT_SLOT
    with open_yubikey(None if serial is None else int(serial)) as opened:
        piv = Piv(opened, prompts)
        certificate = piv.certificate(slot)
        yield signer(piv, slot), certificate


@contextmanager
def _pkcs11(name: str, prompts: Prompts) -> Iterator[Opened]:
    with open_token(Pkcs11Uri.decode(SCHEME + name), prompts) as key:
        yield key, key.certificate


# kind -> (what follows the colon, prompts) -> the key and its certificate (DER), while the token is open
BY_KIND: Final[Mapping[str, Callable[[str, Prompts], AbstractContextManager[Opened]]]] = {
    "yubikey": _yubikey,
    "pkcs11": _pkcs11,
}
USAGE: Final = "yubikey:SERIAL[:SLOT] or pkcs11:URI"


def opened(kind: str, name: str, prompts: Prompts | None = None) -> AbstractContextManager[Opened]:
    """The key that `kind` and `name` say, and its certificate. Raises UsageError, DeviceError."""
    return BY_KIND[kind](name, prompts or Terminal())


def seal(bundle: Bundle, kind: str, name: str, prompts: Prompts | None = None) -> Bundle:
    """The bundle, sealed by the key that `kind` and `name` say. Raises UsageError, DeviceError, SealError."""
    with opened(kind, name, prompts) as (key, certificate):
        return sealing.seal_cose(bundle, key, certificate, issued_at=int(time.time()))
