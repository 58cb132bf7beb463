# SPDX-License-Identifier: Apache-2.0
"""Judgements on the conclusions: is each that the policy requires known well enough.

Spec: "Verification", step 11; "Policy".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from bundlefmt.verify.checks import Check, Result
from bundlefmt.verify.context import Context
from bundlefmt.verify.findings import Basis, Conclusion, Finding, Outcome

# the strongest basis of each conclusion that a policy may require
STRONGEST: Final[Mapping[str, Basis]] = {
    "identity.sealed": Basis.PROVEN,
    "identity.hardware": Basis.PROVEN,
    "identity.crossed": Basis.PROVEN,
    "tpm.genuine": Basis.PROVEN,
    "ak.resident": Basis.PROVEN,
    "platform.state": Basis.PROVEN,
    "key.resident": Basis.PROVEN,
    "key.bound": Basis.PROVEN,
    "platform.boot": Basis.PROVEN,
    "ak.lifetime": Basis.VOUCHED,
    "ak.same": Basis.PROVEN,
    "tpm.same": Basis.PROVEN,
    "time.existed": Basis.PROVEN,
    "time.mined": Basis.PROVEN,
    "time.sealed": Basis.PROVEN,
    "seal.registered": Basis.PROVEN,
}


def checks(conclusions: Sequence[Conclusion], findings: Sequence[Finding]) -> tuple[Check, ...]:
    """The checks of what was concluded from `findings`: made last, and nothing rests on them."""
    failed = {finding.check for finding in findings if finding.outcome is Outcome.FAILED}
    drawn = {conclusion.id: conclusion for conclusion in conclusions}

    def judge(context: Context) -> Iterator[Result]:
        for name, wanted in sorted(context.policy.require.items()):
            yield _judged(name, wanted, drawn.get(name), failed)

    return (Check("policy.required", judge),)


def _judged(name: str, wanted: Basis, found: Conclusion | None, failed: set[str]) -> Result:
    """What is not shown may be shown by other evidence; what was found at fault is refused."""
    if found is None:
        message = f"{name} is required, and there is no evidence here that it could be concluded from"
        return Result(Outcome.INDETERMINATE, (), message)
    if found.basis.suffices(wanted):
        return Result(Outcome.PASSED, (), f"{name} is {found.basis}: {found.statement}")
    message = f"{name} is {found.basis}, and has to be {wanted}: {found.statement}"
    against = [check for check in found.rests_on if check in failed]
    if against:
        return Result(Outcome.FAILED, (), f"{message}; {', '.join(dict.fromkeys(against))} failed")
    return Result(Outcome.INDETERMINATE, (), message)


CHECKS: Final = checks((), ())
