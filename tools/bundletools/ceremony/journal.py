# SPDX-License-Identifier: Apache-2.0
"""The journal of a ceremony: what is done, on disk before the next step begins, and the parts that it made.

One line of JSON for each event, each written and synced at once. No secret is ever in it. A line that a
crash cut short counts for nothing; parts are files beside it, known by their digest.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bundlefmt.cli.files import sync_directory, write_atomic
from bundlefmt.cli.run import UsageError

NAME: Final = "journal.jsonl"
SCHEMA: Final = "evidence-bundle-ceremony/1"


class Journal:
    """Opened by `open_journal`; nobody else writes to it meanwhile."""

    def __init__(self, folder: Path, plan: str) -> None:
        """Raises UsageError where the folder is of another plan."""
        self.folder = folder
        self._path = folder / NAME
        self._lines: list[dict[str, object]] = []
        whole = self._path.read_bytes() if self._path.exists() else b""
        *kept, torn = whole.split(b"\n")
        for line in kept:
            try:
                entry = json.loads(line)
            except ValueError:
                raise UsageError(f"{self._path}: not a journal") from None
            if not isinstance(entry, dict):
                raise UsageError(f"{self._path}: not a journal")
            self._lines.append(entry)
        if torn:
            os.truncate(self._path, len(whole) - len(torn))
        if not self._lines:
            self._write({"schema": SCHEMA, "plan": plan})
        elif self._lines[0] != {"schema": SCHEMA, "plan": plan}:
            raise UsageError(
                f"{self._path}: begun with another plan",
                hint="go on with that plan, or name another folder in this one",
            )

    def _write(self, entry: dict[str, object]) -> None:
        with self._path.open("ab") as file:
            file.write(json.dumps(entry, sort_keys=True).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        if not self._lines:
            sync_directory(self.folder)
            sync_directory(self.folder.parent)
        self._lines.append(entry)

    def _last(self, step: str, event: str) -> dict[str, object] | None:
        return next((each for each in reversed(self._lines) if each.get(event) == step), None)

    @property
    def latest(self) -> int:
        """When the last entry was written, seconds since the epoch."""
        times = [each["at"] for each in self._lines if isinstance(each.get("at"), int)]
        return max((int(str(each)) for each in times), default=0)

    def begun(self, step: str) -> bool:
        """Whether the step was begun, also where it did not come to its end."""
        return self._last(step, "begun") is not None

    def done(self, step: str) -> bool:
        return self._last(step, "done") is not None

    def begin(self, step: str, at: int) -> None:
        self._write({"begun": step, "at": at})

    def end(self, step: str, at: int, parts: Mapping[str, bytes]) -> None:
        """The step is done and made these parts, which are on disk before the journal says so."""
        for name, data in parts.items():
            write_atomic(self.folder / name, [data], force=True, private=True)
        digests = {name: hashlib.sha256(data).hexdigest() for name, data in parts.items()}
        self._write({"done": step, "at": at, "parts": digests})

    def part(self, step: str, name: str) -> bytes:
        """A part that a step made, byte for byte. Raises UsageError where it was changed."""
        entry = self._last(step, "done") or {}
        digests = entry.get("parts")
        wanted = digests.get(name) if isinstance(digests, dict) else None
        path = self.folder / name
        data = path.read_bytes() if path.exists() else b""
        if wanted is None or hashlib.sha256(data).hexdigest() != wanted:
            raise UsageError(
                f"{path}: not what step {step} made", hint="restore it, or start in a new folder"
            )
        return data


@contextmanager
def open_journal(folder: Path, plan: str) -> Iterator[Journal]:
    """The journal in `folder`, which is made for the operator alone. Raises UsageError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"{folder}: another ceremony is at work there") from None
        yield Journal(folder, plan)
    finally:
        os.close(descriptor)
