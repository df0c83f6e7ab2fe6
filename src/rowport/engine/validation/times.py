"""Dates, times, years and months.

Source: Table Schema 2.0, which takes the lexical forms of XML Schema for the default formats.
Decisions:

- A datetime without an offset is taken as UTC; one with an offset is turned into UTC.
- The default form of a time is `hh:mm:ss` and nothing else: a column of times cannot keep an
  offset, and the standard allows none.
- More than six digits of a second, an offset in a time and a day beyond year 9999 are refused,
  not cut.
- Blanks around a year or a month are allowed, as XML Schema collapses them; around dates and
  times they are refused, as strptime does: `trim` is a transform.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from rowport.engine.texts_in_arrow import text_bytes
from rowport.engine.validation import strptime
from rowport.engine.validation.cells import (
    XSD_SPACE,
    CellFault,
    CellReader,
    Swift,
    nothing,
    shown,
)
from rowport.engine.validation.fixed_forms import FixedForm, fixed_form, literals
from rowport.engine.validation.words import Cells

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa
    from numpy.typing import NDArray

    from rowport.model.table_schema import Field

_DAY: Final = "[1-9][0-9]{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_DAY_SECONDS: Final = 86_400
_ISO_DAY: Final = "%Y-%m-%d"
_ISO_MOMENTS: Final = tuple(
    form
    for form in map(fixed_form, ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S"))
    if form is not None
)
_CLOCK: Final = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_XSD_DATETIME: Final = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})T(?P<clock>[0-9]{2}:[0-9]{2}:[0-9]{2})"
    r"(?:\.(?P<fraction>[0-9]+))?(?P<offset>Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])?"
)
_YEAR: Final = re.compile(r"-?(?:[1-9][0-9]{3,8}|0[0-9]{3})")
_YEARMONTH: Final = re.compile(r"(?:-?[1-9][0-9]{4,8}|-?[0-9]{4})-(?:0[1-9]|1[0-2])")


def forms_of(field: Field) -> tuple[str, ...]:
    """Give the formats in which cells of a date or datetime may stand, the first to be tried first.

    They are those of the transform `date` (our profile: `{"date": {"formats": [...]}}`), else the
    field's own.
    """
    for step in field.transforms:
        options = step.get("date")
        if isinstance(options, Mapping) and isinstance(options.get("formats"), list):
            return tuple(map(str, options["formats"]))
    return (field.format,)


def date_reader(field: Field) -> CellReader:
    """Read days."""
    forms = [_ISO_DAY if form == "default" else form for form in forms_of(field)]
    reader = _in_any_form(pl.Date(), [_date_form(form) for form in forms_of(field)])
    return replace(reader, swift=_swift(_apart(forms), _days))


def datetime_reader(field: Field) -> CellReader:
    """Read moments; those without an offset are UTC."""
    given = forms_of(field)
    reader = _in_any_form(pl.Datetime("us", "UTC"), [_datetime_form(form) for form in given])
    swift = _swift(_ISO_MOMENTS if given == ("default",) else _apart(given), _micros)
    return replace(reader, swift=swift)


def _days(seconds: NDArray[np.int64]) -> NDArray[np.int32]:
    return (seconds // _DAY_SECONDS).astype(np.int32)


def _micros(seconds: NDArray[np.int64]) -> NDArray[np.int64]:
    return seconds * 1_000_000


def _apart(forms: Sequence[str]) -> list[FixedForm]:
    """Compile the forms of a fixed width that may be read from the bytes.

    Behind another form only one whose cells cannot be of that other form, because they have no
    place for a character that it needs.
    """
    fixed = []
    for number, form in enumerate(forms):
        compiled = fixed_form(form)
        if compiled and all(literals(other) - literals(form) for other in forms[:number]):
            fixed.append(compiled)
    return fixed


def _swift(
    fixed: Sequence[FixedForm], stored: Callable[[NDArray[np.int64]], NDArray[Any]]
) -> Callable[[pa.Array], Swift] | None:
    """Give the reader of forms of which no cell is of two; None if there is no form."""
    if not fixed:
        return None

    def swift(texts: pa.Array) -> Swift:
        cells = Cells(text_bytes(texts))
        seconds, taken = fixed[0].read(cells)
        for form in fixed[1:]:
            more, also = form.read(cells)
            seconds, taken = np.where(also, more, seconds), taken | also
        return Swift(values=stored(seconds), taken=taken)

    return swift


def _in_any_form(dtype: pl.DataType, readers: Sequence[CellReader]) -> CellReader:
    """Join readers of single forms: the first that can read a cell decides.

    A fast path may only decide where no earlier form could, so those behind a form without one
    of its own are left to the exact reader.
    """
    if len(readers) == 1:
        return readers[0]

    quick = list(takewhile(lambda reader: reader.fast is not nothing, readers))

    def fast(cells: pl.Expr) -> pl.Expr:
        return pl.coalesce([reader.fast(cells) for reader in quick or readers[:1]])

    def exact(text: str) -> object:
        faults = []
        for reader in readers:
            try:
                return reader.exact(text)
            except CellFault as fault:
                faults.append(str(fault))
        raise CellFault(", ".join([faults[0], *(_tail(fault) for fault in faults[1:])]))

    return CellReader(dtype=dtype, fast=fast, exact=exact)


def _tail(fault: str) -> str:
    return f"nor {fault.rpartition(' of the form ')[2]}"


def _date_form(form: str) -> CellReader:
    plain = form == "default"
    form = _ISO_DAY if plain else form

    def exact(text: str) -> date:
        if plain and not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise CellFault(f"{shown(text)} is not a date of the form yyyy-mm-dd")
        return strptime.read(text, form, "date").date()

    canonical = strptime.guard(form, padded=plain)
    if canonical is None:
        return CellReader(dtype=pl.Date(), fast=nothing, exact=exact)

    def fast(cells: pl.Expr) -> pl.Expr:
        return (
            pl.when(cells.str.contains(canonical))
            .then(cells)
            .str.to_date(form, strict=False, cache=False)
        )

    return CellReader(dtype=pl.Date(), fast=fast, exact=exact)


def _datetime_form(form: str) -> CellReader:
    if form == "default":
        return CellReader(dtype=pl.Datetime("us", "UTC"), fast=_fast_xsd, exact=_exact_xsd)

    def exact(text: str) -> datetime:
        return _as_utc(strptime.read(text, form, "datetime"), text)

    canonical = strptime.guard(form)
    if canonical is None:
        return CellReader(dtype=pl.Datetime("us", "UTC"), fast=nothing, exact=exact)

    def fast(cells: pl.Expr) -> pl.Expr:
        safe = pl.when(cells.str.contains(canonical)).then(cells)
        if "%H" in form:
            moment = safe.str.to_datetime(form, strict=False, time_unit="us", cache=False)
        else:
            moment = safe.str.to_date(form, strict=False, cache=False).cast(pl.Datetime("us"))
        return moment.dt.replace_time_zone("UTC")

    return CellReader(dtype=pl.Datetime("us", "UTC"), fast=fast, exact=exact)


def time_reader(field: Field) -> CellReader:
    """Read times of day."""
    form = "%H:%M:%S" if field.format == "default" else field.format

    def exact(text: str) -> time:
        if field.format == "default" and not re.fullmatch("[0-9]{2}:[0-9]{2}:[0-9]{2}", text):
            raise CellFault(f"{shown(text)} is not a time of the form hh:mm:ss")
        return strptime.read(text, form, "time").time()

    canonical = strptime.guard(form)
    if canonical is None:
        return CellReader(dtype=pl.Time(), fast=nothing, exact=exact)

    def fast(cells: pl.Expr) -> pl.Expr:
        return (
            pl.when(cells.str.contains(canonical))
            .then(cells)
            .str.to_time(form, strict=False, cache=False)
        )

    return CellReader(dtype=pl.Time(), fast=fast, exact=exact)


def year_reader(field: Field) -> CellReader:
    """Read calendar years as XML Schema's gYear: four digits or more, `-` before Christ."""
    del field

    def fast(cells: pl.Expr) -> pl.Expr:
        return pl.when(cells.str.contains("^[1-9][0-9]{3}$")).then(cells).cast(pl.Int64)

    def exact(text: str) -> int:
        plain = text.strip(XSD_SPACE)
        if not _YEAR.fullmatch(plain) or plain == "-0000":
            raise CellFault(f"{shown(text)} is not a year of the form YYYY")
        return int(plain)

    return CellReader(dtype=pl.Int64(), fast=fast, exact=exact, quoted=False)


def yearmonth_reader(field: Field) -> CellReader:
    """Read months of a year as XML Schema's gYearMonth."""
    del field

    def fast(cells: pl.Expr) -> pl.Expr:
        return pl.when(cells.str.contains("^[1-9][0-9]{3}-(?:0[1-9]|1[0-2])$")).then(cells)

    def exact(text: str) -> str:
        plain = text.strip(XSD_SPACE)
        if not _YEARMONTH.fullmatch(plain):
            raise CellFault(f"{shown(text)} is not a month of the form YYYY-MM")
        return plain

    return CellReader(dtype=pl.String(), fast=fast, exact=exact)


def _fast_xsd(cells: pl.Expr) -> pl.Expr:
    """Take whole seconds, plain or in UTC; the rest is for the exact reader."""
    plain = pl.when(cells.str.contains(f"^{_DAY}T{_CLOCK}Z?$")).then(cells.str.slice(0, 19))
    moment = plain.str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False, time_unit="us", cache=False)
    return moment.dt.replace_time_zone("UTC")


def _exact_xsd(text: str) -> datetime:
    match = _XSD_DATETIME.fullmatch(text)
    if not match:
        raise CellFault(f"{shown(text)} is not a datetime of the form yyyy-mm-ddThh:mm:ss[.f][Z]")
    fraction = (match["fraction"] or "").rstrip("0")
    if len(fraction) > 6:  # noqa: PLR2004  microseconds
        raise CellFault(f"{shown(text)} has more than six digits of a second")
    try:
        midnight = match["clock"] == "24:00:00" and not fraction
        clock = "00:00:00" if midnight else match["clock"]
        moment = datetime.fromisoformat(f"{match['day']}T{clock}.{fraction:0<6}")
        moment += timedelta(days=1) if midnight else timedelta()
    except (ValueError, OverflowError):
        raise CellFault(f"{shown(text)} is not a moment that exists") from None
    offset = match["offset"] or "Z"
    return _as_utc(datetime.fromisoformat(f"{moment.isoformat()}{offset}"), text)


def _as_utc(moment: datetime, text: str) -> datetime:
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise CellFault(f"{shown(text)} lies outside the years 1 to 9999") from None
