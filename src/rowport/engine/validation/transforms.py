"""Steps applied to the text of a cell before it is read (our profile): a closed list.

Each step is vectorised.  `number` and `date` change how the field reads, so they stand for no
step of their own.  Steps run in their order, before the missing values are looked for: a trimmed
" NA " is "NA".  Nothing is dropped in silence: what `extract`, `split` or a strict `map` cannot
do is an error of the row.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import polars as pl

from rowport.engine.validation import patterns, semantic_steps, strptime
from rowport.engine.validation.semantics.catalogue import BadSemantic, check_options
from rowport.engine.validation.steps import BadTransform, ColumnStep, Step, Surroundings
from rowport.model.table_schema import Field, FieldType

MARKS: Final = "[\u0300-\u036f]"
"""Accents that stand apart after decomposition; vowel signs of other scripts are no accents."""


def normalised(raw: object) -> Mapping[str, Mapping[str, Any]]:
    """Write a step as `{name: options}`; a bare name has no options.

    Raises:
        BadTransform: it is neither a name of the list nor an object with one such name.
    """
    step = {raw: {}} if isinstance(raw, str) else raw
    if not isinstance(step, Mapping) or len(step) != 1:
        raise BadTransform("a step is a name, or an object with one name and its options")
    ((name, options),) = step.items()
    if name in semantic_steps.OPTIONS:
        return {name: _checked(name, options)}
    if name not in OPTIONS:
        steps = ", ".join((*OPTIONS, *semantic_steps.OPTIONS))
        raise BadTransform(f"there is no step {name!r}; the steps are {steps}")
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


def _checked(name: str, options: object) -> Mapping[str, Any]:
    try:
        return check_options(name, options, semantic_steps.OPTIONS[name])
    except BadSemantic as error:
        raise BadTransform(str(error)) from None


def steps_of(
    field: Field, *, missing: Sequence[str], columns: Sequence[str]
) -> tuple[Step | ColumnStep, ...]:
    """Compile the steps of a field.

    `columns` are the fields whose cells are at hand, for `concat`.

    Raises:
        BadTransform: a step does not fit the field or lacks an option.
    """
    around = Surroundings(field=field, missing=missing, columns=columns)
    steps: list[Step | ColumnStep] = []
    for raw in field.transforms:
        ((name, options),) = normalised(raw).items()
        if name in semantic_steps.OPTIONS:
            steps.append(semantic_steps.compile_step(name, options, around))
            continue
        compiled = _COMPILERS[name](options, around)
        if compiled is not None:
            steps.append(compiled)
    return tuple(steps)


def _trim(options: Mapping[str, Any], around: Surroundings) -> Step:
    del options, around
    return Step(apply=lambda text: text.str.strip_chars())


def _collapse(options: Mapping[str, Any], around: Surroundings) -> Step:
    del options, around
    return Step(apply=lambda text: text.str.replace_all(r"\s+", " ").str.strip_chars())


def _case(options: Mapping[str, Any], around: Surroundings) -> Step:
    del around
    to = _needed("case", options, "to")
    changes = {
        "lower": lambda text: text.str.to_lowercase(),
        "upper": lambda text: text.str.to_uppercase(),
        "title": lambda text: text.str.to_titlecase(),
    }
    return Step(apply=changes[to])


def _strip_accents(options: Mapping[str, Any], around: Surroundings) -> Step:
    del options, around

    def apply(text: pl.Expr) -> pl.Expr:
        return text.str.normalize("NFD").str.replace_all(MARKS, "").str.normalize("NFC")

    return Step(apply=apply)


def _null_if(options: Mapping[str, Any], around: Surroundings) -> Step:
    del around
    values = list(_needed("null_if", options, "values"))
    return Step(apply=lambda text: pl.when(~text.is_in(values)).then(text))


def _map(options: Mapping[str, Any], around: Surroundings) -> Step:
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


def _split(options: Mapping[str, Any], around: Surroundings) -> Step:
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


def _extract(options: Mapping[str, Any], around: Surroundings) -> Step:
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


def _number(options: Mapping[str, Any], around: Surroundings) -> None:
    del options
    if around.field.type not in {FieldType.NUMBER, FieldType.INTEGER}:
        raise BadTransform("number is a step of number and integer fields")


def _date(options: Mapping[str, Any], around: Surroundings) -> None:
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


def _default(options: Mapping[str, Any], around: Surroundings) -> Step:
    value = _needed("default", options, "value")
    missing = list(around.missing)

    def apply(text: pl.Expr) -> pl.Expr:
        return pl.when(text.is_null() | text.is_in(missing)).then(pl.lit(value)).otherwise(text)

    return Step(apply=apply)


def _concat(options: Mapping[str, Any], around: Surroundings) -> Step:
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
    "default": {"value": _is_text},
    "concat": {"fields": _is_texts, "by": _is_text},
}
"""The steps, their options and what each option may be."""

_COMPILERS: Final[Mapping[str, Callable[[Any, Surroundings], Step | None]]] = {
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
    "default": _default,
    "concat": _concat,
}
