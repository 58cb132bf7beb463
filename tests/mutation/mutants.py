# SPDX-License-Identifier: Apache-2.0
"""The mutants of a module: its syntax tree with one thing wrong, each named by line and change.

Words for people are left alone: what a sentence says is no judgement.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_COMPARISONS: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_OPERATORS: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
_NAMES: Final = {"any": "all", "all": "any", "min": "max", "max": "min"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """`key` stays the same while the line's text does; `place` and `number` are of the change in `source`.

    `statement` is the line of the statement that is changed, None outside of functions.
    """

    line: int
    statement: int | None
    change: str
    text: str
    source: str
    place: int
    number: int

    @property
    def tree(self) -> ast.Module:
        """The whole module, with this one thing wrong."""
        tree = ast.parse(self.source)
        node, holder = list(_places(tree))[self.place]
        _, made = list(_changes(node))[self.number]
        _put(tree if holder is None else holder, node, made)
        return ast.fix_missing_locations(tree)

    @property
    def key(self) -> str:
        return f"{self.text} [{self.change}]"


def mutants(source: str) -> Iterator[Mutant]:
    """Every mutant of a module, in the order of its lines."""
    lines, tree = source.splitlines(), ast.parse(source)
    statements = dict(_statements(tree, None, inside=False))
    for place, (node, _) in enumerate(_places(tree)):
        for number, (change, _) in enumerate(_changes(node)):
            line = (node.target if isinstance(node, ast.comprehension) else node).lineno  # type: ignore[attr-defined] # all that may be changed stand on a line
            text = lines[line - 1].strip()
            yield Mutant(
                line=line,
                statement=statements[node],
                change=change,
                text=text,
                source=source,
                place=place,
                number=number,
            )


def _statements(node: ast.AST, line: int | None, *, inside: bool) -> Iterator[tuple[ast.AST, int | None]]:
    """(node, line of its statement) of all nodes; None outside of functions."""
    if inside and isinstance(node, ast.stmt):
        line = node.lineno
    yield node, line
    for name, value in ast.iter_fields(node):
        within = inside or (isinstance(node, ast.FunctionDef) and name == "body")
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _statements(child, line, inside=within)


def _places(tree: ast.AST, holder: ast.AST | None = None) -> Iterator[tuple[ast.AST, ast.AST | None]]:
    """(node, parent) of all that may be changed."""
    yield tree, holder
    for child in _children(tree):
        yield from _places(child, tree)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """The children that are no annotation, docstring, decorator or words."""
    if isinstance(node, ast.JoinedStr | ast.Import | ast.ImportFrom):
        return
    if isinstance(node, ast.Raise):
        return
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "bases", "type_comment", "ctx"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_text(child):
                yield child


def _is_text(node: ast.AST) -> bool:
    """A sentence standing alone: a docstring."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_words(node: ast.AST | None) -> bool:
    """An expression for people: a text, or one made of texts."""
    if node is None:
        return False
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr in ("join", "describe") or _is_words(node.func.value)
    if isinstance(node, ast.BinOp):
        return _is_words(node.left) or _is_words(node.right)
    if isinstance(node, ast.IfExp):
        return _is_words(node.body) or _is_words(node.orelse)
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """(what is wrong, the node in its place)."""
    match node:
        case ast.Compare(ops=[operator]) if type(operator) in _COMPARISONS:
            other = _COMPARISONS[type(operator)]
            yield f"{type(operator).__name__} to {other.__name__}", _with(node, ops=[other()])
        case ast.Compare(ops=[first, second]):
            for number, each in enumerate((first, second)):
                ops = [first, second]
                ops[number] = _COMPARISONS[type(each)]()
                yield f"operator {number + 1} to {type(ops[number]).__name__}", _with(node, ops=ops)
        case ast.BoolOp(op=ast.And()):
            yield "and to or", _with(node, op=ast.Or())
        case ast.BoolOp(op=ast.Or()):
            yield "or to and", _with(node, op=ast.And())
        case ast.UnaryOp(op=ast.Not()):
            yield "not removed", node.operand
        case ast.UnaryOp(op=ast.Invert()):
            yield "~ removed", node.operand
        case ast.BinOp(op=operator) if type(operator) in _OPERATORS and not _is_words(node):
            wrong = _OPERATORS[type(operator)]
            yield f"{type(operator).__name__} to {wrong.__name__}", _with(node, op=wrong())
        case ast.AugAssign(op=operator) if type(operator) in _OPERATORS and not _is_words(node.value):
            yield (
                "augmented to plain",
                ast.Assign(targets=[node.target], value=node.value, lineno=node.lineno),
            )
        case ast.Constant(value=bool() as value):
            yield f"{value} to {not value}", ast.Constant(value=not value)
        case ast.Constant(value=int() as value):
            yield f"{value} to {value + 1}", ast.Constant(value=value + 1)
            if value > 1:
                yield f"{value} to {value - 1}", ast.Constant(value=value - 1)
        case ast.Name(id=name) if name in _NAMES and isinstance(node.ctx, ast.Load):
            yield f"{name} to {_NAMES[name]}", ast.Name(id=_NAMES[name], ctx=ast.Load())
        case ast.Raise():
            yield "raise removed", ast.Pass()
        case ast.Return(value=ast.Constant(value=None | False)):
            return  # callers ask whether it is true: nothing is as good
        case ast.Return(value=value) if value is not None and not _is_words(value):
            yield "returns None", ast.Return(value=None)
        case ast.Return(value=None):
            yield "return removed", ast.Pass()
        case ast.Continue():
            yield "continue removed", ast.Pass()
        case ast.Break():
            yield "break removed", ast.Pass()
        case ast.Expr(value=ast.Call() | ast.Yield() | ast.YieldFrom()):
            yield "statement removed", ast.Pass()
    if isinstance(node, ast.If | ast.IfExp | ast.While) and _plain(node.test):
        yield "condition negated", _with(node, test=_not(node.test))
    if isinstance(node, ast.If) and not _plain(node.test):
        yield "condition always true", _with(node, test=ast.Constant(value=True))
    if isinstance(node, ast.comprehension):
        for number, test in enumerate(node.ifs):
            ifs = [*node.ifs[:number], *node.ifs[number + 1 :]]
            yield f"condition {number + 1} removed", _with(node, ifs=ifs)
            if _plain(test):
                yield f"condition {number + 1} negated", _with(node, ifs=[*ifs, _not(test)])
    if isinstance(node, ast.Tuple | ast.List | ast.Set) and len(node.elts) > 1:
        for number, element in enumerate(node.elts):
            if isinstance(element, ast.Constant | ast.Starred) and not isinstance(
                getattr(element, "value", 0), int
            ):
                left = [*node.elts[:number], *node.elts[number + 1 :]]
                yield f"element {number + 1} removed", _with(node, elts=left)


def _plain(test: ast.expr) -> bool:
    """A condition that no other change turns around."""
    return not isinstance(test, ast.Compare | ast.BoolOp | ast.UnaryOp | ast.Constant)


def _not(test: ast.expr) -> ast.expr:
    return ast.UnaryOp(op=ast.Not(), operand=test)


def _with(node: ast.AST, **fields: object) -> ast.AST:
    return ast.copy_location(type(node)(**{**dict(ast.iter_fields(node)), **fields}), node)


def _put(holder: ast.AST, old: ast.AST, new: ast.AST) -> None:
    """`new` where `old` stood."""
    for name, value in ast.iter_fields(holder):
        if value is old:
            setattr(holder, name, ast.copy_location(new, old))
        elif isinstance(value, list):
            for number, each in enumerate(value):
                if each is old:
                    value[number] = ast.copy_location(new, old) if hasattr(old, "lineno") else new
