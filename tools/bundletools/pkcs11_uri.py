# SPDX-License-Identifier: Apache-2.0
"""PKCS#11 URIs (RFC 7512): which module, which token, which objects. Nothing here touches a token.

An attribute that is not understood is refused: leaving it out could mean another key.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Self
from urllib.parse import unquote_to_bytes

from bundlefmt.cli.run import UsageError
from bundlefmt.frozen import frozen

SCHEME: Final = "pkcs11:"
_PATH: Final = frozenset({"token", "serial", "manufacturer", "model", "object", "id", "type"})
_QUERY: Final = frozenset({"module-path"})
_PIN: Final = frozenset({"pin-source", "pin-value"})
_EXAMPLE: Final = "pkcs11:token=NAME;object=NAME?module-path=/usr/lib/softhsm/libsofthsm2.so"


@frozen
class Pkcs11Uri:
    """What a URI names; None and "" stand for what it leaves open."""

    module_path: str = ""
    token: str | None = None
    serial: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    object: str | None = None
    id: bytes | None = None

    @classmethod
    def decode(cls, uri: str) -> Self:
        """Raises UsageError, also for a PIN in the URI and for one that names a key of another type."""
        if not uri.startswith(SCHEME):
            raise UsageError(f"{uri!r} is no PKCS#11 URI", hint=_EXAMPLE)
        path, _, query = uri.removeprefix(SCHEME).partition("?")
        found = dict(_attributes(path, ";", _PATH))
        found.update(_attributes(query, "&", _QUERY))
        if found.pop("type", b"private") != b"private":
            raise UsageError("the URI names an object that cannot sign", hint="type=private, or no type")
        identifier = found.pop("id", None)
        try:
            text = {name.replace("-", "_"): value.decode() for name, value in found.items()}
        except UnicodeDecodeError:
            raise UsageError("the URI is not in UTF-8", hint="only id may hold any bytes") from None
        if "\x00" in "".join(text.values()):
            raise UsageError("the URI has a NUL in a name")
        return cls(id=identifier, **text)


def _attributes(part: str, separator: str, known: frozenset[str]) -> Iterator[tuple[str, bytes]]:
    seen = set()
    for attribute in part.split(separator) if part else ():
        name, equals, value = attribute.partition("=")
        if name in _PIN:
            raise UsageError("no PIN belongs into a URI, nor the way to one", hint="the PIN is asked for")
        if name not in known or not equals:
            raise UsageError(f"the URI's attribute {name!r} is not understood", hint=_EXAMPLE)
        if name in seen:
            raise UsageError(f"the URI has the attribute {name!r} twice")
        seen.add(name)
        yield name, unquote_to_bytes(value)
