# SPDX-License-Identifier: Apache-2.0
"""Targets of the verifier: bundles as they come, and a ceremony with one thing exchanged and sealed again."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

from bundlefmt import cbor
from bundlefmt.bundle import Bundle
from bundlefmt.errors import MalformedError
from bundlefmt.render import ear, inspection, text
from bundlefmt.render.case import Case
from bundlefmt.render.explanation import sections
from bundlefmt.render.html_page import page
from bundlefmt.render.report import report_json, report_lines
from bundlefmt.verify import Report, Verdict, verify
from tests.fuzz import mutators, resealing, seeds
from tests.fuzz.container import printed
from tests.fuzz.target import Targets

COMPOSED: Final = (seeds.GOOD, seeds.SMALL, "renewal_whole", "container_openpgp", "container_later-witness")
TEXTS: Final = sections((seeds.FOLDER.parent / "spec" / "checks.md").read_text(encoding="utf-8"))
target: Final = Targets("cbor")


def judge(bundle: Bundle) -> Report:
    """The report under the good ceremony's pins and anchors, after it was printed in every form."""
    report = verify(bundle, seeds.policy(seeds.GOOD))
    printed(report_lines(report, verbose=True))
    json.dumps(report_json(report), ensure_ascii=False).encode()
    return report


@target("verify", lambda: seeds.files().values(), mutate=mutators.file_tree)
def verified(data: bytes) -> None:
    """Nothing raises; what passes is a manifest that the pinned keys sealed, with the artifacts it names."""
    try:
        bundle = Bundle.decode(data)
    except MalformedError:
        return
    if judge(bundle).verdict is Verdict.PASSED:
        assert bundle.manifest_raw in {known.manifest_raw for known in seeds.bundles().values()}
        for label, record in bundle.content.items():
            assert bundle.manifest.items[label].digest.matches(record.value)


@target("recomposed", lambda: (seeds.files()[name] for name in COMPOSED), mutate=mutators.recomposed)
def recomposed(data: bytes) -> None:
    """Changed and sealed again: nothing raises, in any form of the report; what passes has the digests
    that its manifest names.
    """
    try:
        bundle = Bundle.decode(data)
    except MalformedError:
        return
    assert bundle.encode() == data
    report = judge(bundle)
    printed(text.tree(inspection.inspection(bundle)))
    page(Case(bundle=bundle, report=report, texts=TEXTS))
    ear.claims_json(report, issued_at=0, build="")
    cbor.encode(ear.claims_cbor(report, issued_at=0, build=""))
    if report.verdict is Verdict.PASSED:
        for label, record in bundle.content.items():
            assert bundle.manifest.items[label].digest.matches(record.value)


def _places() -> Iterable[bytes]:
    """Each place of the ceremony with what is there, and with what other vectors have in such a place."""
    for number, place in enumerate(resealing.places()):
        yield bytes([number]) + resealing.value_at(place)
        for bundle in seeds.bundles().values():
            if place in bundle.content:
                yield bytes([number]) + bytes(bundle.content[place].value)


@target("evidence", _places)
def resealed(data: bytes) -> None:
    """What stands at one place (named by the first byte) is exchanged and sealed: nothing raises, and changed
    evidence that is signed, bound or recomputed never passes.
    """
    places = resealing.places()
    place, value = places[data[0] % len(places) if data else 0], data[1:]
    try:
        bundle = resealing.exchanged(place, value)
    except MalformedError:
        return
    report = judge(bundle)
    printed(text.tree(inspection.inspection(bundle)))
    if place != resealing.MANIFEST and report.verdict is Verdict.PASSED:
        role = bundle.manifest.items[place].role
        assert role in resealing.FREE_ROLES or value == resealing.value_at(place), place
