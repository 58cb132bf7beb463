# SPDX-License-Identifier: Apache-2.0
"""TOML that would keep the reader busy is refused; what people write is not."""

from __future__ import annotations

import pytest

from bundlefmt.evidence.toml_text import MAX_DOTS, decode_toml

PARTS = MAX_DOTS + 1


@pytest.mark.parametrize(
    "text",
    [
        f"{'a.' * 10**6}a = 1",
        f"{'a . ' * MAX_DOTS}a.a = 1",
        f"[{'a.' * PARTS}a]",
        f"x = {{{'a.' * PARTS}a = 1}}",
        # only a line feed ends a line
        f"'\u2028'.{'a.' * MAX_DOTS}a = 1",
        f"x = {'[' * 10**5}",
    ],
    ids=["long", "spaced", "table", "inline", "other-line-ends", "nested"],
)
def test_what_costs_too_much_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"dots|nested"):
        decode_toml(text)


def test_the_limit_is_where_it_is_said() -> None:
    value = decode_toml(f"{'a.' * MAX_DOTS}a = 1\n# {'.' * (MAX_DOTS)}\nb = 'x.y'\n")
    depth = 0
    while isinstance(value, dict):
        value, depth = value["a"], depth + 1
    assert depth == PARTS
