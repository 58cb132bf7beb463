# SPDX-License-Identifier: Apache-2.0
"""The snapshots of one machine in a directory, and which of them is the last.

Spec: "Manifest", `previous`.
"""

from __future__ import annotations

from pathlib import Path

from bundlefmt.bundle import Bundle
from bundlefmt.cli.run import UsageError
from bundlefmt.labels import EXTENSION
from bundlefmt.manifest import Digest


def latest(directory: Path) -> Path | None:
    """The one bundle in `directory` that no other there names as the one before; None where there is none.

    Clocks and names do not count: the chain of digests does. Raises UsageError where it has several ends;
    MalformedError for a file that is no bundle.
    """
    found = {path: Bundle.open(path) for path in sorted(directory.glob(f"*{EXTENSION}"))}
    named = [each.manifest.previous for each in found.values() if each.manifest.previous is not None]
    ends: dict[bytes, Path] = {}
    for path, bundle in found.items():
        if not any(digest.matches(bundle.manifest_raw) for digest in named):
            # one manifest may be in several files, as it is sealed
            ends[Digest.of(bundle.manifest_raw).value] = path
    if len(ends) > 1:
        raise UsageError(
            f"{directory} has several last snapshots: {', '.join(path.name for path in ends.values())}",
            hint="--previous FILE names the one that is meant",
        )
    return next(iter(ends.values()), None)
