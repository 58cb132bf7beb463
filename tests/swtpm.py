# SPDX-License-Identifier: Apache-2.0
"""Software TPMs for tests: see `demo/swtpm.py`, which has Manufacturer and Swtpm.

A conftest.py that imports the fixtures `manufacturer`, `manufactured` and `swtpm` gives them to its tests.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.swtpm import PROGRAMS, Manufacturer, Swtpm

__all__ = ["PROGRAMS", "Manufacturer", "Swtpm", "manufactured", "manufacturer", "quiet_tss", "swtpm"]


def quiet_tss() -> Any:
    """tpm2_pytss, loaded so that libtss2 writes no messages. Where it is absent the test is skipped."""
    os.environ.setdefault("TSS2_LOG", "all+none")
    try:
        import tpm2_pytss.utils
    except ImportError:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip("tpm2-pytss is not installed")
    return tpm2_pytss


@pytest.fixture(scope="session")
def manufacturer(tmp_path_factory: pytest.TempPathFactory, part: Callable[..., None]) -> Manufacturer:
    """A test manufacturer; its `root` and `issuer` are certificates in PEM."""
    part(*PROGRAMS, "tpm2_createek", "openssl")
    return Manufacturer(tmp_path_factory.mktemp("manufacturer"))


@pytest.fixture(scope="session")
def manufactured(manufacturer: Manufacturer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state of a TPM with RSA-2048, P-256 and P-384 EK certificates; to be copied, never run."""
    state = tmp_path_factory.mktemp("manufactured") / "state"
    manufacturer.make(state, p256=True)
    return state


@pytest.fixture
def swtpm(manufactured: Path, tmp_path: Path) -> Iterator[Swtpm]:
    """A running TPM of the test's own; all are clones of one, with the same EKs."""
    state = tmp_path / "tpm"
    shutil.copytree(manufactured, state)
    with Swtpm(state) as tpm:
        yield tpm
