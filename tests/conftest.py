# SPDX-License-Identifier: Apache-2.0
"""What many tests stand on: the corpus of real evidence and the installed programs.

Both are parts a developer may lack, so a test that misses one is skipped; with CI=true in the environment
it fails, because there nothing may be missing.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.provenance import CORPUS

# examples are judged by their outcome, not by how busy the machine is
settings.register_profile("evidence-bundle", deadline=None, print_blob=True)
settings.load_profile("evidence-bundle")

Need = Callable[..., None]


@pytest.fixture(scope="session", autouse=True)
def nobody_is_known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What whoever runs the tests trusts has no place in them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        yield


def _absent(reason: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> None:
    """Background jobs of a shell ignore SIGINT; programs that a test starts and interrupts would too."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real evidence; its README says what is in it."""
    if not CORPUS.is_dir():
        _absent("the corpus of real evidence is not beside the project")
    return CORPUS


@pytest.fixture(scope="session")
def part() -> Need:
    """`part("gpg", "swtpm")`: the test needs these programs, by name on PATH or by path."""

    def need(*programs: str | Path) -> None:
        for program in programs:
            if shutil.which(program) is None:
                _absent(f"{Path(program).name} is not installed")

    return need
