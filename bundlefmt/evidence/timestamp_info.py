# SPDX-License-Identifier: Apache-2.0
"""What a timestamp says: the TSTInfo of RFC 3161 2.4.2, which digest existed and when.

Nothing is judged. A time has fractions of a second and an accuracy; here it is the whole seconds around it.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Final

from bundlefmt.errors import Code
from bundlefmt.evidence import der
from bundlefmt.evidence.certificate import Extension, read_extensions
from bundlefmt.frozen import frozen
from bundlefmt.wire import Buffer

# the hash algorithms of imprints, digests and identifiers of certificates; any other keeps its number
HASHES: Final = {
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
_PATH: Final = "TSTInfo"
_V1: Final = 1
_TENS: Final = len("YYYYMMDDhhmmss")
_FRACTION_DIGITS: Final = 18  # of a second; clocks have nine
_MILLIS: Final = der.context(0, constructed=False)
_MICROS: Final = der.context(1, constructed=False)
_TSA: Final = der.context(0, constructed=True)
_EXTENSIONS: Final = der.context(1, constructed=True)


@frozen
class MessageImprint:
    """Of what the time is told: `hash` as in `HASHES`, or dotted decimal where it is not known."""

    hash: str
    digest: bytes

    @classmethod
    def read(cls, element: der.Element, path: str) -> MessageImprint:
        fields = der.Fields(element, path)
        name = read_hash(fields.next(), path)
        digest = fields.take(der.OCTET_STRING).content
        fields.finish()
        return cls(hash=name, digest=digest)


@frozen
class TstInfo:
    """Times are seconds since the epoch: `generated` by the authority's clock, and that clock's `earliest`
    and `latest` true time by the accuracy that it states. Where it states none the clock is taken as exact.
    """

    raw: bytes
    policy: str
    imprint: MessageImprint
    serial: int
    generated: int
    earliest: int
    latest: int
    nonce: int | None
    extensions: tuple[Extension, ...]

    @classmethod
    def decode(cls, data: Buffer, *, base: int = 0) -> TstInfo:
        """Exactly one TSTInfo of version 1. Raises MalformedError."""
        fields = der.Fields(der.decode_element(data, path=_PATH, base=base), _PATH)
        version = fields.next()
        if der.integer(version, _PATH) != _V1:
            raise version.error(Code.BAD_VALUE, "not version 1", _PATH)
        policy = der.object_identifier(fields.next(), _PATH)
        imprint = MessageImprint.read(fields.next(), _PATH)
        serial = der.integer(fields.next(), _PATH)
        time = _moment(fields.next())
        accuracy = fields.optional(der.SEQUENCE)
        ordering = fields.optional(der.BOOLEAN)
        nonce = fields.optional(der.INTEGER)
        fields.optional(_TSA)
        extensions = fields.optional(_EXTENSIONS)
        fields.finish()
        if ordering is not None:
            der.boolean(ordering, _PATH)
        margin = Fraction(0) if accuracy is None else _accuracy(accuracy)
        return cls(
            raw=bytes(data),
            policy=policy,
            imprint=imprint,
            serial=serial,
            generated=math.floor(time),
            earliest=math.floor(time - margin),
            latest=math.ceil(time + margin),
            nonce=None if nonce is None else der.integer(nonce, _PATH),
            extensions=(
                () if extensions is None else read_extensions(extensions._replace(tag=der.SEQUENCE), _PATH)
            ),
        )

    def encode(self) -> bytes:
        return self.raw


def read_hash(element: der.Element, path: str) -> str:
    """The hash algorithm of an AlgorithmIdentifier; its parameters are absent or NULL."""
    fields = der.Fields(element, path)
    oid = der.object_identifier(fields.next(), path)
    fields.optional(der.NULL)
    fields.finish()
    return HASHES.get(oid, oid)


def _moment(element: der.Element) -> Fraction:
    """A GeneralizedTime that may have a fraction of a second (RFC 3161 2.4.2)."""
    der.expect(element, der.GENERALIZED_TIME, _PATH)
    whole, point, rest = element.content[:_TENS], element.content[_TENS : _TENS + 1], element.content[_TENS:]
    if point != b".":
        return Fraction(der.moment(element, _PATH))
    digits = rest[1:-1]
    if not digits.isdigit() or len(digits) > _FRACTION_DIGITS or rest[-1:] != b"Z":
        raise element.error(Code.BAD_VALUE, "a time whose fraction is none", _PATH)
    seconds = der.moment(element._replace(content=whole + b"Z"), _PATH)
    return seconds + Fraction(int(digits), 10 ** len(digits))


def _accuracy(element: der.Element) -> Fraction:
    fields = der.Fields(element, _PATH)
    seconds, millis, micros = (fields.optional(tag) for tag in (der.INTEGER, _MILLIS, _MICROS))
    fields.finish()
    margin = Fraction(0)
    for part, of_a_second, limit in ((seconds, 1, 2**31), (millis, 1000, 1000), (micros, 1_000_000, 1000)):
        if part is not None:
            count = der.integer(part._replace(tag=der.INTEGER), _PATH)
            if not 0 <= count < limit:
                raise part.error(Code.BAD_VALUE, f"an accuracy of {count}/{of_a_second} s", _PATH)
            margin += Fraction(count, of_a_second)
    return margin
