# SPDX-License-Identifier: Apache-2.0
"""What is said to an authority of time and what it answers: TimeStampReq and TimeStampResp (RFC 3161 2.4)."""

from __future__ import annotations

from typing import Final

from bundlefmt.errors import Code, UnusableError
from bundlefmt.evidence import der
from bundlefmt.evidence.timestamp_info import HASHES, MessageImprint
from bundlefmt.frozen import frozen
from bundlefmt.wire import Buffer

_PATH: Final = "timestamp"
_V1: Final = 1
_GRANTED: Final = (0, 1)  # granted, grantedWithMods
_STATUS: Final = {2: "rejection", 3: "waiting", 4: "revocation warning", 5: "revocation notification"}
_TRUE: Final = b"\xff"
_MAX_WORDS: Final = 200  # characters of what an authority says


class NotGrantedError(UnusableError):
    """The authority gave no timestamp; the message is what it says."""


@frozen
class TimeStampReq:
    """A request for a timestamp that brings its certificates along. `nonce` is not negative."""

    imprint: MessageImprint
    nonce: int | None = None

    @classmethod
    def decode(cls, data: Buffer) -> TimeStampReq:
        """Exactly one request as `encode` writes it. Raises MalformedError."""
        whole = der.decode_element(data, path=_PATH)
        fields = der.Fields(whole, _PATH)
        der.integer(fields.next(), _PATH)
        imprint = MessageImprint.read(fields.next(), _PATH)
        nonce = fields.optional(der.INTEGER)
        der.boolean(fields.next(), _PATH)
        fields.finish()
        read = cls(imprint=imprint, nonce=None if nonce is None else der.integer(nonce, _PATH))
        if imprint.hash not in HASHES.values() or (read.nonce or 0) < 0 or read.encode() != whole.raw:
            raise whole.error(Code.BAD_VALUE, "a request of another form", _PATH)
        return read

    def encode(self) -> bytes:
        """The bytes of the media type application/timestamp-query."""
        oid = next(oid for oid, name in HASHES.items() if name == self.imprint.hash)
        algorithm = der.written(der.SEQUENCE, der.written_oid(oid), der.written(der.NULL))
        imprint = der.written(der.SEQUENCE, algorithm, der.written(der.OCTET_STRING, self.imprint.digest))
        nonce = b"" if self.nonce is None else der.written_integer(self.nonce)
        wanted = der.written(der.BOOLEAN, _TRUE)
        return der.written(der.SEQUENCE, der.written_integer(_V1), imprint, nonce, wanted)


def granted_token(data: Buffer) -> bytes:
    """The token (DER) in a TimeStampResp, or `data` where it is a token by itself.

    Raises NotGrantedError where the authority refused, MalformedError.
    """
    whole = der.decode_element(data, path=_PATH)
    fields = der.Fields(whole, _PATH)
    first = fields.next()
    if first.tag == der.OBJECT_IDENTIFIER:
        return whole.raw
    status = der.Fields(first, _PATH)
    number = der.integer(status.next(), _PATH)
    if number not in _GRANTED:
        words = status.optional(der.SEQUENCE)
        said = [] if words is None else [der.text(each, _PATH) for each in _children(words)]
        told = "; ".join(each for each in said if each)[:_MAX_WORDS]
        raise NotGrantedError(f"{_STATUS.get(number, f'status {number}')}{f': {told}' if told else ''}")
    token = fields.take(der.SEQUENCE)
    fields.finish()
    return token.raw


def _children(element: der.Element) -> list[der.Element]:
    return der.children(element, der.SEQUENCE, _PATH)
