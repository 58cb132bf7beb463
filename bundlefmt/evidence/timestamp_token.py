# SPDX-License-Identifier: Apache-2.0
"""A timestamp as an authority gives it: the TimeStampToken of RFC 3161, and whether its signature is right.

A token is a CMS SignedData (RFC 5652 5) around one TSTInfo. Read here and not by a library: a signature
covers the bytes as they are, and libraries refuse tokens whose sets are not in DER's order. Whether anyone
should believe the authority is judged elsewhere; no certificate is believed for standing in the token.
"""

from __future__ import annotations

import hashlib
from typing import Final

from bundlefmt.errors import Code
from bundlefmt.evidence import der
from bundlefmt.evidence.certificate import Certificate, CertificateError
from bundlefmt.evidence.timestamp_info import TstInfo, read_hash
from bundlefmt.evidence.timestamp_signer import CertificateId, SignerInfo
from bundlefmt.evidence.x509_signature import load_key, signature_algorithm, verify_signature, weakness
from bundlefmt.frozen import frozen
from bundlefmt.wire import Buffer

MAX_TOKEN: Final = 2**20  # bytes; real ones have 1 to 10 kB, and some bring a revocation list along
MAX_CERTIFICATES: Final = 64  # that a token brings along
STRONG: Final = ("sha256", "sha384", "sha512")  # what may be signed over

_PATH: Final = "token"
_SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
_TST_INFO: Final = "1.2.840.113549.1.9.16.1.4"
_VERSIONS: Final = (3, 4, 5)  # RFC 5652 5.1, for a content that is no plain data
_MAX_ALGORITHMS: Final = 16
_EXPLICIT: Final = der.context(0, constructed=True)
_CERTIFICATES: Final = der.context(0, constructed=True)
_REVOCATION: Final = der.context(1, constructed=True)


@frozen
class TimeStampToken:
    """`info` is what is signed; whoever had it may have put `certificates` and `lists` (DER) beside it."""

    raw: bytes
    info: TstInfo
    signer: SignerInfo
    certificates: tuple[bytes, ...]
    lists: tuple[bytes, ...]

    @classmethod
    def decode(cls, data: Buffer) -> TimeStampToken:
        """Exactly one token, with one signer. Raises MalformedError."""
        if len(data) > MAX_TOKEN:
            element = der.Element(tag=0, content=b"", raw=b"", offset=0)
            raise element.error(Code.SIZE_LIMIT, f"a token of more than {MAX_TOKEN} bytes", _PATH)
        outer = der.Fields(der.decode_element(data, path=_PATH), _PATH)
        _expect_oid(outer.next(), _SIGNED_DATA, "not a SignedData")
        fields = der.Fields(der.inner(outer.take(_EXPLICIT), _PATH), _PATH)
        outer.finish()
        version = fields.next()
        if der.integer(version, _PATH) not in _VERSIONS:
            raise version.error(Code.BAD_VALUE, "a version that no token has", _PATH)
        hashes = _read_set(fields.take(der.SET), der.SET, _MAX_ALGORITHMS)
        content = der.Fields(fields.next(), _PATH)
        _expect_oid(content.next(), _TST_INFO, "signed data that is no TSTInfo")
        octets = der.expect(der.inner(content.take(_EXPLICIT), _PATH), der.OCTET_STRING, _PATH)
        content.finish()
        certificates, lists = fields.optional(_CERTIFICATES), fields.optional(_REVOCATION)
        signers = fields.take(der.SET)
        fields.finish()
        infos = der.children(signers, der.SET, _PATH)
        if len(infos) != 1:
            raise signers.error(Code.WRONG_LENGTH, f"{len(infos)} signers, not one", _PATH)
        signer = SignerInfo.read(infos[0])
        if signer.hash not in {read_hash(each, _PATH) for each in hashes}:
            raise infos[0].error(Code.BAD_VALUE, "the signer's hash algorithm is not announced", _PATH)
        return cls(
            raw=bytes(data),
            info=TstInfo.decode(octets.content, base=octets.offset),
            signer=signer,
            certificates=_sequences(certificates, _CERTIFICATES),
            lists=_sequences(lists, _REVOCATION),
        )

    def encode(self) -> bytes:
        return self.raw

    def certificate(self, wanted: CertificateId) -> bytes | None:
        """The certificate (DER) with this digest, if it was brought along."""
        return next((each for each in self.certificates if wanted.fits(each)), None)

    def require_signed(self) -> None:
        """Raises CertificateError, MalformedError unless the attributes are about what the token says."""
        signer = self.signer
        if signer.content_type() != _TST_INFO:
            raise CertificateError("the signed content type is not that of a timestamp")
        if signer.hash not in STRONG:
            raise CertificateError(f"signed over a digest by {signer.hash}")
        if signer.message_digest() != hashlib.new(signer.hash, self.info.raw).digest():
            raise CertificateError("the signed digest is not that of what is said")

    def verify(self, certificate: Certificate) -> str:
        """What the signature was made by. Raises CertificateError, MalformedError: it is not by this key.

        The attributes say what is signed, its digest, and by whose certificate (RFC 3161 2.4.2, RFC 5816).
        """
        self.require_signed()
        signer = self.signer
        if not signer.certificate_id().names(certificate) or not signer.named(certificate):
            raise CertificateError(f"{certificate} is not the certificate that the signer names")
        algorithm = signature_algorithm(signer.algorithm)
        if algorithm.sha1:
            raise CertificateError("the signature uses SHA-1")
        key = load_key(certificate.spki)
        weak = weakness(key)
        if weak is not None:
            raise CertificateError(f"signed by {weak}")
        verify_signature(signer.algorithm, key, signer.signature, signer.signed)
        return algorithm.name


def _expect_oid(element: der.Element, oid: str, message: str) -> None:
    if der.object_identifier(element, _PATH) != oid:
        raise element.error(Code.BAD_VALUE, message, _PATH)


def _read_set(element: der.Element, tag: int, limit: int) -> list[der.Element]:
    found = der.children(element, tag, _PATH)
    if len(found) > limit:
        raise element.error(Code.COUNT_LIMIT, f"more than {limit} elements", _PATH)
    return found


def _sequences(element: der.Element | None, tag: int) -> tuple[bytes, ...]:
    """What of a set are certificates or lists; attribute certificates and other forms have another tag."""
    if element is None:
        return ()
    return tuple(each.raw for each in _read_set(element, tag, MAX_CERTIFICATES) if each.tag == der.SEQUENCE)
