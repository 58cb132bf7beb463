# SPDX-License-Identifier: Apache-2.0
"""`frozen` beside the dataclass that it stands for: the same classes, made by both, behave the same."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, dataclass, field, fields, replace
from typing import Any, ClassVar, Final, Generic, TypeVar

import pytest

from bundlefmt.frozen import frozen

T = TypeVar("T")
STANDARD: Final = dataclass(frozen=True, slots=True, kw_only=True)
BOTH: Final = pytest.mark.parametrize("made", [frozen, STANDARD], ids=["frozen", "dataclass"])
Decorator = Callable[[type[Any]], type[Any]]


def made_by(decorate: Decorator) -> type[Any]:
    class Named:
        COUNT: ClassVar[int] = 3
        name: str
        size: int = 7
        raw: bytes = field(default=b"", repr=False, compare=False)
        parts: dict[str, int] = field(default_factory=dict)

        def double(self) -> int:
            return 2 * self.size

    return decorate(Named)


@frozen
class Point:
    x: int
    y: int = 2


@frozen
class Point3(Point):
    z: int


@frozen
class Box(Generic[T]):
    value: T


@frozen(kw_only=False)
class Pair:
    left: str
    right: str = "r"


@frozen
class Nothing:
    pass


@frozen
class Checked:
    size: int

    def __post_init__(self) -> None:
        if self.size < 0:
            raise ValueError("negative")


@BOTH
def test_arguments(made: Decorator) -> None:
    kind = made_by(made)
    value = kind(name="a")
    assert (value.name, value.size, value.raw, value.parts, value.double(), kind.COUNT) == (
        "a",
        7,
        b"",
        {},
        14,
        3,
    )
    assert value.parts is not kind(name="a").parts
    with pytest.raises(TypeError, match=r"__init__\(\) missing 1 required keyword-only argument: 'name'"):
        kind()
    with pytest.raises(TypeError, match="positional"):
        kind("a")
    with pytest.raises(TypeError, match="unexpected keyword argument 'other'"):
        kind(name="a", other=1)


@BOTH
def test_comparison(made: Decorator) -> None:
    kind, other = made_by(made), made_by(made)
    value = kind(name="a", raw=b"1")
    assert value == kind(name="a", raw=b"2")
    assert value != kind(name="a", size=8)
    assert value != other(name="a", raw=b"1")
    assert value != ("a", 7, {})
    with pytest.raises(TypeError, match="unhashable type: 'dict'"):
        hash(value)


@BOTH
def test_text(made: Decorator) -> None:
    name = f"{made_by.__name__}.<locals>.Named"
    assert repr(made_by(made)(name="a", raw=b"1")) == f"{name}(name='a', size=7, parts={{}})"


@BOTH
@pytest.mark.parametrize("name", ["size", "other"])
def test_refused_changes(made: Decorator, name: str) -> None:
    value = made_by(made)(name="a")
    # a dataclass with slots answers a name that is none of its fields by a TypeError of its own making
    with pytest.raises((FrozenInstanceError, TypeError)):
        setattr(value, name, 1)
    with pytest.raises((FrozenInstanceError, TypeError)):
        delattr(value, name)
    assert value.size == 7
    assert not hasattr(value, "__dict__")


@BOTH
def test_functions_of_dataclasses(made: Decorator) -> None:
    value = made_by(made)(name="a", raw=b"1")
    assert [each.name for each in fields(value)] == ["name", "size", "raw", "parts"]
    # by this, Dask names what it is given
    assert type(value).__dataclass_params__.frozen
    changed = replace(value, size=9)
    assert (type(changed), changed.name, changed.size, changed.raw) == (type(value), "a", 9, b"1")
    with pytest.raises(TypeError, match="other"):
        replace(value, other=1)


@pytest.mark.parametrize(
    "value",
    [Point3(x=1, z=3), Point(x=1), Box(value=b"1"), Pair("l"), Nothing(), Checked(size=0)],
    ids=lambda value: type(value).__name__,
)
def test_copies(value: object) -> None:
    again = pickle.loads(pickle.dumps(value))  # noqa: S301 - made one line above
    assert (again, hash(again), copy.copy(value)) == (value, hash(value), value)
    assert replace(value) == value  # type: ignore[type-var]  # all are frozen


def test_inheritance() -> None:
    value = Point3(x=1, z=3)
    assert (value.x, value.y, value.z, repr(value)) == (1, 2, 3, "Point3(x=1, y=2, z=3)")
    assert value != Point(x=1)
    assert [each.name for each in fields(Point)] == ["x", "y"]
    assert [each.name for each in fields(Point3)] == ["x", "y", "z"]


def test_order_of_fields() -> None:
    assert Pair("l") == Pair(left="l", right="r")
    match Pair("l"):
        case Pair(left, right):
            assert (left, right) == ("l", "r")


def test_after_the_fields() -> None:
    with pytest.raises(ValueError, match="negative"):
        Checked(size=-1)


def test_a_default_that_can_be_changed() -> None:
    class Open:
        parts: list[int] = []  # noqa: RUF012 - what is refused

    with pytest.raises(TypeError, match=r"the default of Open\.parts can be changed"):
        frozen(Open)
