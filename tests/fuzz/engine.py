# SPDX-License-Identifier: Apache-2.0
"""One target under the fuzzer: `python -m tests.fuzz.engine TARGET [libFuzzer options and folders]`.

The project's modules are imported under instrumentation, so nothing of them may be imported above.
"""

from __future__ import annotations

import importlib
import sys


def main() -> None:
    """Does not return: the fuzzer ends the process, in an error where the target did not hold."""
    name, *options = sys.argv[1:]
    atheris = importlib.import_module("atheris")  # has no types, and is installed by `make fuzz` alone
    with atheris.instrument_imports(include=["bundlefmt"]):
        from tests.fuzz import seeds  # instrumented only here
        from tests.fuzz.targets import TARGETS
    seeds.bundles()  # kept for good: else the first input to ask for them is found slow
    atheris.Setup([f"fuzz {name}", *options], TARGETS[name].run)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
