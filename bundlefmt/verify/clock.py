# SPDX-License-Identifier: Apache-2.0
"""Judgements on the TPM's own time: time statements, and whether all statements are of one boot.

TPM 2.0 Library, Part 1, "Timing Components"; Part 2, TPMS_CLOCK_INFO. Spec: "Verification", step 6.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from bundlefmt.evidence.attest import TpmsAttest
from bundlefmt.verify import statement
from bundlefmt.verify.checks import Check, Result, judged
from bundlefmt.verify.context import Context, Judgement, Unsure
from bundlefmt.verify.findings import Outcome


def _statements(context: Context, by: str) -> dict[str, TpmsAttest]:
    """The statements by one attestation key that can be read, by label."""
    found = {}
    for role in statement.KINDS:
        for label in context.referring(role, "by", by):
            try:
                found[label] = statement.attest_of(context, label)
            except Judgement:
                continue
    return found


def _one_boot(context: Context, by: str, statements: dict[str, TpmsAttest]) -> str:
    """Resets, restarts and firmware version are equal in all statements of one key.

    Obfuscated counters are shifted alike for one key (Part 1, "Attestation"), so that equality still counts.
    """
    boots = {
        (one.clock_info.reset_count, one.clock_info.restart_count, one.firmware_version)
        for one in statements.values()
    }
    if len(boots) > 1 and not context.policy.allow_several_boots:
        raise Unsure(f"{by} speaks of {len(boots)} boots: {', '.join(statements)}")
    if len(boots) > 1:
        return f"{len(boots)} boots, which is allowed"
    first = next(iter(statements.values()))
    if not _plain(context, next(iter(statements))):
        return "all of one boot; which one is obfuscated, as the key is outside the endorsement hierarchy"
    counts = first.clock_info
    return f"all of one boot: reset {counts.reset_count}, restart {counts.restart_count}"


def _boot(context: Context) -> Iterator[Result]:
    """For each attestation key, and then for all whose counters are plain."""
    plain: dict[str, TpmsAttest] = {}
    for by in context.labels("ak-public"):
        statements = _statements(context, by)
        if not statements:
            continue
        yield judged((by,), partial(_one_boot, context, by, statements))
        plain |= {label: one for label, one in statements.items() if _plain(context, label)}
    signers = {context.item(label).ref("by") for label in plain}
    if len(signers) > 1:
        yield judged(tuple(sorted(label for (label,) in signers)), partial(_same_boot, context, plain))


def _plain(context: Context, label: str) -> bool:
    try:
        return statement.plain_counters(context, label)
    except Judgement:
        return False


def _same_boot(context: Context, statements: dict[str, TpmsAttest]) -> str:
    """The attestation keys speak of the same boot, as keys of one TPM do."""
    boots = {
        (one.clock_info.reset_count, one.clock_info.restart_count, one.firmware_version)
        for one in statements.values()
    }
    if len(boots) > 1 and not context.policy.allow_several_boots:
        raise Unsure("the attestation keys speak of different boots, or of different TPMs")
    return "the attestation keys speak of one boot" if len(boots) == 1 else "several boots, which is allowed"


def _safe(context: Context) -> Iterator[Result]:
    """Where the clock is not safe it may have been set back by a loss of power: its value says nothing."""
    for by in context.labels("ak-public"):
        statements = _statements(context, by)
        unsafe = [label for label, one in statements.items() if not one.clock_info.safe]
        if unsafe:
            message = f"not safe in {', '.join(unsafe)}: it may have been set back by a loss of power"
            yield Result(Outcome.SKIPPED, (by,), message)
        elif statements:
            clocks = sorted(one.clock_info.clock for one in statements.values())
            message = f"safe in all statements, which span {clocks[-1] - clocks[0]} ms"
            yield Result(Outcome.PASSED, (by,), message)


CHECKS: Final = (
    *statement.checks("clock", "time"),
    Check("clock.boot", _boot),
    Check("clock.safe", _safe),
)
