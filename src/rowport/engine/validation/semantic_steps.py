"""Steps that write what a text means in its normal form: a phone number, a country, a URL.

They take blanks off both ends first.  What cannot be written is an error of the row; but where
the field has the semantic of the same name, the text stays and the semantic tells what is wrong
with it.  `email` and `url` only tidy up: what is none stays as it is, and is no error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from rowport.engine.validation.semantics import catalogue, emails, urls
from rowport.engine.validation.semantics.catalogue import (
    BARE,
    COUNTRY,
    FIELD,
    FORM,
    REGION,
    TEXTS,
    BadSemantic,
)
from rowport.engine.validation.semantics.meaning import judged
from rowport.engine.validation.steps import BadTransform, ColumnStep, Done, reading

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rowport.engine.validation.semantics.catalogue import Option
    from rowport.engine.validation.semantics.meaning import Semantic
    from rowport.engine.validation.steps import Surroundings

OPTIONS: Final[Mapping[str, Mapping[str, Option]]] = {
    "email": {},
    "url": {
        "scheme": (
            lambda value: isinstance(value, str) and urls.is_scheme(value),
            "a scheme in lower case, such as https",
        )
    },
    "phone": {"region": REGION, "regionField": FIELD},
    "country": {"to": FORM},
    "currency": {"region": COUNTRY},
    "iban": {},
    "uuid": {},
    "percentage": {"bare": BARE},
}
"""The steps, their options and what each may be."""


def compile_step(name: str, options: Mapping[str, Any], around: Surroundings) -> ColumnStep:
    """Compile a step of `OPTIONS`.

    Raises:
        BadTransform: its options contradict each other.
    """
    try:
        semantic = _semantic(name, options, around)
    except BadSemantic as error:
        raise BadTransform(str(error)) from None
    tidy = _TIDY.get(name, _as_is)
    stays = name in _TIDY or _is_judged(name, around)
    missing = list(around.missing)

    def run(texts: pl.Series, cells: pl.DataFrame) -> Done:
        plain = pl.col("t").str.strip_chars()
        asked = pl.when(~plain.is_in(missing)).then(tidy(plain, options))
        both = texts.to_frame("t").select(plain=plain, asked=asked)
        other = cells[semantic.other] if semantic.other in cells.columns else None
        found = judged(semantic, both["asked"], other)
        kept = [found.values, both["asked"]] if stays else [found.values]
        left = pl.when(both["asked"].is_null()).then(both["plain"])
        return Done(
            texts=pl.select(pl.coalesce([*kept, left])).to_series(),
            faults=None if stays else found.faults,
        )

    return ColumnStep(run=run)


def _semantic(name: str, options: Mapping[str, Any], around: Surroundings) -> Semantic:
    wanted = (
        {"schemes": [options.get("scheme", "https"), *urls.SCHEMES]} if name == "url" else options
    )
    return catalogue.compiled(name, wanted, reading(around.field))


def _is_judged(name: str, around: Surroundings) -> bool:
    """Tell whether the field's semantic will tell what this step cannot do."""
    semantic = around.field.semantic or {}
    return name in semantic and around.field.type in TEXTS


def _as_is(plain: pl.Expr, options: Mapping[str, Any]) -> pl.Expr:
    del options
    return plain


def _lowered(plain: pl.Expr, options: Mapping[str, Any]) -> pl.Expr:
    """Write the domain in lower case: only that part has no case (RFC 5321, 2.4)."""
    del options
    return emails.lowered(plain)


def _with_scheme(plain: pl.Expr, options: Mapping[str, Any]) -> pl.Expr:
    """Put the scheme before what has none; `host:8080` has none."""
    bare = ~plain.str.contains(r"^[A-Za-z][A-Za-z0-9+.-]*:(?:[^0-9]|$)") & (plain != "")
    before = pl.lit(f"{options.get('scheme', 'https')}://")
    return pl.when(bare).then(before + plain).otherwise(plain)


_TIDY: Final[Mapping[str, Callable[[pl.Expr, Mapping[str, Any]], pl.Expr]]] = {
    "email": _lowered,
    "url": _with_scheme,
}
"""Steps that tidy up, and are never an error."""
