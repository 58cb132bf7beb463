# SPDX-License-Identifier: Apache-2.0
"""This project's own package behind the two verbs of `run_vectors`: an example of the script it takes."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from bundlefmt.bundle import Bundle
from bundlefmt.challenge import Kept
from bundlefmt.errors import MalformedError
from bundlefmt.evidence.reference import Reference
from bundlefmt.verify import Basis, Policy, verify


def policy_of(vector: Path, keys: Path) -> Policy:
    """The policy in a vector.json; anchors are files in `keys`."""
    terms = json.loads(vector.read_text(encoding="utf-8"))["policy"]
    return Policy(
        pins_openpgp=frozenset(terms.pop("pins_openpgp")),
        known_openpgp=frozenset(terms.pop("known_openpgp")),
        **{
            name: frozenset(bytes.fromhex(pin) for pin in terms.pop(name, ()))
            for name in ("pins_piv", "known_piv", "pins_hardware", "pins_block")
        },
        **{
            name: tuple((keys / anchor).read_bytes() for anchor in terms.pop(name, ()))
            for name in ("anchors", "anchors_piv", "anchors_hardware", "anchors_time", "anchors_log")
        },
        references=tuple(
            Reference.decode((keys / each).read_bytes(), each) for each in terms.pop("references")
        ),
        require={name: Basis(basis) for name, basis in terms.pop("require", {}).items()},
        **terms,
    )


def main() -> int:
    """The exit code of the specification's section 11: 0, 1, 3 or 4."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=["decode", "verify"])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--policy", type=Path)
    parser.add_argument("--keys", type=Path)
    parser.add_argument("--previous", type=Path)
    parser.add_argument("--confirmed", type=Path)
    arguments = parser.parse_args()
    try:
        bundle = Bundle.decode(arguments.bundle.read_bytes())
    except MalformedError as error:
        print(json.dumps({"error": error.code.value, "offset": error.offset}))
        return 4
    if arguments.verb == "decode":
        print("{}")
        return 0
    report = verify(
        bundle,
        policy_of(arguments.policy, arguments.keys),
        previous=Bundle.open(arguments.previous) if arguments.previous else None,
        confirmed=Kept.decode(arguments.confirmed.read_bytes()) if arguments.confirmed else None,
    )
    findings = [{"check": finding.check, "outcome": finding.outcome.value} for finding in report.findings]
    conclusions = [{"id": each.id, "basis": each.basis.value} for each in report.conclusions]
    said = {"verdict": report.verdict.value, "findings": findings, "conclusions": conclusions}
    print(json.dumps(said))
    return {"PASSED": 0, "FAILED": 1, "INDETERMINATE": 3}[report.verdict.value]


if __name__ == "__main__":
    sys.exit(main())
