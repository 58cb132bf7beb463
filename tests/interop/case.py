# SPDX-License-Identifier: Apache-2.0
"""What two verifiers are asked about: a bundle and what it is judged under, in a folder like a vector's."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from tests.fuzz import seeds
from tests.interop.run_vectors import VECTORS, Json, read

KEYS: Final = VECTORS / "keys"
_BESIDE: Final = ("previous", "confirmed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`terms` are the policy as vectors have it; `done` is what was changed of the vector `start`."""

    start: str
    done: tuple[str, ...] = ()
    bundle: bytes
    terms: Json
    previous: bytes | None = None
    confirmed: bytes | None = None

    def write(self, folder: Path) -> list[str]:
        """The case as files; the words that ask a verifier about them from there."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "bundle.evb").write_bytes(self.bundle)
        (folder / "vector.json").write_text(json.dumps({"policy": self.terms}, indent=1) + "\n", "utf-8")
        words = ["verify", "bundle.evb", "--policy", "vector.json", "--keys", str(KEYS)]
        for name in _BESIDE:
            data = getattr(self, name)
            if data is not None:
                (folder / name).write_bytes(data)
                words += [f"--{name}", name]
        return words

    def having(self, what: str, **changes: Any) -> Case:
        """With these members, and what was done told."""
        return replace(self, done=(*self.done, what), **changes)


def kept(folder: Path) -> Case:
    """The case that was written to a folder."""
    beside = {name: (folder / name).read_bytes() for name in _BESIDE if (folder / name).exists()}
    policy: Json = json.loads((folder / "vector.json").read_text("utf-8"))["policy"]
    bundle = (folder / "bundle.evb").read_bytes()
    return Case(start=folder.name, bundle=bundle, terms=policy, **beside)


@cache
def terms(name: str) -> Json:
    """What a vector is judged under; one that is malformed has nothing, and gets the good ceremony's."""
    policy: Json = read(name).get("policy") or read(seeds.GOOD)["policy"]
    return policy


@cache
def of_vector(name: str) -> Case:
    """A vector as it is."""
    vector, folder = read(name), VECTORS / name
    before, kept = vector.get("previous"), vector.get("confirmed")
    return Case(
        start=name,
        bundle=(folder / "bundle.evb").read_bytes(),
        terms=terms(name),
        previous=(VECTORS / before / "bundle.evb").read_bytes() if before else None,
        confirmed=(folder / kept).read_bytes() if kept else None,
    )
