# SPDX-License-Identifier: Apache-2.0
"""The graph of the evidence: who signs and attests whom, each statement with the checks that judged it.

Read off the references between items and the findings; nothing is judged again. A statement that no check
looked at says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Final

from bundlefmt.frozen import frozen
from bundlefmt.moment import when
from bundlefmt.render import graph_arrows as known
from bundlefmt.render.case import Case
from bundlefmt.render.graph_arrows import MANIFEST, Arrow, signer_of
from bundlefmt.render.words import plural
from bundlefmt.verify import Finding, Outcome
from bundlefmt.verify.context import Judgement
from bundlefmt.verify.hardware import Statements

MAX_ARROWS: Final = 500  # of a ceremony there are some dozens; a file may name any number
_KEYS: Final = {"ek-public": "Endorsement key", "ak-public": "Attestation key", "key-public": "Signing key"}


@frozen
class Box:
    """Someone or something that signs or is spoken of.

    `kind` is in our words; `title` and `detail` may be others'. `outside`: known to the verifier, or to
    nobody, and no part of the bundle. `against` is a fault or doubt found of it.
    """

    id: str
    kind: str
    title: str
    detail: str
    outside: bool = False
    pinned: bool = False
    against: Finding | None = None


@frozen
class Graph:
    """What arrows touch, and all identities and keys; `whole` is false where there are more arrows."""

    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    whole: bool


def evidence_graph(case: Case) -> Graph:
    """The graph of one judged bundle, in an order that depends on nothing but the bundle."""
    arrows = tuple(islice(known.arrows(case), MAX_ARROWS + 1))
    shown = arrows[:MAX_ARROWS]
    touched = dict.fromkeys(end for arrow in shown for end in (arrow.source, arrow.target))
    boxes = {box.id: box for box in islice(_boxes(case, touched), MAX_ARROWS)}
    for id in touched:
        if id not in boxes:
            role = case.items[id].role if id in case.items else ""
            boxes[id] = Box(id=id, kind="Another item", title=id, detail=role, against=case.against(id))
    return Graph(boxes=tuple(boxes.values()), arrows=shown, whole=len(arrows) == len(shown))


def _boxes(case: Case, touched: Iterable[str]) -> Iterator[Box]:
    """The kinds that are known, in the order in which one rests on another."""
    labels = case.context.labels
    touched = set(touched)
    yield from (box for box in _outside(case) if box.id in touched)
    for label in labels(*known.ATTESTATIONS):
        yield _box(case, label, "Security key", _device(case, label))
    for role, kind in known.PEOPLE.items():
        for label in labels(role):
            yield _box(case, label, kind, _said(case, f"{role.partition('-')[0]}.form", label))
    for role, kind in _KEYS.items():
        for label in labels(role):
            yield _box(case, label, kind, _said(case, f"{role.partition('-')[0]}.form", label))
    for label in labels("ek-certificate"):
        if label in touched:
            yield _box(case, label, "Endorsement certificate", _said(case, "ek.form", label))
    for role, (kind, area) in known.STATEMENTS.items():
        for label in labels(role):
            yield _box(case, label, kind, _said(case, f"{area}.form", label))
    for label in labels("pcr-values"):
        yield _box(case, label, "PCR values", _values(case, label))
    for role, (kind, _) in known.LOGS.items():
        for label in labels(role):
            yield _box(case, label, kind, _said(case, "log.form", label))
    for number in range(1, len(case.bundle.seals) + 1):
        name = f"seal {number}"
        if signer_of(case, number) == name:
            yield Box(id=name, kind="Another signer", title=name, detail=_said(case, "seal.signer", name))
    yield Box(
        id=MANIFEST,
        kind="Manifest",
        title=f"{case.report.manifest_digest.hex()[:16]}…",
        detail=f"claims {when(case.bundle.manifest.created)}",
    )


def _outside(case: Case) -> Iterator[Box]:
    """What the verifier brings: there is nothing of it in the bundle."""
    policy = case.report.policy
    makers = len(policy.anchors_hardware) + len(policy.pins_hardware)
    anchors = {
        known.MAKER: ("Maker of security keys", makers),
        known.AUTHORITY: ("Authority above X.509", len(policy.anchors_piv)),
        known.MANUFACTURER: ("TPM manufacturer", len(policy.anchors)),
        known.EXPECTED: ("Reference values", len(policy.references)),
    }
    for id, (kind, count) in anchors.items():
        detail = plural(count, "set" if id == known.EXPECTED else "anchor") if count else "none was given"
        yield Box(id=id, kind=kind, title="the verifier's own", detail=detail, outside=True)


def _box(case: Case, label: str, kind: str, detail: str) -> Box:
    absent = "" if label in case.bundle.content else "not in this file"
    pinned = any(each.outcome is Outcome.PASSED for each in case.about(("seal.anchor",), (label,)))
    return Box(
        id=label,
        kind=kind,
        title=label,
        detail=absent or detail,
        pinned=pinned,
        against=case.against(label),
    )


def _said(case: Case, check: str, label: str) -> str:
    found = case.about((check,), (label,))
    return found[0].message if found and found[0].outcome is Outcome.PASSED else "not read"


def _device(case: Case, label: str) -> str:
    with suppress(Judgement):
        return case.context.area(Statements).form(label).device
    return "not read"


def _values(case: Case, label: str) -> str:
    with suppress(Judgement):
        return plural(sum(map(len, case.context.pcr_values(label).values())), "value")
    return "not read"
