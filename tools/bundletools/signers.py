# SPDX-License-Identifier: Apache-2.0
"""Who seals: `--with KIND:NAME` as a table of kinds, each of which opens its key and seals the bundle."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Final

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


def _yubikey(bundle: Bundle, name: str, prompts: Prompts) -> Bundle:
    parsed = _YUBIKEY.fullmatch(name)
    if parsed is None:
        raise UsageError(f"yubikey:{name} names no YubiKey", hint="yubikey:SERIAL, or yubikey:SERIAL:SLOT")
    serial, slot = parsed["serial"], parsed["slot"] or DEFAULT_SLOT
    with open_yubikey(None if serial is None else int(serial)) as opened:
        piv = Piv(opened, prompts)
        certificate = piv.certificate(slot)
        return sealing.seal_cose(bundle, signer(piv, slot), certificate, issued_at=int(time.time()))


def _pkcs11(bundle: Bundle, name: str, prompts: Prompts) -> Bundle:
    with open_token(Pkcs11Uri.decode(SCHEME + name), prompts) as key:
        return sealing.seal_cose(bundle, key, key.certificate, issued_at=int(time.time()))


# kind -> (bundle, what follows the colon, prompts) -> the sealed bundle
BY_KIND: Final[Mapping[str, Callable[[Bundle, str, Prompts], Bundle]]] = {
    "yubikey": _yubikey,
    "pkcs11": _pkcs11,
}
USAGE: Final = "yubikey:SERIAL[:SLOT] or pkcs11:URI"


def seal(bundle: Bundle, kind: str, name: str, prompts: Prompts | None = None) -> Bundle:
    """The bundle, sealed by the key that `kind` and `name` say. Raises UsageError, DeviceError, SealError."""
    return BY_KIND[kind](bundle, name, prompts or Terminal())
