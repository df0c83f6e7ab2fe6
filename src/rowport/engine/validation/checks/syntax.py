"""An expression as a tree that means what PostgreSQL would take it for.

sqlglot parses; two tables then hold its tree to PostgreSQL's grammar.  `PARTS` lists the kinds
of nodes and, of each, the parts it may have: sqlglot keeps some words (NOT LIKE, BETWEEN
SYMMETRIC) as parts of a node, and one that is not listed would be lost in silence.  `BINDING`
has PostgreSQL's precedence: a tree in which no operator stands bare within a tighter one is the
only tree that PostgreSQL could have made of the text, so a parser that groups otherwise is found
out and the expression refused with the advice to write parentheses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from rowport.engine.validation.checks.lexing import BadCheck, look

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_NODES: Final = 300
MAX_DEPTH: Final = 100
_SHOWN: Final = 80

Tree = exp.Expr

PARTS: Final[Mapping[type[Tree], frozenset[str]]] = {
    node: frozenset(parts.split())
    for node, parts in {
        exp.Abs: "this",
        exp.Add: "this expression",
        exp.And: "this expression",
        exp.Between: "this low high",
        exp.Boolean: "this",
        exp.Case: "this? ifs default?",
        exp.Cast: "this to",
        exp.Ceil: "this",
        exp.Coalesce: "this expressions",
        exp.Column: "this",
        exp.CurrentDate: "",
        exp.DPipe: "this expression safe?",
        exp.DataType: "this nested?",
        exp.Div: "this expression typed? safe?",
        exp.EQ: "this expression",
        exp.Escape: "this expression",
        exp.Extract: "this expression",
        exp.Floor: "this",
        exp.GT: "this expression",
        exp.GTE: "this expression",
        exp.ILike: "this expression negate?",
        exp.Identifier: "this quoted?",
        exp.If: "this true",
        exp.In: "this expressions",
        exp.Interval: "this unit",
        exp.Is: "this expression negate?",
        exp.LT: "this expression",
        exp.LTE: "this expression",
        exp.Length: "this",
        exp.Like: "this expression negate?",
        exp.Literal: "this is_string?",
        exp.Lower: "this",
        exp.Mod: "this expression",
        exp.Mul: "this expression",
        exp.NEQ: "this expression",
        exp.Neg: "this",
        exp.Not: "this",
        exp.Null: "",
        exp.NullSafeEQ: "this expression",
        exp.NullSafeNEQ: "this expression",
        exp.Nullif: "this expression",
        exp.Or: "this expression",
        exp.Paren: "this",
        exp.RegexpILike: "this expression",
        exp.RegexpLike: "this expression",
        exp.Round: "this decimals?",
        exp.StartsWith: "this expression",
        exp.StrPosition: "this substr",
        exp.Sub: "this expression",
        exp.Substring: "this start length?",
        exp.Trim: "this expression? position?",
        exp.Upper: "this",
        exp.Var: "this",
    }.items()
}
"""What may stand in a check, and nothing else; a part with a question mark may be left out."""

_IS, _COMPARED, _MATCHED = 4, 5, 6
BINDING: Final[Mapping[type[Tree], int]] = {
    exp.Or: 1,
    exp.And: 2,
    exp.Not: 3,
    **dict.fromkeys((exp.Is, exp.NullSafeEQ, exp.NullSafeNEQ), _IS),
    **dict.fromkeys((exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE), _COMPARED),
    **dict.fromkeys((exp.Between, exp.In, exp.Like, exp.ILike, exp.Escape), _MATCHED),
    **dict.fromkeys((exp.DPipe, exp.RegexpLike, exp.RegexpILike), 7),
    **dict.fromkeys((exp.Add, exp.Sub), 8),
    **dict.fromkeys((exp.Mul, exp.Div, exp.Mod), 9),
    exp.Neg: 10,
}
"""How tight each operator binds; those of one level group from the left."""
_UNGROUPED: Final = frozenset({_IS, _COMPARED, _MATCHED})
"""Levels whose operators do not group at all: `a < b < c` is an error in PostgreSQL."""
_ENCLOSED: Final = frozenset({"expressions"})
"""Parts that parentheses surround."""


def parse(text: str) -> Tree:
    """Parse an expression.

    Raises:
        BadCheck: it is none, or has what checks may not have.
    """
    groups = look(text)
    try:
        tree = sqlglot.parse_one(text, dialect="postgres", into=exp.Condition)
    except SqlglotError as error:
        raise BadCheck(f"it is no SQL expression: {_reason(error)}") from None
    except RecursionError:
        raise BadCheck("it nests too deep") from None
    _check_size(tree)
    for node in tree.walk():
        _check_parts(node)
        _check_binding(node)
    if (
        sum(1 for _ in tree.find_all(exp.Paren, exp.In)) > groups
    ):  # the parser added some of its own
        raise BadCheck("it could be grouped in several ways; write parentheses")
    return tree


def said(node: Tree) -> str:
    """Write a part of an expression for a message."""
    text = node.sql(dialect="postgres")
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def divides(tree: Tree) -> bool:
    """Tell whether there is a division in it."""
    return tree.find(exp.Div) is not None


def count_columns(tree: Tree) -> int:
    """Count how often fields are named in it."""
    return sum(1 for _ in tree.find_all(exp.Column))


def _reason(error: SqlglotError) -> str:
    """Give the first line of what the parser says; it marks the place with terminal codes."""
    details = getattr(error, "errors", None)
    if not details:
        return str(error).splitlines()[0]
    first = details[0]
    at = f" at {first['highlight']!r} (line {first['line']}, character {first['col']})"
    return f"{str(first['description']).rstrip('.')}{at}"


def _check_size(tree: Tree) -> None:
    count, level = 0, [tree]
    for _ in range(MAX_DEPTH):
        if not level or count > MAX_NODES:
            break
        count += sum(not isinstance(node, exp.Identifier) for node in level)
        level = [child for node in level for child in node.iter_expressions()]
    else:
        raise BadCheck(f"it nests deeper than {MAX_DEPTH}")
    if count > MAX_NODES:
        raise BadCheck(f"it has more than {MAX_NODES} parts")


def _check_parts(node: Tree) -> None:
    allowed = PARTS.get(type(node))
    if allowed is None:
        raise BadCheck(f"{said(node)} ({node.key}) is not allowed in a check")
    known = {part.removesuffix("?") for part in allowed}
    for part, value in node.args.items():
        if value and part not in known:
            raise BadCheck(f"{part} in {said(node)} is not allowed in a check")
    for part in allowed & known:
        if node.args.get(part) is None:
            raise BadCheck(f"{said(node)} has no {part}")


def _check_binding(node: Tree) -> None:
    level = BINDING.get(type(node))
    if level is None:
        return
    for part, child in _bare(node):
        own = BINDING.get(type(child))
        if own is None or _is_escaped(node, part):
            continue
        may_equal = level not in _UNGROUPED and part == "this"
        if own < level or (own == level and not may_equal):
            raise BadCheck(f"{said(node)}: write parentheses around {said(child)}")


def _bare(node: Tree) -> list[tuple[str, Tree]]:
    return [
        (part, child)
        for part, child in node.args.items()
        if part not in _ENCLOSED and isinstance(child, exp.Expr)
    ]


def _is_escaped(node: Tree, part: str) -> bool:
    """Tell whether a child is the LIKE to which an ESCAPE belongs."""
    return isinstance(node, exp.Escape) and part == "this"
