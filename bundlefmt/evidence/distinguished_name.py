# SPDX-License-Identifier: Apache-2.0
"""Distinguished names: as text, and compared as certificates' issuers and subjects are.

RFC 5280 4.1.2.4 and 7.1; text by RFC 4514.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from bundlefmt.errors import MalformedError
from bundlefmt.evidence import der
from bundlefmt.frozen import frozen

_SHORT: Final = {
    "2.5.4.3": "CN",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.9": "STREET",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "0.9.2342.19200300.100.1.1": "UID",
    "0.9.2342.19200300.100.1.25": "DC",
}
_ESCAPES: Final = str.maketrans({"\0": "\\00", **{char: f"\\{char}" for char in '"+,;<>\\'}})
_UPPER: Final = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
_PATH: Final = "name"


@frozen
class Attribute:
    """One attribute: its type as dotted decimal, and its value as text or, where it is none, as DER."""

    type: str
    value: str | bytes


Comparable = tuple[tuple[tuple[str, str | bytes], ...], ...]


@frozen
class Name:
    """A sequence of relative names, most general first; `raw` is the DER it was read from."""

    raw: bytes
    relative: tuple[tuple[Attribute, ...], ...]

    @classmethod
    def decode(cls, element: der.Element) -> Name:
        """Raises MalformedError."""
        try:
            return _decoded(element.raw)
        except MalformedError as error:
            raise element.error(error.code, error.message, error.path, behind=error.offset) from None

    def encode(self) -> bytes:
        return self.raw

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        """All attributes, in the order in which they stand."""
        return tuple(attribute for one in self.relative for attribute in one)

    def comparable(self) -> Comparable:
        """What two names that are the same have in common.

        The string type, the case of ASCII letters, outer and repeated spaces and the order within a relative
        name do not count (RFC 5280 7.1): real certificates name an issuer in UTF8String that names itself in
        PrintableString.
        """
        return _comparable(self.raw)

    def __str__(self) -> str:
        return ",".join(
            "+".join(f"{_SHORT.get(a.type, a.type)}={_written(a.value)}" for a in one)
            for one in reversed(self.relative)
        )


@lru_cache(maxsize=128)  # an authority's stands in each certificate, list and response that it made
def _decoded(raw: bytes) -> Name:
    whole = der.decode_element(raw, path=_PATH)
    relative = tuple(
        tuple(_attribute(pair) for pair in der.children(one, der.SET, _PATH))
        for one in der.children(whole, der.SEQUENCE, _PATH)
    )
    return Name(raw=raw, relative=relative)


@lru_cache(maxsize=128)  # compared at each place in each chain
def _comparable(raw: bytes) -> Comparable:
    return tuple(
        tuple(sorted(((a.type, _folded(a.value)) for a in one), key=lambda pair: (pair[0], str(pair[1]))))
        for one in _decoded(raw).relative
    )


def _attribute(element: der.Element) -> Attribute:
    pair = der.Fields(element, _PATH)
    kind = der.object_identifier(pair.next(), _PATH)
    value = pair.next()
    pair.finish()
    try:
        text = der.text(value, _PATH)
    except MalformedError:
        text = None
    return Attribute(type=kind, value=value.raw if text is None else text)


def _folded(value: str | bytes) -> str | bytes:
    return (
        " ".join(part for part in value.split(" ") if part).translate(_UPPER)
        if isinstance(value, str)
        else value
    )


def _written(value: str | bytes) -> str:
    if isinstance(value, bytes):
        return f"#{value.hex()}"
    escaped = value.translate(_ESCAPES)
    if escaped.startswith(("#", " ")):
        escaped = f"\\{escaped}"
    return f"{escaped[:-1]}\\ " if value.endswith(" ") and len(value) > 1 else escaped
