# SPDX-License-Identifier: Apache-2.0
"""The two certificate extensions of this format: what a certificate binds beside its subject's key.

Spec: "Certificates of this format", which has the ASN.1 module. Both are DER, and read strictly.
"""

from __future__ import annotations

from typing import Final

from bundlefmt import labels
from bundlefmt.errors import Code, MalformedError
from bundlefmt.evidence import der
from bundlefmt.evidence.certificate import Certificate, Extension
from bundlefmt.frozen import frozen
from bundlefmt.wire import Buffer

VERSION: Final = 1
NAME_SIZES: Final = (22, 34, 50, 66)  # nameAlg and its digest (TPM 2.0 Library, Part 1, "Names")
FINGERPRINT_SIZES: Final = (20, 32)  # RFC 9580 5.5.4: version 4, version 6


@frozen
class TpmBinding:
    """Which EK and AK a TPM signing key goes with: the EK's SubjectPublicKeyInfo (DER) and two Names."""

    ek_spki: bytes
    ak_name: bytes
    key_name: bytes

    @classmethod
    def decode(cls, data: Buffer) -> TpmBinding:
        """The value of the extension. Raises MalformedError."""
        return cls._read(der.decode_element(data, path=_path(labels.OID_TPM_BINDING)))

    @classmethod
    def of(cls, certificate: Certificate) -> TpmBinding:
        """That of a certificate. Raises MalformedError, missing-member where it has none."""
        return cls._read(_extension(certificate, labels.OID_TPM_BINDING).element())

    @classmethod
    def _read(cls, element: der.Element) -> TpmBinding:
        path = _path(labels.OID_TPM_BINDING)
        fields = der.Fields(element, path)
        _version(fields)
        spki = fields.take(der.SEQUENCE)
        ak_name, key_name = (_sized(fields, NAME_SIZES) for _ in range(2))
        fields.finish()
        return cls(ek_spki=spki.raw, ak_name=ak_name, key_name=key_name)

    def encode(self) -> bytes:
        return der.written(
            der.SEQUENCE,
            der.written_integer(VERSION),
            self.ek_spki,
            der.written(der.OCTET_STRING, self.ak_name),
            der.written(der.OCTET_STRING, self.key_name),
        )


@frozen
class OpenPgpKeyName:
    """Which OpenPGP key the subject's key is: its fingerprint, in lower-case hexadecimal."""

    fingerprint: str

    @classmethod
    def decode(cls, data: Buffer) -> OpenPgpKeyName:
        """The value of the extension. Raises MalformedError."""
        return cls._read(der.decode_element(data, path=_path(labels.OID_OPENPGP_KEY)))

    @classmethod
    def of(cls, certificate: Certificate) -> OpenPgpKeyName:
        """That of a certificate. Raises MalformedError, missing-member where it has none."""
        return cls._read(_extension(certificate, labels.OID_OPENPGP_KEY).element())

    @classmethod
    def _read(cls, element: der.Element) -> OpenPgpKeyName:
        fields = der.Fields(element, _path(labels.OID_OPENPGP_KEY))
        _version(fields)
        fingerprint = _sized(fields, FINGERPRINT_SIZES)
        fields.finish()
        return cls(fingerprint=fingerprint.hex())

    def encode(self) -> bytes:
        fingerprint = der.written(der.OCTET_STRING, bytes.fromhex(self.fingerprint))
        return der.written(der.SEQUENCE, der.written_integer(VERSION), fingerprint)


def _path(oid: str) -> str:
    return f"extension {oid}"


def _extension(certificate: Certificate, oid: str) -> Extension:
    found = certificate.extension(oid)
    if found is None:
        message = f"extension {oid} is missing"
        raise MalformedError(Code.MISSING_MEMBER, message, offset=0, path="certificate")
    return found


def _version(fields: der.Fields) -> None:
    element = fields.next()
    found = der.integer(element, fields.path)
    if found != VERSION:
        raise element.error(Code.BAD_VALUE, f"version {found}", fields.path)


def _sized(fields: der.Fields, sizes: tuple[int, ...]) -> bytes:
    element = fields.take(der.OCTET_STRING)
    if len(element.content) not in sizes:
        raise element.error(Code.WRONG_LENGTH, f"{len(element.content)} bytes", fields.path)
    return element.content
