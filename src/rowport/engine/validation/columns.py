"""One chunk's cells, read: typed where they could be, with the reason where they could not."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
import pyarrow as pa

from rowport.engine.validation.cells import CellFault, CellReader
from rowport.engine.validation.changing import change

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rowport.engine.validation.changing import AnyStep, Changed
    from rowport.engine.validation.constraints import Check

_DECIMAL_DIGITS: Final = 38


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How the cells of one field are read."""

    name: str
    reader: CellReader
    missing: tuple[str, ...]
    """Texts that mean "no value"."""
    steps: tuple[AnyStep, ...]
    """What is done to the text first."""

    def expressions(self, place: int, *, has_nul: bool) -> list[pl.Expr]:
        """Say what the first pass computes: m (missing) and v (value)."""
        text = raw = pl.col(self.name)
        is_readable: list[pl.Expr] = []
        if has_nul:
            is_readable.append(~raw.str.contains("\0", literal=True))
        if self.steps:
            text = pl.col(_text(place))
            is_readable.append(~pl.col(_unfit(place)))
        absent = text.is_null()
        if self.missing:
            absent |= text.is_in(list(self.missing))
        if self.steps:
            absent = pl.all_horizontal([absent, *is_readable])
        present = pl.when(pl.all_horizontal([~absent, *is_readable])).then(text)
        return [absent.alias(f"m{place}"), self.reader.fast(present).alias(f"v{place}")]


@dataclass(slots=True, kw_only=True)
class Column:
    """The cells of one field in one chunk."""

    raw: pl.Series
    """The text of each cell, as it stands in the file."""
    text: pl.Series
    """The same after the transforms."""
    values: pl.Series
    """The typed value of each; null where there is none or it could not be read."""
    missing: pl.Series
    """True where there is no value."""
    unfit: list[tuple[pl.Series, str | pl.Series | None]] = field(default_factory=list)
    """Where cells could not be taken at all, and what follows the cell in words, or the sentence
    of each; None: U+0000."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Why a text could not be read, for each such text."""
    scale: int = 0
    """Decimals: the scale of `values` or `wide`."""
    wide: list[Any] | None = None
    """Decimals that no decimal128 of one scale can hold together; `values` is their text then."""

    @property
    def unread(self) -> pl.Series:
        """True where a cell could not be read."""
        unread = self.values.is_null() & ~self.missing
        for where, _ in self.unfit:
            unread &= ~where
        return unread

    def breaks(self, check: Check) -> pl.Series:
        """Tell which values break a rule; null where there is no value."""
        if check.broken is not None and self.wide is None:
            return self.values.to_frame("v").select(check.broken(pl.col("v"))).to_series()
        distinct = self.values.drop_nulls().unique()
        read = Decimal if self.wide is not None else _as_is
        broken = [check.breaks(read(value)) for value in distinct]
        if not broken:
            return pl.repeat(value=False, n=len(self.values), eager=True)
        return self.values.replace_strict(
            distinct, pl.Series(broken, dtype=pl.Boolean), default=False, return_dtype=pl.Boolean
        )


def read_columns(readings: Sequence[Reading], cells: pa.Table) -> list[Column]:
    """Read the cells of each field."""
    frame = pl.from_arrow(cells)
    if not isinstance(frame, pl.DataFrame):  # pragma: no cover  tables give frames
        raise TypeError
    frame = frame.with_columns(pl.exclude(pl.String).cast(pl.String))  # all null, or a dictionary
    has_nul = [_has_nul(cells.column(reading.name)) for reading in readings]
    changed = [
        change(_readable(frame[reading.name], has_nul=nul), reading.steps, frame)
        if reading.steps
        else None
        for reading, nul in zip(readings, has_nul, strict=True)
    ]
    room = frame.with_columns(
        column
        for place, done in enumerate(changed)
        if done is not None
        for column in (done.text.alias(_text(place)), done.is_unfit().alias(_unfit(place)))
    )
    read = room.select(
        expression
        for place, reading in enumerate(readings)
        for expression in reading.expressions(place, has_nul=has_nul[place])
    )
    columns = [
        _column(frame[reading.name], read[f"v{place}"], read[f"m{place}"], done, has_nul=nul)
        for place, (reading, done, nul) in enumerate(zip(readings, changed, has_nul, strict=True))
    ]
    for reading, column in zip(readings, columns, strict=True):
        _finish(reading.reader, column)
    return columns


def _readable(raw: pl.Series, *, has_nul: bool) -> pl.Series:
    """Leave cells with U+0000 out: they are an error before any step is done."""
    if not has_nul:
        return raw
    kept = pl.when(~pl.col("c").str.contains("\0", literal=True)).then(pl.col("c"))
    return raw.to_frame("c").select(kept).to_series()


def _text(place: int) -> str:
    """Name the column of a field's text after its steps; no field is called so."""
    return f"\0t{place}"


def _unfit(place: int) -> str:
    """Name the column of where a step could not be done."""
    return f"\0u{place}"


def _column(
    raw: pl.Series, values: pl.Series, missing: pl.Series, done: Changed | None, *, has_nul: bool
) -> Column:
    text = raw if done is None else done.text
    column = Column(raw=raw, text=text, values=values, missing=missing)
    if has_nul:
        nul = raw.str.contains("\0", literal=True).fill_null(value=False)
        column.unfit.append((nul, None))
    if done is not None:
        column.unfit += done.unfit
    return column


def _finish(reader: CellReader, column: Column) -> None:
    """Give the cells that the fast path did not take to the exact reader."""
    odd = column.unread
    texts: list[str] = []
    exact: list[Any] = []
    if odd.any():
        for text in column.text.filter(odd).unique().to_list():
            try:
                exact.append(reader.exact(text))
                texts.append(text)
            except CellFault as fault:
                column.reasons[text] = str(fault)
    if reader.decimal:
        _scale(column, texts, exact, odd)
        return
    if column.values.dtype != reader.dtype:  # no fast path gave it its type
        column.values = column.values.cast(reader.dtype)
    if texts:
        _merge(column, odd, texts, pl.Series(exact, dtype=reader.dtype), reader.dtype)


def _merge(
    column: Column, odd: pl.Series, texts: list[str], exact: pl.Series, dtype: pl.DataType
) -> None:
    """Put the exact reader's values where their texts stand."""
    table = pl.DataFrame({"text": texts, "value": exact})
    places = odd.arg_true()
    found = (
        column.text.gather(places)
        .to_frame("text")
        .join(table, on="text", how="left", maintain_order="left")["value"]
    )
    column.values = column.values.cast(dtype).scatter(places, found)


def _scale(column: Column, texts: list[str], exact: list[Decimal], odd: pl.Series) -> None:
    """Make decimals of plain texts, with the most decimals typed in the column as their scale."""
    plain = column.values
    point = plain.str.find(".", literal=True)
    scale = _most(plain.str.len_bytes() - point - 1)
    whole = _most(plain.str.len_bytes())
    for value in exact:
        exponent = int(value.as_tuple().exponent)
        scale = max(scale, -exponent)
        whole = max(whole, value.adjusted() + 1)
    column.scale = scale
    texts_of = [format(value, "f") for value in exact]
    if texts:
        _merge(column, odd, texts, pl.Series(texts_of, dtype=pl.String), pl.String())
    if whole + scale > _DECIMAL_DIGITS and _widest(column.values) + scale > _DECIMAL_DIGITS:
        column.wide = [None if text is None else Decimal(text) for text in column.values]
        return
    column.values = column.values.cast(pl.Decimal(_DECIMAL_DIGITS, scale))


def _widest(plain: pl.Series) -> int:
    """Give the most digits before the point of any text, zeros in front left out."""
    return _most(plain.str.extract(r"^[+-]?0*([0-9]*)").str.len_bytes())


def _most(counts: pl.Series) -> int:
    """Give the greatest of some whole numbers; 0 of none."""
    most = counts.max()
    return most if isinstance(most, int) else 0


def _has_nul(cells: pa.ChunkedArray) -> bool:
    """Tell whether any cell may hold a zero byte, by one look at the bytes."""
    if not (pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type)):
        return True
    for chunk in cells.chunks:
        data = chunk.buffers()[2] if len(chunk.buffers()) > 2 else None  # noqa: PLR2004  Arrow's
        if data is None or len(chunk) == 0:
            continue
        width = np.int64 if pa.types.is_large_string(chunk.type) else np.int32
        offsets = np.frombuffer(chunk.buffers()[1], dtype=width)
        first, last = int(offsets[chunk.offset]), int(offsets[chunk.offset + len(chunk)])
        if last > first and not np.frombuffer(data, dtype=np.uint8)[first:last].all():
            return True
    return False


def _as_is(value: object) -> object:
    return value
