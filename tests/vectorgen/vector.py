# SPDX-License-Identifier: Apache-2.0
"""What a vector is: a function whose name is the folder and whose docstring is the description.

The function returns what to write: a file that a decoder refuses, or one that a verifier judges.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Final

from tests.vectorgen.tree import Row

AREAS: Final = (
    "container",
    "seal",
    "openpgp",
    "piv",
    "hardware",
    "cross",
    "ek",
    "ak",
    "key",
    "quote",
    "certify",
    "creation",
    "clock",
    "nv",
    "log",
    "binding",
    "activation",
    "previous",
    "reference",
    "renewal",
    "block",
    "policy",
)
# members that a vector has only where they say something
_SELDOM: Final = ("anchors_log", "pins_block", "require", "algorithms", "now")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The policy of a vector; `anchors` and `references` are file names in `keys/`.

    The members of `_SELDOM` are left out of the vector where they say nothing.
    """

    pins_openpgp: tuple[str, ...] = ()
    pins_piv: tuple[str, ...] = ()
    known_openpgp: tuple[str, ...] = ()
    known_piv: tuple[str, ...] = ()
    anchors: tuple[str, ...] = ()
    anchors_piv: tuple[str, ...] = ()
    anchors_hardware: tuple[str, ...] = ()
    anchors_time: tuple[str, ...] = ()
    anchors_log: tuple[str, ...] = ()
    pins_hardware: tuple[str, ...] = ()
    pins_block: tuple[str, ...] = ()
    at: int | None = None
    references: tuple[str, ...] = ()
    require_no_advisories: bool = False
    allow_withheld: bool = False
    allow_sha1: bool = False
    allow_nonce_binding: bool = False
    allow_unactivated: bool = False
    allow_several_boots: bool = False
    allow_sha1_certificates: bool = False
    allow_ek_key_usage: bool = False
    allow_ek_without_tpm_name: bool = False
    allow_missing_usage: bool = False
    allow_ak_with_ek_usage: bool = False
    allow_ca_without_constraints: bool = False
    require: Mapping[str, str] = field(default_factory=dict)
    algorithms: Mapping[str, int] = field(default_factory=dict)
    now: int | None = None

    def published(self) -> dict[str, object]:
        """The member `policy` of the vector."""
        return {name: value for name, value in asdict(self).items() if value or name not in _SELDOM}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A file with one fault of form: `file` marks the item at fault, `code` names the rule.

    `offset` is given where no item is at fault; `cut` is how many bytes the file keeps of what is written.
    """

    file: Row
    code: str
    offset: int | None = None
    cut: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A well-formed file and the findings that it must cause, no more and no fewer.

    `previous` is the vector whose bundle is given as the one before, `kept` the verifier's own file of a
    challenge; `conclusions` are bases by id.
    """

    file: bytes
    terms: Terms
    failed: tuple[str, ...] = ()
    indeterminate: tuple[str, ...] = ()
    previous: str | None = None
    kept: bytes | None = None
    conclusions: Mapping[str, str] = field(default_factory=dict)
    intermediates: Mapping[str, object] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        if self.failed:
            return "FAILED"
        return "INDETERMINATE" if self.indeterminate else "PASSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vector:
    """`requirement` is a check id, or words of the specification."""

    make: Callable[[], Refused | Judged]
    requirement: str
    flags: tuple[str, ...]

    @property
    def name(self) -> str:
        """`container_key_order` lives in the folder `container_key-order`."""
        area, _, what = self.make.__name__.partition("_")
        return f"{area}_{what.replace('_', '-')}"

    @property
    def description(self) -> str:
        return " ".join((inspect.getdoc(self.make) or "").split())


@dataclass(frozen=True, slots=True)
class Vectors:
    """The vectors of one module, in the order in which they stand there."""

    found: list[Vector] = field(default_factory=list)

    def __call__(
        self, requirement: str, *flags: str
    ) -> Callable[[Callable[[], Refused | Judged]], Callable[[], Refused | Judged]]:
        """Registers the decorated function."""

        def register(make: Callable[[], Refused | Judged]) -> Callable[[], Refused | Judged]:
            self.found.append(Vector(make=make, requirement=requirement, flags=flags))
            return make

        return register


def all_of(modules: Sequence[Vectors]) -> dict[str, Vector]:
    """Every vector by name. Raises ValueError where a name is taken twice or belongs to no area."""
    by_name: dict[str, Vector] = {}
    for vector in (each for module in modules for each in module.found):
        if vector.name in by_name or vector.name.partition("_")[0] not in AREAS or not vector.description:
            raise ValueError(f"{vector.name}: twice, of no area, or without a description")
        by_name[vector.name] = vector
    return by_name
