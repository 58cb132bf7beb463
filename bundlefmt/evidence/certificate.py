# SPDX-License-Identifier: Apache-2.0
"""One X.509 certificate as it is: the bytes under its signature, names, times, key, extensions.

Nothing is judged. RFC 5280 4.1 and 4.2. Read here and not by a library, because libraries refuse certificates
that manufacturers have shipped by the million (Nuvoton, Intel), and a signature covers bytes as they are.
"""

from __future__ import annotations

from enum import IntFlag
from functools import lru_cache
from typing import Final

from bundlefmt.errors import Code, UnusableError
from bundlefmt.evidence import der
from bundlefmt.evidence.distinguished_name import Name
from bundlefmt.frozen import frozen
from bundlefmt.wire import Buffer

KEY_USAGE: Final = "2.5.29.15"
SUBJECT_ALT_NAME: Final = "2.5.29.17"
BASIC_CONSTRAINTS: Final = "2.5.29.19"
NAME_CONSTRAINTS: Final = "2.5.29.30"
CRL_DISTRIBUTION_POINTS: Final = "2.5.29.31"
CERTIFICATE_POLICIES: Final = "2.5.29.32"
POLICY_CONSTRAINTS: Final = "2.5.29.36"
EXTENDED_KEY_USAGE: Final = "2.5.29.37"

_PATH: Final = "certificate"
_V3: Final = 2
_VERSION: Final = der.context(0, constructed=True)
_UNIQUE_IDS: Final = (der.context(1, constructed=False), der.context(2, constructed=False))
_EXTENSIONS: Final = der.context(3, constructed=True)


class CertificateError(UnusableError):
    """A certificate, list or chain that cannot be used; the message says why."""


class KeyUsage(IntFlag):
    """RFC 5280 4.2.1.3; the names are those of the RFC."""

    digitalSignature = 1 << 0
    nonRepudiation = 1 << 1
    keyEncipherment = 1 << 2
    dataEncipherment = 1 << 3
    keyAgreement = 1 << 4
    keyCertSign = 1 << 5
    cRLSign = 1 << 6
    encipherOnly = 1 << 7
    decipherOnly = 1 << 8

    def describe(self) -> str:
        """The names of the bits that are set."""
        return ", ".join(bit.name for bit in type(self) if bit in self and bit.name) or "nothing"


@frozen
class BasicConstraints:
    """RFC 5280 4.2.1.9. `path_length`: how many intermediates may stand below; None is any number."""

    ca: bool
    path_length: int | None


@frozen
class Extension:
    """`value` is the DER inside the octet string; `offset` is where it starts in the certificate."""

    oid: str
    critical: bool
    value: bytes
    offset: int

    def element(self) -> der.Element:
        """The value as one element. Raises MalformedError."""
        return der.decode_element(self.value, path=f"extension {self.oid}", base=self.offset)


@frozen
class Certificate:
    """A certificate; times are seconds since the epoch.

    `tbs` are the bytes under the signature, `algorithm` and `spki` the DER of the signature's
    AlgorithmIdentifier and of SubjectPublicKeyInfo.
    """

    raw: bytes
    tbs: bytes
    algorithm: bytes
    signature: bytes
    serial: int
    issuer: Name
    subject: Name
    not_before: int
    not_after: int
    spki: bytes
    extensions: tuple[Extension, ...]

    @classmethod
    def decode(cls, data: Buffer) -> Certificate:
        """Exactly one certificate. Raises MalformedError."""
        return _decoded(bytes(data))

    @classmethod
    def _read(cls, data: bytes) -> Certificate:
        outer = der.Fields(der.decode_element(data, path=_PATH), _PATH)
        tbs, algorithm = outer.take(der.SEQUENCE), outer.take(der.SEQUENCE)
        signature = der.bit_string(outer.next(), _PATH)
        outer.finish()
        fields = der.Fields(tbs, _PATH)
        version = fields.optional(_VERSION)
        number = 0 if version is None else der.integer(der.inner(version, _PATH), _PATH)
        serial = der.integer(fields.next(), _PATH)
        inner_algorithm = fields.take(der.SEQUENCE)
        if inner_algorithm.content[:1] != bytes([der.OBJECT_IDENTIFIER]):
            raise inner_algorithm.error(Code.WRONG_TYPE, "an attribute certificate: it has no key", _PATH)
        if inner_algorithm.raw != algorithm.raw:
            raise algorithm.error(
                Code.BAD_VALUE, "the signature algorithm differs from the signed one", _PATH
            )
        issuer = Name.decode(fields.next())
        validity = der.Fields(fields.next(), _PATH)
        not_before, not_after = (der.moment(validity.next(), _PATH) for _ in range(2))
        validity.finish()
        subject = Name.decode(fields.next())
        spki = fields.take(der.SEQUENCE)
        for tag in _UNIQUE_IDS:
            fields.optional(tag)
        extensions = fields.optional(_EXTENSIONS)
        fields.finish()
        if extensions is not None and number != _V3:
            raise extensions.error(Code.BAD_VALUE, f"extensions in version {number + 1}", _PATH)
        return cls(
            raw=data,
            tbs=tbs.raw,
            algorithm=algorithm.raw,
            signature=signature,
            serial=serial,
            issuer=issuer,
            subject=subject,
            not_before=not_before,
            not_after=not_after,
            spki=spki.raw,
            extensions=() if extensions is None else read_extensions(der.inner(extensions, _PATH), _PATH),
        )

    def encode(self) -> bytes:
        return self.raw

    def extension(self, oid: str) -> Extension | None:
        for extension in self.extensions:
            if extension.oid == oid:
                return extension
        return None

    def basic_constraints(self) -> BasicConstraints | None:
        """Raises MalformedError."""
        extension = self.extension(BASIC_CONSTRAINTS)
        return None if extension is None else _basic_constraints(extension)

    def key_usage(self) -> KeyUsage | None:
        """Raises MalformedError."""
        extension = self.extension(KEY_USAGE)
        return None if extension is None else _key_usage(extension)

    def extended_key_usage(self) -> frozenset[str] | None:
        """The purposes as dotted decimal. Raises MalformedError."""
        extension = self.extension(EXTENDED_KEY_USAGE)
        if extension is None:
            return None
        path = f"extension {extension.oid}"
        purposes = der.children(extension.element(), der.SEQUENCE, path)
        return frozenset(der.object_identifier(purpose, path) for purpose in purposes)

    def __str__(self) -> str:
        return str(self.subject) or f"serial number {self.serial:x}"


@lru_cache(maxsize=64)  # one certificate is asked for in each chain that may go through it
def _decoded(data: bytes) -> Certificate:
    return Certificate._read(data)


@lru_cache(maxsize=64)  # an authority's are asked for at each place in each chain
def _basic_constraints(extension: Extension) -> BasicConstraints:
    path = f"extension {extension.oid}"
    fields = der.Fields(extension.element(), path)
    ca, length = fields.optional(der.BOOLEAN), fields.optional(der.INTEGER)
    fields.finish()
    path_length = None if length is None else der.integer(length, path)
    if length is not None and path_length is not None and path_length < 0:
        raise length.error(Code.BAD_VALUE, "a negative path length", path)
    return BasicConstraints(ca=ca is not None and der.boolean(ca, path), path_length=path_length)


@lru_cache(maxsize=64)
def _key_usage(extension: Extension) -> KeyUsage:
    return KeyUsage(der.named_bits(extension.element(), f"extension {extension.oid}") & 0x1FF)


def read_extensions(element: der.Element, path: str) -> tuple[Extension, ...]:
    """A list of extensions, each type once (RFC 5280 4.2). Raises MalformedError."""
    found: dict[str, Extension] = {}
    for one in der.children(element, der.SEQUENCE, path):
        fields = der.Fields(one, path)
        oid = der.object_identifier(fields.next(), path)
        critical = fields.optional(der.BOOLEAN)
        value = fields.take(der.OCTET_STRING)
        fields.finish()
        if oid in found:
            raise one.error(Code.DUPLICATE_KEY, f"extension {oid} twice", path)
        found[oid] = Extension(
            oid=oid,
            critical=critical is not None and der.boolean(critical, path),
            value=value.content,
            offset=value.offset,
        )
    return tuple(found.values())
