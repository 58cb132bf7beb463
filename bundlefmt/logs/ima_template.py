# SPDX-License-Identifier: Apache-2.0
"""IMA measurement entries, their templates and what a template digest covers.

Linux kernel, Documentation/security/IMA-templates.rst, and security/integrity/ima/ima_template*.c for the
layout: a template digest is the hash of the template data, each field behind its 32-bit length; the oldest
template `ima` hashes a 20-byte digest and the name padded to 256 bytes. Integers are in the machine's own
byte order unless the kernel runs with ima_canonical_fmt (little-endian).
"""

from __future__ import annotations

from typing import Final, Literal

from bundlefmt.errors import Code
from bundlefmt.evidence.tpm_algorithm import TpmAlg, digest
from bundlefmt.frozen import frozen
from bundlefmt.wire import Reader, read_all

ByteOrder = Literal["little", "big"]
TEMPLATE_IMA: Final = "ima"
IMA_DIGEST: Final = 20  # field `d` of template ima: MD5 or SHA-1, zero-padded
IMA_NAME: Final = 256  # IMA_EVENT_NAME_LEN_MAX + 1
MAX_TEMPLATE_NAME: Final = 255  # a custom format string stands where the name would be
MAX_FIELDS: Final = 15  # TEMPLATE_NUM_FIELDS_MAX
MAX_FIELD: Final = 2**24  # largest template field that is read; a kexec buffer is far below

# template name -> fields (ima_template.c, builtin_templates)
TEMPLATES: Final[dict[str, tuple[str, ...]]] = {
    "ima": ("d", "n"),
    "ima-ng": ("d-ng", "n-ng"),
    "ima-sig": ("d-ng", "n-ng", "sig"),
    "ima-ngv2": ("d-ngv2", "n-ng"),
    "ima-sigv2": ("d-ngv2", "n-ng", "sig"),
    "ima-buf": ("d-ng", "n-ng", "buf"),
    "ima-modsig": ("d-ng", "n-ng", "sig", "d-modsig", "modsig"),
    "evm-sig": (
        "d-ng",
        "n-ng",
        "evmsig",
        "xattrnames",
        "xattrlengths",
        "xattrvalues",
        "iuid",
        "igid",
        "imode",
    ),
}
FIELD_NAMES: Final = frozenset(field for fields in TEMPLATES.values() for field in fields)


def template_fields(name: str) -> tuple[str, ...] | None:
    """The fields of a template: built in, or spelled out as `d-ng|n-ng|...`; None if that is not known."""
    if name in TEMPLATES:
        return TEMPLATES[name]
    fields = tuple(name.split("|"))
    known = len(fields) <= MAX_FIELDS and all(field in FIELD_NAMES for field in fields)
    return fields if known else None


@frozen
class ImaDigest:
    """A digest field: `kind` is `ima` or `verity` where the template says so, `alg` the kernel's name of the
    hash.
    """

    kind: str | None
    alg: str | None
    value: bytes


@frozen
class ImaEntry:
    """One entry.

    `template_digest` is what the list says was extended; `template_data` what was hashed, if it is true.

    The name of the template is covered by no digest: `untrusted_template`.
    """

    number: int
    offset: int
    index: int
    template_digest: bytes
    untrusted_template: str
    template_data: bytes
    byteorder: ByteOrder = "little"

    @property
    def violation(self) -> bool:
        """A file was measured while it could change: the list has zeros, the PCR was extended with ones."""
        return not any(self.template_digest)

    def hashed(self) -> bytes:
        """The bytes whose hash the template digest is."""
        if self.untrusted_template != TEMPLATE_IMA:
            return self.template_data
        name = self.template_data[IMA_DIGEST + 4 :]
        return self.template_data[:IMA_DIGEST] + name.ljust(IMA_NAME, b"\0")

    def covered(self, alg: int) -> bool:
        """Whether the template digest is the `alg` hash of the template data; a violation covers nothing.

        Raises UnsupportedAlgorithmError.
        """
        return not self.violation and digest(alg, self.hashed()) == self.template_digest

    def fields(self) -> dict[str, bytes]:
        """{field name: content}. Raises MalformedError; unknown templates have the fields `0`, `1`, ..."""
        return read_all(self.template_data, self._read_fields, path=f"{self.untrusted_template} entry")

    def _read_fields(self, reader: Reader) -> dict[str, bytes]:
        if self.untrusted_template == TEMPLATE_IMA:
            return {"d": reader.read(IMA_DIGEST), "n": _read_field(reader, self.byteorder)}
        names = template_fields(self.untrusted_template)
        if names is not None:
            return {name: _read_field(reader, self.byteorder) for name in names}
        found: dict[str, bytes] = {}
        while reader.remaining:
            found[str(len(found))] = _read_field(reader, self.byteorder)
        return found

    def name(self) -> str:
        """The path or the name of the event, undecodable bytes as surrogates. Raises MalformedError."""
        found = self.fields()
        raw = found.get("n-ng", found.get("n", b""))
        return raw.removesuffix(b"\0").decode("utf-8", "surrogateescape")

    def file_digest(self) -> ImaDigest | None:
        """Field d, d-ng or d-ngv2; None where the template has none. Raises MalformedError."""
        found = self.fields()
        if "d" in found:
            return ImaDigest(kind=None, alg=None, value=found["d"])
        raw = found.get("d-ng", found.get("d-ngv2"))
        return None if raw is None else decode_digest_field(raw)

    def signature(self) -> bytes:
        """Field sig: an IMA xattr (03 or 06, signature format, hash, key id, ...); empty if the file has
        none.
        """
        return self.fields().get("sig", b"")


def decode_digest_field(raw: bytes) -> ImaDigest:
    """`[kind:]alg:\\0digest` (ima_template_lib.c, ima_eventdigest_init_common). Raises MalformedError."""
    reader = Reader(raw, path="IMA digest field")
    head, colon, value = raw.partition(b":\0")
    if not colon or not head.isascii():
        raise reader.error(Code.BAD_VALUE, "no algorithm before the digest", offset=0)
    kind, _, alg = head.decode().rpartition(":")
    return ImaDigest(kind=kind or None, alg=alg, value=value)


def _read_field(reader: Reader, byteorder: ByteOrder) -> bytes:
    start = reader.offset
    size = reader.uint_le(4) if byteorder == "little" else reader.uint(4)
    if size > reader.remaining:
        raise reader.error(Code.TRUNCATED, f"field of {size} bytes, {reader.remaining} left", offset=start)
    return reader.read(size)


def boot_aggregate(bank: int, pcrs: dict[int, bytes], *, last: int) -> bytes:
    """The digest that the first entry, `boot_aggregate`, carries: H(PCR 0 .. PCR `last`).

    `last` is 7, or 9 for banks other than SHA-1 since Linux 5.9 (ima_crypto.c, ima_calc_boot_aggregate_tfm).
    Raises KeyError if a PCR is missing, UnsupportedAlgorithmError.
    """
    return digest(bank, b"".join(pcrs[index] for index in range(last + 1)))


def boot_aggregate_last(bank: int) -> tuple[int, ...]:
    """The values of `last` that a kernel may have used for `bank`."""
    return (7,) if bank == TpmAlg.SHA1 else (9, 7)
