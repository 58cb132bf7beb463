# SPDX-License-Identifier: Apache-2.0
"""PCR values on a page, each with the events of the logs that gave it, and what the firmware's logs tell.

Digests of events are bound by the quoted value where a log explains it; types and words are the log's, unless
a digest covers them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import Final

from bundlefmt.errors import MalformedError
from bundlefmt.evidence.pcr import PcrValues
from bundlefmt.evidence.tpm_algorithm import TpmAlg, UnsupportedAlgorithmError, alg_name
from bundlefmt.logs.recognise import decode_log
from bundlefmt.logs.replay import Outcome as Replayed
from bundlefmt.render import platform
from bundlefmt.render.case import Case, worst
from bundlefmt.render.events import Row, rows
from bundlefmt.render.graph_arrows import LOGS
from bundlefmt.render.html import BREAK, Markup, Part, element, foreign, join
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
from bundlefmt.render.words import plural
from bundlefmt.verify.context import Judgement
from bundlefmt.verify.explanation import IMA, Compared, Logs

MAX_EVENTS: Final = 1500  # of one log; `bundle log` shows all
_MAX_SETS: Final = 16
_STRENGTH: Final = (TpmAlg.SHA512, TpmAlg.SHA384, TpmAlg.SHA256, TpmAlg.SM3_256, TpmAlg.SHA1)
_FIRST: Final = (TpmAlg.SHA256, *_STRENGTH)
# TCG PC Client Platform Firmware Profile 1.06, 3.3.4 "PCR usage"
_USAGE: Final = {
    0: "firmware",
    1: "firmware's settings",
    2: "drivers, option ROMs",
    3: "their settings",
    4: "boot loader",
    5: "its settings, partitions",
    6: "the maker's own",
    7: "Secure Boot",
}
_WORDS: Final = {
    Replayed.MATCH: "these events give the value",
    Replayed.PREFIX: "a first part of these events gives the value",
    Replayed.OTHER_LOCALITY: "these events give the value from another startup locality than is logged",
    Replayed.MISMATCH: "these events do not give the value",
}


def pcrs_section(case: Case) -> Markup:
    labels = case.context.labels("pcr-values")
    if not labels:
        return section("pcrs", "PCR values", element("p", "There are none in this bundle."))
    parts: list[Part] = []
    for label in labels[:_MAX_SETS]:
        parts += _values(label, case)
    if len(labels) > _MAX_SETS:
        parts.append(element("p", f"and {len(labels) - _MAX_SETS} more sets of values"))
    lead = element(
        "p",
        "Each value with the events that logs have for it. Types and words of events are the log's; "
        "“covered” says that the digest binds what is shown.",
    )
    return section("pcrs", "PCR values and what gave them", lead, *parts)


def _values(label: str, case: Case) -> Iterator[Part]:
    quotes = case.items[label].ref("quoted-by")
    yield element("h3", "Values ", item_link(label, case.listed))
    for quote in quotes[:_MAX_SETS]:
        found = case.about(("quote.pcrs",), (quote,))
        yield element(
            "p",
            "Quoted by ",
            item_link(quote, case.listed),
            ": ",
            mark(worst(found)),
            " ",
            check_link("quote.pcrs"),
        )
    try:
        values = case.context.pcr_values(label)
    except Judgement as judgement:
        yield element("p", foreign(str(judgement)))
        return
    banks = sorted(values, key=lambda bank: (_FIRST.index(bank) if bank in _FIRST else len(_FIRST), bank))
    for place, bank in enumerate(banks):
        inner = _bank(label, bank, values, case, events=place == 0)
        yield inner if place == 0 else unfold(f"The same in {alg_name(bank)}", inner)


def _bank(label: str, bank: int, values: PcrValues, case: Case, *, events: bool) -> Markup:
    compared = _compared(label, bank, case)
    listed = _events(label, bank, case) if events else {}
    lines: list[Part] = []
    for index, value in sorted(values[bank].items()):
        under = listed.get(index, [])
        usage = _USAGE.get(index)
        lines.append(
            row(
                join((str(index), element("span", f" {usage}", class_="soft") if usage else None)),
                digest(value.hex()),
                _explained(index, value, compared.get(index, []), case),
                class_="under" if under else None,
            )
        )
        if under:
            summary = f"{plural(sum(len(found) for _, found in under), 'event')} of PCR {index}"
            inner = unfold(summary, *(_event_list(log, found, case) for log, found in under))
            lines.append(element("tr", element("td", inner, colspan=3)))
    name = f"PCR values of {alg_name(bank)}"
    return region(
        table(
            name,
            ("PCR", "Value", "What gave it"),
            (line for line in lines if isinstance(line, Markup)),
            "pcrs",
        ),
        f"{name}, {label}",
    )


def _compared(label: str, bank: int, case: Case) -> Mapping[int, list[tuple[str, Compared]]]:
    """What each log says of each value of one bank."""
    found: dict[int, list[tuple[str, Compared]]] = {}
    for log in case.context.labels("firmware-log", "userspace-log"):
        named = case.items[log].ref("pcrs")
        with suppress(Judgement, UnsupportedAlgorithmError):
            for each in case.context.area(Logs).compared(log):
                if each.replay.bank == bank and (not named or label in named):
                    found.setdefault(each.replay.index, []).append((log, each))
    return found


def _explained(index: int, value: bytes, compared: Sequence[tuple[str, Compared]], case: Case) -> Markup:
    beside = [
        (log, each)
        for log, each in compared
        if each.replay.quoted == value and (each.events or not each.explained)
    ]
    lines = [
        join(
            (
                mark(
                    "passed" if each.explained else "failed",
                    "explained" if each.explained else "not explained",
                ),
                f": {_WORDS[each.replay.outcome]}, {plural(len(each.events), 'event')} of ",
                item_link(log, case.listed),
                f"; {plural(len(each.replay.incomplete), 'event')} without a digest of this bank"
                if each.replay.incomplete
                else None,
            )
        )
        for log, each in beside
    ]
    lists = [log for log in case.context.labels(IMA) if index in _ima_counts(log, case)]
    for log in lists:
        outcome = worst(case.about(("log.ima",), (log,)))
        lines.append(join((mark(outcome), " ", check_link("log.ima"), ": ", item_link(log, case.listed))))
    if lines:
        return join(lines, "; ")
    if set(value) in ({0}, {0xFF}):
        return element("span", "as at the start: nothing was measured", class_="soft")
    return join((mark("skipped", "not explained"), ": no log here has events of this PCR"))


def _ima_counts(log: str, case: Case) -> Mapping[int, int]:
    with suppress(Judgement):
        return case.context.ima_logs(log).counts
    return {}


def _events(label: str, bank: int, case: Case) -> Mapping[int, list[tuple[str, list[Row]]]]:
    """{PCR: [(log, its events there)]} of the logs that are to explain these values."""
    found: dict[int, list[tuple[str, list[Row]]]] = {}
    for log in case.context.labels(*LOGS):
        record, named = case.bundle.content.get(log), case.items[log].ref("pcrs")
        if record is None or (named and label not in named):
            continue
        mine: dict[int, list[Row]] = {}
        with suppress(MalformedError, UnsupportedAlgorithmError):
            for each in islice(rows(decode_log(record.value), bank), MAX_EVENTS):
                index = each["pcr"]
                if isinstance(index, int) and each["coverage"] != "not-extended":
                    mine.setdefault(index, []).append(each)
        for index, events in mine.items():
            found.setdefault(index, []).append((log, events))
    return found


def _event_list(log: str, events: Sequence[Row], case: Case) -> Markup:
    items = []
    for each in events:
        known = each["known"]
        items.append(
            element(
                "li",
                foreign(str(each["untrusted_type"])),
                ": ",
                mark("passed" if each["coverage"] == "covered" else "skipped", str(each["shown"])),
                f", {known}" if isinstance(known, str) and known != each["untrusted_words"] else None,
                ". ",
                foreign(str(each["untrusted_words"])),
                value=int(str(each["number"])),
            )
        )
    return join(
        (element("p", "By ", item_link(log, case.listed)), element("ol", join(items, BREAK), class_="events"))
    )


def boot_section(case: Case) -> Markup | None:
    """What the firmware's logs tell, each fact with its standing; only where there is such a log."""
    if not case.report.platforms:
        return None
    parts: list[Part] = []
    for log, told in case.report.platforms[:_MAX_SETS]:
        parts.append(element("h3", "As ", item_link(log, case.listed), " tells it"))
        parts.append(
            element(
                "ul",
                join(
                    (
                        element("li", foreign(line, 600))
                        for line in islice(platform.summary(told), MAX_EVENTS)
                    ),
                    BREAK,
                ),
            )
        )
    lead = element(
        "p",
        "measured: a digest in a PCR that the log explains covers it; logged: a digest in the log does; "
        "claimed: the log says so.",
    )
    return section("boot", "What booted", lead, *parts)
