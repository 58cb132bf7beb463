# SPDX-License-Identifier: Apache-2.0
"""Authorities of time that there are not, and their tokens, written field by field (RFC 3161 2.4.2).

Each field may be wrong on purpose; what is signed is signed as it is.
"""

from __future__ import annotations

import datetime
import hashlib
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ObjectIdentifier

from tests.vectorgen import certificates, keys
from tests.vectorgen.certificates import YEAR, tlv
from tests.vectorgen.plain import CREATED

ROOT_FILE: Final = "time-root.der"
OTHER_ROOT_FILE: Final = "other-time-root.der"
ROOT: Final = "Evidence Bundle Test Time Root (test key)"
OTHER_ROOT: Final = "Evidence Bundle Other Test Time Root (test key)"
ISSUER: Final = "Evidence Bundle Test Time Issuer (test key)"
LONG: Final = (CREATED - YEAR, CREATED + 80 * YEAR)
TIME_STAMPING: Final = "1.3.6.1.5.5.7.3.8"
_SHA1: Final = bytes.fromhex("300706052b0e03021a")
_HASH_OIDS: Final = {
    "sha256": bytes.fromhex("608648016503040201"),
    "sha384": bytes.fromhex("608648016503040202"),
    "sha512": bytes.fromhex("608648016503040203"),
}
_ECDSA: Final = {
    "sha256": "300a06082a8648ce3d040302",
    "sha384": "300a06082a8648ce3d040303",
    "sha512": "300a06082a8648ce3d040304",
}
_DIGESTS: Final = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
_TST_INFO: Final = bytes.fromhex("060b2a864886f70d0109100104")
_SIGNED_DATA: Final = bytes.fromhex("06092a864886f70d010702")
_DATA: Final = bytes.fromhex("06092a864886f70d010701")
_CONTENT_TYPE: Final = bytes.fromhex("06092a864886f70d010903")
_MESSAGE_DIGEST: Final = bytes.fromhex("06092a864886f70d010904")
_CERTIFICATE: Final = {
    "sha1": bytes.fromhex("060b2a864886f70d010910020c"),
    "sha256": bytes.fromhex("060b2a864886f70d010910022f"),
}
_POLICY: Final = bytes.fromhex("06026901")  # 2.25.1, of nobody


def hash_identifier(name: str) -> bytes:
    """AlgorithmIdentifier without parameters."""
    return _SHA1 if name == "sha1" else tlv(0x30, tlv(0x06, _HASH_OIDS[name]))


@cache
def root(name: str = ROOT) -> bytes:
    """The anchor: an authority above authorities of time."""
    key = keys.ec_key(name)
    return certificates.certificate(
        name, key.public_key(), name, key, validity=LONG, extensions=certificates.authority()
    )


@cache
def issuer(digest: str = "sha256", *, validity: tuple[int, int] = LONG) -> bytes:
    """Between the root and an authority; its certificate is signed over `digest`."""
    key = keys.ec_key(ISSUER)
    return certificates.certificate(
        ISSUER,
        key.public_key(),
        ROOT,
        keys.ec_key(ROOT),
        validity=validity,
        extensions=certificates.authority(0),
        digest=digest,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """An authority by a name; `above` issued its certificate, which has `usages`, `critical` or not.

    `digest` is what the certificate is signed over.
    """

    name: str = "2026"
    above: str = ROOT
    curve: str = "p256"
    validity: tuple[int, int] = (CREATED - YEAR, CREATED + 10 * YEAR)
    usages: tuple[str, ...] = (TIME_STAMPING,)
    critical: bool = True
    key_usage: str = "digital_signature"
    identified: bool = False
    digest: str = "sha256"

    @property
    def subject(self) -> str:
        return f"Evidence Bundle Test Timestamps {self.name} (test key)"

    @property
    def key(self) -> ec.EllipticCurvePrivateKey:
        return keys.ec_key(f"timestamps {self.name}", self.curve)

    @property
    def certificate(self) -> bytes:
        usage = x509.ExtendedKeyUsage([ObjectIdentifier(each) for each in self.usages])
        identifier = x509.SubjectKeyIdentifier.from_public_key(self.key.public_key())
        extensions: tuple[tuple[x509.ExtensionType, bool], ...] = (
            certificates.NO_AUTHORITY,
            (certificates.usages(self.key_usage), True),
            (usage, self.critical),
        )
        return certificates.certificate(
            self.subject,
            self.key.public_key(),
            self.above,
            keys.ec_key(self.above),
            validity=self.validity,
            extensions=(*extensions, (identifier, False)) if self.identified else extensions,
            digest=self.digest,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What a token says, and how. `hash` is that of the imprint; None for `digest` is the coverage's.

    `named_by`: the hash by which the attribute names the certificate `names`; empty leaves it out. `number`:
    the serial number beside that. `announced`: the hash that the token says its signer uses.
    `in_small_letters`: so the signer's identifier begins the words of the issuer's name.
    `brought`: certificates beside the signature; None is the authority's own.
    """

    by: Authority = field(default_factory=Authority)
    at: int = CREATED + 86400
    hash: str | None = None
    digest: bytes | None = None
    signed_over: str = "sha256"
    fraction: str = ""
    accuracy: bytes = b""
    version: int = 1
    extensions: bytes = b""
    content_type: bytes | None = _TST_INFO
    message_digest: bytes | None = None
    named_by: str = "sha256"
    names: bytes | None = None
    reordered: bool = False
    brought: tuple[bytes, ...] | None = None
    by_key: bool = False
    signers: int = 1
    signature: bytes | None = None
    lists: tuple[bytes, ...] = ()
    signed_by: ec.EllipticCurvePrivateKey | None = None
    number: int | None = None
    in_small_letters: bool = False
    announced: str | None = None
    more_attributes: bytes = b""
    algorithm: bytes | None = None

    def info(self, hash_name: str, digest: bytes) -> bytes:
        """TSTInfo."""
        imprint = tlv(0x30, hash_identifier(self.hash or hash_name) + tlv(4, self.digest or digest))
        text = datetime.datetime.fromtimestamp(self.at, datetime.UTC).strftime("%Y%m%d%H%M%S")
        time = tlv(0x18, f"{text}{self.fraction}Z".encode())
        version, serial = bytes([2, 1, self.version]), tlv(2, b"\x01" + hashlib.sha256(digest).digest()[:8])
        extensions = tlv(0xA1, self.extensions) if self.extensions else b""
        return tlv(0x30, version + _POLICY + imprint + serial + time + self.accuracy + extensions)

    def __call__(self, hash_name: str, digest: bytes) -> bytes:
        """The token over the digest of a coverage."""
        info = self.info(hash_name, digest)
        content = tlv(0x30, _TST_INFO + tlv(0xA0, tlv(4, info)))
        brought = (self.by.certificate,) if self.brought is None else self.brought
        certs = tlv(0xA0, b"".join(brought)) if brought else b""
        lists = tlv(0xA1, b"".join(self.lists)) if self.lists else b""
        signers = tlv(0x31, self._signer(info) * self.signers)
        digests = tlv(0x31, hash_identifier(self.announced or self.signed_over))
        data = tlv(0x30, b"\x02\x01\x03" + digests + content + certs + lists + signers)
        return tlv(0x30, _SIGNED_DATA + tlv(0xA0, data))

    def _signer(self, info: bytes) -> bytes:
        digest = self.message_digest or hashlib.new(self.signed_over, info).digest()
        attributes = [_attribute(_MESSAGE_DIGEST, tlv(4, digest))]
        if self.content_type is not None:
            attributes.append(_attribute(_CONTENT_TYPE, self.content_type))
        if self.named_by:
            attributes.append(self._named())
        attributes.sort(reverse=self.reordered)
        listed = b"".join(attributes) + self.more_attributes
        key = self.signed_by or self.by.key
        algorithm = ec.ECDSA(_DIGESTS[self.signed_over], deterministic_signing=True)
        signature = self.signature or key.sign(tlv(0x31, listed), algorithm)
        certificate = x509.load_der_x509_certificate(self.by.certificate)
        if self.by_key:
            found = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
            identifier = b"\x02\x01\x03" + tlv(0x80, found.value.digest)
        else:
            number = certificate.serial_number
            serial = tlv(2, number.to_bytes(number.bit_length() // 8 + 1, "big"))
            name = certificate.issuer.public_bytes()
            identifier = b"\x02\x01\x01" + tlv(0x30, self._spelt(name) + serial)
        return tlv(
            0x30,
            identifier
            + hash_identifier(self.signed_over)
            + tlv(0xA0, listed)
            + (self.algorithm or bytes.fromhex(_ECDSA[self.signed_over]))
            + tlv(4, signature),
        )

    def _spelt(self, name: bytes) -> bytes:
        return name.replace(b"Evidence Bundle", b"evidence bundle") if self.in_small_letters else name

    def _named(self) -> bytes:
        """SigningCertificate by SHA-1 or SigningCertificateV2 by another hash."""
        digest = tlv(4, hashlib.new(self.named_by, self.names or self.by.certificate).digest())
        plain = self.named_by in ("sha1", "sha256")
        algorithm = b"" if plain else hash_identifier(self.named_by)
        named = tlv(0x30, tlv(0x30, tlv(0x30, algorithm + digest + self._numbered())))
        return _attribute(_CERTIFICATE["sha1" if self.named_by == "sha1" else "sha256"], named)

    def _numbered(self) -> bytes:
        """IssuerSerial."""
        if self.number is None:
            return b""
        name = x509.load_der_x509_certificate(self.by.certificate).issuer.public_bytes()
        serial = tlv(2, self.number.to_bytes(self.number.bit_length() // 8 + 1, "big"))
        return tlv(0x30, tlv(0x30, tlv(0xA4, name)) + serial)

    def changed(self, **changes: object) -> Token:
        return replace(self, **changes)  # type: ignore[arg-type] # its fields


def _attribute(oid: bytes, value: bytes) -> bytes:
    return tlv(0x30, oid + tlv(0x31, value))


OTHER_CONTENT: Final = _DATA
CONTENT_TYPE_AGAIN: Final = _attribute(_CONTENT_TYPE, _TST_INFO)
ECDSA_BY_ITS_KEY: Final = bytes.fromhex("300906072a8648ce3d0201")  # id-ecPublicKey
ACCURACY: Final = tlv(0x30, b"\x02\x01\x01" + b"\x80\x02\x01\xf4")  # 1.5 seconds
CRITICAL: Final = tlv(0x30, bytes.fromhex("06092a864886f70d010904") + b"\x01\x01\xff" + tlv(4, b"\x05\x00"))
