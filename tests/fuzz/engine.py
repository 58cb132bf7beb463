# SPDX-License-Identifier: Apache-2.0
"""Targets under the fuzzer: each request is run in a process forked from here, and its exit code answered.

A request is a line of JSON: the target, the file for what the fuzzer prints, libFuzzer's options and folders.
The project's modules are imported under instrumentation, once; so nothing of them may be imported above.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from random import Random
from typing import Any, Final

GROWTH: Final = 64  # bytes that a part of an input may become longer by at once
PLAIN: Final = 3  # one in so many changes is the fuzzer's own, though the target has a mutator


def main() -> None:
    """Ends with its input."""
    atheris: Any = importlib.import_module("atheris")  # has no types, and is installed by `make fuzz` alone
    with atheris.instrument_imports(include=["bundlefmt"]):
        from tests.fuzz import seeds  # instrumented only here
        from tests.fuzz.targets import TARGETS
    seeds.bundles()  # kept for good: else the first input to ask for them is found slow
    for line in sys.stdin:
        name, output, *options = json.loads(line)
        child = os.fork()
        if not child:
            file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            os.dup2(file, 1)
            os.dup2(file, 2)
            fuzz(atheris, TARGETS[name], [f"fuzz {name}", *options])
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def fuzz(atheris: Any, target: Any, options: list[str]) -> None:
    """Does not return: the fuzzer ends the process, in an error where the target did not hold."""

    def havoc(part: bytes) -> bytes:
        return bytes(atheris.Mutate(part, len(part) + GROWTH))

    def mutated(data: bytes, size: int, seed: int) -> bytes:
        """Of a structure now and then, so that framing is fuzzed as well."""
        chance = Random(seed)
        if not chance.randrange(PLAIN):
            return bytes(atheris.Mutate(data, size))
        changed: bytes = target.mutate(bytes(data), chance, havoc)
        return changed if len(changed) <= size else bytes(atheris.Mutate(data, size))

    own = {} if target.mutate is None else {"custom_mutator": mutated}
    atheris.Setup(options, target.run, **own)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
