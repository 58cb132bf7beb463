# SPDX-License-Identifier: Apache-2.0
"""The arrows of the graph of the evidence: each statement that one part makes of another, with its findings.

Spec: "Roles" for the references, "Verification" for the checks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final

from bundlefmt.frozen import frozen
from bundlefmt.render.case import Case, worst
from bundlefmt.verify import Finding, Outcome
from bundlefmt.verify.context import Judgement
from bundlefmt.verify.signers import Signers
from bundlefmt.verify.verifier import CHECK_IDS

# ends that are no items; no label has a space
MANIFEST: Final = "the manifest"
MAKER: Final = "a maker"
MANUFACTURER: Final = "a manufacturer"
AUTHORITY: Final = "an authority"
EXPECTED: Final = "expected values"

PEOPLE: Final = {"openpgp-certificate": "OpenPGP key", "piv-certificate": "X.509 certificate"}
ATTESTATIONS: Final = ("openpgp-attestation", "piv-attestation")
# role -> its name, and the area of its checks
STATEMENTS: Final = {
    "quote": ("Quote", "quote"),
    "time": ("Time statement", "clock"),
    "nv-certify": ("NV statement", "nv"),
}
LOGS: Final = {
    "firmware-log": ("Firmware log", ("log.replay", "log.form")),
    "userspace-log": ("Userspace log", ("log.replay", "log.form")),
    "ima-log": ("IMA list", ("log.ima", "log.form")),
}
_CERTIFYING: Final = {"certify": "certify", "certify-creation": "creation"}
_OPENPGP: Final = tuple(id for id in CHECK_IDS if id.startswith("openpgp."))


@frozen
class Arrow:
    """`source` says something of `target`, by `item`: a label, or `seal N`.

    It stands as its `core` findings stand, the most telling check first. Of `more` only faults and doubts
    count: what those ask for is not required.
    """

    source: str
    target: str
    says: str
    item: str
    core: tuple[Finding, ...]
    more: tuple[Finding, ...] = ()

    @property
    def outcome(self) -> Outcome:
        spoiling = (each for each in self.more if each.outcome in (Outcome.FAILED, Outcome.INDETERMINATE))
        return worst((*self.core, *spoiling))

    @property
    def decisive(self) -> str:
        """The check by which it stands or falls; empty where there was none."""
        outcome = self.outcome
        return next((each.check for each in (*self.core, *self.more) if each.outcome is outcome), "")


def arrows(case: Case) -> Iterator[Arrow]:
    """All of them, in the order of the verification's steps."""
    yield from _seals(case)
    yield from _hardware(case)
    yield from _people(case)
    yield from _keys(case)
    yield from _certified(case)
    yield from _statements(case)
    yield from _values(case)
    yield from _logs(case)


def signer_of(case: Case, number: int) -> str:
    """Whose seal it is, counted from one: a label, or the seal itself where the manifest names nobody."""
    with suppress(Judgement):
        label = case.context.area(Signers).signer(number - 1).label
        if label is not None:
            return label
    return f"seal {number}"


def _of(area: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{area}.{name}" for name in names)


def _arrow(
    case: Case,
    ends: tuple[str, str],
    says: str,
    item: str,
    core: Iterable[str],
    more: Iterable[str] = (),
    also: tuple[str, ...] = (),
) -> Arrow:
    """`core` and `more` are checks; their findings count that speak of `item` or of one in `also`."""
    source, target = ends
    about = (item, *also)
    return Arrow(
        source=source,
        target=target,
        says=says,
        item=item,
        core=case.about(core, about),
        more=case.about(more, about),
    )


def _pairs(case: Case, label: str, source: str, target: str) -> Iterator[tuple[str, str]]:
    """The items that two references of one item name."""
    item = case.items[label]
    return ((one, other) for one in item.ref(source) for other in item.ref(target))


def _seals(case: Case) -> Iterator[Arrow]:
    for number in range(1, len(case.bundle.seals) + 1):
        name, signer = f"seal {number}", signer_of(case, number)
        core = _of("seal", "signature", "signer", "validity", "form")
        yield _arrow(case, (signer, MANIFEST), "seals", name, core, _OPENPGP)


def _hardware(case: Case) -> Iterator[Arrow]:
    for label in case.context.labels(*ATTESTATIONS):
        yield _arrow(case, (MAKER, label), "made", label, _of("hardware", "chain", "form"))
        core = _of("hardware", "key", "origin", "form")
        for subject in case.items[label].ref("subject"):
            yield _arrow(case, (label, subject), "made the key of", label, core, ("hardware.advisory",))


def _people(case: Case) -> Iterator[Arrow]:
    for label in case.context.labels("piv-certificate"):
        if worst(case.about(("piv.chain",), (label,))) is not Outcome.SKIPPED:
            core = _of("piv", "chain", "signature")
            yield _arrow(case, (AUTHORITY, label), "certifies", label, core, ("piv.revocation",))
    for label in case.context.labels("cross-signature", "cross-certificate"):
        core = _of("cross", "signature", "form", "key")
        # a bare signature has no key of its own to compare
        if case.items[label].role == "cross-signature":
            core = core[:2]
        for ends in _pairs(case, label, "by", "over"):
            yield _arrow(case, ends, "signs", label, core, ("cross.revocation",))
    for label in case.context.labels("tpm-binding-certificate"):
        core = _of("binding", "contents", "form", "chain", "key")
        for ends in _pairs(case, label, "by", "key"):
            yield _arrow(case, ends, "certifies", label, core, ("binding.revocation",))


def _keys(case: Case) -> Iterator[Arrow]:
    for label in case.context.labels("ek-certificate"):
        core = _of("ek", "chain", "certificate", "key", "form")
        for key in case.context.referring("ek-public", "certificate", label) or (label,):
            ends = (MANUFACTURER, key)
            yield _arrow(case, ends, "certifies", label, core, ("ek.revocation",), (key,))
    for label in case.context.labels("ak-certificate"):
        for key in case.context.referring("ak-public", "certificate", label):
            ends = (MANUFACTURER, key)
            yield _arrow(case, ends, "certifies", label, ("ak.certificate",), ("ak.revocation",))
    for label in case.context.labels("credential-activation"):
        more = _of("activation", "blob", "secret")
        for ek, ak in _pairs(case, label, "ek", "ak"):
            core = _of("activation", "made", "form")
            yield _arrow(case, (ek, ak), "opened a challenge for", label, core, more, (ak,))


def _certified(case: Case) -> Iterator[Arrow]:
    for role, area in _CERTIFYING.items():
        core = _of(area, "subject", "signature", "signer", "binding", "form")
        for label in case.context.labels(role):
            for ends in _pairs(case, label, "by", "subject"):
                yield _arrow(case, ends, "attests", label, core)
    for label in case.context.labels("tpm-signature"):
        if case.about(("cross.tpm",), (label,)):
            for ends in _pairs(case, label, "by", "over"):
                yield _arrow(case, ends, "signs", label, ("cross.tpm",))


def _statements(case: Case) -> Iterator[Arrow]:
    for role, (_, area) in STATEMENTS.items():
        for label in case.context.labels(role):
            for by in case.items[label].ref("by"):
                yield _arrow(case, (by, label), "signs", label, _of(area, "signature", "signer", "form"))
            yield _arrow(case, (label, MANIFEST), "was made for", label, _of(area, "binding"))


def _values(case: Case) -> Iterator[Arrow]:
    for label in case.context.labels("pcr-values"):
        for quote in case.items[label].ref("quoted-by"):
            checks = _of("quote", "pcrs", "selection", "bank")
            yield _arrow(case, (quote, label), "covers", quote, checks)
        if case.report.policy.references:
            # a set has values or events; where it has none of them, that is no doubt
            found = (*case.of("reference.pcrs"), *case.of("reference.events"))
            core = tuple(each for each in found if each.outcome is not Outcome.SKIPPED)
            yield Arrow(source=EXPECTED, target=label, says="expect", item=label, core=core)


def _logs(case: Case) -> Iterator[Arrow]:
    for role, (_, core) in LOGS.items():
        more = _of("log", "separators", "coverage")
        for label in case.context.labels(role):
            for values in case.items[label].ref("pcrs") or case.context.labels("pcr-values"):
                yield _arrow(case, (label, values), "explains", label, core, more)
