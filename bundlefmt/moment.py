# SPDX-License-Identifier: Apache-2.0
"""How a moment is told to people: seconds since the epoch as a UTC date and time."""

from __future__ import annotations

import datetime


def when(seconds: int) -> str:
    """A UTC time; a number outside the calendar stays a number."""
    try:
        moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    except (OverflowError, ValueError, OSError):
        return str(seconds)
    return f"{moment.replace(tzinfo=None).isoformat(' ')}Z"
