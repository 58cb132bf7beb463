# SPDX-License-Identifier: Apache-2.0
"""The SHA-256 of what a policy demands and allows: with it a verdict is known to be under the same terms.

Spec: "Results of many bundles".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum

from bundlefmt.verify.policy import Policy
from bundlefmt.verify.verifier import CHECK_IDS


def policy_digest(policy: Policy) -> bytes:
    """The same for policies that judge alike by the same checks, wherever they were written down.

    Of the verifier's present only counts which algorithms have ended: else no two runs would be alike.
    """
    ended = {name: policy.now is None or policy.now >= end for name, end in sorted(policy.algorithms.items())}
    alike = replace(policy, now=None, document=None, amended=False)
    return hashlib.sha256(json.dumps([CHECK_IDS, _plain(alike), ended]).encode()).digest()


def _plain(value: object) -> object:
    """Values in one order, each kind apart: what JSON would write alike is not alike."""
    if is_dataclass(value):
        members = {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
        return [type(value).__name__, members]
    if isinstance(value, Mapping):
        return ["map", sorted(([_plain(key), _plain(of)] for key, of in value.items()), key=json.dumps)]
    if isinstance(value, frozenset):
        return ["set", sorted(map(_plain, value), key=json.dumps)]
    if isinstance(value, tuple):
        return list(map(_plain, value))
    if isinstance(value, bytes):
        return ["bytes", value.hex()]
    if isinstance(value, Enum):
        return [type(value).__name__, value.value]
    if value is None or isinstance(value, bool | int | str):
        return value
    raise TypeError(f"a policy with a {type(value).__name__} in it")
