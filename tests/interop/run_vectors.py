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


def command(vector: Json) -> list[str]:
    """The verb for a vector, and what it is given; paths from the vector's folder."""
    if "error" in vector["expect"]:
        return ["decode", "bundle.evb"]
    words = ["verify", "bundle.evb", "--policy", "vector.json", "--keys", "../keys"]
    words += ["--previous", f"../{vector['previous']}/bundle.evb"] if "previous" in vector else []
    return words + (["--confirmed", vector["confirmed"]] if "confirmed" in vector else [])


def disagreement(said: Json, expect: Json) -> str | None:
    """What is said where something else is expected; None where it is met. Raises KeyError, TypeError."""
    told = said if "error" in said or "error" in expect else _summed_up(said, expect)
    if told == {member: value for member, value in expect.items() if member in told or member in _NEEDED}:
        return None
    return f"{json.dumps(told)} where {json.dumps(expect)} is expected"


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


def read(name: str) -> Json:
    vector: Json = json.loads((VECTORS / name / "vector.json").read_text(encoding="utf-8"))
    return vector


def disagreements(implementation: Sequence[str], names: Sequence[str]) -> Iterator[str]:
    """One line for each vector whose expectation is not met."""
    for name in names:
        vector = read(name)
        try:
            done = subprocess.run(
                [*implementation, *command(vector)],
                cwd=VECTORS / name,
                capture_output=True,
                text=True,
                timeout=TIMEOUT,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            yield f"{name}: {error}"
            continue
        try:
            found = disagreement(json.loads(done.stdout), vector["expect"])
        except (ValueError, KeyError, TypeError) as error:
            found = f"exit {done.returncode}, {error}: {done.stderr.strip()[-200:]}"
        if found is not None:
            yield f"{name}: {found}"


def every_vector() -> list[str]:
    return sorted(path.parent.name for path in VECTORS.glob("*/vector.json"))


def main() -> int:
    """0 where every vector gives what it expects, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.interop.run_vectors", description=__doc__)
    parser.add_argument("--implementation", required=True, help="the command, with its own arguments")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these vectors (default: all)")
    arguments = parser.parse_args()
    names = arguments.only or every_vector()
    wrong = 0
    for line in disagreements(shlex.split(arguments.implementation), names):
        wrong += 1
        print(line, flush=True)
    print(f"{len(names) - wrong} of {len(names)} vectors as expected", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
