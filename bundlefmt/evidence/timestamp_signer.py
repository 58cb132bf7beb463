# SPDX-License-Identifier: Apache-2.0
"""Who signed a timestamp: the one SignerInfo of its token, and the attributes under its signature.

RFC 5652 5.3 and 11, RFC 5035 (which certificate signed), RFC 5816. What is signed is the set of attributes in
the octets in which it stands: authorities write it in another order than DER's, and sign that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

from bundlefmt.errors import Code
from bundlefmt.evidence import der
from bundlefmt.evidence.certificate import Certificate, CertificateError
from bundlefmt.evidence.timestamp_info import HASHES, read_hash
from bundlefmt.frozen import frozen

SUBJECT_KEY_IDENTIFIER: Final = "2.5.29.14"
CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
SIGNING_CERTIFICATE: Final = "1.2.840.113549.1.9.16.2.12"
SIGNING_CERTIFICATE_V2: Final = "1.2.840.113549.1.9.16.2.47"
MAX_ATTRIBUTES: Final = 64  # of one signer; tokens have about five

_PATH: Final = "SignerInfo"
_BY_ISSUER, _BY_KEY = 1, 3  # the versions of a SignerInfo
_KEY_IDENTIFIER: Final = der.context(0, constructed=False)
_SIGNED: Final = der.context(0, constructed=True)
_UNSIGNED: Final = der.context(1, constructed=True)
_DIRECTORY_NAME: Final = der.context(4, constructed=True)
# a key's algorithm in place of a signature's, and what it stands for with each digest
_STANDS_FOR: Final[Mapping[tuple[str, str], str]] = {
    ("1.2.840.113549.1.1.1", "sha256"): "1.2.840.113549.1.1.11",
    ("1.2.840.113549.1.1.1", "sha384"): "1.2.840.113549.1.1.12",
    ("1.2.840.113549.1.1.1", "sha512"): "1.2.840.113549.1.1.13",
    ("1.2.840.10045.2.1", "sha256"): "1.2.840.10045.4.3.2",
    ("1.2.840.10045.2.1", "sha384"): "1.2.840.10045.4.3.3",
    ("1.2.840.10045.2.1", "sha512"): "1.2.840.10045.4.3.4",
}


@frozen
class IssuerSerial:
    """A certificate by the DER of its issuer's name and by its serial number."""

    issuer: bytes
    serial: int

    def names(self, certificate: Certificate) -> bool:
        return (self.issuer, self.serial) == (certificate.issuer.raw, certificate.serial)


@frozen
class CertificateId:
    """A certificate by its digest (ESSCertID, ESSCertIDv2); `hash` as in `timestamp_info.HASHES`."""

    hash: str
    digest: bytes
    issuer_serial: IssuerSerial | None

    @staticmethod
    def digest_by(name: str, certificate: bytes) -> bytes:
        """The digest of a certificate (DER) by one of the known hashes."""
        return hashlib.new(name, certificate, usedforsecurity=False).digest()

    def fits(self, certificate: bytes) -> bool:
        """Whether the digest is that of these bytes. False where the hash is not known."""
        return self.hash in HASHES.values() and self.digest_by(self.hash, certificate) == self.digest

    def names(self, certificate: Certificate) -> bool:
        """Whether it is this certificate, by its digest and, where given, by issuer and number."""
        by_number = self.issuer_serial is None or self.issuer_serial.names(certificate)
        return by_number and self.fits(certificate.raw)


@frozen
class SignerInfo:
    """`identifier` is the signer by name or by key; `attributes` are the signed ones by number, each with its
    one value; `signed` is what the signature is over, and `algorithm` the DER of what it is made by.
    """

    identifier: IssuerSerial | bytes
    hash: str
    attributes: Mapping[str, der.Element]
    signed: bytes
    algorithm: bytes
    signature: bytes

    @classmethod
    def read(cls, element: der.Element) -> SignerInfo:
        """Raises MalformedError."""
        fields = der.Fields(element, _PATH)
        version = fields.next()
        key = fields.optional(_KEY_IDENTIFIER)
        identifier = _issuer_serial(fields.next()) if key is None else key.content
        if der.integer(version, _PATH) != (_BY_ISSUER if key is None else _BY_KEY):
            raise version.error(Code.BAD_VALUE, "a version that does not go with its identifier", _PATH)
        hash_name = read_hash(fields.next(), _PATH)
        attributes = fields.take(_SIGNED)
        algorithm = fields.take(der.SEQUENCE)
        signature = fields.take(der.OCTET_STRING).content
        fields.optional(_UNSIGNED)
        fields.finish()
        return cls(
            identifier=identifier,
            hash=hash_name,
            attributes=_attributes(attributes),
            signed=der.written(der.SET, attributes.content),
            algorithm=_algorithm(algorithm, hash_name),
            signature=signature,
        )

    def content_type(self) -> str:
        """What is signed, by its own word. Raises CertificateError, MalformedError."""
        return der.object_identifier(self._attribute(CONTENT_TYPE, "content type"), _PATH)

    def message_digest(self) -> bytes:
        """The digest of what is signed. Raises CertificateError, MalformedError."""
        return der.expect(self._attribute(MESSAGE_DIGEST, "digest"), der.OCTET_STRING, _PATH).content

    def certificate_id(self) -> CertificateId:
        """The signer's certificate by its digest: that of RFC 5035, or else the older one by SHA-1.

        Raises CertificateError where there is none, MalformedError.
        """
        value = self.attributes.get(SIGNING_CERTIFICATE_V2)
        if value is None:
            return _first(self._attribute(SIGNING_CERTIFICATE, "certificate"), "sha1")
        return _first(value, "sha256")

    def named(self, certificate: Certificate) -> bool:
        """Whether the unsigned identifier, which is a hint, fits this certificate. Raises MalformedError."""
        if isinstance(self.identifier, IssuerSerial):
            return self.identifier.names(certificate)
        extension = certificate.extension(SUBJECT_KEY_IDENTIFIER)
        if extension is None:
            return False
        return der.expect(extension.element(), der.OCTET_STRING, _PATH).content == self.identifier

    def _attribute(self, oid: str, what: str) -> der.Element:
        if oid not in self.attributes:
            raise CertificateError(f"no signed attribute says the {what}")
        return self.attributes[oid]


def _attributes(element: der.Element) -> dict[str, der.Element]:
    """Attributes, each once and with one value (RFC 5652 11)."""
    rows = der.children(element, _SIGNED, _PATH)
    if len(rows) > MAX_ATTRIBUTES:
        raise element.error(Code.COUNT_LIMIT, f"more than {MAX_ATTRIBUTES} attributes", _PATH)
    found: dict[str, der.Element] = {}
    for row in rows:
        fields = der.Fields(row, _PATH)
        oid = der.object_identifier(fields.next(), _PATH)
        values = der.children(fields.next(), der.SET, _PATH)
        fields.finish()
        if oid in found:
            raise row.error(Code.DUPLICATE_KEY, f"attribute {oid} twice", _PATH)
        if len(values) != 1:
            raise row.error(Code.WRONG_LENGTH, f"{len(values)} values of attribute {oid}", _PATH)
        found[oid] = values[0]
    return found


def _algorithm(element: der.Element, digest: str) -> bytes:
    """The signature's AlgorithmIdentifier; where a key's stands instead, that which it means."""
    oid = der.object_identifier(der.Fields(element, _PATH).next(), _PATH)
    meant = _STANDS_FOR.get((oid, digest))
    return element.raw if meant is None else der.written(der.SEQUENCE, der.written_oid(meant))


def _first(value: der.Element, default: str) -> CertificateId:
    """The first identifier of SigningCertificate or SigningCertificateV2: that of the signer."""
    fields = der.Fields(value, _PATH)
    listed = fields.next()
    fields.optional(der.SEQUENCE)  # policies, which nobody asks for here
    fields.finish()
    rows = der.children(listed, der.SEQUENCE, _PATH)
    if not rows:
        raise listed.error(Code.WRONG_LENGTH, "no certificate is named", _PATH)
    row = der.Fields(rows[0], _PATH)
    first = row.next()
    hash_name = default
    if first.tag == der.SEQUENCE and default != "sha1":
        hash_name, first = read_hash(first, _PATH), row.next()
    digest = der.expect(first, der.OCTET_STRING, _PATH).content
    issuer = row.optional(der.SEQUENCE)
    row.finish()
    return CertificateId(
        hash=hash_name, digest=digest, issuer_serial=None if issuer is None else _general_issuer(issuer)
    )


def _issuer_serial(element: der.Element) -> IssuerSerial:
    fields = der.Fields(element, _PATH)
    issuer, serial = fields.take(der.SEQUENCE).raw, der.integer(fields.next(), _PATH)
    fields.finish()
    return IssuerSerial(issuer=issuer, serial=serial)


def _general_issuer(element: der.Element) -> IssuerSerial:
    """IssuerSerial of RFC 5035: the issuer is one GeneralName, a directoryName."""
    fields = der.Fields(element, _PATH)
    names = der.children(fields.next(), der.SEQUENCE, _PATH)
    serial = der.integer(fields.next(), _PATH)
    fields.finish()
    if len(names) != 1 or names[0].tag != _DIRECTORY_NAME:
        raise element.error(Code.BAD_VALUE, "an issuer that is not one directory name", _PATH)
    return IssuerSerial(issuer=der.inner(names[0], _PATH).raw, serial=serial)
