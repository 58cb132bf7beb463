# SPDX-License-Identifier: Apache-2.0
"""Why a tool stops: one class for each way to end."""

from __future__ import annotations


class ToolError(Exception):
    """`hint` says what to do."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class DeviceError(ToolError):
    """A device cannot be reached or refuses."""


class SealError(ToolError):
    """The seal cannot be made, or does not verify."""


class IssuingError(ToolError):
    """The certificate would be refused by a verifier."""


class NotRecheckableError(ToolError):
    """The bundle lacks what would be compared."""


class RenewalError(ToolError):
    """The renewal cannot be made, or does not hold."""


class NotAnsweredError(ToolError):
    """This machine is not the one that can answer."""
