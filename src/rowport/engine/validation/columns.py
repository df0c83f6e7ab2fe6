"""One chunk's cells, read: typed where they could be, with the reason where they could not."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from rowport.engine.texts_in_arrow import text_bytes, whole
from rowport.engine.validation.cells import CellFault, CellReader
from rowport.engine.validation.changing import change
from rowport.engine.validation.swift_columns import SlowlyRead, read_swiftly

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rowport.engine.validation.changing import AnyStep, Changed
    from rowport.engine.validation.constraints import Check

    Booleans = NDArray[np.bool_]

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

    cells: pa.Array
    """The text of each cell, as it stands in the file."""
    changed: pl.Series | None = None
    """The same after the transforms; None: there are none."""
    typed: pa.Array | None = None
    """The typed value of each cell, where it did not need a data frame to be read."""
    absent: Booleans
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
    _raw: pl.Series | None = None
    _values: pl.Series | None = None
    _extent: tuple[Any, Any] | None = None

    @property
    def missing(self) -> pl.Series:
        """True where there is no value."""
        return pl.Series(self.absent)

    @property
    def raw(self) -> pl.Series:
        """The text of each cell, as it stands in the file."""
        if self._raw is None:
            raw = _series(self.cells)  # all null, or a dictionary: as text
            self._raw = raw if raw.dtype == pl.String else raw.cast(pl.String)
        return self._raw

    @property
    def text(self) -> pl.Series:
        """The same after the transforms."""
        return self.raw if self.changed is None else self.changed

    @property
    def values(self) -> pl.Series:
        """The typed value of each; null where there is none or it could not be read."""
        if self._values is None:
            self._values = self.raw if self.typed is self.cells else _series(self.typed)
        return self._values

    @values.setter
    def values(self, values: pl.Series) -> None:
        """Put these in their place."""
        self._values, self.typed = values, None

    @property
    def unread(self) -> Booleans:
        """True where a cell could not be read."""
        if self.typed is None:
            read = self.values.is_not_null().to_numpy()
        else:
            read = self.typed.is_valid().to_numpy(zero_copy_only=False)
        unread: Booleans = ~(read | self.absent)
        for where, _ in self.unfit:
            unread &= ~where.to_numpy()
        return unread

    def spares(self, check: Check) -> bool:
        """Tell whether one look at the whole column shows that no value breaks a rule."""
        if self.typed is None or check.spares is None:
            return False
        if self._extent is None:
            self._extent = _extent(self.typed)
        return None in self._extent or check.spares(*self._extent)

    def breaks(self, check: Check) -> pl.Series:
        """Tell which values break a rule; null where there is no value."""
        if self.typed is not None and check.members is not None:
            broken = pc.invert(pc.is_in(self.typed, pa.array(check.members, self.typed.type)))
            return _series(pc.if_else(self.typed.is_valid(), broken, None))
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
    arrays = [whole(cells.column(reading.name)) for reading in readings]
    has_nul = [_has_nul(array) for array in arrays]
    columns = [
        None if nul or reading.steps else _swiftly(reading, array)
        for reading, array, nul in zip(readings, arrays, has_nul, strict=True)
    ]
    left = [place for place, column in enumerate(columns) if column is None]
    if left:
        slow = [readings[place] for place in left]
        others = _slowly(slow, cells, [has_nul[place] for place in left])
        for place, column in zip(left, others, strict=True):
            columns[place] = column
    return [column for column in columns if column is not None]


def _swiftly(reading: Reading, cells: pa.Array) -> Column | None:
    reader = reading.reader

    def slowly(some: pa.Array) -> SlowlyRead:
        column = Column(cells=some, absent=np.zeros(len(some), bool))
        column.values = column.raw.to_frame("t").select(reader.fast(pl.col("t"))).to_series()
        digits = _finish(reader, column)
        return SlowlyRead(
            places=column.values.is_not_null().arg_true().to_numpy(),
            values=column.values.drop_nulls(),
            reasons=column.reasons,
            scale=column.scale,
            whole_digits=digits,
        )

    read = read_swiftly(reader, reading.missing, cells, slowly)
    if read is None:
        return None
    return Column(
        cells=cells,
        typed=read.typed,
        absent=read.missing,
        reasons=read.reasons,
        scale=read.scale,
    )


def _slowly(readings: Sequence[Reading], cells: pa.Table, has_nul: Sequence[bool]) -> list[Column]:
    """Read columns as a data frame; what a step looks at may be any of `cells`."""
    wanted = [reading.name for reading in readings]
    frame = pl.from_arrow(cells if any(r.steps for r in readings) else cells.select(wanted))
    if not isinstance(frame, pl.DataFrame):  # pragma: no cover  tables give frames
        raise TypeError
    frame = frame.with_columns(pl.exclude(pl.String).cast(pl.String))  # all null, or a dictionary
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
    columns = []
    for place, (reading, done, nul) in enumerate(zip(readings, changed, has_nul, strict=True)):
        column = Column(
            cells=whole(cells.column(reading.name)), absent=read[f"m{place}"].to_numpy()
        )
        column.values = read[f"v{place}"]
        _note_unfit(column, done, has_nul=nul)
        _finish(reading.reader, column)
        columns.append(column)
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


def _note_unfit(column: Column, done: Changed | None, *, has_nul: bool) -> None:
    if has_nul:
        nul = column.raw.str.contains("\0", literal=True).fill_null(value=False)
        column.unfit.append((nul, None))
    if done is not None:
        column.changed = done.text
        column.unfit += done.unfit


def _finish(reader: CellReader, column: Column) -> int:
    """Give the cells that the fast path did not take to the exact reader.

    The answer is, of decimals, the most digits before the point.
    """
    odd = pl.Series(column.unread)
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
        return _scale(column, texts, exact, odd)
    if column.values.dtype != reader.dtype:  # no fast path gave it its type
        column.values = column.values.cast(reader.dtype)
    if texts:
        _merge(column, odd, texts, pl.Series(exact, dtype=reader.dtype), reader.dtype)
    return 0


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


def _scale(column: Column, texts: list[str], exact: list[Decimal], odd: pl.Series) -> int:
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
    if whole + scale > _DECIMAL_DIGITS:
        whole = _widest(column.values)
        if whole + scale > _DECIMAL_DIGITS:
            column.wide = [None if text is None else Decimal(text) for text in column.values]
            return _DECIMAL_DIGITS + 1
    column.values = column.values.cast(pl.Decimal(_DECIMAL_DIGITS, scale))
    return whole


def _widest(plain: pl.Series) -> int:
    """Give the most digits before the point of any text, zeros in front left out."""
    return _most(plain.str.extract(r"^[+-]?0*([0-9]*)").str.len_bytes())


def _most(counts: pl.Series) -> int:
    """Give the greatest of some whole numbers; 0 of none."""
    most = counts.max()
    return most if isinstance(most, int) else 0


def _has_nul(cells: pa.Array) -> bool:
    """Tell whether any cell may hold a zero byte, by one look at the bytes."""
    return not _is_text(cells) or not text_bytes(cells).held.all()


def _is_text(cells: pa.Array) -> bool:
    return bool(pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type))


def _series(array: pa.Array) -> pl.Series:
    return pl.Series(values=pl.from_arrow(array))


def _extent(typed: pa.Array) -> tuple[Any, Any]:
    """Give the least and the greatest value, of text the fewest and most bytes; None of none."""
    if _is_text(typed):
        sizes = np.diff(text_bytes(typed).offsets)
        return (int(sizes.min()), int(sizes.max())) if len(sizes) else (None, None)
    extremes = pc.min_max(typed)
    return extremes["min"].as_py(), extremes["max"].as_py()


def _as_is(value: object) -> object:
    return value
