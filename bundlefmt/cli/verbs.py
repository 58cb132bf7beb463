# SPDX-License-Identifier: Apache-2.0
"""Verbs by name and a sentence: what one needs is imported when it is called."""

from __future__ import annotations

import gc
from collections.abc import Iterable
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup


class Verb(TyperCommand):
    """A verb by its name, its sentence in the list of verbs, and where it is: `module:function`.

    What is there is a function, or a `typer.Typer` with verbs of its own.
    """

    def __init__(self, name: str, sentence: str, place: str) -> None:
        super().__init__(name, help=sentence, rich_markup_mode=None)
        self.sentence = sentence
        self.place = place

    def load(self) -> Any:
        """The command itself, with its arguments."""
        # what is loaded stays, and is not looked through for garbage again and again meanwhile
        gc.disable()
        try:
            module, _, name = self.place.partition(":")
            found = getattr(import_module(module), name)
        finally:
            gc.freeze()
            gc.enable()
        if not isinstance(found, typer.Typer):
            function, found = found, typer.Typer(add_completion=False, rich_markup_mode=None)
            found.command(self.name)(function)
        return typer.main.get_command(found)

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Calling the verb, or asking for its help, begins here."""
        return self.load().make_context(*args, **kwargs)


def program(verbs: Iterable[Verb]) -> TyperGroup:
    """The command `bundle` with these verbs, in this order."""
    return TyperGroup(
        name="bundle",
        help="Evidence bundles (.evb): TPM evidence of a key ceremony, sealed by its keys.",
        epilog="Exit codes: 0 passed, 1 failed, 2 usage, 3 indeterminate, 4 malformed input, 5 device, I/O.",
        commands={str(verb.name): verb for verb in verbs},
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
