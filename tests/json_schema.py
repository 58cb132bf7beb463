# SPDX-License-Identifier: Apache-2.0
"""As much of JSON Schema 2020-12 as the project's own schemas use; a keyword it does not know is an error."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

Schema = Mapping[str, Any]
_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}
_ANNOTATIONS: Final = frozenset({"$schema", "$id", "$defs", "title", "description"})
_SIMPLE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "type": lambda value, wanted: any(_is(value, name) for name in _listed(wanted)),
    "enum": lambda value, wanted: value in wanted,
    "pattern": lambda value, wanted: not isinstance(value, str) or bool(re.search(wanted, value)),
    "minLength": lambda value, wanted: not isinstance(value, str) or len(value) >= wanted,
    "minimum": lambda value, wanted: not _is(value, "integer") or value >= wanted,
    "required": lambda value, wanted: not isinstance(value, dict) or set(wanted) <= set(value),
    "uniqueItems": lambda value, _: not isinstance(value, list) or len(set(map(repr, value))) == len(value),
}


def _is(value: object, name: str) -> bool:
    return isinstance(value, _TYPES[name]) and not (name == "integer" and isinstance(value, bool))


def _listed(wanted: Any) -> list[Any]:
    return wanted if isinstance(wanted, list) else [wanted]


def faults(value: Any, schema: Schema, root: Schema | None = None, path: str = "") -> Iterator[str]:
    """What is wrong with `value`, one line each; `root` is the schema that `$ref` starts from."""
    root = schema if root is None else root
    for keyword, wanted in schema.items():
        if keyword in _ANNOTATIONS or keyword in ("properties", "additionalProperties"):
            continue
        if keyword in _SIMPLE:
            if not _SIMPLE[keyword](value, wanted):
                yield f"{path}: {keyword} {wanted!r}"
        elif keyword == "$ref":
            yield from faults(value, root["$defs"][wanted.removeprefix("#/$defs/")], root, path)
        elif keyword == "oneOf":
            if sum(not list(faults(value, each, root, path)) for each in wanted) != 1:
                yield f"{path}: not exactly one of {len(wanted)}"
        elif keyword == "items":
            for number, each in enumerate(value if isinstance(value, list) else ()):
                yield from faults(each, wanted, root, f"{path}/{number}")
        elif keyword == "propertyNames":
            for name in value if isinstance(value, dict) else ():
                yield from faults(name, wanted, root, f"{path}/{name}")
        else:
            raise ValueError(f"the keyword {keyword!r} is not checked here")
    yield from _members(value, schema, root, path)


def _members(value: Any, schema: Schema, root: Schema, path: str) -> Iterator[str]:
    known, others = schema.get("properties", {}), schema.get("additionalProperties", {})
    for name, member in value.items() if isinstance(value, dict) else ():
        if name in known:
            yield from faults(member, known[name], root, f"{path}/{name}")
        elif others is False:
            yield f"{path}/{name}: no such member"
        else:
            yield from faults(member, others, root, f"{path}/{name}")
