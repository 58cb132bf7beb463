# SPDX-License-Identifier: Apache-2.0
"""What each reference may name is what the specification's table says: every role is tried as a target."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from bundlefmt import labels
from bundlefmt.verify import Outcome, Policy
from bundlefmt.verify.container import CHECKS
from bundlefmt.verify.context import Context
from tests.test_checks import FORMAT
from tests.test_soundness import Artifacts, Ceremony

STATEMENTS: Final = "quote, certify, certify-creation, time, nv-certify"
REFS: Final = next(check for check in CHECKS if check.id == "container.refs")


def _rows() -> Iterator[tuple[str, str, set[str]]]:
    """(role, reference, roles that it may name), from the table of section 10.1."""
    table = FORMAT.split("| reference | of | names |\n", 1)[1].split("\n\n", 1)[0]
    for row in table.splitlines()[1:]:
        refs, roles, names = (
            [part.strip() for part in cell.split(" / ")] for cell in row.strip("|").split("|")
        )
        names = [each.replace("the statement", STATEMENTS).replace(" that it signs", "") for each in names]
        for number, named in enumerate(names):
            of = roles[number] if len(roles) > 1 else roles[0]
            every = roles if len(names) == 1 else [of]
            ref = refs[number] if len(refs) > 1 else refs[0]
            for role in [one for each in every for one in each.split(", ")]:
                yield role, ref, set(re.split(", | or ", named))


ALLOWED: Final = {(role, ref): names for role, ref, names in _rows()}


def test_the_table_is_whole() -> None:
    """Each reference that a role needs is in it, but for who issued a list: any certificate may have."""
    needed = {(role, ref) for role, refs in labels.ROLES.items() for ref in refs}
    assert needed - ALLOWED.keys() == {("crl", "issuer"), ("ocsp", "issuer")}
    roles = {one for (role, _), names in ALLOWED.items() for one in (role, *names)}
    assert roles <= set(labels.ROLES)


def test_a_reference_names_what_the_table_says_and_nothing_else() -> None:
    targets = {f"a-{role}": role for role in labels.ROLES}
    more: dict[str, tuple[str, bytes, dict[str, str]]] = {
        label: (role, b"", {}) for label, role in targets.items()
    }
    good: dict[str, bool] = {}
    for (role, ref), names in ALLOWED.items():
        rest = {
            other.replace("-", "_"): f"a-{min(ALLOWED[role, other])}"
            for other in labels.ROLES[role]
            if other != ref
        }
        for label, target in targets.items():
            one = f"{role}.{ref}.{target}"
            more[one] = (role, b"", {**rest, ref.replace("-", "_"): label})
            good[one] = target in names
    artifacts: Artifacts = more
    found = REFS.run(Context(Ceremony(more=artifacts).build(), Policy()))
    failed = {finding.items[0] for finding in found if finding.outcome is Outcome.FAILED}
    assert {one for one, is_good in good.items() if is_good == (one in failed)} == set()
    assert set(good.values()) == {True, False}
