# SPDX-License-Identifier: Apache-2.0
"""IMA's measurement list in binary form (binary_runtime_measurements and its _sha256, ... siblings).

An entry is PCR, template digest, template name behind its length, and template data behind its length
(template `ima`: digest and name without a total length). The file does not say how long its template digests
are nor its byte order; the first entry tells. Linux kernel, security/integrity/ima/ima_fs.c,
ima_measurements_show.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from bundlefmt.errors import Code, MalformedError
from bundlefmt.evidence.tpm_algorithm import HASHES, UnsupportedAlgorithmError, hash_size
from bundlefmt.frozen import frozen
from bundlefmt.logs.event import MAX_PCR
from bundlefmt.logs.ima_template import (
    IMA_DIGEST,
    MAX_FIELD,
    MAX_TEMPLATE_NAME,
    TEMPLATE_IMA,
    ByteOrder,
    ImaEntry,
    template_fields,
)
from bundlefmt.wire import Buffer, Reader

DIGEST_SIZES: Final = (20, 32, 48, 64)
FIRST_ENTRIES: Final = 64  # are tried to find the hash of the template digests


@frozen
class ImaList:
    """A binary list; every template digest is `digest_size` bytes long."""

    digest_size: int
    byteorder: ByteOrder
    entries: tuple[ImaEntry, ...]

    @classmethod
    def decode(cls, data: Buffer) -> ImaList:
        """Raises MalformedError.

        An entry whose digest does not cover its data is well-formed (`ImaEntry.covered`).
        """
        digest_size, byteorder = first_entry_form(data)
        reader = Reader(data, path="IMA list")
        return cls(
            digest_size=digest_size,
            byteorder=byteorder,
            entries=tuple(_read_entries(reader, digest_size, byteorder)),
        )

    def encode(self) -> bytes:
        """The list's own bytes again."""
        return b"".join(_encode_entry(entry, self.byteorder) for entry in self.entries)

    def template_alg(self) -> int | None:
        """The TPM_ALG_ID of the template digests, found by recomputing; None if none of that size covers any
        entry.

        Only the first entries that are not violations are tried, so that a false list costs little.
        """
        return find_template_alg(self.entries[:FIRST_ENTRIES], self.digest_size)


def find_template_alg(entries: Sequence[ImaEntry], digest_size: int) -> int | None:
    """The hash of `digest_size` bytes that covers one of `entries`, a list's first; None if none does."""
    tried = [entry for entry in entries if not entry.violation]
    for alg in HASHES:
        try:
            if hash_size(alg) == digest_size and any(entry.covered(alg) for entry in tried):
                return int(alg)
        except UnsupportedAlgorithmError:
            continue
    return None


def first_entry_form(data: Buffer) -> tuple[int, ByteOrder]:
    """The digest size and byte order with which the first entry is one: a PCR, a template name in print, its
    fields.
    """
    if not len(data):
        raise MalformedError(Code.TRUNCATED, "an empty list", offset=0, path="IMA list")
    orders: tuple[ByteOrder, ...] = ("little", "big")
    for byteorder in orders:
        for size in DIGEST_SIZES:
            reader = Reader(data, path="IMA list")
            try:
                entry = read_entry(reader, 0, size, byteorder)
                if template_fields(entry.untrusted_template) is not None:
                    entry.fields()
                    return size, byteorder
            except MalformedError:
                continue
    raise MalformedError(Code.WRONG_MAGIC, "the first entry is none in any form", offset=0, path="IMA list")


def _read_entries(reader: Reader, digest_size: int, byteorder: ByteOrder) -> Iterator[ImaEntry]:
    number = 0
    while reader.remaining:
        yield read_entry(reader, number, digest_size, byteorder)
        number += 1


def read_entry(reader: Reader, number: int, digest_size: int, byteorder: ByteOrder) -> ImaEntry:
    """The next entry, to be called the `number`-th. Raises MalformedError."""
    start = reader.offset
    index = _uint(reader, byteorder)
    if index > MAX_PCR:
        raise reader.error(Code.BAD_VALUE, f"there is no PCR {index}", offset=start)
    template_digest = reader.read(digest_size)
    at = reader.offset
    size = _uint(reader, byteorder)
    if not 0 < size <= MAX_TEMPLATE_NAME:
        raise reader.error(Code.SIZE_LIMIT, f"template name of {size} bytes", offset=at)
    raw_name = reader.read(size)
    if not raw_name.isascii() or not raw_name.decode("ascii").isprintable():
        raise reader.error(Code.BAD_VALUE, "template name that cannot be printed", offset=at + 4)
    name = raw_name.decode("ascii")
    if name == TEMPLATE_IMA:
        file_digest = reader.read(IMA_DIGEST)
        at = reader.offset
        size = _uint(reader, byteorder)
        data = file_digest + size.to_bytes(4, byteorder) + _sized(reader, size, at)
    else:
        at = reader.offset
        data = _sized(reader, _uint(reader, byteorder), at)
    return ImaEntry(
        number=number,
        offset=start,
        index=index,
        template_digest=template_digest,
        untrusted_template=name,
        template_data=data,
        byteorder=byteorder,
    )


def _uint(reader: Reader, byteorder: ByteOrder) -> int:
    return reader.uint_le(4) if byteorder == "little" else reader.uint(4)


def _sized(reader: Reader, size: int, at: int) -> bytes:
    if size > MAX_FIELD:
        raise reader.error(Code.SIZE_LIMIT, f"template data of {size} bytes", offset=at)
    if size > reader.remaining:
        raise reader.error(
            Code.TRUNCATED, f"template data of {size} bytes, {reader.remaining} left", offset=at
        )
    return reader.read(size)


def _encode_entry(entry: ImaEntry, byteorder: ByteOrder) -> bytes:
    name = entry.untrusted_template.encode()
    parts = [
        entry.index.to_bytes(4, byteorder),
        entry.template_digest,
        len(name).to_bytes(4, byteorder),
        name,
    ]
    if entry.untrusted_template != TEMPLATE_IMA:
        parts.append(len(entry.template_data).to_bytes(4, byteorder))
    return b"".join((*parts, entry.template_data))
