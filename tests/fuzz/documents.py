# SPDX-License-Identifier: Apache-2.0
"""Targets of what verifiers and operators write by hand: trust, reference values, plans of ceremonies."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from bundletools.ceremony.plan import TEMPLATE, Plan
from bundletools.ceremony.steps import steps

from bundlefmt.cli.run import UsageError
from bundlefmt.errors import MalformedError
from bundlefmt.evidence.reference import Reference
from bundlefmt.verify.policy import Policy
from bundlefmt.verify.trust import Entry, Kind, Trust
from tests.fuzz import seeds
from tests.fuzz.target import Targets

target: Final = Targets("text")
_NESTED: Final = (b"x = " + b"[" * 5000, b"[" + b"a." * 5000 + b"a]", b'{"a":' * 5000)


def _trusts() -> Iterable[bytes]:
    """Files with an entry of each kind, and with each alone."""
    root = (seeds.FOLDER / "keys" / "tpm-root.der").read_bytes()
    digest = hashlib.sha256(root).hexdigest()
    entries = [
        Entry.anchor(kind, root, "a note") if kind.startswith("anchor") else Entry(kind=kind, digest=digest)
        for kind in Kind
    ]
    return [Trust().plus(*entries).encode(), *(Trust().plus(each).encode() for each in entries), *_NESTED]


@target("trust", _trusts)
def trust(data: bytes) -> None:
    """What is read is written so that the same is read; nothing of it becomes a demand."""
    with contextlib.suppress(MalformedError):
        read = Trust.decode(data)
        assert Trust.decode(read.encode()) == read
        policy = read.within(Policy())
        assert not policy.pins_openpgp | policy.pins_piv
        assert policy.relaxations == ()


def _references() -> Iterable[bytes]:
    return [*(each.read_bytes() for each in sorted((seeds.FOLDER / "keys").glob("reference-*"))), *_NESTED]


@target("reference", _references)
def reference(data: bytes) -> None:
    """Reference values of any kind: MalformedError at most."""
    with contextlib.suppress(MalformedError):
        Reference.decode(data, "fuzzed")


@target("plan", lambda: [TEMPLATE.encode(), *_NESTED])
def plan(data: bytes) -> None:
    """A plan is told in steps, or refused with a word to the operator."""
    with tempfile.NamedTemporaryFile() as file:
        path = Path(file.name)
        path.write_bytes(data)
        with contextlib.suppress(UsageError):
            assert steps(Plan.open(path))
