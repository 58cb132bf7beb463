# SPDX-License-Identifier: Apache-2.0
"""One target under the fuzzer: `python -m tests.fuzz.engine TARGET [libFuzzer options and folders]`.

The project's modules are imported under instrumentation, so nothing of them may be imported above.
"""

from __future__ import annotations

import importlib
import sys
from random import Random
from typing import Any, Final

GROWTH: Final = 64  # bytes that a part of an input may become longer by at once
PLAIN: Final = 3  # one in so many changes is the fuzzer's own, though the target has a mutator


def main() -> None:
    """Does not return: the fuzzer ends the process, in an error where the target did not hold."""
    name, *options = sys.argv[1:]
    atheris: Any = importlib.import_module("atheris")  # has no types, and is installed by `make fuzz` alone
    with atheris.instrument_imports(include=["bundlefmt"]):
        from tests.fuzz import seeds  # instrumented only here
        from tests.fuzz.targets import TARGETS
    seeds.bundles()  # kept for good: else the first input to ask for them is found slow
    target, mutate = TARGETS[name], TARGETS[name].mutate

    def havoc(part: bytes) -> bytes:
        return bytes(atheris.Mutate(part, len(part) + GROWTH))

    def mutated(data: bytes, size: int, seed: int) -> bytes:
        """Of a structure now and then, so that framing is fuzzed as well."""
        chance = Random(seed)
        if mutate is None or not chance.randrange(PLAIN):
            return bytes(atheris.Mutate(data, size))
        changed = mutate(bytes(data), chance, havoc)
        return changed if len(changed) <= size else bytes(atheris.Mutate(data, size))

    own = {} if mutate is None else {"custom_mutator": mutated}
    atheris.Setup([f"fuzz {name}", *options], target.run, **own)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
