"""Steps applied to the text of a cell before it is read (our profile): a closed list.

Each step is vectorised.  `number` and `date` change how the field reads, so they stand for no
step of their own.  Steps run in their order, before the missing values are looked for: a trimmed
" NA " is "NA".  Nothing is dropped in silence: what `extract`, `split` or a strict `map` cannot
do is an error of the row.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import polars as pl

from rowport.engine.validation import patterns, strptime
from rowport.model.table_schema import Field, FieldType

MARKS: Final = "[\u0300-\u036f]"
"""Accents that stand apart after decomposition; vowel signs of other scripts are no accents."""


class BadTransform(ValueError):
    """A step cannot be used; the message says why and what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step, compiled."""

    apply: Callable[[pl.Expr], pl.Expr]
    unfit: Callable[[pl.Expr], pl.Expr] | None = None
    """True where the step cannot be done."""
    words: str = ""
    """What follows the cell in the sentence of the error then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Surroundings:
    """What a step may know besides its options."""

    field: Field
    missing: Sequence[str]
    columns: Sequence[str]


def normalised(raw: object) -> Mapping[str, object]:
    """Write a step as `{name: options}`; a bare name has no options.

    Raises:
        BadTransform: it is neither a name of the list nor an object with one such name.
    """
    step = {raw: {}} if isinstance(raw, str) else raw
    if not isinstance(step, Mapping) or len(step) != 1:
        raise BadTransform("a step is a name, or an object with one name and its options")
    ((name, options),) = step.items()
    if name not in OPTIONS:
        raise BadTransform(f"there is no step {name!r}; the steps are {', '.join(OPTIONS)}")
    if not isinstance(options, Mapping):
        raise BadTransform(f"the options of {name} are an object")
    known = OPTIONS[name]
    for option, value in options.items():
        if option not in known:
            allowed = ", ".join(known) or "none"
            raise BadTransform(f"{name} has no option {option!r}; its options are {allowed}")
        if not known[option](value):
            raise BadTransform(f"{name}: {option} cannot be {json.dumps(value, default=str)}")
    return {name: dict(options)}


def reading(field: Field) -> Field:
    """Give the field as its cells are read: with what the step `number` says."""
    for step in field.transforms:
        options = step.get("number")
        if isinstance(options, Mapping):
            field = replace(
                field,
                decimal_char=options.get("decimalChar", field.decimal_char),
                group_char=options.get("groupChar", field.group_char),
                bare_number=options.get("bareNumber", field.bare_number),
            )
    return field


def steps_of(field: Field, *, missing: Sequence[str], columns: Sequence[str]) -> tuple[Step, ...]:
    """Compile the steps of a field.

    `columns` are the fields whose cells are at hand, for `concat`.

    Raises:
        BadTransform: a step does not fit the field or lacks an option.
    """
    around = _Surroundings(field=field, missing=missing, columns=columns)
    steps = []
    for raw in field.transforms:
        ((name, options),) = normalised(raw).items()
        compiled = _COMPILERS[name](options, around)
        if compiled is not None:
            steps.append(compiled)
    return tuple(steps)


def _trim(options: Mapping[str, Any], around: _Surroundings) -> Step:
    del options, around
    return Step(apply=lambda text: text.str.strip_chars())


def _collapse(options: Mapping[str, Any], around: _Surroundings) -> Step:
    del options, around
    return Step(apply=lambda text: text.str.replace_all(r"\s+", " ").str.strip_chars())


def _case(options: Mapping[str, Any], around: _Surroundings) -> Step:
    del around
    to = _needed("case", options, "to")
    changes = {
        "lower": lambda text: text.str.to_lowercase(),
        "upper": lambda text: text.str.to_uppercase(),
        "title": lambda text: text.str.to_titlecase(),
    }
    return Step(apply=changes[to])


def _strip_accents(options: Mapping[str, Any], around: _Surroundings) -> Step:
    del options, around

    def apply(text: pl.Expr) -> pl.Expr:
        return text.str.normalize("NFD").str.replace_all(MARKS, "").str.normalize("NFC")

    return Step(apply=apply)


def _null_if(options: Mapping[str, Any], around: _Surroundings) -> Step:
    del around
    values = list(_needed("null_if", options, "values"))
    return Step(apply=lambda text: pl.when(~text.is_in(values)).then(text))


def _map(options: Mapping[str, Any], around: _Surroundings) -> Step:
    values = dict(_needed("map", options, "values"))
    others = options.get("others", "keep")
    if others == "keep":
        return Step(apply=lambda text: text.replace(values))
    known = pl.Series(list(values)).implode()

    def apply(text: pl.Expr) -> pl.Expr:
        return text.replace_strict(values, default=None, return_dtype=pl.String)

    if others == "null":
        return Step(apply=apply)
    missing = list(around.missing)
    return Step(
        apply=apply,
        unfit=lambda text: ~text.is_in(known) & ~text.is_in(missing),
        words=f"is not one of {', '.join(values)}",
    )


def _split(options: Mapping[str, Any], around: _Surroundings) -> Step:
    missing = list(around.missing)
    by = _needed("split", options, "by")
    if "join" in options:
        return Step(apply=lambda text: text.str.replace_all(by, options["join"], literal=True))
    part = int(_needed("split", options, "part"))
    at = part - 1 if part > 0 else part

    def apply(text: pl.Expr) -> pl.Expr:
        return text.str.split(by).list.get(at, null_on_oob=True)

    return Step(
        apply=apply,
        unfit=lambda text: apply(text).is_null() & text.is_not_null() & ~text.is_in(missing),
        words=f"has no part {part} when split by {json.dumps(by, ensure_ascii=False)}",
    )


def _extract(options: Mapping[str, Any], around: _Surroundings) -> Step:
    pattern = _needed("extract", options, "pattern")
    try:
        patterns.check(pattern)
    except patterns.BadPattern as error:
        raise BadTransform(f"extract: pattern {pattern!r} cannot be used: {error}") from None
    groups = pl.Series([""]).str.extract_groups(pattern).struct.fields
    group = int(options.get("group", 1 if groups else 0))
    if group > len(groups):
        raise BadTransform(f"extract: the pattern has no group {group}")
    missing = list(around.missing)
    return Step(
        apply=lambda text: text.str.extract(pattern, group),
        unfit=lambda text: ~text.str.contains(pattern) & ~text.is_in(missing),
        words=f"has nothing that matches the pattern {pattern}",
    )


def _number(options: Mapping[str, Any], around: _Surroundings) -> None:
    del options
    if around.field.type not in {FieldType.NUMBER, FieldType.INTEGER}:
        raise BadTransform("number is a step of number and integer fields")


def _date(options: Mapping[str, Any], around: _Surroundings) -> None:
    kind = around.field.type
    if kind not in {FieldType.DATE, FieldType.DATETIME}:
        raise BadTransform("date is a step of date and datetime fields")
    for form in _needed("date", options, "formats"):
        if form == "default":
            continue
        try:
            strptime.check(form, kind.value)
        except strptime.BadFormat as error:
            raise BadTransform(f"date: format {form!r} cannot be used: {error}") from None


def _email(options: Mapping[str, Any], around: _Surroundings) -> Step:
    """Trim, and write the domain in lower case: only that part has no case (RFC 5321, 2.4)."""
    del options, around

    def apply(text: pl.Expr) -> pl.Expr:
        plain = text.str.strip_chars()
        domain = plain.str.extract("@([^@]*)$").str.to_lowercase()
        return pl.coalesce(plain.str.extract("^(.*@)") + domain, plain)

    return Step(apply=apply)


def _url(options: Mapping[str, Any], around: _Surroundings) -> Step:
    """Trim, and put the scheme before what has none; `host:8080` has none."""
    del around
    scheme = options.get("scheme", "https")

    def apply(text: pl.Expr) -> pl.Expr:
        plain = text.str.strip_chars()
        bare = ~plain.str.contains(r"^[A-Za-z][A-Za-z0-9+.-]*:(?:[^0-9]|$)") & (plain != "")
        return pl.when(bare).then(pl.lit(f"{scheme}://") + plain).otherwise(plain)

    return Step(apply=apply)


def _default(options: Mapping[str, Any], around: _Surroundings) -> Step:
    value = _needed("default", options, "value")
    missing = list(around.missing)

    def apply(text: pl.Expr) -> pl.Expr:
        return pl.when(text.is_null() | text.is_in(missing)).then(pl.lit(value)).otherwise(text)

    return Step(apply=apply)


def _concat(options: Mapping[str, Any], around: _Surroundings) -> Step:
    """Join the cells of other fields, those without a value left out."""
    names = [name for name in _needed("concat", options, "fields") if name in around.columns]
    missing = list(around.missing)
    by = options.get("by", " ")

    def apply(text: pl.Expr) -> pl.Expr:
        parts = [pl.when(~pl.col(name).is_in(missing)).then(pl.col(name)) for name in names]
        joined = pl.concat_str(parts, separator=by, ignore_nulls=True) if parts else text
        return pl.when(joined != "").then(joined)

    return Step(apply=apply)


def _needed(name: str, options: Mapping[str, Any], option: str) -> Any:  # noqa: ANN401  as checked
    if option not in options:
        raise BadTransform(f"{name} needs the option {option!r}")
    return options[option]


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_some_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_text, value))


def _is_part(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value != 0


OPTIONS: Final[Mapping[str, Mapping[str, Callable[[object], bool]]]] = {
    "trim": {},
    "collapse": {},
    "case": {"to": lambda value: value in {"lower", "upper", "title"}},
    "strip_accents": {},
    "null_if": {"values": _is_texts},
    "map": {
        "values": lambda value: isinstance(value, dict) and all(map(_is_text, value.values())),
        "others": lambda value: value in {"keep", "null", "error"},
    },
    "split": {"by": _is_some_text, "part": _is_part, "join": _is_text},
    "extract": {
        "pattern": _is_some_text,
        "group": lambda value: isinstance(value, int) and value >= 0,
    },
    "number": {
        "decimalChar": _is_some_text,
        "groupChar": _is_some_text,
        "bareNumber": lambda value: isinstance(value, bool),
    },
    "date": {"formats": _is_texts},
    "email": {},
    "url": {"scheme": _is_some_text},
    "default": {"value": _is_text},
    "concat": {"fields": _is_texts, "by": _is_text},
}
"""The steps, their options and what each option may be."""

_COMPILERS: Final[Mapping[str, Callable[[Any, _Surroundings], Step | None]]] = {
    "trim": _trim,
    "collapse": _collapse,
    "case": _case,
    "strip_accents": _strip_accents,
    "null_if": _null_if,
    "map": _map,
    "split": _split,
    "extract": _extract,
    "number": _number,
    "date": _date,
    "email": _email,
    "url": _url,
    "default": _default,
    "concat": _concat,
}
