# SPDX-License-Identifier: Apache-2.0
"""Libraries that not everybody has: imported by name, and missed by the name of the extra they come with."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from bundlefmt.errors import BundleError


class MissingExtraError(BundleError):
    """What was asked for needs a library that is not installed; `extra` brings it."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"missing-extra: {what} needs the extra {extra!r}")
        self.extra = extra


def extra(module: str, name: str, what: str) -> Any:
    """The module. Raises MissingExtraError, by the extra's name and what it was wanted for."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        # a library that is there but broken is not missing
        if error.name is None or module.split(".")[0] != error.name.split(".")[0]:
            raise
        raise MissingExtraError(what, name) from None
