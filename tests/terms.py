# SPDX-License-Identifier: Apache-2.0
"""The policy in a vector.json as the package has it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from bundlefmt.evidence.reference import Reference
from bundlefmt.verify import Basis, Policy

_FINGERPRINTS: Final = ("pins_openpgp", "known_openpgp")
_DIGESTS: Final = ("pins_piv", "known_piv", "pins_hardware", "pins_block")
_ANCHORS: Final = ("anchors", "anchors_piv", "anchors_hardware", "anchors_time", "anchors_log")


def policy_of(terms: Mapping[str, Any], keys: Path) -> Policy:
    """`terms` is the member `policy`; anchors and reference values are files in `keys`."""
    given = dict(terms)
    for name in _FINGERPRINTS:
        given[name] = frozenset(given[name])
    for name in _DIGESTS:
        given[name] = frozenset(bytes.fromhex(digest) for digest in given.get(name, ()))
    for name in _ANCHORS:
        given[name] = tuple((keys / file).read_bytes() for file in given.get(name, ()))
    given["references"] = tuple(
        Reference.decode((keys / file).read_bytes(), file) for file in given["references"]
    )
    given["require"] = {name: Basis(basis) for name, basis in given.get("require", {}).items()}
    return Policy(**given)
