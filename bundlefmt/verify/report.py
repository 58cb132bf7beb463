# SPDX-License-Identifier: Apache-2.0
"""The report of one verification: findings, conclusions, verdict, and the policy they were made under.

Spec: "Verdict".
"""

from __future__ import annotations

from typing import NoReturn

from bundlefmt.errors import BundleError
from bundlefmt.frozen import frozen
from bundlefmt.logs.platform import Platform
from bundlefmt.verify.findings import Conclusion, Finding, Outcome, Verdict, verdict_of
from bundlefmt.verify.policy import Policy


class NotPassedError(BundleError):
    """The verdict is not PASSED; `report` says why."""

    def __init__(self, report: Report) -> None:
        reasons = [f.message for f in report.findings if f.outcome in (Outcome.FAILED, Outcome.INDETERMINATE)]
        super().__init__(f"{report.verdict}: {reasons[0] if reasons else 'nothing was checked'}")
        self.report = report


@frozen
class Report:
    """What a verifier may say. It has no truth value: look at `verdict` or call `require()`.

    `platforms` is what each firmware log tells, with the standing that each fact has. `sealed_by` is who of
    those whom the policy pins or knows has sealed: the role of a certificate, and its fingerprint or digest.
    """

    manifest_digest: bytes
    policy: Policy
    findings: tuple[Finding, ...]
    conclusions: tuple[Conclusion, ...]
    platforms: tuple[tuple[str, Platform], ...] = ()
    sealed_by: tuple[tuple[str, str], ...] = ()

    @property
    def verdict(self) -> Verdict:
        return verdict_of(self.findings)

    def require(self) -> tuple[Conclusion, ...]:
        """The conclusions, if the verdict is PASSED; raises NotPassedError otherwise."""
        if self.verdict is not Verdict.PASSED:
            raise NotPassedError(self)
        return self.conclusions

    def of(self, check: str) -> tuple[Finding, ...]:
        """The findings of one check."""
        return tuple(finding for finding in self.findings if finding.check == check)

    def __bool__(self) -> NoReturn:
        raise TypeError("a report is not true or false: use report.verdict or report.require()")
