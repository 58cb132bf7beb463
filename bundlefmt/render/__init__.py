# SPDX-License-Identifier: Apache-2.0
"""Words for people and programs. What all of it comes down to: values that JSON carries."""

from __future__ import annotations

Json = None | bool | int | str | list["Json"] | dict[str, "Json"]
