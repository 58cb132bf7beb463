# SPDX-License-Identifier: Apache-2.0
"""The tree of an inspection, as plain text for a terminal of any width.

Every line goes through `words.lines`, so that no value can forget to.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bundlefmt import labels
from bundlefmt.moment import when
from bundlefmt.render import Json
from bundlefmt.render.words import cut, lines, size


def _object(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _integer(value: Json) -> int:
    return value if isinstance(value, int) else 0


def _words(value: Json) -> str:
    """A JSON value on one line."""
    if isinstance(value, list):
        return ", ".join(_words(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{cut(key)}={_words(item)}" for key, item in value.items())
    return cut(str(value))


@lines
def tree(shown: dict[str, Json]) -> Iterator[str]:
    """The calm tree of a well-formed bundle's inspection."""
    manifest, binding = _object(shown["manifest"]), _object(shown["binding"])
    version = ".".join(str(part) for part in _list(manifest["version"]))
    yield f"Evidence Bundle {version}" + (f": {_words(manifest['title'])}" if manifest["title"] else "")
    yield "manifest"
    yield f"  sha-256   {manifest['sha256']}"
    yield f"  profile   {_words(manifest['profile'])}"
    yield f"  created   {when(_integer(manifest['created']))} (claimed)"
    if manifest["previous"]:
        yield f"  previous  {_object(manifest['previous'])['value']}"
    for name, value in _object(manifest["extensions"]).items():
        yield f"  {cut(name)}  {_words(value)} (not known to this version)"
    yield "items"
    yield from _items(shown)
    yield "binding"
    yield f"  {binding['alg']} {binding['digest']}"
    yield f"  over {_words(binding['over'])}"
    yield "required signers"
    for signer in _list(shown["signers"]):
        yield f"  {_object(signer)['item']} ({_object(signer)['part']})"
    yield "seals" if shown["seals"] else "seals: none"
    for number, entry in enumerate(_list(shown["seals"]), 1):
        seal = _object(entry)
        yield f"  seal {number}  {_SEAL_NAMES.get(str(seal['type']), _words(seal['type']))}, {seal['size']} B"
        yield from _facts(seal["facts"], "    ")
        yield from _parts(seal["parts"], "    ")
    if shown["renewals"]:
        yield "renewals"
    for number, entry in enumerate(_list(shown["renewals"]), 1):
        renewal = _object(entry)
        yield f"  renewal {number}  {renewal['size']} B"
        yield from _facts(renewal["facts"], "    ")
        yield from _parts(renewal["parts"], "    ")


_SEAL_NAMES: Final = {labels.SEAL_COSE: "COSE hash envelope", labels.SEAL_OPENPGP: "OpenPGP signature"}


def _items(shown: dict[str, Json]) -> Iterator[str]:
    """Items grouped by role, in the order of the registry; unknown roles last."""
    order = {role: place for place, role in enumerate(labels.ROLES)}
    items = [_object(item) for item in _list(shown["items"])]
    role = None
    for item in sorted(items, key=lambda i: (order.get(str(i["role"]), len(order)), str(i["role"]))):
        if item["role"] != role:
            role = item["role"]
            yield f"  {_words(role)}" + ("" if role in order else " (role not known to this version)")
        absent = "" if item["presence"] == "present" else f"  {item['presence']}"
        yield f"    {item['label']}  {size(_integer(item['size']))}{absent}"
        yield from _facts(item["facts"], "      ")
        for name, target in _object(item["refs"]).items():
            yield f"      {cut(name)} → {_words(target)}"
        if item["claimed"]:
            yield f"      claimed: {_words(item['claimed'])}"


def _facts(facts: Json, pad: str) -> Iterator[str]:
    for name, value in _object(facts).items():
        yield f"{pad}{name}: {_words(value)}"


def _parts(parts: Json, pad: str) -> Iterator[str]:
    for entry in _list(parts):
        part = _object(entry)
        yield f"{pad}{part['kind']}"
        yield from _facts(part["facts"], f"{pad}  ")


@lines
def outline(shown: dict[str, Json]) -> Iterator[str]:
    """What can be read of a malformed file, and where it stopped."""
    fault = _object(shown["malformed"])
    yield "malformed: not judged, nothing here is to be believed"
    for entry in _list(shown["outline"]):
        part = _object(entry)
        yield f"  byte {part['offset']}: {part['part']}, {size(_integer(part['bytes']))}"
    where = f" in {fault['path']}" if fault["path"] else ""
    yield f"stopped at byte {fault['offset']}{where}: {fault['code']}: {fault['message']}"
