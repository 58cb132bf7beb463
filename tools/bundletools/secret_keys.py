# SPDX-License-Identifier: Apache-2.0
"""Secret keys, recognised in whatever is about to be put into a bundle: none is ever written into one.

OpenPGP (binary and armored), PEM of every kind, PKCS #8, SEC 1 and PKCS #1 in DER.
"""

from __future__ import annotations

import re
from typing import Final

from bundlefmt.cli.run import UsageError
from bundlefmt.errors import MalformedError
from bundlefmt.evidence import openpgp, x509
from bundlefmt.evidence.openpgp_packet import PacketType

_ARMORED: Final = re.compile(rb"-----BEGIN PGP (?:PRIVATE|SECRET) KEY BLOCK-----")
_PACKETS: Final = frozenset({PacketType.SECRET_KEY, PacketType.SECRET_SUBKEY})


def refuse(data: bytes, what: str) -> None:
    """Raises UsageError where `data`, which is called `what`, holds a secret key."""
    if x509.holds_secret_key(data) or _ARMORED.search(data) or _PACKETS & set(_tags(data)):
        raise UsageError(
            f"{what} holds a SECRET key, which has no place in a bundle", hint="keep it out of every bundle"
        )


def _tags(data: bytes) -> tuple[int, ...]:
    try:
        return openpgp.packet_tags(data)
    except MalformedError:
        return ()
