# SPDX-License-Identifier: Apache-2.0
"""Judgements by reference values: are PCRs and events what the verifier expects.

Spec: "Verification", step 9; "Reference values".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from bundlefmt.evidence.reference import Reference, ReferenceEvent
from bundlefmt.evidence.tpm import alg_name
from bundlefmt.logs.event import Measured
from bundlefmt.logs.replay import Outcome as Replayed
from bundlefmt.verify.checks import Check, Result, judged
from bundlefmt.verify.context import Context, Fail, Judgement, Skip, Unsure
from bundlefmt.verify.log import Logs


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
    return f"{reference.name}: {said}"


def _pcrs(context: Context, reference: Reference) -> str:
    """Every PCR of the reference has one of the values it may have, in every quote that has its bank."""
    if not reference.pcrs:
        raise Skip("has no PCR values")
    wrong, absent, right = [], [], 0
    quoted = [context.pcr_values(label) for label in context.labels("pcr-values")]
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
    if absent:
        raise Unsure(f"not quoted: {', '.join(absent)}")
    return f"{right} PCR values are as expected"


def _events(context: Context, reference: Reference) -> str:
    """Every event of the reference was measured, by a log that explains the quoted value of its PCR."""
    if not reference.events:
        raise Skip("has no events")
    logged = _Logged(context)
    if not logged.events:
        raise Unsure("no log in this bundle is compared with a quote")
    for event in reference.events:
        logged.require(event)
    return f"{len(reference.events)} events were measured"


class _Logged:
    """The events of all firmware and userspace logs, and which PCRs they explain."""

    def __init__(self, context: Context) -> None:
        self.events: list[Measured] = []
        self.explained: set[tuple[int, int]] = set()
        for label in context.labels("firmware-log"):
            try:
                replays = context.area(Logs).replays(label)
            except Judgement:
                continue
            self.events += context.firmware_logs(label).events
            self.explained |= {(one.bank, one.index) for one in replays if one.outcome is Replayed.MATCH}
        if self.events:
            for label in context.labels("userspace-log"):
                self.events += context.userspace_logs(label).records

    def require(self, wanted: ReferenceEvent) -> None:
        """Raises Fail where it is in no log, Unsure where the log does not explain its PCR."""
        found = [
            (bank, event.index)
            for event in self.events
            if event.extended and wanted.pcr in (None, event.index)
            for bank, digest in event.digests.items()
            if (bank, digest) in wanted.digests
        ]
        where = "" if wanted.pcr is None else f" in PCR {wanted.pcr}"
        digests = " or ".join(sorted(digest.hex()[:16] for _, digest in wanted.digests))
        if not found:
            raise Fail(f"no event{where} has the digest {digests}…")
        if not self.explained & set(found):
            raise Unsure(f"the event{where} with digest {digests}… is in a PCR that the log does not explain")


CHECKS: Final = (
    Check("reference.pcrs", _each(_pcrs)),
    Check("reference.events", _each(_events)),
)
