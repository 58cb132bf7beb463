# SPDX-License-Identifier: Apache-2.0
"""Judgements: `verify(bundle, policy) -> Report`."""

from bundlefmt.verify.findings import Basis, Conclusion, Finding, Outcome, Verdict
from bundlefmt.verify.policy import RELAXATIONS, Policy
from bundlefmt.verify.report import NotPassedError, Report
from bundlefmt.verify.verifier import verify

__all__ = [
    "RELAXATIONS",
    "Basis",
    "Conclusion",
    "Finding",
    "NotPassedError",
    "Outcome",
    "Policy",
    "Report",
    "Verdict",
    "verify",
]
