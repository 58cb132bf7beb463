# SPDX-License-Identifier: Apache-2.0
"""Judgements by reference values: are PCRs and events what the verifier expects.

Spec: "Verification", step 9; "Reference values".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Final

from bundlefmt.evidence.tpm import TpmAlg, alg_name
from bundlefmt.evidence.tpm_algorithm import hash_size
from bundlefmt.logs.event import Measured
from bundlefmt.logs.reading import STATIC_PCRS
from bundlefmt.verify.checks import Check, Result, judged
from bundlefmt.verify.context import Context, Fail, Judgement, Skip, Unsure
from bundlefmt.verify.explanation import FIRMWARE, IMA, USERSPACE, Logs

if TYPE_CHECKING:
    from bundlefmt.evidence.reference import Reference, ReferenceEvent


def _each(decide: Callable[[Context, Reference], str]) -> Callable[[Context], Iterator[Result]]:
    """The judge that decides for each file of reference values, in the order given."""

    def judge(context: Context) -> Iterator[Result]:
        for reference in context.policy.references:
            yield judged((), partial(_named, decide, context, reference))

    return judge


def _named(decide: Callable[[Context, Reference], str], context: Context, reference: Reference) -> str:
    """The decision, with the name of the reference in its message."""
    try:
        said = decide(context, reference)
    except Judgement as judgement:
        raise type(judgement)(f"{reference.name}: {judgement}") from None
    if reference.unverified is not None:
        raise Unsure(f"{reference.name}: {reference.unverified}")
    if not _valid(reference, context.at):
        raise Unsure(f"{reference.name}: not valid at the time by which certificates are judged")
    return f"{reference.name}: {said}"


def _valid(reference: Reference, at: int) -> bool:
    """Whether the time is in the validity that the reference gives itself."""
    begun = reference.not_before is None or reference.not_before <= at
    return begun and (reference.not_after is None or at <= reference.not_after)


def _pcrs(context: Context, reference: Reference) -> str:
    """Every PCR of the reference has one of the values it may have, in every quote that has its bank."""
    if not reference.pcrs and not reference.events:
        raise Unsure(reference.unverified or "says nothing of PCRs and events")
    if not reference.pcrs:
        raise Skip("has no PCR values")
    wrong, absent, right = [], [], 0
    strong = {index for bank, row in reference.pcrs.items() if bank != TpmAlg.SHA1 for index in row}
    weak = sorted({index for row in reference.pcrs.values() for index in row} - strong)
    labels = context.labels("pcr-values")
    withheld = [label for label in labels if label not in context.bundle.content]
    quoted = [context.pcr_values(label) for label in labels if label not in withheld]
    for bank, row in reference.pcrs.items():
        for index, allowed in sorted(row.items()):
            found = [values[bank][index] for values in quoted if index in values.get(bank, {})]
            if not found:
                absent.append(f"{alg_name(bank)}:{index}")
            elif not set(found) <= allowed:
                wrong.append(f"{alg_name(bank)}:{index}")
            else:
                right += 1
    if wrong:
        raise Fail(f"other values in {', '.join(wrong)}")
    if withheld:  # a policy that lets items be withheld still asks for these values
        raise Unsure(f"not in the bundle: {', '.join(withheld)}")
    if absent:
        raise Unsure(f"not quoted: {', '.join(absent)}")
    if weak and not context.policy.allow_sha1:
        raise Unsure(f"compared in the SHA-1 bank only: PCR {', '.join(map(str, weak))}")
    return f"{right} PCR values are as expected"


def _events(context: Context, reference: Reference) -> str:
    """Every event of the reference was measured, by a log that explains the quoted value of its PCR."""
    if not reference.events:
        raise Skip("has no events")
    logged = _Logged(context)
    doubts = []
    for event in reference.events:
        try:
            logged.require(event)
        except Unsure as doubt:
            doubts.append(doubt)
    if doubts:
        raise doubts[0]
    return f"{len(reference.events)} events were measured"


class _Logged:
    """The events of all firmware and userspace logs, and those that a quoted value came of."""

    def __init__(self, context: Context) -> None:
        self.events: list[Measured] = []
        self.measured: dict[tuple[int, int], list[Measured]] = {}
        self.unseen = {IMA: list(context.labels(IMA)), FIRMWARE: [], USERSPACE: []}
        self.banks: list[tuple[str, str, frozenset[int]]] = []
        for label in context.labels(FIRMWARE, USERSPACE):
            try:
                compared = context.area(Logs).compared(label)
                log = context.firmware_logs(label).events if context.item(label).role == FIRMWARE else ()
                mine = log or context.area(Logs).records
                self.events += mine
                banks = frozenset(bank for event in mine for bank in event.digests)
                self.banks.append((context.item(label).role, label, banks))
            except Judgement:
                self.unseen[context.item(label).role].append(label)
                continue
            for one in compared:
                strong = one.replay.bank != TpmAlg.SHA1 or context.policy.allow_sha1
                if one.explained and strong:
                    self.measured.setdefault((one.replay.index, one.replay.bank), []).extend(one.events)

    def require(self, wanted: ReferenceEvent) -> None:
        """Raises Fail where it is in no log, Unsure where no log shows that it was measured."""
        where = "" if wanted.pcr is None else f" in PCR {wanted.pcr}"
        digests = " or ".join(sorted(digest.hex()[:16] for _, digest in wanted.digests))
        if self._measured(wanted):
            return
        if any(_is(event, wanted, bank) for event in self.events for bank in event.digests):
            raise Unsure(f"the event{where} with digest {digests}… is logged, and no quoted value came of it")
        # what was not looked through may have it
        logs = (FIRMWARE,) if wanted.pcr in STATIC_PCRS else (FIRMWARE, USERSPACE, IMA)
        unseen = [label for role in logs for label in self.unseen[role]]
        wanted_banks = {bank for bank, _ in wanted.digests}
        unseen += [label for role, label, banks in self.banks if role in logs and not banks & wanted_banks]
        if unseen:
            raise Unsure(f"no event{where} has the digest {digests}…; not looked for in {', '.join(unseen)}")
        if not self.events:
            raise Unsure("there is no log to look for events in")
        raise Fail(f"no event{where} has the digest {digests}…")

    def _measured(self, wanted: ReferenceEvent) -> bool:
        """By the strongest of the digests given that the PCR's quotes allow to compare."""
        for index in {index for index, _ in self.measured if wanted.pcr in (None, index)}:
            banks = {bank for bank, _ in wanted.digests if (index, bank) in self.measured}
            bank = max(banks, key=hash_size, default=None)
            if bank is not None and any(_is(event, wanted, bank) for event in self.measured[index, bank]):
                return True
        return False


def _is(event: Measured, wanted: ReferenceEvent, bank: int) -> bool:
    """The event is the one wanted, by its digest of this bank."""
    return (
        event.extended
        and wanted.pcr in (None, event.index)
        and (bank, event.digests.get(bank, b"")) in wanted.digests
    )


CHECKS: Final = (
    Check("reference.pcrs", _each(_pcrs)),
    Check("reference.events", _each(_events)),
)
