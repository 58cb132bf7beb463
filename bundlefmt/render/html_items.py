# SPDX-License-Identifier: Apache-2.0
"""What is in the bundle, on a page: items with sizes and digests, seals, and what they say of themselves."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from bundlefmt import labels
from bundlefmt.manifest import Digest, Item
from bundlefmt.render.case import MAX_ITEMS, Case
from bundlefmt.render.facts import artifact_facts, seal_facts
from bundlefmt.render.html import Markup, Part, element, foreign, join
from bundlefmt.render.html_marks import (
    check_link,
    digest,
    item_link,
    mark,
    region,
    row,
    section,
    table,
    unfold,
)
from bundlefmt.render.inspection import plain
from bundlefmt.render.words import plural, size

_MAX_FACTS: Final = 40


def items_section(case: Case) -> Markup:
    manifest = case.bundle.manifest
    binding = manifest.binding
    over = join((item_link(label, case.listed) for label in binding.over[:MAX_ITEMS]), ", ")
    required = join(
        (
            join((item_link(each.item, case.listed), f" ({each.part})"))
            for each in manifest.signers[:MAX_ITEMS]
        ),
        ", ",
    )
    terms: list[tuple[str, Part]] = [
        ("manifest, SHA-256", digest(case.report.manifest_digest.hex())),
        ("profile", foreign(manifest.profile)),
        ("created", join((mark("claimed"), " see the times above"))),
        (
            "binding",
            digest(
                f"{labels.HASH_NAMES[binding.alg]} {binding.digest(manifest.items, manifest.previous).hex()}"
            ),
        ),
        ("binding covers", over),
        ("must seal", required),
    ]
    if manifest.previous is not None:
        terms.append(("snapshot before", _digest(manifest.previous)))
    unknown = islice(manifest.extensions, _MAX_FACTS)
    terms += [("unknown member", join((foreign(name), " (kept, not judged)"))) for name in unknown]
    heads = ("Item", "Role and type", "Size", "Digest")
    rows = (line for label, item in case.listed.items() for line in _rows(label, item, case))
    more = len(case.items) - len(case.listed)
    return section(
        "items",
        "What is in the bundle",
        element("dl", join(_terms(terms))),
        element("p", "What artifacts say of themselves is shown as they say it, true or not."),
        region(table(plural(len(case.items), "item"), heads, rows, "items"), "Table of items"),
        element("p", f"and {more} more items") if more > 0 else None,
        *_seals(case),
    )


def _terms(terms: list[tuple[str, Part]]) -> Iterator[Markup]:
    for name, value in terms:
        yield element("dt", name)
        yield element("dd", value)


def _digest(value: Digest) -> Markup:
    return join((f"{labels.HASH_NAMES[value.alg]} ", digest(value.value.hex())))


def _rows(label: str, item: Item, case: Case) -> Iterator[Markup]:
    record = case.bundle.content.get(label)
    presence = (
        None
        if record is not None
        else "detached, not in this file"
        if item.detached
        else "withheld, not in this file"
    )
    against = case.against(label)
    facts = {} if record is None else artifact_facts(item.role, record.type, record.value)
    said = list(facts.items())
    said += [(f"{name} →", ", ".join(item.ref(name)[:_MAX_FACTS])) for name in islice(item.refs, _MAX_FACTS)]
    said += [
        (f"claimed {name}", str(plain(value))) for name, value in islice(item.claimed.items(), _MAX_FACTS)
    ]
    lines = join(_terms([(name, foreign(value, 1000)) for name, value in _cut(said)]))
    doubt = join((" ", mark(against.outcome), " ", check_link(against.check))) if against else None
    yield row(
        join((element("code", label), doubt)),
        join((foreign(item.role), element("div", foreign(item.type), class_="soft"))),
        join((size(item.size), element("div", presence) if presence else None)),
        _digest(item.digest),
        id=f"item-{label}",
        class_="under" if said else None,
    )
    if said:
        inner = unfold(f"What {label} says of itself", element("dl", lines))
        yield element("tr", element("td", inner, colspan=4))


def _cut(said: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Names are others' words too: cut like values."""
    return [(name[:80], value) for name, value in said[: 2 * _MAX_FACTS]]


def _seals(case: Case) -> Iterator[Markup]:
    yield element("h3", "Seals")
    if not case.bundle.seals:
        yield element("p", "There are none.")
        return
    rows = []
    for number, seal in enumerate(case.bundle.seals, 1):
        facts = join(_terms([(name, foreign(value)) for name, value in seal_facts(seal).items()]))
        rows.append(
            row(
                f"seal {number}",
                foreign(seal.type),
                size(len(seal.value)),
                element("dl", facts),
                id=f"seal-{number}",
            )
        )
    yield region(
        table(plural(len(rows), "seal"), ("Seal", "Type", "Size", "What it says of itself"), rows),
        "Table of seals",
    )
