# SPDX-License-Identifier: Apache-2.0
"""IMA lists of any length: checked, counted and replayed entry by entry, without keeping the entries.

The loops here are the fast way over well-formed entries; whatever is unusual is read again by `ima`, which
knows all the rules and gives the error.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from operator import itemgetter

from bundlefmt.evidence.tpm_algorithm import TpmAlg, hash_constructor, hash_size
from bundlefmt.frozen import frozen
from bundlefmt.logs.event import MAX_PCR
from bundlefmt.logs.ima import FIRST_ENTRIES, find_template_alg, first_entry_form, read_entry
from bundlefmt.logs.ima_replay import Extended, ImaReplay
from bundlefmt.logs.ima_template import (
    IMA_DIGEST,
    IMA_NAME,
    MAX_FIELD,
    TEMPLATE_IMA,
    ByteOrder,
    ImaEntry,
)
from bundlefmt.wire import Buffer, Reader

# offset of the entry, PCR, template digest, begin and end of the template data, whether the template is `ima`
Step = tuple[int, int, bytes, int, int, bool]


@frozen
class ImaSource:
    """A binary list as it lies in memory or in a file; all its entries are well-formed.

    `counts` says how many there are of each PCR. `template_alg` is the hash of the template digests, None if
    it covers none of the first entries.
    """

    data: memoryview
    digest_size: int
    byteorder: ByteOrder
    template_alg: int | None
    counts: Mapping[int, int]

    @classmethod
    def decode(cls, data: Buffer) -> ImaSource:
        """One pass over all entries. Raises MalformedError."""
        digest_size, byteorder = first_entry_form(data)
        view = memoryview(data)
        first = tuple(islice(_entries(view, digest_size, byteorder), FIRST_ENTRIES))
        return cls(
            data=view,
            digest_size=digest_size,
            byteorder=byteorder,
            template_alg=find_template_alg(first, digest_size),
            counts=Counter(map(itemgetter(1), _steps(view, digest_size, byteorder))),
        )

    def entries(self) -> Iterator[ImaEntry]:
        """The entries one after the other."""
        return _entries(self.data, self.digest_size, self.byteorder)

    @property
    def count(self) -> int:
        return sum(self.counts.values())

    def replay(self, bank: int, index: int, quoted: bytes) -> ImaReplay:
        """As `replay_ima` does. Raises UnsupportedAlgorithmError; ValueError where `template_alg` is None."""
        if self.template_alg is None:
            raise ValueError("the hash of the template digests is not known")
        if self.template_alg == bank:
            return self._replay(bank, index, quoted, Extended.STATED)
        first = self._replay(bank, index, quoted, Extended.RECOMPUTED)
        if first.covered is None and self.template_alg == TpmAlg.SHA1:
            second = self._replay(bank, index, quoted, Extended.PADDED_SHA1)
            if second.covered is not None:
                return second
        return first

    def _replay(self, bank: int, index: int, quoted: bytes, extended: Extended) -> ImaReplay:
        extend, template_hash = hash_constructor(bank), hash_constructor(self.template_alg or bank)
        size, zeros = hash_size(bank), bytes(self.digest_size)
        ones = (b"\xff" * (self.digest_size if extended is Extended.PADDED_SHA1 else size)).ljust(size, b"\0")
        value = bytes(size)
        count, covered, last = 0, 0 if value == quoted else None, 0
        uncovered, violations = [], []
        recompute = extended is Extended.RECOMPUTED
        view = self.data
        for number, (offset, pcr, stated, begin, end, old) in enumerate(self._steps()):
            if pcr != index:
                continue
            count += 1
            hashed = _padded(view[begin:end]) if old else view[begin:end]
            if stated == zeros:
                said = ones
                if covered is None:
                    violations.append(number)
            elif recompute:
                said = extend(hashed).digest()
            else:
                said = stated.ljust(size, b"\0")
                if covered is None and template_hash(hashed).digest() != stated:
                    uncovered.append(number)
            value = extend(value + said).digest()
            if covered is None and value == quoted:
                covered, last = count, offset
        return ImaReplay(
            bank=bank,
            index=index,
            extended=extended,
            quoted=quoted,
            computed=value,
            entries=count,
            covered=covered,
            last=self._entry(last) if covered else None,
            uncovered=tuple(uncovered) if covered else (),
            violations=tuple(violations) if covered else (),
        )

    def _entry(self, offset: int) -> ImaEntry:
        return read_entry(
            Reader(self.data[offset:], base=offset, path="IMA list"), 0, self.digest_size, self.byteorder
        )

    def _steps(self) -> Iterator[Step]:
        return _steps(self.data, self.digest_size, self.byteorder)


def _entries(view: memoryview, digest_size: int, byteorder: ByteOrder) -> Iterator[ImaEntry]:
    reader = Reader(view, path="IMA list")
    number = 0
    while reader.remaining:
        yield read_entry(reader, number, digest_size, byteorder)
        number += 1


def _steps(view: memoryview, digest_size: int, byteorder: ByteOrder) -> Iterator[Step]:
    """Raises MalformedError at the first entry that is not well-formed."""
    forms: dict[str, _Form] = {}
    form, end, start, number = _Form("ima-ng", digest_size, byteorder), len(view), 0, 0
    while start < end:
        pcr, stated, size, name, length = form.read(view, start)
        stop = start + form.size + length
        if name != form.name or size != form.name_size or pcr > MAX_PCR or length > MAX_FIELD or stop > end:
            reader = Reader(view[start:], base=start, path="IMA list")
            template = read_entry(reader, number, digest_size, byteorder).untrusted_template
            form = forms.setdefault(template, _Form(template, digest_size, byteorder))
            pcr, stated, size, name, length = form.read(view, start)
            stop = start + form.size + length
        yield start, pcr, stated, start + form.size - form.back, stop, form.old
        start = stop
        number += 1


class _Form:
    """The entries of one template, up to their data, in one step."""

    def __init__(self, template: str, digest_size: int, byteorder: ByteOrder) -> None:
        self.name = template.encode()
        self.name_size = len(self.name)
        self.old = template == TEMPLATE_IMA
        self.back = IMA_DIGEST + 4 if self.old else 0  # where the data begins: with the digest
        digest = f"{IMA_DIGEST}x" if self.old else ""
        order = "<" if byteorder == "little" else ">"
        form = struct.Struct(f"{order}I{digest_size}sI{self.name_size}s{digest}I")
        self.size = form.size
        self._unpack = form.unpack_from

    def read(self, view: memoryview, at: int) -> tuple[int, bytes, int, bytes, int]:
        """PCR, template digest, size and text of the name, length of the data: if it is of this form."""
        try:
            return self._unpack(view, at)
        except struct.error:
            return 0, b"", 0, b"", 0


def _padded(data: memoryview) -> bytes:
    """What template `ima` hashes: the digest, and the name padded, without its length."""
    return bytes(data[:IMA_DIGEST]) + bytes(data[IMA_DIGEST + 4 :]).ljust(IMA_NAME, b"\0")
