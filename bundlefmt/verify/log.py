# SPDX-License-Identifier: Apache-2.0
"""Judgements on measurement logs: are they the ones that the quoted PCR values came of.

TCG PC Client Platform Firmware Profile 1.06; Linux IMA; systemd, TPM2_PCR_MEASUREMENTS. Spec: "Verification",
step 7; "Measurement logs".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Final

from bundlefmt.evidence.tpm import TpmAlg, UnsupportedAlgorithmError, alg_name
from bundlefmt.logs.coverage import Coverage
from bundlefmt.logs.ima_ascii import ImaAsciiList
from bundlefmt.logs.ima_replay import Extended, ImaReplay
from bundlefmt.logs.ima_source import ImaSource
from bundlefmt.logs.platform import Platform
from bundlefmt.logs.reading import STATIC_PCRS, read_log
from bundlefmt.logs.replay import Outcome as Replayed
from bundlefmt.logs.replay import PcrReplay
from bundlefmt.verify.checks import Check, Result, each, judged
from bundlefmt.verify.context import Context, Fail, Skip, Unsure
from bundlefmt.verify.explanation import FIRMWARE, IMA, USERSPACE, Logs


def _form(context: Context, label: str) -> str:
    """The log is of the kind that its role names."""
    role = context.item(label).role
    if role == FIRMWARE:
        log = context.firmware_logs.form(label)
        return f"{len(log.events)} events in {', '.join(map(alg_name, log.banks))}"
    if role == USERSPACE:
        return f"{len(context.userspace_logs.form(label).records)} records"
    return f"{context.ima_logs.form(label).count} entries"


def _replays(context: Context) -> Iterator[Result]:
    """Firmware logs with the userspace logs behind them; userspace logs by themselves where that is all."""
    for label in context.labels(FIRMWARE) or context.labels(USERSPACE):
        yield judged((label,), partial(_explains, context, label))


def _explains(context: Context, label: str) -> str:
    """Each PCR that the log extends, and each of firmware's, has the value that is quoted.

    A log is never mended to fit.
    """
    logs = context.area(Logs)
    compared = logs.compared(label)
    if not compared:
        raise Unsure("no PCR that this log extends is quoted in a bank that it carries")
    faults = [one.replay for one in compared if not one.explained]
    # firmware alone measures into the static PCRs, and all of it is in its log
    if firm := [found for found in faults if found.index in STATIC_PCRS]:
        raise Fail("; ".join(map(_said, firm)))
    if not any(one.events for one in compared):
        raise Unsure("no event of this log is in the quote")
    if faults:
        raise Unsure("; ".join(map(_said, faults)))
    if weak := logs.weak(label):
        raise Unsure(f"only the SHA-1 bank ties PCR {_list(weak)} to a quote")
    banks = sorted({one.replay.bank for one in compared})
    measured = logs.measured(label)
    parts = [f"explains PCR {_list(measured)} in {', '.join(map(alg_name, banks))}"]
    if still := {one.replay.index for one in compared} - measured:
        parts.append(f"PCR {_list(still)} is as it starts")
    if later := sum(one.later for one in compared):
        parts.append(f"userspace records after the quote: {later}")
    if context.item(label).role == FIRMWARE and (unquoted := logs.unquoted(label)):
        parts.append(f"PCR {_list(unquoted)} is not quoted")
    if unexplained := logs.unexplained(label):
        parts.append(f"PCR {_list(unexplained)} is quoted and no log explains it")
    return "; ".join(parts)


def _list(indices: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(set(indices))))


def _said(found: PcrReplay) -> str:
    """What a value that the log does not give is instead."""
    name = f"{alg_name(found.bank)}:{found.index}"
    if found.incomplete:
        return f"{name}: event {_list(found.incomplete[:8])} has no digest of this bank"
    if found.outcome is Replayed.PREFIX:
        return (
            f"{name} is the value after {found.reached_after} of {found.events} events: "
            f"{found.beyond} are not in the quote"
        )
    if found.outcome is Replayed.OTHER_LOCALITY:
        return f"{name} is the value from startup locality {found.locality}, which the log does not declare"
    if not found.events:
        return f"{name} is not as it starts, and the log has no event of it"
    return f"{name} is the value after none of its {found.events} events"


def _ima(context: Context, label: str) -> str:
    """A first part of the list gives the quoted value; the list goes on growing after a quote."""
    log = context.ima_logs(label)
    if log.template_alg is None:
        raise Unsure("the hash of the list's template digests is not known")
    found = [
        _ima_replay(log, bank, index, row[index])
        for values in context.area(Logs).values(label)
        for bank, row in values.items()
        for index in sorted(log.counts.keys() & row.keys())
    ]
    for one in found:
        _whole(one, log)
    if unquoted := sorted(log.counts.keys() - {one.index for one in found}):
        raise Unsure(f"PCR {_list(unquoted)} is not quoted")
    if all(_weak(one) for one in found) and not context.policy.allow_sha1:
        raise Unsure("only SHA-1 ties this list to a quote")
    return "; ".join(dict.fromkeys(map(_covered, found)))


def _ima_replay(log: ImaSource | ImaAsciiList, bank: int, index: int, quoted: bytes) -> ImaReplay:
    try:
        return log.replay(bank, index, quoted)
    except UnsupportedAlgorithmError as error:
        raise Unsure(str(error)) from None


def _whole(found: ImaReplay, log: ImaSource | ImaAsciiList) -> None:
    """The quote covers some of the list, and what its entries say is what was hashed."""
    name = f"{alg_name(found.bank)}:{found.index}"
    if found.covered is None:
        raise Fail(f"{name} is the value after no part of the list")
    if found.covered == 0:
        raise Unsure(f"{name} is as it starts: no entry is in the quote")
    if found.uncovered:
        words = f"the data of entry {_list(found.uncovered[:8])} is not what was hashed"
        # names in text can be read in several ways
        raise Unsure(words) if isinstance(log, ImaAsciiList) else Fail(words)


def _weak(found: ImaReplay) -> bool:
    return found.bank == TpmAlg.SHA1 or found.extended is Extended.PADDED_SHA1


def _covered(found: ImaReplay) -> str:
    words = (
        f"{alg_name(found.bank)}:{found.index}: {found.covered} of {found.entries} entries are in the quote"
    )
    return words + (f", {len(found.violations)} violations" if found.violations else "")


def _summarised(decide: Callable[[Context, str, Platform], str]) -> Callable[[Context, str], str]:
    """The judge of a firmware log that also looks at its summary."""

    def judge(context: Context, label: str) -> str:
        try:
            return decide(context, label, context.area(Logs).summary(label))
        except UnsupportedAlgorithmError as error:
            raise Unsure(str(error)) from None

    return judge


def _separators(context: Context, label: str, platform: Platform) -> str:
    """Each static PCR that the log extends has one separator, by its digest, and none says error."""
    log = context.firmware_logs(label)
    touched = {event.index for event in log.events if event.extended and event.index in STATIC_PCRS}
    lacking = sorted(touched - set(platform.separators.value))
    if platform.error_separators.value:
        raise Unsure(f"event {platform.error_separators.value[0]} has the digest of a firmware error")
    if lacking:
        raise Unsure(f"no separator in PCR {', '.join(map(str, lacking))}: where firmware ended is not known")
    return f"in PCR {', '.join(str(index) for index in sorted(platform.separators.value))}"


def _coverage(context: Context, label: str, platform: Platform) -> str:
    """Data that should be what was hashed, and is not, is named: it is the log's word only."""
    readings = read_log(context.firmware_logs(label).events, platform.bank).readings
    counts = {kind: sum(reading.covered.coverage is kind for reading in readings) for kind in Coverage}
    wrong = [r.event.number for r in readings if r.covered.coverage is Coverage.NOT_COVERED]
    words = f"of {len(readings)} events {counts[Coverage.COVERED]} show what was hashed"
    if wrong:
        numbers = ", ".join(map(str, wrong[:8]))
        raise Skip(f"{words}; the data of event {numbers} is not what was hashed, though it should be")
    return f"{words}, {counts[Coverage.OPAQUE]} only its digest"


CHECKS: Final = (
    Check("log.form", each((FIRMWARE, USERSPACE, IMA), _form)),
    Check("log.replay", _replays),
    Check("log.ima", each((IMA,), _ima)),
    Check("log.separators", each((FIRMWARE,), _summarised(_separators))),
    Check("log.coverage", each((FIRMWARE,), _summarised(_coverage))),
)
