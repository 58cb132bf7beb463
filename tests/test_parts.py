# SPDX-License-Identifier: Apache-2.0
"""A test that lacks a part is skipped on a developer's machine, and fails where nothing may be missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Need


def test_a_missing_program(part: Need, monkeypatch: pytest.MonkeyPatch) -> None:
    part("python3")
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no-such-program is not installed"):
        part("python3", "no-such-program")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no-such-program is not installed"):
        part(Path("/nowhere/no-such-program"))
