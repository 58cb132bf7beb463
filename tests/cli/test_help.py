# SPDX-License-Identifier: Apache-2.0
"""The help of each verb: what it does in a sentence, and a word on every argument and option."""

from __future__ import annotations

import pytest
import typer
from bundletools.cli import app

from tests.cli.conftest import Bundle

GROUP = typer.main.get_command(app)
VERBS = GROUP.commands  # type: ignore[attr-defined] # a group


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_each_verb_has_its_help(verb: str, option: str, bundle: Bundle) -> None:
    answer = bundle(verb, option)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith(f"Usage: bundle {verb} ")
    assert max(map(len, answer.out.splitlines())) <= 80
    for parameter in VERBS[verb].params:
        assert all(name in answer.out for name in parameter.opts if name.startswith("-"))


@pytest.mark.parametrize("verb", VERBS)
def test_each_option_is_explained(verb: str) -> None:
    assert VERBS[verb].help
    for parameter in VERBS[verb].params:
        assert parameter.help, parameter.name
        assert parameter.help.endswith((".", "?")), parameter.name


def test_the_list_of_verbs(bundle: Bundle) -> None:
    shown = bundle("--help").out
    assert all(f"\n  {verb} " in shown for verb in VERBS)
    assert max(map(len, shown.splitlines())) <= 80
