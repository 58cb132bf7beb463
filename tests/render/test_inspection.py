# SPDX-License-Identifier: Apache-2.0
"""What is shown of a malformed file: each part that can still be told apart, where it stands."""

from __future__ import annotations

import pytest

from bundlefmt.bundle import Bundle, scan_file
from bundlefmt.errors import MalformedError
from bundlefmt.render.inspection import malformed
from tests.test_vectors import octets


def test_the_parts_of_a_file_that_goes_on_are_named() -> None:
    """One byte too many: all four parts are there, and the content's records with them."""
    data = octets("container_trailing-byte")
    with pytest.raises(MalformedError) as caught:
        Bundle.decode(data)
    shown = malformed(data, caught.value)["outline"]
    assert isinstance(shown, list)
    parts = {str(each["part"]): each for each in shown}  # type: ignore[index,call-overload] # objects
    assert [name for name in parts if " " not in name] == ["manifest", "content", "seals", "renewals"]
    nodes = scan_file(data[:-1]).children
    assert [parts[name]["offset"] for name in ("manifest", "content", "seals", "renewals")] == [
        node.start for node in nodes
    ]
