"""How a file is read, as every step of an import sees it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pyarrow.compute as pc

from rowport.engine.formula_guard import MARKERS, is_guarded, unguard, unguard_table
from rowport.engine.mapping import ColumnMapping, match
from rowport.ports import FormatLayout

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rowport.model.record_types import RecordType
    from rowport.ports import ParsedChunk


def to_layout(document: Mapping[str, object]) -> FormatLayout:
    """Give the layout of its JSON.

    Raises:
        KeyError: the file has not been read yet.
    """
    known = cast("dict[str, Any]", document)
    return FormatLayout(
        format=known["format"],
        header=tuple(known["header"]),
        options=known["options"],
        evidence=known["evidence"],
        confidence=known["confidence"],
    )


def is_failed_rows_csv(layout: FormatLayout) -> bool:
    """Tell whether the file is a failed-rows file of ours, whose cells are guarded."""
    return layout.format == "csv" and is_guarded(layout.header)


def without_guard(layout: FormatLayout) -> FormatLayout:
    """Give the layout with the header as it stood before we wrote the file."""
    if not is_failed_rows_csv(layout):
        return layout
    return replace(layout, header=tuple(unguard(cell) for cell in layout.header))


def unguarded(parsed: ParsedChunk, layout: FormatLayout) -> ParsedChunk:
    """Give the cells as they stood before we wrote the file."""
    if not is_failed_rows_csv(layout):
        return parsed
    return replace(parsed, cells=unguard_table(parsed.cells))


def has_columns_of(layout: FormatLayout, first: FormatLayout) -> bool:
    """Tell whether a file has the columns of another one, in whatever order."""
    if layout.header == first.header:
        return True
    names = set(first.header)
    is_plain = len(names) == len(first.header) == len(layout.header)
    return is_plain and names == set(layout.header)


def ordered_as(parsed: ParsedChunk, layout: FormatLayout, first: FormatLayout) -> ParsedChunk:
    """Put the columns of a file in the order of the import's first one, which has the same."""
    if layout.header == first.header:
        return parsed
    place = {name: index for index, name in enumerate(layout.header)}
    cells = parsed.cells.select([place[name] for name in first.header])
    return replace(parsed, cells=cells.rename_columns([str(i) for i in range(cells.num_columns)]))


def moved(parsed: ParsedChunk, rows: int) -> ParsedChunk:
    """Number the records of a file as they are numbered behind so many rows of other files."""
    if not rows:
        return parsed
    broken = [replace(record, row=record.row + rows) for record in parsed.broken]
    return replace(parsed, row=pc.add(parsed.row, rows), broken=broken)


def column_mapping(
    layout: FormatLayout, record_type: RecordType, given: Mapping[str, str], *, by_name: bool = True
) -> ColumnMapping:
    """Match the columns to the fields; the columns that we added to a failed-rows file feed none.

    `by_name=False` takes the columns of `given` alone.

    Raises:
        InvalidOptions: `given` names a header or field that does not exist.
    """
    ours = dict.fromkeys(MARKERS, "") if is_guarded(layout.header) else {}
    return match(
        layout.header, record_type.schema, {**ours, **given}, key=record_type.key, by_name=by_name
    )
