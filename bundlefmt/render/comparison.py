# SPDX-License-Identifier: Apache-2.0
"""Two snapshots side by side: what changed, and the first measurement that explains each change.

Nothing is judged: what a bundle says is compared with what another says. Spec: "Comparison as JSON".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from bundlefmt.bundle import Bundle
from bundlefmt.errors import MalformedError
from bundlefmt.evidence import openpgp
from bundlefmt.evidence.attest import TpmsAttest
from bundlefmt.evidence.pcr import PcrValues, decode_pcr_values
from bundlefmt.evidence.tpm import TpmtPublic, UnsupportedAlgorithmError, alg_name
from bundlefmt.logs.recognise import decode_log
from bundlefmt.manifest import Digest
from bundlefmt.render import Json
from bundlefmt.render.events import Row, rows
from bundlefmt.render.words import cut, safe

SCHEMA: Final = "evidence-bundle-comparison/1"
_LOGS: Final = ("firmware-log", "userspace-log", "ima-log")
# who and what a snapshot is of; another one of these makes it another snapshot
_COUNTED: Final = ("openpgp-certificate", "piv-certificate", "ek-certificate", "ek-public")
# made anew for each snapshot unless asked otherwise
_SHOWN: Final = ("ak-public", "key-public")


def comparison(left: Bundle, right: Bundle) -> dict[str, Json]:
    """Everything that differs, for people and programs."""
    pcrs, identities = list(_pcrs(left, right)), list(_identities(left, right))
    clock = {"left": _clock(left), "right": _clock(right)}
    versions = [_at(_clock(bundle), "firmware_version") for bundle in (left, right)]
    counted = [each for each in identities if each["role"] in _COUNTED]
    return {
        "schema": SCHEMA,
        "same": not pcrs and not counted and versions[0] == versions[1],
        "pcrs": list[Json](pcrs),
        "identities": list[Json](identities),
        "clock": dict[str, Json](clock),
        "platform": _platform(left, right),
        "boot": _boot(left, right),
    }


def _at(value: Json, name: str) -> Json:
    return value.get(name) if isinstance(value, dict) else None


def _values(bundle: Bundle, *roles: str) -> Iterator[tuple[str, str, bytes]]:
    """(label, role, bytes) of the artifacts that are here, in label order."""
    for label, item in sorted(bundle.manifest.items.items()):
        if item.role in roles and label in bundle.content:
            yield label, item.role, bytes(bundle.content[label].value)


def _quoted(bundle: Bundle) -> PcrValues:
    """All PCR values that can be read; of two for one PCR the first counts."""
    found: PcrValues = {}
    for _, _, data in _values(bundle, "pcr-values"):
        try:
            decoded = decode_pcr_values(data)
        except MalformedError:
            continue
        for bank, row in decoded.items():
            for index, value in row.items():
                found.setdefault(bank, {}).setdefault(index, value)
    return found


def _pcrs(left: Bundle, right: Bundle) -> Iterator[dict[str, Json]]:
    """Each PCR whose value differs, or that one of the two does not quote."""
    ours, theirs = _quoted(left), _quoted(right)
    for bank in sorted({*ours, *theirs}):
        before, after = ours.get(bank, {}), theirs.get(bank, {})
        for index in sorted({*before, *after}):
            if before.get(index) != after.get(index):
                explained = _first_difference(left, right, bank, index)
                yield {
                    "bank": alg_name(bank),
                    "pcr": index,
                    "left": before[index].hex() if index in before else None,
                    "right": after[index].hex() if index in after else None,
                    "left_event": explained[0],
                    "right_event": explained[1],
                }


def _first_difference(left: Bundle, right: Bundle, bank: int, index: int) -> tuple[Json, Json]:
    """The first events of one PCR whose digests are not the same; of logs that both carry."""
    for role in _LOGS:
        ours, theirs = _events(left, role, bank, index), _events(right, role, bank, index)
        if not ours or not theirs:
            continue
        for number in range(max(len(ours), len(theirs))):
            one = ours[number] if number < len(ours) else None
            other = theirs[number] if number < len(theirs) else None
            if one is None or other is None or one["digests"] != other["digests"]:
                return dict[str, Json](one) if one else None, dict[str, Json](other) if other else None
    return None, None


def _events(bundle: Bundle, role: str, bank: int, index: int) -> Sequence[Row]:
    for _, _, data in _values(bundle, role):
        try:
            log = decode_log(data)
            return [
                row for row in rows(log, bank) if row["pcr"] == index and row["coverage"] != "not-extended"
            ]
        except (MalformedError, UnsupportedAlgorithmError):
            continue
    return ()


def _identity(role: str, data: bytes) -> str:
    """What people call it: a fingerprint, a Name, or the digest of the certificate."""
    try:
        if role == "openpgp-certificate":
            return openpgp.certificate_facts(data).fingerprint
        if role.endswith("-public"):
            return TpmtPublic.decode(data).name().hex()
    except (MalformedError, openpgp.OpenPgpError, UnsupportedAlgorithmError):
        pass
    return Digest.of(data).value.hex()


def _named(bundle: Bundle) -> dict[tuple[str, str], str]:
    """{(role, identity): label}."""
    found = _values(bundle, *_COUNTED, *_SHOWN)
    return {(role, _identity(role, data)): label for label, role, data in found}


def _identities(left: Bundle, right: Bundle) -> Iterator[dict[str, Json]]:
    ours, theirs = _named(left), _named(right)
    for side, found, other in (("left", ours, theirs), ("right", theirs, ours)):
        for (role, identity), label in sorted(found.items()):
            if (role, identity) not in other:
                yield {"role": role, "only": side, "label": label, "identity": identity}


def _clock(bundle: Bundle) -> Json:
    """Counters and firmware version of the first quote that can be read."""
    for label, _, data in _values(bundle, "quote"):
        try:
            attest = TpmsAttest.decode(data)
        except MalformedError:
            continue
        clock = attest.clock_info
        return {
            "quote": label,
            "clock": clock.clock,
            "resets": clock.reset_count,
            "restarts": clock.restart_count,
            "safe": clock.safe,
            "firmware_version": attest.firmware_version,
        }
    return None


def _shared(left: Bundle, right: Bundle, role: str) -> bool:
    named = [{name for each, name in _named(bundle) if each == role} for bundle in (left, right)]
    return bool(named[0] & named[1])


def _platform(left: Bundle, right: Bundle) -> Json:
    """Whether it is the same machine, and by what."""
    if _shared(left, right, "ak-public"):
        return {"same": True, "because": "the same attestation key speaks in both"}
    if _shared(left, right, "ek-public"):
        return {
            "same": True,
            "because": "both name the same endorsement key; bundle verify says what that is worth",
        }
    keys = [any(role == "ek-public" for role, _ in _named(bundle)) for bundle in (left, right)]
    if all(keys):
        return {"same": False, "because": "they name different endorsement keys"}
    return {"same": None, "because": "no key is in both, and not both name an endorsement key"}


def _boot(left: Bundle, right: Bundle) -> Json:
    """Whether it is the same boot: counters of one TPM that are equal."""
    platform = _at(_platform(left, right), "same")
    ours, theirs = _clock(left), _clock(right)
    if platform is not True or ours is None or theirs is None:
        return {"same": None, "because": "counters of different machines say nothing of each other"}
    names = ("resets", "restarts")
    same = all(_at(ours, name) == _at(theirs, name) for name in names)
    said = "are the same" if same else "differ"
    return {"same": same, "because": f"resetCount and restartCount of the quotes {said}"}


def lines(shown: Mapping[str, Json]) -> Iterator[str]:
    """The comparison for people."""
    for name in ("platform", "boot"):
        words = {True: f"same {name}", False: f"another {name}"}
        about = shown[name]
        same = _at(about, "same")
        said = words[same] if isinstance(same, bool) else f"{name} not told"
        yield f"{said}: {_at(about, 'because')}"
    for entry in _list(shown["identities"]):
        what = " ".join(str(_at(entry, name)) for name in ("role", "label", "identity"))
        yield f"only {_at(entry, 'only')}: {what}"
    for name in ("firmware_version", "resets", "restarts"):
        before, after = (_at(_at(shown["clock"], side), name) for side in ("left", "right"))
        if before != after:
            yield f"{name.replace('_', ' ')}: {before} → {after}"
    for entry in _list(shown["pcrs"]):
        yield from _change(entry)
    yield "the same" if shown["same"] else "different"


def _change(entry: Json) -> Iterator[str]:
    """One PCR, and the first events behind the difference."""
    yield f"PCR {_at(entry, 'pcr')} in {_at(entry, 'bank')}"
    events = {side: _at(entry, f"{side}_event") for side in ("left", "right")}
    for side, event in events.items():
        yield f"  {side:5}  {_at(entry, side) or 'not quoted'}"
        if isinstance(event, dict):
            yield f"         first other event: {_event(event)}"
        elif any(events.values()):
            yield "         no such event"


def _event(event: Mapping[str, Json]) -> str:
    how = (event["known"] and "known digest") or event["coverage"]
    words = event["known"] or event["untrusted_words"]
    return cut(safe(f"{event['number']} {event['untrusted_type']}: {words} ({how})"))


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
