# SPDX-License-Identifier: Apache-2.0
"""What a fuzz target is: a function that takes any bytes and returns, and what to start from.

It ends in an exception where something that must hold does not: in one that is not the project's own, or in
AssertionError where what its docstring says is not so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol, Self, TypeVar

from bundlefmt.errors import MalformedError
from bundlefmt.wire import Buffer
from tests.fuzz.mutators import Mutator

Run = Callable[[bytes], None]
Seeds = Callable[[], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class Target:
    """`run` must return for any bytes; `seeds` are inputs that lead far into it.

    `words` names the dictionary that its inputs are made of; `mutate` knows their structure.
    """

    run: Run
    seeds: Seeds
    words: str
    mutate: Mutator | None = None


@dataclass(frozen=True, slots=True)
class Targets:
    """The targets of one module by name; `words` and `mutate` are those of each that says nothing else."""

    words: str
    mutate: Mutator | None = None
    found: dict[str, Target] = field(default_factory=dict)

    def __call__(
        self, name: str, seeds: Seeds, *, words: str = "", mutate: Mutator | None = None
    ) -> Callable[[Run], Run]:
        """Registers the decorated function."""

        def register(run: Run) -> Run:
            self.found[name] = Target(run, seeds, words or self.words, mutate or self.mutate)
            return run

        return register


class Wire(Protocol):
    """A wire type: what `decode` accepts, `encode` gives back."""

    @classmethod
    def decode(cls, data: Buffer) -> Self: ...
    def encode(self) -> bytes: ...


W = TypeVar("W", bound=Wire)


def symmetric(kind: type[W], data: bytes) -> W | None:
    """What `data` is decoded to, if it is accepted; AssertionError unless it is encoded to the same bytes."""
    try:
        decoded = kind.decode(data)
    except MalformedError as error:
        assert 0 <= error.offset <= len(data)
        return None
    assert decoded.encode() == data
    return decoded
