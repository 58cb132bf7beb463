# SPDX-License-Identifier: Apache-2.0
"""Runs any implementation over the test vectors, by the two verbs that `test-vectors/README.md` describes.

python -m tests.interop.run_vectors --implementation "CMD" [--only NAME ...]
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

VECTORS: Final = Path(__file__).resolve().parents[2] / "test-vectors"
_NEEDED: Final = ("error", "offset", "verdict", "failed", "indeterminate")
TIMEOUT: Final = 60  # seconds for one vector

Json = dict[str, Any]


def ask(implementation: Sequence[str], name: str, vector: Json) -> Json:
    """What the implementation says of a vector, in the form of its `expect`. Raises ValueError."""
    folder, expect = VECTORS / name, vector["expect"]
    verb = ["decode", "bundle.evb"]
    if "error" not in expect:
        verb = ["verify", "bundle.evb", "--policy", "vector.json", "--keys", "../keys"]
        verb += ["--previous", f"../{vector['previous']}/bundle.evb"] if "previous" in vector else []
        verb += ["--confirmed", vector["confirmed"]] if "confirmed" in vector else []
    done = subprocess.run(
        [*implementation, *verb], cwd=folder, capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    try:
        said = json.loads(done.stdout)
        return said if "error" in said or verb[0] == "decode" else _summed_up(said, expect)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"exit {done.returncode}, {error}: {done.stderr.strip()[-200:]}") from None


def _summed_up(report: Json, expect: Json) -> Json:
    """The verdict and the checks by outcome, of a report as section 11 of the specification has it.

    Of the conclusions those that are expected; a report need not have any.
    """
    checks: dict[str, set[str]] = {"failed": set(), "indeterminate": set()}
    for finding in report["findings"]:
        checks.get(finding["outcome"], set()).add(finding["check"])
    said = {"verdict": report["verdict"], **{name: sorted(found) for name, found in checks.items()}}
    if "conclusions" in report and "conclusions" in expect:
        bases = {each["id"]: each["basis"] for each in report["conclusions"]}
        said["conclusions"] = {id: bases.get(id) for id in expect["conclusions"]}
    return said


def disagreements(implementation: Sequence[str], names: Sequence[str]) -> Iterator[str]:
    """One line for each vector whose expectation is not met."""
    for name in names:
        vector = json.loads((VECTORS / name / "vector.json").read_text(encoding="utf-8"))
        expect = vector["expect"]
        try:
            said = ask(implementation, name, vector)
        except (ValueError, OSError, subprocess.TimeoutExpired) as error:
            yield f"{name}: {error}"
            continue
        if said != {member: value for member, value in expect.items() if member in said or member in _NEEDED}:
            yield f"{name}: {json.dumps(said)} where {json.dumps(expect)} is expected"


def main() -> int:
    """0 where every vector gives what it expects, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.interop.run_vectors", description=__doc__)
    parser.add_argument("--implementation", required=True, help="the command, with its own arguments")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these vectors (default: all)")
    arguments = parser.parse_args()
    names = arguments.only or sorted(path.parent.name for path in VECTORS.glob("*/vector.json"))
    wrong = 0
    for line in disagreements(shlex.split(arguments.implementation), names):
        wrong += 1
        print(line, flush=True)
    print(f"{len(names) - wrong} of {len(names)} vectors as expected", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
