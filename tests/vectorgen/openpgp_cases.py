# SPDX-License-Identifier: Apache-2.0
"""All OpenPGP cases: certificates and signatures with one thing about each, and the check that refuses it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.vectorgen import (
    openpgp_holder_cases,
    openpgp_key_cases,
    openpgp_signature_cases,
    openpgp_time_cases,
)
from tests.vectorgen.openpgp_case import Case, Cases

_MODULES: Final = (openpgp_key_cases, openpgp_holder_cases, openpgp_time_cases, openpgp_signature_cases)


def _all() -> Mapping[str, Case]:
    cases = Cases()
    for module in _MODULES:
        for name, case in module.case.found.items():
            cases.add(name, case)
    return cases.found


CASES: Final = _all()
