# SPDX-License-Identifier: Apache-2.0
"""OpenPGP certificates: a primary key, its user ids and subkeys, and the signatures behind each.

RFC 9580, 10.1 "Transferable Public Keys". What is read here is not yet authentic.
"""

from __future__ import annotations

from typing import Final

from bundlefmt.errors import Code, MalformedError
from bundlefmt.evidence.openpgp_key import PublicKey
from bundlefmt.evidence.openpgp_packet import (
    CRITICAL_BELOW,
    NotComputedError,
    OpenPgpError,
    Packet,
    PacketType,
    read_packets,
)
from bundlefmt.evidence.openpgp_signature import REVOCATIONS, SignaturePacket
from bundlefmt.frozen import frozen
from bundlefmt.wire import Buffer

MAX_CERTIFICATE: Final = 4 * 2**20  # bytes; flooded certificates of key servers are larger
MAX_SUBKEYS: Final = 128  # each is tried on a signature whose maker is sought
_SECRETS: Final = frozenset({PacketType.SECRET_KEY, PacketType.SECRET_SUBKEY})
_SKIPPED: Final = frozenset({PacketType.MARKER, PacketType.TRUST, PacketType.PADDING})  # 5.8, 5.10, 5.14
_PATH: Final = "OpenPGP certificate"


class SecretKeyError(OpenPgpError):
    """A secret key where a certificate is due."""


@frozen
class UnreadSignature:
    """A signature packet of a certificate that cannot be read; it is kept and counts for nothing."""

    body: bytes
    reason: str

    @property
    def may_revoke(self) -> bool:
        """Whether it says that it is a revocation; the type stands elsewhere in version 3."""
        at = 2 if self.body[:1] in (b"\x02", b"\x03") else 1
        return bool(self.body[at : at + 1]) and self.body[at] in REVOCATIONS


Signatures = tuple[SignaturePacket, ...]


@frozen
class UserId:
    """A user id, or a user attribute (a picture, mostly), and the signatures that follow it."""

    type: int
    body: bytes
    signatures: Signatures

    @property
    def text(self) -> str:
        """For people."""
        if self.type == PacketType.USER_ATTRIBUTE:
            return f"(user attribute of {len(self.body)} bytes)"
        return self.body.decode("utf-8", "replace")

    def covered(self) -> bytes:
        """How certifications cover it, behind the primary key (RFC 9580 5.2.4)."""
        head = b"\xd1" if self.type == PacketType.USER_ATTRIBUTE else b"\xb4"
        return head + len(self.body).to_bytes(4, "big") + self.body


@frozen
class Subkey:
    """A subkey and the signatures that follow it; `key` is a reason where the packet is not read here."""

    key: PublicKey | str
    signatures: Signatures


@frozen
class Certificate:
    """A transferable public key. `direct` are the signatures that stand behind the primary key itself."""

    packets: tuple[Packet, ...]
    primary: PublicKey
    direct: Signatures
    user_ids: tuple[UserId, ...]
    subkeys: tuple[Subkey, ...]
    unread: tuple[UnreadSignature, ...]

    @classmethod
    def decode(cls, data: Buffer) -> Certificate:
        """Exactly one. Raises MalformedError, SecretKeyError, OpenPgpError; NotComputedError by version."""
        if len(data) > MAX_CERTIFICATE:
            raise OpenPgpError(f"a certificate of {len(data)} bytes, where {MAX_CERTIFICATE} are read")
        packets = read_packets(data)
        if any(packet.type in _SECRETS for packet in packets):
            raise SecretKeyError("this holds a SECRET key; gpg --export writes the certificate without it")
        if [packet.type for packet in packets].count(PacketType.PUBLIC_KEY) > 1:
            raise OpenPgpError("several certificates, where one is due")
        if not packets or packets[0].type != PacketType.PUBLIC_KEY:
            raise OpenPgpError("no certificate: it does not begin with a public key")
        return _Assembly(packets).certificate()

    def encode(self) -> bytes:
        return b"".join(packet.encode() for packet in self.packets)

    @property
    def fingerprint(self) -> str:
        return self.primary.fingerprint

    def every_key(self) -> tuple[PublicKey, ...]:
        """The primary key, then the subkeys that are read here, bound or not."""
        return (self.primary, *(each.key for each in self.subkeys if isinstance(each.key, PublicKey)))


class _Assembly:
    """Puts each signature behind what it follows; a key or user id that stands twice is one."""

    def __init__(self, packets: tuple[Packet, ...]) -> None:
        self._packets = packets
        self._unread: list[UnreadSignature] = []

    def certificate(self) -> Certificate:
        (first, direct), *parts = self._parts()
        primary = PublicKey.decode(first.body, base=first.offset)
        user_ids: list[UserId] = []
        subkeys: list[Subkey] = []
        for packet, signatures in parts:
            if packet.type == PacketType.PUBLIC_SUBKEY:
                if len(subkeys) == MAX_SUBKEYS:
                    raise _error(Code.COUNT_LIMIT, f"more than {MAX_SUBKEYS} subkeys", packet)
                subkeys.append(Subkey(key=_subkey(packet, primary), signatures=signatures))
            elif subkeys:
                raise _error(Code.BAD_VALUE, "a user id behind a subkey", packet)
            else:
                user_ids.append(UserId(type=packet.type, body=packet.body, signatures=signatures))
        return Certificate(
            packets=self._packets,
            primary=primary,
            direct=direct,
            user_ids=tuple(user_ids),
            subkeys=tuple(subkeys),
            unread=tuple(self._unread),
        )

    def _parts(self) -> list[tuple[Packet, Signatures]]:
        """Each key or user id with its signatures."""
        parts: dict[tuple[int, bytes], tuple[Packet, list[SignaturePacket]]] = {}
        behind: list[SignaturePacket] = []
        for packet in self._packets:
            if packet.type == PacketType.SIGNATURE:
                signature = self._signature(packet)
                if signature is not None:
                    behind.append(signature)
            elif packet.type in (
                PacketType.PUBLIC_KEY,
                PacketType.PUBLIC_SUBKEY,
                PacketType.USER_ID,
                PacketType.USER_ATTRIBUTE,
            ):
                _, behind = parts.setdefault((packet.type, packet.body), (packet, []))
            elif packet.type < CRITICAL_BELOW and packet.type not in _SKIPPED:
                raise _error(Code.BAD_VALUE, f"packet type {packet.type} has no place here", packet)
        return [(packet, tuple(signatures)) for packet, signatures in parts.values()]

    def _signature(self, packet: Packet) -> SignaturePacket | None:
        try:
            return SignaturePacket.decode(packet.body, base=packet.offset)
        except (MalformedError, NotComputedError) as error:
            self._unread.append(UnreadSignature(body=packet.body, reason=str(error)))
            return None


def _subkey(packet: Packet, primary: PublicKey) -> PublicKey | str:
    try:
        key = PublicKey.decode(packet.body, base=packet.offset)
    except NotComputedError as error:
        return str(error)
    # RFC 9580 10.1.1 "Every Subkey for an OpenPGP v6 key MUST be an OpenPGP v6 key", 10.1.2 of v4
    if key.version != primary.version:
        return f"a subkey of version {key.version} under a key of version {primary.version}"
    return key


def _error(code: Code, message: str, packet: Packet) -> MalformedError:
    return MalformedError(code, message, offset=packet.offset - len(packet.header), path=_PATH)
