# SPDX-License-Identifier: Apache-2.0
"""One snapshot as it is compared with another: its keys and certificates, quoted values, counters, events.

Nothing is judged. Spec: "Inspection and reports as JSON".
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from typing import Final

from bundlefmt.bundle import Bundle
from bundlefmt.errors import MalformedError
from bundlefmt.evidence import openpgp
from bundlefmt.evidence.attest import TpmsAttest
from bundlefmt.evidence.ek_template import recognised
from bundlefmt.evidence.pcr import decode_pcr_values
from bundlefmt.evidence.tpm import TpmtPublic, UnsupportedAlgorithmError, alg_name
from bundlefmt.frozen import frozen
from bundlefmt.logs.recognise import decode_log
from bundlefmt.manifest import Digest, hash_bytes
from bundlefmt.render.events import Row, rows
from bundlefmt.verify import Policy
from bundlefmt.verify.context import Context, Judgement
from bundlefmt.verify.statement import plain_counters
from bundlefmt.wire import Buffer

Key = tuple[int, bytes]  # hash algorithm and digest: one artifact's bytes
LOGS: Final = ("firmware-log", "userspace-log", "ima-log")


@frozen
class Identity:
    """A key or certificate. `name` is a fingerprint, a TPM Name, or a digest; `keys` are of its bytes."""

    label: str
    role: str
    name: str
    keys: frozenset[Key]

    def is_in(self, others: Collection[Identity]) -> bool:
        """Whether the other snapshot has the same bytes in the same role."""
        return any(self.role == other.role and self.keys & other.keys for other in others)


@frozen
class Quoted:
    """What one quote says of the TPM. `by` is the Name of its key; `plain`, that no counter is obfuscated."""

    label: str
    by: bytes | None
    plain: bool
    attest: TpmsAttest

    @property
    def boot(self) -> tuple[int, int]:
        return self.attest.clock_info.reset_count, self.attest.clock_info.restart_count

    def comparable(self, other: Quoted) -> bool:
        """Part 1, "Attestation": obfuscated counters are shifted alike for one key, and for no two."""
        return (self.plain and other.plain) or (self.by is not None and self.by == other.by)


class Snapshot:
    """A bundle, of which what cannot be read is left out. `algs` are the hash algorithms to name bytes by."""

    def __init__(self, bundle: Bundle, algs: Collection[int]) -> None:
        self.bundle = bundle
        self.algs = algs
        self.events = cache(self._events)
        self._context = Context(bundle, Policy())

    def labels(self, *roles: str) -> tuple[str, ...]:
        return self._context.labels(*roles)

    def keys(self, label: str) -> frozenset[Key]:
        """By what an artifact's bytes are known; of one that is not here, by the digest that was sealed."""
        record, digest = self.bundle.content.get(label), self.bundle.manifest.items[label].digest
        if record is None:
            return frozenset({(digest.alg, digest.value)})
        return frozenset((alg, hash_bytes(alg, record.value)) for alg in self.algs)

    def present(self, *roles: str) -> Mapping[Key, Buffer]:
        """The artifacts of these roles that are here, by each of their keys."""
        here = [label for label in self.labels(*roles) if label in self.bundle.content]
        return {key: self.bundle.content[label].value for label in here for key in self.keys(label)}

    def unseen(self, role: str, known: Mapping[Key, Buffer]) -> tuple[str, ...]:
        """The artifacts that are neither here nor known from elsewhere, in label order."""
        return tuple(label for label in self.labels(role) if self._value(label, known) is None)

    def _value(self, label: str, known: Mapping[Key, Buffer]) -> Buffer | None:
        """An artifact's bytes; of one that is not here those that have the digest that was sealed."""
        if label in self.bundle.content:
            return self.bundle.content[label].value
        return next((known[key] for key in self.keys(label) if key in known), None)

    def altered(self) -> Iterator[str]:
        """Artifacts that have not the digest that was sealed."""
        for label, record in sorted(self.bundle.content.items()):
            if not self.bundle.manifest.items[label].digest.matches(record.value):
                yield label

    def identities(self, *roles: str) -> tuple[Identity, ...]:
        """In label order."""
        found = ((label, self.bundle.manifest.items[label].role) for label in self.labels(*roles))
        return tuple(
            Identity(label=label, role=role, name=self._name(label, role), keys=self.keys(label))
            for label, role in found
        )

    def _name(self, label: str, role: str) -> str:
        record = self.bundle.content.get(label)
        if record is None:
            return self.bundle.manifest.items[label].digest.value.hex()
        try:
            if role == "openpgp-certificate":
                return openpgp.certificate_facts(record.value).fingerprint
            if role.endswith("-public"):
                return TpmtPublic.decode(record.value).name().hex()
        except (MalformedError, openpgp.OpenPgpError, UnsupportedAlgorithmError):
            pass
        return Digest.of(record.value).value.hex()

    def templates(self) -> frozenset[str]:
        """The standard templates of which there is an endorsement key."""
        found = set()
        for label in self.labels("ek-public"):
            with suppress(Judgement):
                found.add(recognised(self._context.publics(label)))
        return frozenset(name for name in found if name is not None)

    def values(self, known: Mapping[Key, Buffer]) -> Mapping[tuple[int, int], tuple[bytes, ...]]:
        """{(bank, PCR): values}, the different ones in label order."""
        found: dict[tuple[int, int], dict[bytes, None]] = {}
        for label in self.labels("pcr-values"):
            value = self._value(label, known)
            try:
                decoded = {} if value is None else decode_pcr_values(value)
            except MalformedError:
                continue
            for bank, row in decoded.items():
                for index, digest in row.items():
                    found.setdefault((bank, index), {})[digest] = None
        return {at: tuple(digests) for at, digests in found.items()}

    def quotes(self) -> tuple[Quoted, ...]:
        """Those that can be read, in label order."""
        return tuple(self._quotes())

    def _quotes(self) -> Iterator[Quoted]:
        for label in self.labels("quote"):
            try:
                attest = self._context.attests(label)
            except Judgement:
                continue
            try:
                plain = plain_counters(self._context, label)
            except Judgement:
                plain = False
            yield Quoted(label=label, by=self._signer(label), plain=plain, attest=attest)

    def _signer(self, label: str) -> bytes | None:
        try:
            return self._context.name(self._context.target(label, "by"))
        except Judgement:
            return None

    def _events(self, role: str, bank: int) -> Mapping[int, Sequence[Row]]:
        """{PCR: what was extended}, of the first log of this role that can be read."""
        for label in self.labels(role):
            record = self.bundle.content.get(label)
            if record is None:
                continue
            found: dict[int, list[Row]] = {}
            try:
                for row in rows(decode_log(record.value), bank):
                    if isinstance(row["pcr"], int) and row["coverage"] != "not-extended":
                        found.setdefault(row["pcr"], []).append(row)
            except (MalformedError, UnsupportedAlgorithmError):
                continue
            return found
        return {}


def event_digest(row: Row, bank: int) -> object:
    """What is compared of two events: the digest of the bank, or all where a log has other banks."""
    digests = row["digests"]
    return digests.get(alg_name(bank), digests) if isinstance(digests, dict) else digests
