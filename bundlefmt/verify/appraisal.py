# SPDX-License-Identifier: Apache-2.0
"""A report in the words of attestation results: trustworthiness claims of each attester, and its tier.

Nothing is affirmed here that no conclusion says, nor better than it is known. AR4SI is
draft-ietf-rats-ar4si-09. Spec: "Attestation results".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum, StrEnum
from typing import Final

from bundlefmt.frozen import frozen
from bundlefmt.verify.findings import Basis, Outcome, Verdict
from bundlefmt.verify.report import Report

PROVEN: Final = 2  # the first standard value of every category for what is affirmed
VOUCHED: Final = -2  # affirmed for a reason of our own: the word of those who sealed, which the policy takes
VULNERABLE: Final = 32  # hardware: genuine, with known vulnerabilities
UNRECOGNISED: Final = 33  # executables: some that are not recognised
UNTRUSTWORTHY: Final = 96
UNKNOWN: Final = 97  # not recognised, and it should be
CRYPTOGRAPHIC: Final = 99  # cryptographic validation of the evidence has failed


class Tier(IntEnum):
    """Trustworthiness tiers (AR4SI 3.2)."""

    NONE = 0
    AFFIRMING = 2
    WARNING = 32
    CONTRAINDICATED = 96

    @classmethod
    def of(cls, value: int) -> Tier:
        """The tier of a claim's value (AR4SI 2.3.2)."""
        if -1 <= value <= 1:
            return cls.NONE
        if -32 <= value <= 31:
            return cls.AFFIRMING
        return cls.WARNING if -96 <= value <= 95 else cls.CONTRAINDICATED


# from the least trust to the most; what nobody says is trusted less than what is affirmed
_ORDER: Final = (Tier.CONTRAINDICATED, Tier.WARNING, Tier.NONE, Tier.AFFIRMING)
_BEST: Final = {
    Verdict.PASSED: Tier.AFFIRMING,
    Verdict.INDETERMINATE: Tier.NONE,
    Verdict.FAILED: Tier.CONTRAINDICATED,
}


class Category(IntEnum):
    """The categories that evidence in a bundle can speak of; the numbers are those in CBOR (AR4SI 3.1)."""

    INSTANCE_IDENTITY = 0
    EXECUTABLES = 2
    HARDWARE = 4

    @property
    def label(self) -> str:
        """The name in JSON."""
        return self.name.lower().replace("_", "-")


class Attester(StrEnum):
    """What is appraised, each as a submodule by this name."""

    TPM = "tpm"
    SECURITY_KEYS = "security-keys"


@frozen
class Claim:
    """What one category of one attester is decided by.

    `affirmed` are conclusions that must all hold, none where nothing could affirm it; `against` are checks
    whose failure gives a value, the first that applies.
    """

    affirmed: tuple[str, ...]
    against: tuple[tuple[int, tuple[str, ...]], ...]


CLAIMS: Final[Mapping[Attester, Mapping[Category, Claim]]] = {
    Attester.TPM: {
        Category.INSTANCE_IDENTITY: Claim(
            affirmed=("tpm.same",),
            against=((CRYPTOGRAPHIC, ("previous.digest",)),),
        ),
        Category.EXECUTABLES: Claim(
            affirmed=(),
            against=(
                (
                    CRYPTOGRAPHIC,
                    (
                        *(f"quote.{name}" for name in ("form", "signature", "signer", "binding", "pcrs")),
                        "container.digest",
                        "log.replay",
                    ),
                ),
                (UNRECOGNISED, ("reference.pcrs", "reference.events")),
            ),
        ),
        Category.HARDWARE: Claim(
            affirmed=("tpm.genuine", "ak.resident"),
            against=(
                (
                    CRYPTOGRAPHIC,
                    ("container.digest", "ek.form", "ek.key", "activation.blob", "activation.secret"),
                ),
                (UNKNOWN, ("ek.chain",)),
                (
                    UNTRUSTWORTHY,
                    (
                        *(f"ek.{name}" for name in ("certificate", "revocation", "template")),
                        *(f"ak.{name}" for name in ("attributes", "scheme", "certificate", "revocation")),
                    ),
                ),
            ),
        ),
    },
    Attester.SECURITY_KEYS: {
        Category.INSTANCE_IDENTITY: Claim(
            affirmed=("identity.sealed", "identity.hardware"),
            against=(
                (CRYPTOGRAPHIC, ("container.digest", "seal.form", "seal.signature")),
                (UNTRUSTWORTHY, ("piv.revocation", "openpgp.revocation")),
            ),
        ),
        Category.HARDWARE: Claim(
            affirmed=("identity.hardware",),
            against=(
                (CRYPTOGRAPHIC, ("container.digest", "hardware.form", "hardware.key")),
                (UNKNOWN, ("hardware.chain",)),
                (UNTRUSTWORTHY, ("hardware.origin",)),
            ),
        ),
    },
}
_ADVISORY: Final = "hardware.advisory"


@frozen
class Appraisal:
    """One attester's tier, and its claims. A claim of 0 says nothing: it is there only where no other is."""

    status: Tier
    vector: Mapping[Category, int]


def appraise(report: Report) -> dict[Attester, Appraisal]:
    """Of the TPM, and of the security keys where there is a statement about one."""
    drawn = {conclusion.id for conclusion in report.conclusions}
    attesters = [Attester.TPM]
    if "identity.hardware" in drawn:
        attesters.append(Attester.SECURITY_KEYS)
    return {attester: _appraisal(report, attester) for attester in attesters}


def overall(appraisals: Mapping[Attester, Appraisal]) -> Tier:
    """No better than the worst of all."""
    return worst(each.status for each in appraisals.values())


def worst(tiers: Iterable[Tier]) -> Tier:
    """Of the tiers the one of the least trust."""
    return min(tiers, key=_ORDER.index)


def _appraisal(report: Report, attester: Attester) -> Appraisal:
    values = {category: _value(report, claim) for category, claim in CLAIMS[attester].items()}
    if attester is Attester.SECURITY_KEYS and values[Category.HARDWARE] == PROVEN and _advised(report):
        values[Category.HARDWARE] = VULNERABLE
    said = {category: value for category, value in sorted(values.items()) if value}
    vector = said or {Category.HARDWARE: 0}
    return Appraisal(status=worst([_BEST[report.verdict], *map(Tier.of, vector.values())]), vector=vector)


def _value(report: Report, claim: Claim) -> int:
    """Evidence against comes first (AR4SI 2.3.3)."""
    failed = {finding.check for finding in report.findings if finding.outcome is Outcome.FAILED}
    for value, checks in claim.against:
        if failed & set(checks):
            return value
    return _affirmed(report, claim.affirmed)


def _affirmed(report: Report, wanted: tuple[str, ...]) -> int:
    """As well as the weakest of the conclusions is known; 0 where one is not shown.

    The word of those who sealed affirms only what the policy requires and would take their word for.
    """
    bases = {conclusion.id: conclusion.basis for conclusion in report.conclusions}
    found = {name: bases.get(name, Basis.UNPROVEN) for name in wanted}
    if not found or Basis.UNPROVEN in found.values():
        return 0
    vouched = [name for name, basis in found.items() if basis is Basis.VOUCHED]
    if not vouched:
        return PROVEN
    taken = all(report.policy.require.get(name) is Basis.VOUCHED for name in vouched)
    return VOUCHED if taken else 0


def _advised(report: Report) -> bool:
    """Whether an advisory concerns a device: of proven ones the check passes where none does."""
    return any(finding.outcome is not Outcome.PASSED for finding in report.of(_ADVISORY))
