# SPDX-License-Identifier: Apache-2.0
"""The result of one bundle among many: its verdict and what is compared over time, as one line of JSON.

Every member is in every line. What a line says of the platform is what the bundle states; whether it is
true, the verdict says. Spec: "Results of many bundles".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Final

from bundlefmt import labels
from bundlefmt.bundle import Bundle
from bundlefmt.errors import MalformedError
from bundlefmt.evidence.tpm import alg_name
from bundlefmt.manifest import hash_bytes
from bundlefmt.render import Json
from bundlefmt.render.snapshot import Quoted, Snapshot
from bundlefmt.render.words import cut
from bundlefmt.verify import Outcome, Report, Verdict
from bundlefmt.verify.seal_stamps import tells_time

SCHEMA: Final = "evidence-bundle-result/1"
MAX_LIST: Final = 64  # keys, boots, banks: of machines there are a few, and a line stays short
MAX_MESSAGE: Final = 300  # characters
_TAG: Final = (
    4  # bytes of a PCR's value in a line: which one differs; whether one does, the bank's digest says
)
_UNPLAIN: Final = (Outcome.FAILED, Outcome.INDETERMINATE)
Line = dict[str, Json]


class Trouble(StrEnum):
    """Why there is no verdict where the bytes are not to blame; error codes of the format stand beside."""

    UNREADABLE = "unreadable"
    NOT_A_FILE = "not-a-file"
    CHANGED = "changed"
    WORKER_DIED = "worker-died"
    INTERNAL = "internal"


def troubled(path: str, code: Trouble, message: str) -> Line:
    """The line of what could not be judged."""
    return {**_EMPTY, "path": path, "error": _error(code, message, None)}


def malformed(path: str, data: bytes, error: MalformedError) -> Line:
    """The line of a file that is no bundle."""
    return {**_EMPTY, "path": path, **_file(data), "error": _error(error.code, error.message, error.offset)}


def judged(path: str, data: bytes, bundle: Bundle, report: Report) -> Line:
    """The line of a bundle with its verdict."""
    return {
        **stated(path, data, bundle),
        "verdict": report.verdict.value,
        "findings": _findings(report),
        "conclusions": [{"id": each.id, "basis": each.basis.value} for each in report.conclusions],
        "timed": tells_time(bundle),
    }


def stated(path: str, data: bytes, bundle: Bundle) -> Line:
    """The line of a bundle that nobody judged: what it states."""
    manifest, previous = bundle.manifest, bundle.manifest.previous
    snapshot = Snapshot(bundle, (labels.HASH_SHA256,))
    quotes = snapshot.quotes()
    lists: dict[str, list[Json]] = {
        "ak_names": _distinct(quote.by.hex() for quote in quotes if quote.by is not None),
        "ek_sha256": _distinct(
            value.hex()
            for label in snapshot.labels("ek-public")
            for alg, value in snapshot.keys(label)
            if alg == labels.HASH_SHA256
        ),
        "boots": _boots(quotes),
        "pcrs": _pcrs(snapshot.values({})),
    }
    return {
        **_EMPTY,
        "path": path,
        **_file(data),
        **{
            f"manifest_{name}": hash_bytes(alg, bundle.manifest_raw).hex()
            for alg, name in labels.HASH_NAMES.items()
        },
        "created": manifest.created,
        "previous": None
        if previous is None
        else {"alg": labels.HASH_NAMES[previous.alg], "value": previous.value.hex()},
        **{name: found[:MAX_LIST] for name, found in lists.items()},
        "cut": any(len(found) > MAX_LIST for found in lists.values()),
    }


def encode(line: Line, policy: bytes | None) -> bytes:
    """One line of ASCII, with the digest of the policy it was judged under."""
    under = None if policy is None else policy.hex()
    return json.dumps({**line, "policy_sha256": under}, separators=(",", ":")).encode() + b"\n"


def ended(line: Mapping[str, Any]) -> str:
    """In a word: the verdict, `malformed`, or `unread`."""
    if line["error"] is None:
        return str(line["verdict"])
    return "unread" if line["error"]["code"] in list(Trouble) else "malformed"


WORST_FIRST: Final = (Verdict.FAILED.value, "malformed", "unread", Verdict.INDETERMINATE.value, "PASSED")
_EMPTY: Final[Line] = {
    "schema": SCHEMA,
    "path": "",
    "size": None,
    "sha256": None,
    "policy_sha256": None,
    "error": None,
    "verdict": None,
    "findings": [],
    "conclusions": [],
    "timed": False,
    "manifest_sha256": None,
    "manifest_sha384": None,
    "manifest_sha512": None,
    "created": None,
    "previous": None,
    "ak_names": [],
    "ek_sha256": [],
    "boots": [],
    "pcrs": [],
    "cut": False,
}


def _error(code: str, message: str, offset: int | None) -> Json:
    return {"code": str(code), "message": cut(message, MAX_MESSAGE), "offset": offset}


def _file(data: bytes) -> Line:
    return {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _findings(report: Report) -> list[Json]:
    """Of each check that failed or could not be decided the first such finding, failures first."""
    found: dict[str, Json] = {}
    for outcome in _UNPLAIN:
        for each in report.findings:
            if each.outcome is outcome and each.check not in found:
                message = cut(each.message, MAX_MESSAGE)
                found[each.check] = {"check": each.check, "outcome": outcome.value, "message": message}
    return list(found.values())


def _distinct(values: Iterable[str]) -> list[Json]:
    return list[Json](sorted(set(values)))


def _boots(quotes: Iterable[Quoted]) -> list[Json]:
    """Of each boot that a key speaks of, the latest clock."""
    latest: dict[tuple[object, ...], Quoted] = {}
    for quote in quotes:
        boot = (quote.by, *quote.boot, quote.attest.firmware_version)
        if boot not in latest or latest[boot].attest.clock_info.clock < quote.attest.clock_info.clock:
            latest[boot] = quote
    return [
        {
            "ak_name": None if quote.by is None else quote.by.hex(),
            "obfuscated": not quote.plain,
            "reset_count": quote.boot[0],
            "restart_count": quote.boot[1],
            "clock": quote.attest.clock_info.clock,
            "safe": quote.attest.clock_info.safe,
            "firmware_version": f"{quote.attest.firmware_version:016x}",
        }
        for quote in latest.values()
    ]


def _pcrs(values: Mapping[tuple[int, int], tuple[bytes, ...]]) -> list[Json]:
    """Of each bank the SHA-256 over all indices and values, and how the value of each PCR begins."""
    found: list[Json] = []
    for bank in sorted({bank for bank, _ in values}):
        row = sorted((index, sorted(of)) for (which, index), of in values.items() if which == bank)
        whole = hashlib.sha256(json.dumps([[index, [one.hex() for one in of]] for index, of in row]).encode())
        tags: Json = [{"pcr": index, "tag": of[0][:_TAG].hex()} for index, of in row]
        found.append({"bank": alg_name(bank), "sha256": whole.hexdigest(), "tags": tags})
    return found
