# SPDX-License-Identifier: Apache-2.0
"""Judgements on measurement logs: are they the ones that the quoted PCR values came of.

TCG PC Client Platform Firmware Profile 1.06; Linux IMA; systemd, TPM2_PCR_MEASUREMENTS. Spec: "Verification",
step 7; "Measurement logs".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bundlefmt.evidence.pcr import PcrValues
from bundlefmt.evidence.tpm import UnsupportedAlgorithmError, alg_name
from bundlefmt.logs.coverage import Coverage
from bundlefmt.logs.event import Measured
from bundlefmt.logs.platform import Platform, summarise
from bundlefmt.logs.reading import STATIC_PCRS, read_log
from bundlefmt.logs.replay import Outcome as Replayed
from bundlefmt.logs.replay import PcrReplay, declared_locality, replay
from bundlefmt.verify.checks import Check, each
from bundlefmt.verify.context import Area, Context, Fail, Judgement, Skip, Unsure

_FIRMWARE, _USERSPACE, _IMA = "firmware-log", "userspace-log", "ima-log"


class Logs(Area):
    """All logs decoded once, and the quoted values they are compared with."""

    def values(self, label: str) -> dict[str, PcrValues]:
        """The PCR values that a log is to explain: those it names, else all that are quoted."""
        context = self.context
        named = context.item(label).ref("pcrs") or context.labels("pcr-values")
        return {one: context.pcr_values(one) for one in named}

    def replays(self, label: str) -> tuple[PcrReplay, ...]:
        """A firmware log, and the userspace logs after it, compared with every quoted value."""
        context, found = self.context, list[PcrReplay]()
        log = context.firmware_logs(label)
        later = [context.userspace_logs(one) for one in context.labels(_USERSPACE)]
        events: list[Measured] = [*log.events, *(record for one in later for record in one.records)]
        touched = {event.index for event in events if event.extended}
        for values in self.values(label).values():
            for bank, row in values.items():
                if bank in log.banks:
                    quoted = {index: value for index, value in row.items() if index in touched}
                    found += _replayed(events, bank, quoted, declared_locality(log.events))
        return tuple(found)

    def summary(self, label: str) -> Platform:
        """What a firmware log tells, in the strongest bank that is quoted. Raises Skip without one."""
        log, replays = self.context.firmware_logs(label), self.replays(label)
        if not replays:
            raise Skip("no bank of this log is quoted")
        bank = max((found.bank for found in replays), key=lambda bank: len(_any(replays, bank).quoted))
        return summarise(log.events, bank, [found for found in replays if found.bank == bank])


def _any(replays: tuple[PcrReplay, ...], bank: int) -> PcrReplay:
    return next(found for found in replays if found.bank == bank)


def _replayed(
    events: list[Measured], bank: int, quoted: dict[int, bytes], locality: int
) -> tuple[PcrReplay, ...]:
    try:
        return replay(events, bank, quoted, locality=locality)
    except UnsupportedAlgorithmError as error:
        raise Unsure(str(error)) from None


def _form(context: Context, label: str) -> str:
    """The log is of the kind that its role names."""
    role = context.item(label).role
    if role == _FIRMWARE:
        log = context.firmware_logs.form(label)
        return f"{len(log.events)} events in {', '.join(map(alg_name, log.banks))}"
    if role == _USERSPACE:
        return f"{len(context.userspace_logs.form(label).records)} records"
    return f"{context.ima_logs.form(label).count} entries"


def _explains(context: Context, label: str) -> str:
    """Each PCR that the log extends has the value that is quoted. A log is never mended to fit."""
    replays = context.area(Logs).replays(label)
    if not replays:
        raise Unsure("no PCR that this log extends is quoted in a bank that it carries")
    faults = [found for found in replays if found.outcome is not Replayed.MATCH]
    # firmware alone measures into the static PCRs, and all of it is in its log
    if firm := [found for found in faults if found.index in STATIC_PCRS]:
        raise Fail("; ".join(map(_said, firm)))
    if faults:
        raise Unsure("; ".join(map(_said, faults)))
    banks = sorted({found.bank for found in replays})
    indices = sorted({found.index for found in replays})
    return f"explains PCR {', '.join(map(str, indices))} in {', '.join(map(alg_name, banks))}"


def _said(found: PcrReplay) -> str:
    """What a value that the log does not give is instead."""
    name = f"{alg_name(found.bank)}:{found.index}"
    if found.incomplete:
        return f"{name}: events without a digest of this bank"
    if found.outcome is Replayed.PREFIX:
        return (
            f"{name} is the value after {found.reached_after} of {found.events} events: "
            f"{found.beyond} are not in the quote"
        )
    if found.outcome is Replayed.OTHER_LOCALITY:
        return f"{name} is the value from startup locality {found.locality}, which the log does not declare"
    return f"{name} is the value after none of its {found.events} events"


def _ima(context: Context, label: str) -> str:
    """A first part of the list gives the quoted value; the list goes on growing after a quote."""
    log = context.ima_logs(label)
    if log.template_alg is None:
        raise Unsure("the hash of the list's template digests is not known")
    index, said = log.index, []
    for values in context.area(Logs).values(label).values():
        for bank, row in values.items():
            if index not in row:
                continue
            try:
                found = log.replay(bank, index, row[index])
            except UnsupportedAlgorithmError as error:
                raise Unsure(str(error)) from None
            if found.covered is None:
                raise Fail(f"{alg_name(bank)}:{index} is the value after no part of the list")
            words = f"{alg_name(bank)}: {found.covered} of {found.entries} entries are in the quote"
            said.append(words + (f", {len(found.violations)} violations" if found.violations else ""))
    if not said:
        raise Unsure(f"PCR {index} is not quoted")
    return "; ".join(dict.fromkeys(said))


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


def told(context: Context) -> tuple[tuple[str, Platform], ...]:
    """What each firmware log tells beside the quoted values; a log that cannot be compared tells nothing."""
    found = []
    for label in context.labels(_FIRMWARE):
        try:
            found.append((label, context.area(Logs).summary(label)))
        except (Judgement, UnsupportedAlgorithmError):
            continue
    return tuple(found)


CHECKS: Final = (
    Check("log.form", each((_FIRMWARE, _USERSPACE, _IMA), _form)),
    Check("log.replay", each((_FIRMWARE,), _explains)),
    Check("log.ima", each((_IMA,), _ima)),
    Check("log.separators", each((_FIRMWARE,), _summarised(_separators))),
    Check("log.coverage", each((_FIRMWARE,), _summarised(_coverage))),
)
