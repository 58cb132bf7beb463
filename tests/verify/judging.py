# SPDX-License-Identifier: Apache-2.0
"""Reports on ceremonies of the vector generator, changed in one thing, and what to look for in a report."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Final

from bundlefmt.bundle import Bundle
from bundlefmt.verify import Outcome, Policy, Report, verify
from tests import terms
from tests.vectorgen import publication
from tests.vectorgen.ceremony import Ceremony

KEYS: Final = publication.ROOT / publication.FOLDER / "keys"
BAD: Final = (Outcome.FAILED, Outcome.INDETERMINATE)


def policy_of(ceremony: Ceremony, **fields: object) -> Policy:
    """The ceremony's terms; `fields` are of the policy and go before."""
    return replace(terms.policy_of(asdict(ceremony.terms), KEYS), **fields)  # type: ignore[arg-type] # its fields


def report(ceremony: Ceremony, **fields: object) -> Report:
    """The verdict on the ceremony's bundle."""
    return verify(Bundle.decode(ceremony.judged().file), policy_of(ceremony, **fields))


def broken(report: Report) -> dict[str, Outcome]:
    """The checks that failed or could not decide; of several findings of one check the last."""
    return {each.check: each.outcome for each in report.findings if each.outcome in BAD}


def finding(report: Report, check: str, item: str) -> tuple[Outcome, str]:
    """(outcome, message) of a check of one item."""
    ((outcome, message),) = [
        (each.outcome, each.message) for each in report.of(check) if each.items == (item,)
    ]
    return outcome, message


def concluded(report: Report, conclusion: str) -> tuple[str, str]:
    """(basis, statement)."""
    ((basis, statement),) = [
        (each.basis.value, each.statement) for each in report.conclusions if each.id == conclusion
    ]
    return basis, statement
