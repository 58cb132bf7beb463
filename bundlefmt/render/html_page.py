# SPDX-License-Identifier: Apache-2.0
"""The page of a report: one HTML file that needs nothing else, runs nothing and loads nothing.

The same bundle under the same policy gives the same page: there is no clock in it, and no name of a file.
Spec: "Reports as a page".
"""

from __future__ import annotations

from typing import Final

from bundlefmt.render.case import Case
from bundlefmt.render.html import Markup, element, foreign
from bundlefmt.render.html_findings import findings_section
from bundlefmt.render.html_frame import framed
from bundlefmt.render.html_graph import graph_section
from bundlefmt.render.html_items import items_section
from bundlefmt.render.html_judgement import conclusions_section, open_section, verdict_section
from bundlefmt.render.html_marks import digest
from bundlefmt.render.html_pcrs import boot_section, pcrs_section
from bundlefmt.render.html_policy import policy_section
from bundlefmt.render.html_timeline import timeline_section

_CONTENTS: Final = {
    "verdict": "Verdict",
    "conclusions": "What follows",
    "graph": "Who signs whom",
    "timeline": "Times",
    "pcrs": "PCR values",
    "boot": "What booted",
    "open": "What was not judged",
    "policy": "Policy",
    "items": "Items",
    "findings": "Findings",
}


def page(case: Case) -> str:
    """The whole file as text; UTF-8 when it is written."""
    sections = {
        "verdict": verdict_section(case),
        "conclusions": conclusions_section(case),
        "graph": graph_section(case),
        "timeline": timeline_section(case),
        "pcrs": pcrs_section(case),
        "boot": boot_section(case),
        "open": open_section(case),
        "policy": policy_section(case),
        "items": items_section(case),
        "findings": findings_section(case),
    }
    there = {name: (_CONTENTS[name], part) for name, part in sections.items() if part is not None}
    title = f"{case.report.verdict}: report on an evidence bundle {case.report.manifest_digest.hex()[:8]}"
    return framed(title, _header(case), there, skip="To the verdict", written_by="bundle report")


def _header(case: Case) -> Markup:
    title = case.bundle.manifest.title
    return element(
        "header",
        element("h1", "Report on an evidence bundle"),
        element("p", "By its own word: ", element("strong", foreign(title))) if title else None,
        element("p", "Manifest, SHA-256: ", digest(case.report.manifest_digest.hex()), class_="soft"),
    )
