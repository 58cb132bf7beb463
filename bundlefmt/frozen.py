# SPDX-License-Identifier: Apache-2.0
"""How a class of values is made: its fields are given by keyword, kept in slots, never changed, and compared.

`frozen` stands for `dataclass(frozen=True, slots=True, kw_only=True)` of the standard library; `field`,
`fields`, `replace` and pickling work as with that. It is here for the time that a program takes to start:
a dataclass writes and compiles the text of seven methods for each class; here it is one, the rest are shared.
Spec: rationale, "Dependencies".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, FrozenInstanceError, field, make_dataclass
from operator import attrgetter
from typing import Any, Final, TypeVar, dataclass_transform, overload

T = TypeVar("T")
Fields = Mapping[str, Field[Any]]
_FIELDS: Final = "__frozen_fields__"


@overload
def frozen(made: type[T], /) -> type[T]: ...
@overload
def frozen(*, kw_only: bool) -> Callable[[type[T]], type[T]]: ...
@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def frozen(made: type[Any] | None = None, /, *, kw_only: bool = True) -> Any:
    """Decorates a class with annotated fields. `kw_only=False`: values are given in the fields' order.

    Raises TypeError where a default could be changed: `field(default_factory=...)` makes one for each value.
    """
    if made is None:
        return lambda made: _slotted(made, kw_only)
    return _slotted(made, kw_only)


def _slotted(made: type[Any], kw_only: bool) -> Any:
    own = dict(_annotated(made))
    inherited: dict[str, Field[Any]] = getattr(made, _FIELDS, {})
    fields = inherited | own
    compared = [name for name, each in fields.items() if each.compare]
    members = {
        **{
            name: value for name, value in vars(made).items() if name not in (*own, "__dict__", "__weakref__")
        },
        **_SHARED,
        "__slots__": tuple(name for name in own if name not in inherited),
        "__match_args__": () if kw_only else tuple(fields),
        **{name: _Described(name) for name in ("__dataclass_fields__", "__dataclass_params__")},
        "__compared__": attrgetter(*compared) if compared else type,
        _FIELDS: fields,
    }
    # a class has its slots from when it is made, which is before it is decorated: it is made once more
    slotted: Any = type(made)
    slotted = slotted(made.__name__, made.__bases__, members)
    slotted.__qualname__ = made.__qualname__
    slotted.__init__ = _initial(slotted, fields, kw_only)
    return slotted


def _annotated(made: type[Any]) -> Iterator[tuple[str, Field[Any]]]:
    for name, annotation in vars(made).get("__annotations__", {}).items():
        if annotation.startswith("ClassVar"):
            continue
        default = vars(made).get(name, MISSING)
        each = default if isinstance(default, Field) else field(default=default)
        if each.default.__hash__ is None:
            raise TypeError(f"the default of {made.__name__}.{name} can be changed")
        each.type = annotation
        yield name, each


def _initial(made: type[Any], fields: Fields, kw_only: bool) -> Callable[..., None]:
    """`__init__`, which writes through the slots themselves: assignment is refused."""
    scope: dict[str, Any] = {"MISSING": MISSING}
    given, lines = [], []
    for name, each in fields.items():
        scope[f"set_{name}"] = getattr(made, name).__set__
        value = name
        if each.default_factory is not MISSING:
            scope[f"make_{name}"] = each.default_factory
            value = f"make_{name}() if {name} is MISSING else {name}"
            given.append(f"{name}=MISSING")
        elif each.default is not MISSING:
            scope[f"default_{name}"] = each.default
            given.append(f"{name}=default_{name}")
        else:
            given.append(name)
        lines.append(f"    set_{name}(self, {value})")
    if hasattr(made, "__post_init__"):
        lines.append("    self.__post_init__()")
    parameters = ", ".join(["self", *(["*"] if kw_only and given else []), *given])
    text = f"def __init__({parameters}):\n" + "\n".join(lines or ["    pass"])
    exec(text, scope)  # noqa: S102 - of the names of fields alone; arguments are bound by the interpreter itself
    made_init: Callable[..., None] = scope["__init__"]
    made_init.__qualname__ = f"{made.__qualname__}.__init__"
    return made_init


class _Described:
    """What `dataclasses` tells of a class, for its functions and for others that ask; made when asked for."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, value: object, kind: Any) -> Any:
        known: Fields = getattr(kind, _FIELDS)
        parts = [(name, each.type, each) for name, each in known.items()]
        told = make_dataclass(kind.__name__, parts, frozen=True, kw_only=True, init=False, repr=False)
        found = getattr(told, self.name)
        setattr(kind, self.name, found)
        return found


def _equal(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return self.__compared__(self) == self.__compared__(other)


def _hash(self: Any) -> int:
    return hash(self.__compared__(self))


def _shown(self: Any) -> str:
    shown = (name for name, each in getattr(self, _FIELDS).items() if each.repr)
    return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"


def _refuse(self: object, name: str, *_: object) -> None:
    raise FrozenInstanceError(f"{type(self).__name__}.{name} is not to be changed")


def _state(self: Any) -> list[Any]:
    return [getattr(self, name) for name in getattr(self, _FIELDS)]


def _restore(self: Any, state: list[Any]) -> None:
    for name, value in zip(getattr(self, _FIELDS), state, strict=True):
        getattr(type(self), name).__set__(self, value)


_SHARED: Final[Mapping[str, Any]] = {
    "__eq__": _equal,
    "__hash__": _hash,
    "__repr__": _shown,
    "__setattr__": _refuse,
    "__delattr__": _refuse,
    "__getstate__": _state,
    "__setstate__": _restore,
}
