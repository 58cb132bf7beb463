# SPDX-License-Identifier: Apache-2.0
"""IMA's measurement list in text form (ascii_runtime_measurements): the same entries, one a line.

A line is `PCR template-digest template field ...`, fields behind single spaces; names are printed as they
are, so a name with spaces can be read in more than one way. The template digest settles it: of the possible
readings the one that it covers is taken, else the plainest. Linux kernel, ima_fs.c,
ima_ascii_measurements_show.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from bundlefmt.errors import Code, MalformedError
from bundlefmt.frozen import frozen
from bundlefmt.logs.event import MAX_PCR
from bundlefmt.logs.ima import DIGEST_SIZES, FIRST_ENTRIES, find_template_alg
from bundlefmt.logs.ima_replay import ImaReplay, replay_ima
from bundlefmt.logs.ima_template import IMA_DIGEST, ImaEntry, template_fields
from bundlefmt.wire import Buffer

MAX_LINE: Final = 2**24  # as for a template field: a printed buffer has two characters a byte
HEX_FIELDS: Final = frozenset({"sig", "buf", "modsig", "evmsig", "xattrlengths", "xattrvalues"})
NUMBER_SIZES: Final = {"iuid": 4, "igid": 4, "imode": 2}


@frozen
class ImaAsciiList:
    """`template_alg` is the hash of the template digests, None if it covers none of the first entries."""

    digest_size: int
    template_alg: int | None
    entries: tuple[ImaEntry, ...]

    @classmethod
    def decode(cls, data: Buffer) -> ImaAsciiList:
        """Raises MalformedError. Entries are given the form they have in a binary list (little-endian)."""
        lines = [
            _Line.decode(number, offset, line) for number, (offset, line) in enumerate(_split(bytes(data)))
        ]
        if not lines:
            raise MalformedError(Code.TRUNCATED, "an empty list", offset=0, path="IMA ascii list")
        size = len(lines[0].template_digest)
        for line in lines:
            if len(line.template_digest) != size:
                raise line.error(Code.WRONG_LENGTH, f"a template digest of other than {size} bytes")
        # every reading of the first lines: which is right the hash will tell, so it cannot be asked before
        first = [entry for line in lines[:FIRST_ENTRIES] for entry in line.readings()]
        alg = find_template_alg(first, size)
        return cls(
            digest_size=size,
            template_alg=alg,
            entries=tuple(line.resolve(alg) for line in lines),
        )

    @property
    def count(self) -> int:
        return len(self.entries)

    @property
    def counts(self) -> Mapping[int, int]:
        """How many entries there are of each PCR."""
        return Counter(entry.index for entry in self.entries)

    def replay(self, bank: int, index: int, quoted: bytes) -> ImaReplay:
        """As `replay_ima` does. Raises UnsupportedAlgorithmError; ValueError where `template_alg` is None."""
        if self.template_alg is None:
            raise ValueError("the hash of the template digests is not known")
        return replay_ima(self.entries, self.template_alg, bank, index, quoted)


@frozen
class _Line:
    number: int
    offset: int
    index: int
    template_digest: bytes
    template: str
    fields: tuple[str, ...]
    rest: bytes

    @classmethod
    def decode(cls, number: int, offset: int, line: bytes) -> _Line:
        parts = line.lstrip(b" ").split(b" ", 3)
        if len(parts) < 4 or not parts[0].isdigit() or len(parts[0]) > 2 or int(parts[0]) > MAX_PCR:
            raise MalformedError(
                Code.BAD_VALUE, "not PCR, digest, template, fields", offset=offset, path="IMA ascii list"
            )
        template_digest = _hex(parts[1])
        template = parts[2].decode("ascii", "replace")
        if template_digest is None or len(template_digest) not in DIGEST_SIZES:
            raise MalformedError(
                Code.BAD_VALUE, "the template digest is no digest", offset=offset, path="IMA ascii list"
            )
        fields = template_fields(template) or ()
        # kernels' own templates start with the digest and the name; other orders have no one reading
        if len(fields) < 2 or fields[0] not in ("d", "d-ng", "d-ngv2") or fields[1] not in ("n", "n-ng"):
            raise MalformedError(
                Code.BAD_VALUE, f"template {template!r}", offset=offset, path="IMA ascii list"
            )
        return cls(
            number=number,
            offset=offset,
            index=int(parts[0]),
            template_digest=template_digest,
            template=template,
            fields=fields,
            rest=parts[3],
        )

    def error(self, code: Code, message: str) -> MalformedError:
        return MalformedError(code, message, offset=self.offset, path="IMA ascii list")

    def resolve(self, alg: int | None) -> ImaEntry:
        """The reading that the template digest covers, else the first.

        Raises MalformedError if there is none.
        """
        plainest = None
        for entry in self.readings():
            if alg is None or entry.violation or entry.covered(alg):
                return entry
            plainest = plainest or entry
        return plainest or next(self.readings())

    def readings(self) -> Iterator[ImaEntry]:
        """Every way to read the fields, the plainest first. Raises MalformedError if there is none."""
        columns = self.rest.split(b" ")
        after = self.fields[2:]
        found = False
        # trailing empty fields are printed as nothing at all or as an empty column
        for used in range(min(len(after), len(columns) - 2), -1, -1):
            name = b" ".join(columns[1 : len(columns) - used])
            data = _template_data(self.fields, [columns[0], name, *columns[len(columns) - used :]])
            if data is not None:
                found = True
                yield ImaEntry(
                    number=self.number,
                    offset=self.offset,
                    index=self.index,
                    template_digest=self.template_digest,
                    untrusted_template=self.template,
                    template_data=data,
                )
        if not found:
            raise self.error(Code.BAD_VALUE, f"the fields are not those of {self.template}")


def _split(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(offset, line) of every line; the last may lack its newline."""
    offset = 0
    for line in data.split(b"\n"):
        if len(line) > MAX_LINE:
            raise MalformedError(Code.SIZE_LIMIT, "line too long", offset=offset, path="IMA ascii list")
        if line or offset < len(data):
            yield offset, line
        offset += len(line) + 1


def _template_data(names: Sequence[str], columns: Sequence[bytes]) -> bytes | None:
    """The binary template data that prints as `columns`; None if none does."""
    fields: list[bytes] = []
    for position, name in enumerate(names):
        field = _field(name, columns[position] if position < len(columns) else b"")
        if field is None:
            return None
        fields.append(field)
    if names[0] == "d":
        if len(fields[0]) != IMA_DIGEST:
            return None
        return fields[0] + len(fields[1]).to_bytes(4, "little") + fields[1]
    return b"".join(len(field).to_bytes(4, "little") + field for field in fields)


def _field(name: str, column: bytes) -> bytes | None:
    if name == "d":
        return _hex(column)
    if name in ("d-ng", "d-ngv2", "d-modsig"):
        if name == "d-modsig" and not column:
            return b""
        alg, colon, value = column.rpartition(b":")
        digest = _hex(value)
        return None if digest is None or not colon else alg + b":\0" + digest
    if name == "n":
        return column
    if name in ("n-ng", "xattrnames"):
        return column + b"\0"
    if name in NUMBER_SIZES:
        size = NUMBER_SIZES[name]
        if not column.isdigit() or len(column) > 10 or int(column) >= 1 << (8 * size):
            return None
        return int(column).to_bytes(size, "little")
    return _hex(column) if name in HEX_FIELDS else None


def _hex(column: bytes) -> bytes | None:
    """The bytes of `column`; None unless it is nothing but pairs of hexadecimal digits."""
    if b" " in column or len(column) % 2:
        return None
    try:
        return bytes.fromhex(column.decode("ascii"))
    except (UnicodeDecodeError, ValueError):
        return None
