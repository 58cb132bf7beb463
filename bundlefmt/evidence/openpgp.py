# SPDX-License-Identifier: Apache-2.0
"""Facts from OpenPGP certificates and detached signatures (RFC 9580): what they say, and who signed.

The packets are read in `openpgp_packet`, `openpgp_key`, `openpgp_subpacket`, `openpgp_signature` and
`openpgp_certificate`. Spec: "OpenPGP seals", "OpenPGP certificates".
"""

from __future__ import annotations

from collections.abc import Iterable

from bundlefmt.evidence import openpgp_sequoia
from bundlefmt.evidence.openpgp_certificate import Certificate
from bundlefmt.evidence.openpgp_certificate import SecretKeyError as SecretKeyError
from bundlefmt.evidence.openpgp_key import NotMadeByError as NotMadeByError
from bundlefmt.evidence.openpgp_key import PublicKey
from bundlefmt.evidence.openpgp_packet import NotComputedError as NotComputedError
from bundlefmt.evidence.openpgp_packet import OpenPgpError as OpenPgpError
from bundlefmt.evidence.openpgp_packet import Packet, PacketType, read_packets
from bundlefmt.evidence.openpgp_self_signatures import SelfSignatures, back_signatures, expiry, flags, newest
from bundlefmt.evidence.openpgp_sequoia import VerifiedSignature as VerifiedSignature
from bundlefmt.evidence.openpgp_signature import SignaturePacket
from bundlefmt.evidence.openpgp_subpacket import KeyFlags, reason_name
from bundlefmt.frozen import frozen
from bundlefmt.wire import Buffer


@frozen
class KeyFacts:
    """What the holder last said of one key; times in seconds since the epoch.

    `bound` is false for a subkey of which the holder says nothing, `agreed` for one that is to sign and did
    not agree by a signature of its own; `flags` is None where none are given. `revocations` are (when, why)
    for people.
    """

    fingerprint: str
    algorithm: str
    created: int
    expires: int | None
    flags: KeyFlags | None
    bound: bool
    agreed: bool
    revocations: tuple[tuple[int | None, str], ...]


@frozen
class OpenPgpFacts:
    """What one certificate says, by signatures of its own primary key; `keys` has the primary key first."""

    keys: tuple[KeyFacts, ...]
    user_ids: tuple[str, ...]
    revoked_user_ids: tuple[str, ...]
    designated_revokers: tuple[str, ...]
    third_party: int
    unread: int

    @property
    def fingerprint(self) -> str:
        return self.keys[0].fingerprint

    @property
    def expires(self) -> int | None:
        return self.keys[0].expires

    @property
    def revoked(self) -> bool:
        return bool(self.keys[0].revocations)


@frozen
class SignatureFacts:
    """A signature packet and what it says of itself, before anything is verified."""

    packet: SignaturePacket

    @property
    def untrusted_created(self) -> int | None:
        return self.packet.created

    @property
    def untrusted_issuer(self) -> str | None:
        """The longest hint: a fingerprint rather than a key id."""
        return max(self.packet.untrusted_issuers(), key=len, default=None)


def packet_tags(data: Buffer) -> tuple[int, ...]:
    """The types of all packets in `data`. Raises MalformedError when it is not a row of whole packets."""
    return tuple(packet.type for packet in read_packets(data))


def load_certificate(data: Buffer) -> Certificate:
    """Exactly one binary transferable public key. Raises MalformedError, OpenPgpError."""
    return Certificate.decode(data)


def self_signatures(data: Buffer) -> SelfSignatures:
    """What the holder of a certificate says of it. Raises MalformedError, OpenPgpError."""
    return SelfSignatures.of(load_certificate(data))


def certificate_facts(data: Buffer) -> OpenPgpFacts:
    """Raises MalformedError, OpenPgpError."""
    said = self_signatures(data)
    primary = said.primary
    certifications = (each for held in said.user_ids for each in held.certifications)
    by_user_id = newest(certifications, since=primary.created, at=None)
    direct = newest(said.direct, since=primary.created, at=None)
    keys = [_key_facts(primary, (by_user_id, direct), said.revocations)]
    for held in said.subkeys:
        binding = newest(held.bindings, since=held.key.created, at=None)
        backs = () if binding is None else back_signatures(primary, held.key, binding)
        keys.append(_key_facts(held.key, (binding,), held.revocations, agreed=bool(backs)))
    return OpenPgpFacts(
        keys=tuple(keys),
        user_ids=tuple(held.user_id.text for held in said.user_ids if held.certifications),
        revoked_user_ids=tuple(held.user_id.text for held in said.user_ids if held.revocations),
        designated_revokers=said.designated_revokers(),
        third_party=said.foreign,
        unread=len(said.certificate.unread),
    )


def _key_facts(
    key: PublicKey,
    said_of_it: Iterable[SignaturePacket | None],
    revocations: Iterable[SignaturePacket],
    *,
    agreed: bool = True,
) -> KeyFacts:
    said = [each for each in said_of_it if each is not None]
    allowed = flags(said)
    return KeyFacts(
        fingerprint=key.fingerprint,
        algorithm=key.describe(),
        created=key.created,
        expires=expiry(key, said),
        flags=allowed,
        bound=bool(said),
        agreed=agreed or allowed is None or KeyFlags.SIGN not in allowed,
        revocations=tuple((each.created, reason_name(each.reason)) for each in revocations),
    )


def signature_facts(data: Buffer) -> SignatureFacts:
    """Of exactly one binary signature packet. Raises MalformedError, OpenPgpError."""
    packet = _one_packet(data)
    return SignatureFacts(packet=SignaturePacket.decode(packet.body, base=packet.offset))


def _one_packet(data: Buffer) -> Packet:
    packets = read_packets(data)
    if [packet.type for packet in packets] != [PacketType.SIGNATURE]:
        raise OpenPgpError("not exactly one signature packet")
    return packets[0]


def maker(certificate: Certificate, signature: SignaturePacket, digest: bytes) -> PublicKey:
    """The first of `makers`. Raises NotMadeByError, NotComputedError."""
    return makers(certificate, signature, digest)[0]


def makers(certificate: Certificate, signature: SignaturePacket, digest: bytes) -> tuple[PublicKey, ...]:
    """The keys in `certificate`, bound to it or not, that made `signature` over `digest`.

    Issuer hints play no part; two keys that differ in their time of creation alone are two.
    Raises NotMadeByError where there is none, NotComputedError where there may be one.
    """
    doubt: NotComputedError | None = None
    found = list[PublicKey]()
    for key in certificate.every_key():
        try:
            signature.verify_digest(key, digest)
        except NotMadeByError:
            continue
        except NotComputedError as error:
            doubt = error
            continue
        found.append(key)
    if not found:
        raise doubt or NotMadeByError("no key of the certificate made this signature")
    return tuple(found)


def verify_detached(certificate: Buffer, signature: Buffer, message: bytes) -> VerifiedSignature:
    """Raises OpenPgpError unless Sequoia accepts `signature` over `message` by a key of `certificate`.

    Raises MalformedError, too. This is Sequoia's judgement alone; `verify` has the named checks beside it.
    """
    load_certificate(certificate)
    signature_facts(signature)
    return openpgp_sequoia.verify(bytes(certificate), bytes(signature), message)
