# SPDX-License-Identifier: Apache-2.0
"""Lines of results as they are read again: whoever wrote them, nothing passes that the schema does not allow.

Spec: "Results of many bundles".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from bundlefmt.errors import Code, MalformedError
from bundlefmt.render.result import SCHEMA
from bundlefmt.verify import Basis, Outcome, Verdict

_HEX: Final = re.compile(r"([0-9a-f]{2})+")
_CHECK: Final = re.compile(r"[a-z]+([.-][a-z0-9]+)+")
_COUNT: Final = range(2**64)
_TEXT: Final = re.compile(r".+", re.DOTALL)


def _hex(size: int) -> re.Pattern[str]:
    return re.compile(f"[0-9a-f]{{{2 * size}}}")


# a member has one of several shapes (tuple); a list has any number of the one in it
_BOOT: Final = {
    "ak_name": (_HEX, None),
    "obfuscated": (True, False),
    "reset_count": range(2**32),
    "restart_count": range(2**32),
    "clock": _COUNT,
    "safe": (True, False),
    "firmware_version": _hex(8),
}
_BANK: Final = {"bank": _TEXT, "sha256": _hex(32), "tags": [{"pcr": range(2**32), "tag": _hex(4)}]}
_SHAPE: Final[Mapping[str, Any]] = {
    "schema": SCHEMA,
    "path": _TEXT,
    "size": (_COUNT, None),
    "sha256": (_hex(32), None),
    "policy_sha256": (_hex(32), None),
    "error": (
        {
            "code": re.compile(r"[a-z0-9-]+"),
            "message": re.compile(r".*", re.DOTALL),
            "offset": (_COUNT, None),
        },
        None,
    ),
    "verdict": (*(each.value for each in Verdict), None),
    "findings": [
        {
            "check": _CHECK,
            "outcome": (Outcome.FAILED.value, Outcome.INDETERMINATE.value),
            "message": _TEXT,
        }
    ],
    "conclusions": [{"id": _CHECK, "basis": tuple(each.value for each in Basis)}],
    "timed": (True, False),
    "manifest_sha256": (_hex(32), None),
    "manifest_sha384": (_hex(48), None),
    "manifest_sha512": (_hex(64), None),
    "created": (_COUNT, None),
    "previous": ({"alg": ("sha256", "sha384", "sha512"), "value": _HEX}, None),
    "ak_names": [_HEX],
    "ek_sha256": [_HEX],
    "boots": [_BOOT],
    "pcrs": [_BANK],
    "cut": (True, False),
}
_WHOLE: Final = ("manifest_sha256", "manifest_sha384", "manifest_sha512", "created", "size", "sha256")


def decode(data: bytes) -> dict[str, Any]:
    """A line as it was encoded. Raises MalformedError."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _malformed(f"no JSON: {str(error)[:80]}") from None
    return checked(found)


def checked(line: Any) -> dict[str, Any]:
    """A line from elsewhere, of which each member has its shape. Raises MalformedError."""
    if not isinstance(line, dict) or line.get("schema") != SCHEMA:
        raise _malformed(f'no line with "schema": "{SCHEMA}"')
    if line.keys() != _SHAPE.keys():
        other = min(line.keys() ^ _SHAPE.keys())
        raise _malformed(f"the member {other!r:.40} is missing or unknown")
    for name, shape in _SHAPE.items():
        if not _fits(line[name], shape):
            raise _malformed(f"the member {name!r} is not as the schema has it")
    if line["error"] is None and any(line[name] is None for name in _WHOLE):
        raise _malformed("a bundle without its digests")
    return line


def _fits(value: object, shape: Any) -> bool:
    if isinstance(shape, tuple):
        return any(_fits(value, each) for each in shape)
    if isinstance(shape, re.Pattern):
        return isinstance(value, str) and shape.fullmatch(value) is not None
    if isinstance(shape, range):
        return isinstance(value, int) and not isinstance(value, bool) and value in shape
    if isinstance(shape, list):
        return isinstance(value, list) and all(_fits(each, shape[0]) for each in value)
    if isinstance(shape, Mapping):
        return (
            isinstance(value, dict)
            and value.keys() == shape.keys()
            and all(_fits(value[name], each) for name, each in shape.items())
        )
    return type(value) is type(shape) and value == shape


def _malformed(message: str) -> MalformedError:
    return MalformedError(Code.BAD_VALUE, message, offset=0, path="results")
