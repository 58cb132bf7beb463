# SPDX-License-Identifier: Apache-2.0
"""What follows from the findings, each with its basis: proven, vouched or unproven.

Spec: "Conclusions".
"""

from __future__ import annotations

from collections.abc import Sequence

from bundlefmt import labels
from bundlefmt.verify.context import Context
from bundlefmt.verify.findings import Basis, Conclusion, Finding, Outcome
from bundlefmt.verify.seals import sealed_by_pinned

_SEALED = ("container.digest", "seal.validity", "seal.anchor")
_TPM = ("ek.form", "ek.certificate", "ek.chain", "ek.key")
_TPM_REVOCATION = "ek.revocation"  # lists are not required: without one it is skipped
_AK = ("ak.form", "ak.attributes", "ak.scheme")
_STATED = ("container.refs", "container.binding")
_QUOTE = (
    *_STATED,
    "quote.form",
    "quote.signature",
    "quote.signer",
    "quote.binding",
    "quote.selection",
    "quote.bank",
    "quote.pcrs",
)
_KEY = (
    *_STATED,
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
    """Which checks held: passed at least once, and nothing that they cover was left out.

    A conclusion speaks of all items of its kind, so one that was skipped denies it; items that are private
    by nature are no evidence and deny nothing.
    """

    def __init__(self, context: Context, findings: Sequence[Finding]) -> None:
        self._items = context.manifest.items
        self._findings: dict[str, list[Finding]] = {}
        for finding in findings:
            self._findings.setdefault(finding.check, []).append(finding)

    def holds(self, checks: Sequence[str]) -> bool:
        return all(self._holds(self._findings.get(check, [])) for check in checks)

    def unbroken(self, check: str) -> bool:
        """Nothing failed or was left undecided."""
        outcomes = {finding.outcome for finding in self._findings.get(check, [])}
        return not outcomes & {Outcome.FAILED, Outcome.INDETERMINATE}

    def _holds(self, findings: Sequence[Finding]) -> bool:
        return any(finding.outcome is Outcome.PASSED for finding in findings) and all(
            finding.outcome is Outcome.PASSED or self._no_evidence(finding) for finding in findings
        )

    def _no_evidence(self, finding: Finding) -> bool:
        """Skipped, and of no item (a seal of a kind that is not known) or of a withholdable one."""
        return finding.outcome is Outcome.SKIPPED and all(
            label not in self._items or self._items[label].role in labels.WITHHOLDABLE
            for label in finding.items
        )


def draw(context: Context, findings: Sequence[Finding]) -> tuple[Conclusion, ...]:
    """From the identities outwards; none has a stronger basis than what it rests on."""
    found = _Found(context, findings)
    pinned = bool(sealed_by_pinned(context)) and found.holds(_SEALED)
    word = Basis.VOUCHED if pinned else Basis.UNPROVEN
    drawn = [
        Conclusion(
            id="identity.sealed",
            basis=Basis.PROVEN if pinned else Basis.UNPROVEN,
            statement=(
                "the pinned identities sealed this manifest and every artifact in it"
                if pinned
                else "that someone known to the verifier sealed this is not shown"
            ),
            rests_on=_SEALED,
        )
    ]
    genuine = found.holds(_TPM) and found.unbroken(_TPM_REVOCATION)
    drawn.append(
        Conclusion(
            id="tpm.genuine",
            basis=Basis.PROVEN if genuine else Basis.UNPROVEN,
            statement=(
                "the endorsement key belongs to a TPM of the anchored manufacturer"
                if genuine
                else "not every endorsement key leads to an anchored manufacturer: no TPM is proven genuine"
            ),
            rests_on=(*_TPM, _TPM_REVOCATION),
        )
    )
    resident = word if found.holds(_AK) else Basis.UNPROVEN
    drawn.append(
        Conclusion(
            id="ak.resident",
            basis=resident,
            statement=("the attestation key is in that TPM" if genuine else "the attestation key is in a TPM")
            + (": the word of those who sealed" if resident is Basis.VOUCHED else ""),
            rests_on=(*_SEALED, *_AK),
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
                rests_on=(*_SEALED, *_AK, *checks),
            )
        )
    return tuple(drawn)
