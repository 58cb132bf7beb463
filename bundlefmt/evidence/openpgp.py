# SPDX-License-Identifier: Apache-2.0
"""Facts from OpenPGP certificates and detached signatures (RFC 9580).

The framing of packets is read here, strictly; whether a signature counts is Sequoia's word.
Spec: "OpenPGP seals".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pysequoia

from bundlefmt.errors import Code
from bundlefmt.wire import Buffer, Reader, read_all

TAG_SIGNATURE: Final = 2  # RFC 9580 5
TAG_PUBLIC_KEY: Final = 6
_SECRET_TAGS: Final = frozenset({5, 7})
MAX_CERTIFICATE: Final = 4 * 2**20  # bytes; flooded certificates of key servers are larger


class OpenPgpError(ValueError):
    """A certificate or signature that does not count; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPgpFacts:
    """What one certificate says; `expires` is seconds since the epoch."""

    fingerprint: str
    user_ids: tuple[str, ...]
    expires: int | None
    revoked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureFacts:
    """What a signature packet says of itself, before anything is verified."""

    untrusted_created: int | None
    untrusted_issuer: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedSignature:
    """A signature that Sequoia accepts: fingerprints of the certificate and of the key that signed."""

    fingerprint: str
    signing_key: str


def _packet(reader: Reader) -> tuple[int, int]:
    """(tag, body length) of the next packet, whose body is stepped over (RFC 9580 4.2)."""
    start = reader.offset
    first = reader.uint(1)
    # bit 7 is always one; an armored text fails here
    if not first & 0x80:
        raise reader.error(Code.BAD_VALUE, "not a binary OpenPGP packet", offset=start)
    if first & 0x40:
        tag, octet = first & 0x3F, reader.uint(1)
        if octet < 192:
            size = octet
        elif octet < 224:
            size = ((octet - 192) << 8) + reader.uint(1) + 192
        elif octet == 255:
            size = reader.uint(4)
        else:
            raise reader.error(Code.INDEFINITE_LENGTH, "a partial body length", offset=start)
    else:
        tag, kind = (first >> 2) & 0x0F, first & 3
        if kind == 3:
            raise reader.error(Code.INDEFINITE_LENGTH, "a packet of indeterminate length", offset=start)
        size = reader.uint(1 << kind)
    reader.view(size)
    return tag, size


def packet_tags(data: Buffer) -> tuple[int, ...]:
    """The tags of all packets in `data`. Raises MalformedError when it is not a row of whole packets."""

    def parse(reader: Reader) -> tuple[int, ...]:
        tags = []
        while reader.remaining:
            tags.append(_packet(reader)[0])
        return tuple(tags)

    return read_all(data, parse, path="OpenPGP packets")


def load_certificate(data: Buffer) -> pysequoia.Cert:
    """Exactly one binary transferable public key. Raises MalformedError, OpenPgpError."""
    if len(data) > MAX_CERTIFICATE:
        raise OpenPgpError(f"a certificate of {len(data)} bytes")
    tags = packet_tags(data)
    if tags[:1] != (TAG_PUBLIC_KEY,) or tags.count(TAG_PUBLIC_KEY) != 1 or _SECRET_TAGS & set(tags):
        raise OpenPgpError("not exactly one transferable public key")
    try:
        return pysequoia.Cert.from_bytes(bytes(data))
    except (RuntimeError, ValueError) as error:
        raise OpenPgpError(_first_line(error)) from None


def certificate_facts(data: Buffer) -> OpenPgpFacts:
    """Raises MalformedError, OpenPgpError."""
    certificate = load_certificate(data)
    try:
        expires = certificate.expiration
        return OpenPgpFacts(
            fingerprint=certificate.fingerprint,
            user_ids=tuple(str(user_id) for user_id in certificate.user_ids),
            expires=None if expires is None else int(expires.timestamp()),
            revoked=certificate.is_revoked,
        )
    except RuntimeError:
        # its own message tells the time of day, and would differ with every reading
        raise OpenPgpError(f"{certificate.fingerprint} has no self-signature that counts") from None


def _load_signature(data: Buffer) -> pysequoia.Sig:
    if packet_tags(data) != (TAG_SIGNATURE,):
        raise OpenPgpError("not exactly one signature packet")
    try:
        return pysequoia.Sig.from_bytes(bytes(data))
    except (RuntimeError, ValueError) as error:
        raise OpenPgpError(_first_line(error)) from None


def signature_facts(data: Buffer) -> SignatureFacts:
    """Of exactly one binary signature packet. Raises MalformedError, OpenPgpError."""
    signature = _load_signature(data)
    created = signature.created
    return SignatureFacts(
        untrusted_created=None if created is None else int(created.timestamp()),
        untrusted_issuer=signature.issuer_fingerprint,
    )


def verify_detached(certificate: Buffer, signature: Buffer, message: bytes) -> VerifiedSignature:
    """Raises OpenPgpError unless Sequoia accepts `signature` over `message` by a key of `certificate`."""
    known, parsed = load_certificate(certificate), _load_signature(signature)
    try:
        verified = pysequoia.verify(bytes=message, store=lambda _: [known], signature=parsed)
    except (RuntimeError, ValueError) as error:
        raise OpenPgpError(_first_line(error)) from None
    first = verified.valid_sigs[0]
    return VerifiedSignature(fingerprint=first.certificate, signing_key=first.signing_key)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:160]
