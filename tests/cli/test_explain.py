# SPDX-License-Identifier: Apache-2.0
"""`bundle explain`: every check of the verifier has its text, and nothing else has."""

from __future__ import annotations

import pytest

from bundlefmt.cli.explain import explain
from bundlefmt.cli.run import UsageError
from bundlefmt.verify.verifier import CHECK_IDS


@pytest.mark.parametrize("check", CHECK_IDS)
def test_each_check_says_its_rule_and_its_reason(check: str, capsys: pytest.CaptureFixture[str]) -> None:
    explain(check)
    printed = capsys.readouterr().out
    assert printed.startswith(f"{check}\n")
    for part in ("Rule.", "Failed.", "Why.", "Source."):
        assert f"\n  {part}" in printed
    assert not set("*`") & set(printed.replace(f"{check}\n", "").replace(".*", ""))
    assert max(map(len, printed.splitlines())) <= 88


def test_without_a_check_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    explain(None)
    assert capsys.readouterr().out.split() == list(CHECK_IDS)


def test_a_slip_of_the_pen_is_hinted_at() -> None:
    with pytest.raises(UsageError, match=r"no check 'ek\.chian'") as raised:
        explain("ek.chian")
    assert raised.value.hint == "bundle explain ek.chain"
