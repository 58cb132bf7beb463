# SPDX-License-Identifier: Apache-2.0
"""Signature databases of Secure Boot (PK, KEK, db, dbx, MokList): EFI_SIGNATURE_LISTs and what is in them.

UEFI 2.10, 32.4.1 "Signature Database".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bundlefmt.errors import Code, MalformedError
from bundlefmt.evidence.certificate import Certificate
from bundlefmt.frozen import frozen
from bundlefmt.logs.guid import read_guid
from bundlefmt.wire import Buffer, Reader, read_all

CERT_X509: Final = "a5c059a1-94e4-4aa7-87b5-ab155c2bf072"
CERT_SHA256: Final = "c1c41626-504c-4092-aca9-41f936934328"
SIGNATURE_TYPES: Final[dict[str, str]] = {
    CERT_X509: "x509",
    CERT_SHA256: "sha256",
    "826ca512-cf10-4ac9-b187-be01496631bd": "sha1",
    "0b6e5233-a65c-44c9-9407-d9ab83bfc8bd": "sha224",
    "ff3e5307-9fd0-48c9-85f1-8ad56c701e01": "sha384",
    "093e0fae-a6c4-4f50-9f1b-d41e2b89c19a": "sha512",
    "3c5766e8-269c-4e34-aa14-ed776e85b3b6": "rsa2048",
    "e2b36190-879b-4a3d-ad8d-f2e7bba32784": "rsa2048-sha256",
    "3bd2a492-96c0-4079-b420-fcf98ef103ed": "x509-sha256",
    "7076876e-80c2-4ee6-aad2-28b349a6865b": "x509-sha384",
    "446dbf63-2502-4cda-bcfa-2465d2b0fe9d": "x509-sha512",
    "4aafd29d-68df-49ee-8aa9-347d375665a7": "pkcs7",
}


@frozen
class EfiSignature:
    """EFI_SIGNATURE_DATA: `owner` is the GUID of who enrolled it; `kind` a name of `SIGNATURE_TYPES` or the
    GUID.
    """

    kind: str
    owner: str
    data: bytes

    def subject(self) -> str | None:
        """The subject of an X.509 entry (RFC 4514); None if it is no certificate that can be read."""
        return certificate_subject(self.data) if self.kind == "x509" else None


@frozen
class SignatureList:
    """EFI_SIGNATURE_LIST: entries of one type and one size."""

    kind: str
    header: bytes
    entries: tuple[EfiSignature, ...]


def decode_signature_database(data: Buffer, *, base: int = 0) -> tuple[SignatureList, ...]:
    """The lists of a database, none for an empty one. Raises MalformedError."""
    return read_all(data, _read_lists, path="signature database", base=base)


def decode_signature(data: Buffer, kind: str = "x509") -> EfiSignature:
    """One EFI_SIGNATURE_DATA as an EV_EFI_VARIABLE_AUTHORITY event has it. Raises MalformedError."""
    reader = Reader(data, path="EFI_SIGNATURE_DATA")
    owner = read_guid(reader)
    if not reader.remaining:
        raise reader.error(Code.TRUNCATED, "no signature behind the owner")
    return EfiSignature(kind=kind, owner=owner, data=reader.read(reader.remaining))


def entries(lists: tuple[SignatureList, ...]) -> Iterator[EfiSignature]:
    """All entries of all lists, in order."""
    for found in lists:
        yield from found.entries


def certificate_subject(der: bytes) -> str | None:
    """The subject in the manner of RFC 4514; None if `der` is no certificate."""
    try:
        return str(Certificate.decode(der).subject)
    except MalformedError:
        return None


def _read_lists(reader: Reader) -> tuple[SignatureList, ...]:
    lists = []
    while reader.remaining:
        lists.append(_read_list(reader))
    return tuple(lists)


def _read_list(reader: Reader) -> SignatureList:
    start = reader.offset
    kind = read_guid(reader)
    size, header_size, entry_size = (reader.uint_le(4) for _ in range(3))
    body = size - 28
    if body < header_size or entry_size < 16 or (body - header_size) % entry_size:
        raise reader.error(
            Code.WRONG_LENGTH,
            f"a list of {size} bytes with a header of {header_size} and entries of {entry_size}",
            offset=start,
        )
    name = SIGNATURE_TYPES.get(kind, kind)

    def read(inner: Reader) -> SignatureList:
        header = inner.read(header_size)
        found = []
        while inner.remaining:
            owner = read_guid(inner)
            found.append(EfiSignature(kind=name, owner=owner, data=inner.read(entry_size - 16)))
        return SignatureList(kind=kind, header=header, entries=tuple(found))

    return reader.within(body, read)
