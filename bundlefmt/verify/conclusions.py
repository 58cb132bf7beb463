# SPDX-License-Identifier: Apache-2.0
"""What follows from the findings, each with its basis: proven, vouched or unproven.

Spec: "Conclusions".
"""

from __future__ import annotations

from collections.abc import Sequence

from bundlefmt.verify.context import Context
from bundlefmt.verify.findings import Basis, Conclusion, Finding, Outcome
from bundlefmt.verify.seals import sealed_by_pinned

_SEALED = ("container.digest", "seal.form", "seal.signer", "seal.signature", "seal.anchor")
_TPM = ("ek.form", "ek.certificate", "ek.chain", "ek.key")
_AK = ("ak.form", "ak.attributes", "ak.scheme")
_QUOTE = (
    "quote.form",
    "quote.signature",
    "quote.signer",
    "quote.binding",
    "quote.selection",
    "quote.bank",
    "quote.pcrs",
)
_KEY = (
    "key.form",
    "key.attributes",
    "key.certified",
    "certify.form",
    "certify.signature",
    "certify.signer",
    "certify.binding",
    "certify.subject",
)


class _Found:
    """Which checks held: passed at least once and neither failed nor undecided."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self._outcomes: dict[str, set[Outcome]] = {}
        for finding in findings:
            self._outcomes.setdefault(finding.check, set()).add(finding.outcome)

    def holds(self, checks: Sequence[str]) -> bool:
        return all(
            Outcome.PASSED in self._outcomes.get(check, set())
            and not self._outcomes[check] & {Outcome.FAILED, Outcome.INDETERMINATE}
            for check in checks
        )


def draw(context: Context, findings: Sequence[Finding]) -> tuple[Conclusion, ...]:
    """From the identities outwards; none has a stronger basis than what it rests on."""
    found = _Found(findings)
    pinned = bool(sealed_by_pinned(context)) and found.holds(("container.digest", "seal.anchor"))
    word = Basis.VOUCHED if pinned else Basis.UNPROVEN
    drawn = [
        Conclusion(
            id="identity.sealed",
            basis=Basis.PROVEN if pinned else Basis.UNPROVEN,
            statement=(
                "the pinned identities sealed this manifest and every artifact in it"
                if pinned
                else "who sealed this is not known to the verifier"
            ),
            rests_on=_SEALED,
        )
    ]
    genuine = found.holds(_TPM)
    drawn.append(
        Conclusion(
            id="tpm.genuine",
            basis=Basis.PROVEN if genuine else Basis.UNPROVEN,
            statement=(
                "the endorsement key belongs to a TPM of the anchored manufacturer"
                if genuine
                else "no endorsement key leads to an anchored manufacturer: nothing is proven about a TPM"
            ),
            rests_on=_TPM,
        )
    )
    resident = word if found.holds(_AK) else Basis.UNPROVEN
    drawn.append(
        Conclusion(
            id="ak.resident",
            basis=resident,
            statement="the attestation key is in that TPM"
            + (": the word of those who sealed" if resident is Basis.VOUCHED else ""),
            rests_on=_AK,
        )
    )
    for name, checks, statement in (
        ("platform.state", _QUOTE, "the PCRs had these values when the attestation key quoted them"),
        ("key.resident", _KEY, "the signing key is in the same TPM as the attestation key"),
    ):
        drawn.append(
            Conclusion(
                id=name,
                basis=resident if found.holds(checks) else Basis.UNPROVEN,
                statement=statement,
                rests_on=(*_AK, *checks),
            )
        )
    return tuple(drawn)
