# SPDX-License-Identifier: Apache-2.0
"""Two snapshots side by side: what changed, and the first measurement that explains each change.

Nothing is judged: what a bundle says is compared with what another says. Spec: "Inspection and reports as
JSON".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from bundlefmt.bundle import Bundle
from bundlefmt.evidence.tpm import alg_name
from bundlefmt.labels import HASH_SHA256
from bundlefmt.render import Json
from bundlefmt.render.snapshot import LOGS, Identity, Key, Quoted, Snapshot, event_digest
from bundlefmt.render.words import cut
from bundlefmt.render.words import lines as gate
from bundlefmt.wire import Buffer

SCHEMA: Final = "evidence-bundle-comparison/1"
SIDES: Final = ("left", "right")
# who and what a snapshot is of; another one of these makes it another snapshot
_COUNTED: Final = ("openpgp-certificate", "piv-certificate", "ek-certificate", "ek-public")
# made anew for each snapshot unless asked otherwise
_SHOWN: Final = ("ak-public", "key-public")
_UNJUDGED: Final = "bundle verify says what that is worth"
Pair = tuple[Snapshot, Snapshot]


def comparison(left: Bundle, right: Bundle) -> dict[str, Json]:
    """Everything that differs, for people and programs."""
    items = (*left.manifest.items.values(), *right.manifest.items.values())
    algs = {HASH_SHA256, *(item.digest.alg for item in items)}
    pair = (Snapshot(left, algs), Snapshot(right, algs))
    pcrs, identities, unseen = list(_pcrs(pair)), list(_identities(pair)), list(_unseen(pair))
    versions = _firmware(pair)
    counted = [each for each in identities if each["role"] in _COUNTED]
    return {
        "schema": SCHEMA,
        "same": not (pcrs or counted or unseen or versions),
        "pcrs": list[Json](pcrs),
        "identities": list[Json](identities),
        "unseen": list[Json](unseen),
        "altered": {side: list[Json](one.altered()) for side, one in zip(SIDES, pair, strict=True)},
        "firmware_versions": list[Json](versions),
        "clock": {side: _clocks(one) for side, one in zip(SIDES, pair, strict=True)},
        "platform": _platform(pair),
        "boot": _boot(pair),
    }


def _pcrs(pair: Pair) -> Iterator[dict[str, Json]]:
    """Each PCR whose values differ, or that one of the two does not quote."""
    known = _known(pair)
    before, after = (each.values(known) for each in pair)
    for bank, index in sorted({*before, *after}):
        ours, theirs = before.get((bank, index), ()), after.get((bank, index), ())
        if set(ours) != set(theirs):
            left_event, right_event = _first_difference(pair, bank, index)
            yield {
                "bank": alg_name(bank),
                "pcr": index,
                "left": [value.hex() for value in ours],
                "right": [value.hex() for value in theirs],
                "left_event": left_event,
                "right_event": right_event,
            }


def _first_difference(pair: Pair, bank: int, index: int) -> tuple[Json, Json]:
    """The first events of one PCR whose digests are not the same; of logs that both carry."""
    for role in LOGS:
        ours, theirs = (each.events(role, bank).get(index, ()) for each in pair)
        if not ours or not theirs:
            continue
        for number in range(max(len(ours), len(theirs))):
            one = ours[number] if number < len(ours) else None
            other = theirs[number] if number < len(theirs) else None
            if one is None or other is None or event_digest(one, bank) != event_digest(other, bank):
                return dict[str, Json](one) if one else None, dict[str, Json](other) if other else None
    return None, None


def _identities(pair: Pair) -> Iterator[dict[str, Json]]:
    """Keys and certificates that are in one only, and those that say something else in the other."""
    ours, theirs = (each.identities(*_COUNTED, *_SHOWN) for each in pair)
    left, right = _alone(ours, theirs), _alone(theirs, ours)
    for role, name in sorted({*left, *right}):
        labels = {"left": left.get((role, name)), "right": right.get((role, name))}
        yield {"role": role, "identity": name, **labels}


def _alone(own: tuple[Identity, ...], others: tuple[Identity, ...]) -> dict[tuple[str, str], str]:
    """{(role, name): label} of what the other snapshot does not have in these bytes."""
    keys = {(other.role, key) for other in others for key in other.keys}
    found = [one for one in own if keys.isdisjoint((one.role, key) for key in one.keys)]
    return {(one.role, one.name): one.label for one in found}


def _known(pair: Pair) -> dict[Key, Buffer]:
    """PCR values that are in either file: what is withheld in one may be in the other."""
    return {**pair[0].present("pcr-values"), **pair[1].present("pcr-values")}


def _unseen(pair: Pair) -> Iterator[dict[str, Json]]:
    """PCR values that are in neither file. The digests that were sealed tell whether they are the same."""
    known = _known(pair)
    for side, one, other in zip(SIDES, pair, reversed(pair), strict=True):
        sealed = {key for label in other.labels("pcr-values") for key in other.keys(label)}
        for label in one.unseen("pcr-values", known):
            if sealed.isdisjoint(one.keys(label)):
                yield {"only": side, "label": label}


def _comparable(pair: Pair) -> list[tuple[Quoted, Quoted]]:
    ours, theirs = (each.quotes() for each in pair)
    return [(one, other) for one in ours for other in theirs if one.comparable(other)]


def _firmware(pair: Pair) -> list[dict[str, Json]]:
    """The TPM's firmware versions where they differ; those that are obfuscated are not compared."""
    both = {(one.attest.firmware_version, other.attest.firmware_version) for one, other in _comparable(pair)}
    return [{"left": left, "right": right} for left, right in sorted(both) if left != right]


def _clocks(one: Snapshot) -> Json:
    """Counters of each quote that can be read."""
    return [
        {
            "quote": quoted.label,
            "by": None if quoted.by is None else quoted.by.hex(),
            "obfuscated": not quoted.plain,
            "clock": quoted.attest.clock_info.clock,
            "resets": quoted.attest.clock_info.reset_count,
            "restarts": quoted.attest.clock_info.restart_count,
            "safe": quoted.attest.clock_info.safe,
            "firmware_version": quoted.attest.firmware_version,
        }
        for quoted in one.quotes()
    ]


def _platform(pair: Pair) -> dict[str, Json]:
    """Whether it is the same machine, and by what."""
    for role, what in (
        ("ak-public", "attestation key"),
        ("ek-public", "endorsement key"),
        ("ek-certificate", "endorsement certificate"),
    ):
        ours, theirs = (each.identities(role) for each in pair)
        if any(one.is_in(theirs) for one in ours):
            return {"same": True, "because": f"the same {what} is in both; {_UNJUDGED}"}
    if pair[0].templates() & pair[1].templates():
        return {"same": False, "because": f"the endorsement keys of one template differ; {_UNJUDGED}"}
    return {"same": None, "because": "they have no keys that can be compared"}


def _boot(pair: Pair) -> dict[str, Json]:
    """Whether it is the same boot: counters of one TPM that are equal."""
    if _platform(pair)["same"] is not True:
        return {"same": None, "because": "counters of different machines say nothing of each other"}
    equal = {one.boot == other.boot for one, other in _comparable(pair)}
    if len(equal) != 1:
        why = "the counters of some quotes are the same" if equal else "no counters can be compared"
        return {"same": None, "because": why}
    same = equal.pop()
    said = "are the same" if same else "differ"
    return {"same": same, "because": f"resetCount and restartCount of the quotes {said}; {_UNJUDGED}"}


def _at(value: Json, name: str) -> Json:
    return value.get(name) if isinstance(value, dict) else None


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def altered(shown: Mapping[str, Json], side: str) -> Iterator[str]:
    """The artifacts of one side that have not the digest that was sealed."""
    return map(str, _list(_at(shown["altered"], side)))


@gate
def lines(shown: Mapping[str, Json]) -> Iterator[str]:
    """The comparison for people."""
    for name in ("platform", "boot"):
        words = {True: f"same {name}", False: f"another {name}"}
        same = _at(shown[name], "same")
        said = words[same] if isinstance(same, bool) else f"{name} not told"
        yield f"{said}: {_at(shown[name], 'because')}"
    for entry in _list(shown["identities"]):
        yield _identity(entry)
    for entry in _list(shown["firmware_versions"]):
        yield f"firmware version: {_at(entry, 'left')} → {_at(entry, 'right')}"
    for name in ("resets", "restarts"):
        before, after = (_counts(_at(shown["clock"], side), name) for side in SIDES)
        if before != after:
            yield f"{name}: {before} → {after}"
    for entry in _list(shown["unseen"]):
        yield f"only {_at(entry, 'only')}: {_at(entry, 'label')}, PCR values that are not in the file"
    for entry in _list(shown["pcrs"]):
        yield from _change(entry)
    yield "the same" if shown["same"] else "different"


def _identity(entry: Json) -> str:
    left, right = _at(entry, "left"), _at(entry, "right")
    how = "changed" if left and right else "only left" if left else "only right"
    return f"{how}: {_at(entry, 'role')} {left or right} {_at(entry, 'identity')}"


def _counts(clocks: Json, name: str) -> str:
    """A counter in all quotes of one side; equal ones once, obfuscated ones not at all."""
    plain = (str(_at(each, name)) for each in _list(clocks) if not _at(each, "obfuscated"))
    return ", ".join(dict.fromkeys(plain)) or "not told"


def _change(entry: Json) -> Iterator[str]:
    """One PCR, and the first events behind the difference."""
    yield f"PCR {_at(entry, 'pcr')} in {_at(entry, 'bank')}"
    events = {side: _at(entry, f"{side}_event") for side in SIDES}
    for side, event in events.items():
        for value in _list(_at(entry, side)) or ["no value is here"]:
            yield f"  {side:5}  {value}"
        if isinstance(event, dict):
            yield f"         first other event: {_event(event)}"
        elif any(events.values()):
            yield "         no such event"


def _event(event: Mapping[str, Json]) -> str:
    how = (event["known"] and "known digest") or event["coverage"]
    words = event["known"] or event["untrusted_words"]
    return cut(f"{event['number']} {event['untrusted_type']}: {words} ({how})")
