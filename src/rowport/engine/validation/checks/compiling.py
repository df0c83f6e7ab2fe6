"""From the tree of an expression to a term: every node has a type, or the expression is refused."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from rowport.engine.validation.checks import (
    arithmetic,
    casts,
    comparing,
    dates,
    logic,
    terms,
    texts,
)
from rowport.engine.validation.checks.lexing import RESERVED, BadCheck
from rowport.engine.validation.checks.syntax import said
from rowport.engine.validation.checks.terms import (
    INTEGER_DIGITS,
    NUMBER_DIGITS,
    Mismatch,
    Term,
    bounded,
)
from rowport.engine.validation.checks.vectors import KIND_OF, Kind, Vector, constant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from rowport.engine.validation.checks.syntax import Tree
    from rowport.engine.validation.checks.vectors import Rows
    from rowport.model.table_schema import TableSchema

_INT64: Final = range(-(2**63), 2**63)


class Compiler:
    """Compiles the nodes of one expression over the fields of a schema."""

    def __init__(self, schema: TableSchema) -> None:
        self._schema = schema
        self.fields: dict[str, Kind] = {}
        """The fields that were met, with the type of each."""

    def term(self, node: Any) -> Term:  # noqa: ANN401  sqlglot types the parts of nodes so
        """Compile a node and all below.

        Raises:
            BadCheck: types do not go together, or a field is unknown.
        """
        make = _NODES.get(type(node))
        if make is None:
            raise BadCheck(f"{said(node)} is not allowed here")
        try:
            return _timed(make(self, node))
        except Mismatch as error:
            raise BadCheck(f"{said(node)}: {error}") from None

    def many(self, nodes: Iterable[Tree]) -> list[Term]:
        """Compile several nodes."""
        return [self.term(node) for node in nodes]

    def column(self, identifier: exp.Identifier) -> Term:
        """Give the term of a field."""
        name = self._field_name(str(identifier.this), quoted=bool(identifier.args.get("quoted")))
        kind = KIND_OF.get(self._schema.field(name).type, Kind.OTHER)
        self.fields[name] = kind
        whole, scale = {
            Kind.INTEGER: (INTEGER_DIGITS, 0),
            Kind.NUMBER: (NUMBER_DIGITS, NUMBER_DIGITS),
        }.get(kind, (0, 0))
        return Term(kind=kind, run=lambda rows: rows.columns[name], whole=whole, scale=scale)

    def _field_name(self, written: str, *, quoted: bool) -> str:
        if not quoted and written.lower() in RESERVED:
            raise BadCheck(f'{written} is a word of SQL; write "{written}" in quotes')
        names = [field.name for field in self._schema.fields]
        folded = written if quoted else written.lower()
        if folded in names:
            return folded
        alike = [name for name in names if name.lower() == folded]
        if len(alike) == 1 and not quoted:
            return alike[0]
        if alike and not quoted:
            raise BadCheck(f"{written} could be {' or '.join(alike)}: write the name in quotes")
        raise BadCheck(f"there is no field {written!r}; the fields are {', '.join(names)}")


def _timed(term: Term) -> Term:
    run = term.run

    def timed(rows: Rows) -> Vector:
        rows.keep_time()
        return run(rows)

    return Term(
        kind=term.kind,
        run=timed,
        whole=term.whole,
        scale=term.scale,
        literal=term.literal,
        months=term.months,
    )


def _literal(_: Compiler, node: Tree) -> Term:
    if node.args.get("is_string"):
        return terms.text(str(node.this))
    value = Decimal(str(node.this))
    sign, digits, exponent = value.as_tuple()
    del sign
    power = int(exponent)
    if node.this.isdigit() and int(value) in _INT64:
        whole = constant(int(value))
        return Term(kind=Kind.INTEGER, run=lambda _: whole, whole=INTEGER_DIGITS)
    scale = max(-power, 0)
    size = max(len(digits) + power, 0)
    bounded(Term(kind=Kind.NUMBER, run=lambda _: whole, whole=size, scale=scale))
    unscaled = int("".join(map(str, digits))) * 10 ** max(power, 0)
    whole = constant(unscaled, scale=scale)
    return Term(kind=Kind.NUMBER, run=lambda _: whole, whole=size, scale=scale)


def _boolean(_: Compiler, node: Tree) -> Term:
    value = constant(bool(node.this))
    return Term(kind=Kind.BOOLEAN, run=lambda _: value)


def _flat(node: Tree) -> list[Any]:
    """Give the operands of a chain of one connector."""
    found: list[Any] = []
    left: Any = node
    while type(left) is type(node):
        found.append(left.args["expression"])
        left = left.this
    return [left, *reversed(found)]


def _comparison(sign: str) -> Callable[[Compiler, Tree], Term]:
    def make(c: Compiler, node: Tree) -> Term:
        return comparing.compare(sign, c.term(node.this), c.term(node.args["expression"]))

    return make


def _binary(make: Callable[[Term, Term], Term]) -> Callable[[Compiler, Tree], Term]:
    return lambda c, node: make(c.term(node.this), c.term(node.args["expression"]))


def _unary(make: Callable[[Term], Term]) -> Callable[[Compiler, Tree], Term]:
    return lambda c, node: make(c.term(node.this))


def _plus(one: Term, other: Term) -> Term:
    if other.kind in {Kind.DATE, Kind.DATETIME}:
        one, other = other, one
    if other.kind is Kind.SPAN and one.kind in {Kind.DATE, Kind.DATETIME}:
        return dates.moved(one, other, sign=1)
    if one.kind is Kind.DATE:
        return dates.later(one, other, sign=1)
    return arithmetic.plus(one, other)


def _minus(one: Term, other: Term) -> Term:
    if one.kind not in {Kind.DATE, Kind.DATETIME}:
        if other.kind in {Kind.DATE, Kind.DATETIME} and one.literal is not None:
            return dates.apart(terms.as_kind(one, other.kind), other)
        return arithmetic.minus(one, other)
    if other.kind is Kind.SPAN:
        return dates.moved(one, other, sign=-1)
    if other.literal is not None:
        return dates.apart(one, terms.as_kind(other, one.kind))
    if one.kind is Kind.DATE and other.kind is Kind.INTEGER:
        return dates.later(one, other, sign=-1)
    return dates.apart(one, other)


def _in(c: Compiler, node: Tree) -> Term:
    members = node.args["expressions"]
    for member in members:
        if not isinstance(_inside(member), exp.Literal | exp.Column | exp.Null | exp.Cast):
            raise Mismatch(f"{said(member)}: the members of a list are fields or values")
    return comparing.among(c.term(node.this), c.many(members))


def _inside(node: Any) -> Any:  # noqa: ANN401  see Compiler.term
    """Take signs and parentheses off."""
    while isinstance(node, exp.Paren | exp.Neg):
        node = node.this
    return node


def _is(c: Compiler, node: Tree) -> Term:
    wanted, one = node.args["expression"], c.term(node.this)
    negate = bool(node.args.get("negate"))
    if isinstance(wanted, exp.Null):
        return comparing.missing(one, negate=negate)
    if isinstance(wanted, exp.Boolean):
        return comparing.is_value(one, value=bool(wanted.this), negate=negate)
    raise Mismatch("IS is followed by NULL, TRUE, FALSE or UNKNOWN")


def _distinct(*, negate: bool) -> Callable[[Compiler, Tree], Term]:
    return lambda c, node: comparing.distinct(
        c.term(node.this), c.term(node.args["expression"]), negate=negate
    )


def _case(c: Compiler, node: Tree) -> Term:
    subject, default = node.args.get("this"), node.args.get("default")
    branches = []
    for branch in node.args["ifs"]:
        condition = c.term(branch.this)
        if subject is not None:
            condition = comparing.compare("=", c.term(subject), condition)
        branches.append((condition, c.term(branch.args["true"])))
    return logic.case(branches, terms.null() if default is None else c.term(default))


def _coalesce(c: Compiler, node: Tree) -> Term:
    return logic.coalesced(c.many([node.this, *node.args["expressions"]]))


def _nullif(c: Compiler, node: Tree) -> Term:
    _, (one, other) = terms.alike([c.term(node.this), c.term(node.args["expression"])])
    return logic.nulled(one, comparing.compare("=", one, other))


def _like(c: Compiler, node: Tree, *, escape: str = "\\") -> Term:
    pattern = _written(node.args["expression"], "the pattern of LIKE")
    folds = isinstance(node, exp.ILike)
    term = texts.like(c.term(node.this), pattern, escape=escape, folds=folds)
    return logic.flipped(term) if node.args.get("negate") else term


def _escape(c: Compiler, node: Tree) -> Term:
    if not isinstance(node.this, exp.Like | exp.ILike):
        raise Mismatch("ESCAPE stands behind LIKE and ILIKE only")
    return _like(c, node.this, escape=_written(node.args["expression"], "ESCAPE"))


def _regexp(*, folds: bool) -> Callable[[Compiler, Tree], Term]:
    def make(c: Compiler, node: Tree) -> Term:
        pattern = _written(node.args["expression"], "a pattern")
        return texts.matches(c.term(node.this), pattern, folds=folds)

    return make


def _round(c: Compiler, node: Tree) -> Term:
    digits = node.args.get("decimals")
    if digits is None:
        return arithmetic.rounded(c.term(node.this), 0)
    plain = _inside(digits)
    sign = -1 if digits.find(exp.Neg) else 1
    if not isinstance(plain, exp.Literal) or plain.is_string or not plain.this.isdigit():
        raise Mismatch("the second argument of round is a whole number")
    return arithmetic.rounded(c.term(node.this), sign * int(plain.this))


def _trim(c: Compiler, node: Tree) -> Term:
    chars = node.args.get("expression")
    plain = " " if chars is None else _written(chars, "what trim takes off")
    return texts.trimmed(c.term(node.this), plain, str(node.args.get("position")))


def _substring(c: Compiler, node: Tree) -> Term:
    count = node.args.get("length")
    return texts.part(
        c.term(node.this), c.term(node.args["start"]), None if count is None else c.term(count)
    )


def _interval(_: Compiler, node: Tree) -> Term:
    unit = node.args.get("unit")
    return dates.span(_written(node.this, "an interval"), "" if unit is None else unit.name)


def _extract(c: Compiler, node: Tree) -> Term:
    return dates.extract(node.this.name, c.term(node.args["expression"]))


def _cast(c: Compiler, node: Tree) -> Term:
    return casts.cast(c.term(node.this), node.args["to"].this)


def _written(node: Any, what: str) -> str:  # noqa: ANN401  see Compiler.term
    """Give a text that must be written in the expression."""
    plain = _inside(node)
    if not isinstance(plain, exp.Literal) or not plain.is_string or node.find(exp.Neg):
        raise Mismatch(f"{what} is a text in quotes")
    return str(plain.this)


_NODES: Final[Mapping[type[Tree], Callable[[Compiler, Any], Term]]] = {
    exp.Literal: _literal,
    exp.Boolean: _boolean,
    exp.Null: lambda _c, _node: terms.null(),
    exp.Column: lambda c, node: c.column(node.this),
    exp.Paren: lambda c, node: c.term(node.this),
    exp.And: lambda c, node: logic.both(c.many(_flat(node))),
    exp.Or: lambda c, node: logic.any_of(c.many(_flat(node))),
    exp.Not: _unary(logic.flipped),
    exp.EQ: _comparison("="),
    exp.NEQ: _comparison("<>"),
    exp.LT: _comparison("<"),
    exp.LTE: _comparison("<="),
    exp.GT: _comparison(">"),
    exp.GTE: _comparison(">="),
    exp.NullSafeEQ: _distinct(negate=True),
    exp.NullSafeNEQ: _distinct(negate=False),
    exp.Is: _is,
    exp.In: _in,
    exp.Between: lambda c, node: comparing.between(
        c.term(node.this), c.term(node.args["low"]), c.term(node.args["high"])
    ),
    exp.Like: _like,
    exp.ILike: _like,
    exp.Escape: _escape,
    exp.RegexpLike: _regexp(folds=False),
    exp.RegexpILike: _regexp(folds=True),
    exp.Case: _case,
    exp.Coalesce: _coalesce,
    exp.Nullif: _nullif,
    exp.Add: _binary(_plus),
    exp.Sub: _binary(_minus),
    exp.Mul: _binary(arithmetic.times),
    exp.Div: _binary(arithmetic.over),
    exp.Mod: _binary(arithmetic.modulo),
    exp.Neg: _unary(arithmetic.negative),
    exp.Abs: _unary(arithmetic.absolute),
    exp.Round: _round,
    exp.Floor: _unary(arithmetic.floored),
    exp.Ceil: _unary(arithmetic.ceiled),
    exp.DPipe: _binary(texts.concat),
    exp.Length: _unary(texts.length),
    exp.Lower: _unary(lambda one: texts.cased(one, upper=False)),
    exp.Upper: _unary(lambda one: texts.cased(one, upper=True)),
    exp.Trim: _trim,
    exp.Substring: _substring,
    exp.StrPosition: lambda c, node: texts.place(c.term(node.this), c.term(node.args["substr"])),
    exp.StartsWith: _binary(texts.starts),
    exp.Interval: _interval,
    exp.Extract: _extract,
    exp.CurrentDate: lambda _c, _node: dates.today(),
    exp.Cast: _cast,
}
