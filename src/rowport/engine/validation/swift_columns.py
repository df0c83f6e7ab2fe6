"""Columns read from their bytes, for the most part; a data frame sees only the cells left over."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from rowport.engine.texts_in_arrow import text_bytes
from rowport.engine.validation.cells import CellFault, as_is

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from rowport.engine.validation.cells import CellReader, Swift

    Booleans = NDArray[np.bool_]

_FEW: Final = 64
_MAX_SCALE: Final = 18
"""Decimals behind the point that a shift within 64 bits can make."""
_DECIMAL_DIGITS: Final = 38
_STORED: Final[Mapping[pl.DataType, pa.DataType]] = {
    pl.Int64(): pa.int64(),
    pl.Boolean(): pa.bool_(),
    pl.Date(): pa.date32(),
    pl.Datetime("us", "UTC"): pa.timestamp("us", tz="UTC"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowlyRead:
    """What slower readers made of some cells."""

    places: NDArray[Any]
    """Which of them could be read."""
    values: pl.Series
    """The values of these."""
    reasons: dict[str, str]
    scale: int = 0
    """Decimals: that of `values`."""
    whole_digits: int = 0
    """Decimals: the most digits before the point; more than 38 where no such column holds them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SwiftlyRead:
    """A column that was read."""

    typed: pa.Array
    missing: Booleans
    reasons: dict[str, str] = field(default_factory=dict)
    scale: int = 0


def read_swiftly(
    reader: CellReader,
    missing: Sequence[str],
    cells: pa.Array,
    slowly: Callable[[pa.Array], SlowlyRead],
) -> SwiftlyRead | None:
    """Read the cells of a text column without U+0000; None if there is no swift way.

    `missing` are the texts that mean "no value".
    """
    if reader.fast is as_is or reader.sure is not None:
        return _kept(reader, cells, _absent(cells, missing))
    if reader.swift is None:
        return None
    absent = _absent(cells, missing)
    read = reader.swift(cells)
    taken = read.taken & ~absent
    left = np.flatnonzero(~(taken | absent))
    rest = _left_over(reader, cells.take(pa.array(left)), slowly) if len(left) else None
    if read.decimals is not None:
        return _decimals(read, read.decimals, taken, absent, left, rest)
    values, reasons = read.values, dict[str, str]()
    if rest is not None:
        reasons = rest.reasons
        if len(rest.places):
            values[left[rest.places]] = rest.values.to_physical().to_numpy()
            taken[left[rest.places]] = True
    typed = _array(_STORED[reader.dtype], values, taken)
    return SwiftlyRead(typed=typed, missing=absent, reasons=reasons)


def _left_over(
    reader: CellReader, cells: pa.Array, slowly: Callable[[pa.Array], SlowlyRead]
) -> SlowlyRead:
    """Read what was not taken; few different texts are not worth a data frame."""
    texts = cells.to_pylist()
    different = dict.fromkeys(texts)
    if len(different) > _FEW:
        return slowly(cells)
    read, reasons = dict[str, Any](), dict[str, str]()
    for text in different:
        try:
            read[text] = reader.exact(text)
        except CellFault as fault:
            reasons[text] = str(fault)
    places = [place for place, text in enumerate(texts) if text in read]
    scale = whole = 0
    if reader.decimal:
        scale = max((-value.as_tuple().exponent for value in read.values()), default=0)
        whole = max((value.adjusted() + 1 for value in read.values()), default=0)
    kind = pl.Decimal(_DECIMAL_DIGITS, scale) if reader.decimal else reader.dtype
    fits = whole + scale <= _DECIMAL_DIGITS
    return SlowlyRead(
        places=np.array(places, np.int64),
        values=pl.Series([read[texts[place]] for place in places] if fits else [], dtype=kind),
        reasons=reasons,
        scale=scale,
        whole_digits=whole,
    )


def _absent(cells: pa.Array, missing: Sequence[str]) -> Booleans:
    """Tell which cells mean "no value"."""
    nulls = cells.is_null().to_numpy(zero_copy_only=False) if cells.null_count else None
    absent = np.zeros(len(cells), bool)
    sizes = np.diff(text_bytes(cells).offsets)
    for size in {len(text.encode()) for text in missing}:
        absent |= sizes == size
    if any(missing):  # of cells as long as these texts, some are other ones
        places = np.flatnonzero(absent)
        texts = pa.array(missing, cells.type)
        absent[places] = pc.is_in(cells.take(pa.array(places)), texts).to_numpy(
            zero_copy_only=False
        )
    return absent if nulls is None else absent | nulls


def _kept(reader: CellReader, cells: pa.Array, absent: Booleans) -> SwiftlyRead:
    """Keep texts as they are, but those that may not be."""
    reasons: dict[str, str] = {}
    kept = ~absent
    if reader.sure is not None:
        texts = pl.Series(values=pl.from_arrow(cells))
        sure = texts.to_frame("t").select(reader.sure(pl.col("t"))).to_series()
        unsure = kept.copy()
        unsure[sure.arg_true().to_numpy()] = False
        places = np.flatnonzero(unsure)
        odd = cells.take(pa.array(places)).to_pylist()
        for text in dict.fromkeys(odd):
            try:
                reader.exact(text)
            except CellFault as fault:
                reasons[text] = str(fault)
        kept[places] = [text not in reasons for text in odd]
    return SwiftlyRead(typed=_masked(cells, kept), missing=absent, reasons=reasons)


def _decimals(
    read: Swift,
    decimals: NDArray[np.int64],
    taken: Booleans,
    absent: Booleans,
    left: NDArray[np.int64],
    rest: SlowlyRead | None,
) -> SwiftlyRead | None:
    """Give all numbers the scale of the one with the most decimals; None if one is too large."""
    decimals = np.where(taken, decimals, 0)
    units = np.where(taken, read.values, 0)
    scale = max(int(decimals.max(initial=0)), 0 if rest is None else rest.scale)
    shift = scale - int(decimals.min(initial=scale, where=taken))
    largest = int(np.abs(units).max(initial=0))
    if scale > _MAX_SCALE or largest * 10**shift > np.iinfo(np.int64).max:
        return None
    if rest is not None and rest.whole_digits + scale > _DECIMAL_DIGITS:
        return None
    wide = np.zeros((len(units), 2), np.int64)
    wide[:, 0] = units * _POWERS[scale - decimals] if shift else units
    wide[:, 1] = wide[:, 0] >> 63
    if rest is not None and len(rest.places):
        kind = pl.Decimal(_DECIMAL_DIGITS, scale)
        wide[left[rest.places]] = _halves(rest.values.cast(kind))
        taken[left[rest.places]] = True
    return SwiftlyRead(
        typed=_array(pa.decimal128(_DECIMAL_DIGITS, scale), wide, taken),
        missing=absent,
        reasons={} if rest is None else rest.reasons,
        scale=scale,
    )


def _halves(values: pl.Series) -> NDArray[np.int64]:
    """Give the low and the high half of each of some decimals without null."""
    array = values.to_arrow()
    both = np.frombuffer(array.buffers()[1] or b"", np.int64).reshape(-1, 2)
    return both[array.offset : array.offset + len(array)]


_POWERS: Final = 10 ** np.arange(_MAX_SCALE + 1, dtype=np.int64)


def _array(kind: pa.DataType, values: NDArray[Any], valid: Booleans) -> pa.Array:
    """Give values as an Arrow array, null where they are not valid."""
    stored = _bits(values) if pa.types.is_boolean(kind) else pa.py_buffer(values)
    validity = None if valid.all() else _bits(valid)
    return pa.Array.from_buffers(kind, len(valid), [validity, stored])


def _masked(cells: pa.Array, kept: Booleans) -> pa.Array:
    """Leave texts out, the bytes of the others shared."""
    if kept.all():
        return cells
    _, offsets, data = cells.buffers()
    begin = cells.offset * (8 if pa.types.is_large_string(cells.type) else 4)
    return pa.Array.from_buffers(cells.type, len(cells), [_bits(kept), offsets.slice(begin), data])


def _bits(flags: Booleans) -> pa.Buffer:
    return pa.py_buffer(np.packbits(flags, bitorder="little"))
