"""Objects to columns: numbers keep their text, nested values stay JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rowport.model.outcomes import RowErrorCode
from rowport.ports import BrokenRow, ParsedChunk

if TYPE_CHECKING:
    from collections.abc import Iterable

Object = dict[str, msgspec.Raw]
_decode: Final = msgspec.json.Decoder(Object).decode
_decode_text: Final = msgspec.json.Decoder(str).decode


def decoded(text: bytes) -> Object | None:
    """Give the object that `text` is; None if it is none."""
    try:
        return _decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def parsed(
    texts: Iterable[tuple[int, bytes]], header: tuple[str, ...], first_row: int
) -> ParsedChunk:
    """Parse objects, given with the line on which each begins."""
    objects: list[Object] = []
    rows: list[int] = []
    lines: list[int] = []
    broken: list[BrokenRow] = []
    for row, (line, text) in enumerate(texts, first_row):
        found = _object(text)
        if isinstance(found, str):
            broken.append(_broken(row, line, found, text))
            continue
        objects.append(found)
        rows.append(row)
        lines.append(line)
    columns = [_column([found.get(key) for found in objects]) for key in header]
    return ParsedChunk(
        cells=pa.table(columns, names=[str(number) for number in range(len(header))]),
        row=pa.array(rows, pa.int64()),
        line=pa.array(lines, pa.int64()),
        broken=tuple(broken),
    )


def _object(text: bytes) -> Object | str:
    """Give the object, or what is wrong with it."""
    try:
        if not text.isascii():
            text.decode()
        found = _decode(text)
        repeated = _repeated_key(text) if _may_hide_members(text, found) else None
    except msgspec.ValidationError:
        return "The row is JSON, but no object."
    except msgspec.DecodeError as error:
        return f"The row is no JSON: {error}"
    except RecursionError:
        return "The row holds values inside of values, deeper than can be read."
    except UnicodeDecodeError:
        return "The row holds bytes that are no UTF-8."
    return found if repeated is None else f"The row has the key {repeated!r} more than once."


def _may_hide_members(text: bytes, found: Object) -> bool:
    """Say whether there are more colons than the members of an object account for.

    The decoder keeps the last of several members of one key; the others would be lost in silence.
    """
    colons = text.count(b":")
    if colons == len(found):
        return False
    inside = b"".join(found.values()).count(b":") + sum(key.count(":") for key in found)
    return colons != len(found) + inside


def _repeated_key(text: bytes) -> str | None:
    """Give the first key that a JSON object has more than once."""
    members: list[tuple[str, object]] = json.loads(
        text, object_pairs_hook=list, parse_int=str, parse_float=str
    )
    seen: set[str] = set()
    for key, _ in members:
        if key in seen:
            return key
        seen.add(key)
    return None


def _broken(row: int, line: int, note: str, text: bytes) -> BrokenRow:
    return BrokenRow(
        row=row,
        line=line,
        code=RowErrorCode.ENCODING if "UTF-8" in note else RowErrorCode.SOURCE,
        note=note,
        cells=(text.decode("utf-8", "backslashreplace").rstrip("\r\n"),),
    )


def _column(raws: list[msgspec.Raw | None]) -> pa.Array:
    """Turn raw JSON values to text: strings lose their quotes, null and no key are null."""
    values = pa.array([None if raw is None else bytes(raw) for raw in raws], pa.binary())
    text = values.cast(pa.string())
    is_null = pc.fill_null(pc.equal(text, "null"), fill_value=True)
    is_text = pc.fill_null(pc.starts_with(text, '"'), fill_value=False)
    plain = pc.if_else(is_text, pc.utf8_slice_codeunits(text, 1, -1), text)
    plain = pc.if_else(is_null, pa.scalar(None, pa.string()), plain)
    escaped = pc.and_(is_text, pc.fill_null(pc.match_substring(text, "\\"), fill_value=False))
    places = np.flatnonzero(escaped.to_numpy(zero_copy_only=False))
    if not len(places):
        return plain
    cells = plain.to_pylist()
    for place in places.tolist():
        cells[place] = _decode_text(bytes(values[place].as_py()))
    return pa.array(cells, pa.string())
