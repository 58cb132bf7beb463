# SPDX-License-Identifier: Apache-2.0
"""The files of an import as they are sorted: what was found, what became an item, what is left out and why.

Knows files, labels and roles; how two files fit together is other modules' business.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from bundlefmt.frozen import frozen
from bundlefmt.manifest import Refs
from bundletools.artifacts import MAX_LOOKED_AT, Artifact, Kind, artifacts, is_private
from bundletools.mapping import Entry
from bundletools.tarball import Member

_NOT_IN_LABELS: Final = re.compile(r"[^a-z0-9._-]+")
_MAX_LABEL: Final = 60  # leaves room for a number


@frozen
class Found:
    """An artifact with the file it is in."""

    file: str
    label: str
    artifact: Artifact

    @property
    def native(self) -> bytes:
        return self.artifact.native


class Finds:
    """The files, and the items and reasons gathered so far."""

    def __init__(self, files: Mapping[str, Member]) -> None:
        self.files = files
        self.items: dict[str, Entry] = {}
        self.left_out: dict[str, str] = {}
        self._taken: set[str] = set()
        self.unknown: dict[str, bytes] = {}
        self._by_kind: dict[Kind, list[Found]] = {}
        seen: dict[tuple[Kind, bytes], str] = {}
        for name, member in sorted(files.items()):
            for artifact in self._look(name, member):
                before = seen.setdefault((artifact.kind, artifact.native), name)
                if before != name:
                    self.left_out[name] = f"the same as {before}"
                    continue
                found = Found(file=name, label=self.label(name), artifact=artifact)
                self._by_kind.setdefault(artifact.kind, []).append(found)

    def _look(self, name: str, member: Member) -> list[Artifact]:
        if len(member.data) > MAX_LOOKED_AT:
            self.left_out[name] = "too large to be looked into: give it the role media"
            return []
        if is_private(member.data):
            self.left_out[name] = "a private key: it does not belong here"
            return []
        found = artifacts(member.data)
        if not found:
            self.unknown[name] = bytes(member.data)
        return found

    def label(self, name: str) -> str:
        """The file's name as a label of its own."""
        plain = _NOT_IN_LABELS.sub("-", name.rpartition("/")[2].lower())[:_MAX_LABEL].strip("._-") or "item"
        number, label = 1, plain
        while label in self._taken:
            number += 1
            label = f"{plain}-{number}"
        self._taken.add(label)
        return label

    def of(self, *kinds: Kind) -> list[Found]:
        return [found for kind in kinds for found in self._by_kind.get(kind, [])]

    def add(self, found: Found, role: str, refs: Refs | None = None) -> None:
        self.items[found.label] = Entry(file=found.file, role=role, form=found.artifact.form, refs=refs or {})

    def leave(self, found: Found, why: str) -> None:
        self.left_out[found.file] = why

    def role(self, *roles: str) -> list[str]:
        return [label for label, entry in self.items.items() if entry.role in roles]

    def drop(self, label: str, why: str) -> None:
        self.left_out[self.items.pop(label).file] = why
