# SPDX-License-Identifier: Apache-2.0
"""The help of each verb: what it does in a sentence, and a word on every argument and option."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from bundletools.cli import VERBS

from bundlefmt.cli.verbs import Verb
from tests.cli.conftest import Bundle


def commands(verbs: Iterable[Verb]) -> Iterator[tuple[str, Any]]:
    """(words, command) of all verbs and those below them."""
    for verb in verbs:
        found = verb.load()
        yield str(verb.name), found
        for name, below in getattr(found, "commands", {}).items():
            yield f"{verb.name} {name}", below


COMMANDS = dict(commands(VERBS))


@pytest.mark.parametrize("verb", COMMANDS)
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_each_verb_has_its_help(verb: str, option: str, bundle: Bundle) -> None:
    answer = bundle(*verb.split(), option)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith(f"Usage: bundle {verb} ")
    assert max(map(len, answer.out.splitlines())) <= 80
    for parameter in COMMANDS[verb].params:
        assert all(name in answer.out for name in parameter.opts if name.startswith("-"))


@pytest.mark.parametrize("verb", COMMANDS)
def test_each_option_is_explained(verb: str) -> None:
    assert COMMANDS[verb].help
    for parameter in COMMANDS[verb].params:
        assert parameter.help, parameter.name
        assert parameter.help.endswith((".", "?")), parameter.name


def test_the_list_of_verbs(bundle: Bundle) -> None:
    shown = bundle("--help").out
    assert all(f"\n  {verb} " in shown for verb in COMMANDS if " " not in verb)
    assert max(map(len, shown.splitlines())) <= 80
