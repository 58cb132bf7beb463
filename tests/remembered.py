# SPDX-License-Identifier: Apache-2.0
"""What the project remembers of earlier calls, to be forgotten where a call has to be the first."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import _lru_cache_wrapper
from typing import Any


def caches() -> Iterator[_lru_cache_wrapper[Any]]:
    """What the project remembers of earlier calls, in the modules that are loaded."""
    for name, module in list(sys.modules.items()):
        if name.startswith("bundlefmt"):
            yield from (value for value in vars(module).values() if isinstance(value, _lru_cache_wrapper))


def forget() -> None:
    """Empties it: a file is judged as if it were the first."""
    for cache in caches():
        cache.cache_clear()
