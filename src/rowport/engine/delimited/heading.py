"""Find the header among the first records of a table, and what stands above it.

Names differ from data: below a name stand numbers or dates, in a row of data stands one itself.
What cannot be told from that is taken as it stands: the first row is the header.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final

from rowport.engine.delimited.cells import is_data, is_year, says_nothing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rowport.engine.delimited.detection import SampleRecord

_MAX_PREAMBLE: Final = 60
_MAX_AHEAD: Final = 40
_MAX_JUDGED: Final = 50
"""So many rows are looked at to see what a column holds."""
_MAX_HEADER_ROWS: Final = 4
_SKIPPED: Final = 10
"""The first records say less about the width of a table than those behind them."""
_NEARLY_ALL: Final = 0.8
_MIN_ROWS: Final = 2
_LABELLED: Final = 2
"""A label and what it says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """Where the header stands and what is above it."""

    header: tuple[str, ...] | None
    """None: the first record is data already."""
    columns: int
    line: int
    """1-based physical line of the header, or of the first data row if there is none."""
    header_rows: int
    """Records that make up the header; 0 if there is none."""
    data_begin: int
    """Offset in the sample of what follows the header."""
    preamble: tuple[str, ...]
    has_trailing_delimiter: bool


def heading(
    found: Sequence[SampleRecord], *, header_line: int | None, has_header: bool | None
) -> Heading | None:
    """Find the header among the first records; None if there is no record with content."""
    filled = [r for r in found if any(r.cells)]
    if not filled:
        return None
    columns = _columns(filled)
    if header_line is None:
        at = _first_of_table(filled, columns)
    else:
        places = [place for place, r in enumerate(filled) if r.line == header_line]
        if not places:
            return None
        at = places[0]
    first = filled[at]
    rows = filled[at + 1 :]
    is_header = has_header if has_header is not None else _looks_like_header(first, rows)
    height = _header_rows(filled[at:]) if is_header and header_line is None else int(is_header)
    cells = _joined([r.cells for r in filled[at : at + height]]) if height > 1 else first.cells
    data = filled[at + height :]
    last = filled[at + height - 1]
    return Heading(
        header=cells if is_header else None,
        columns=len(cells) if is_header else _width(data, columns),
        line=first.line,
        header_rows=height,
        data_begin=last.end if is_header else first.begin,
        preamble=tuple(" ".join(r.cells).strip() for r in filled[:at]),
        has_trailing_delimiter=is_header and _has_trailing_delimiter(data, len(cells)),
    )


def _columns(filled: Sequence[SampleRecord]) -> int:
    """Give the width that most records have, the wider of two that are as frequent."""
    body = filled[_SKIPPED:] if len(filled) > 2 * _SKIPPED else filled
    widths = Counter(len(r.cells) for r in body)
    return max(widths.items(), key=lambda item: (item[1], item[0]))[0]


def _width(data: Sequence[SampleRecord], columns: int) -> int:
    return columns if data else 1


def _first_of_table(filled: Sequence[SampleRecord], columns: int) -> int:
    """Give the place of the first record that is no title, remark or the like."""
    for place in range(min(len(filled) - 1, _MAX_PREAMBLE)):
        if not _is_preamble(filled, place, columns):
            return place
    return 0


def _is_preamble(filled: Sequence[SampleRecord], place: int, columns: int) -> bool:
    record, following = filled[place], filled[place + 1]
    if columns < 2:  # noqa: PLR2004  a list may begin with anything
        return False
    if len(record.cells) == columns and columns == 2:  # noqa: PLR2004  a key and its value
        has_gap = following.begin > record.end
        return record.filled == 1 and has_gap and _may_head(filled, place + 1, columns)
    is_labelled = _is_labelled(record, columns)
    if not is_labelled and _continues(record, following, filled[place + 2 :]):
        return False
    typical = median(r.filled for r in filled[place + 1 :])
    if record.filled <= max(1, typical // 3):
        return True
    if is_labelled or 2 * record.filled < typical:
        return _heads_later(filled, place, columns)
    return len(record.cells) != columns and _may_head(filled, place + 1, columns)


def _is_labelled(record: SampleRecord, columns: int) -> bool:
    """Say whether a record is a remark such as `Generated: | 2026-01-31`, and no row of data."""
    first = next((cell.strip() for cell in record.cells if cell.strip()), "")
    return first.endswith(":") and record.filled <= _LABELLED < columns


def _heads_later(filled: Sequence[SampleRecord], place: int, columns: int) -> bool:
    later = range(place + 1, min(len(filled), place + _MAX_AHEAD))
    return any(_may_head(filled, other, columns) for other in later)


def _may_head(filled: Sequence[SampleRecord], place: int, columns: int) -> bool:
    """Say whether a record is as wide as the table and holds names over data."""
    record = filled[place]
    if len(record.cells) != columns or 2 * record.filled < columns:
        return False
    if any(is_data(cell) for cell in record.cells):
        return False
    return bool(_columns_of_data(filled[place + 1 :], columns))


def _columns_of_data(rows: Sequence[SampleRecord], columns: int) -> set[int]:
    """Give the columns in which nearly all cells that say something are data."""
    whole = [r.cells for r in rows[:_MAX_JUDGED] if len(r.cells) >= columns]
    found = set()
    for column in range(columns):
        cells = [cells[column] for cells in whole if not says_nothing(cells[column])]
        if cells and sum(map(is_data, cells)) >= _NEARLY_ALL * len(cells):
            found.add(column)
    return found


def _looks_like_header(first: SampleRecord, rows: Sequence[SampleRecord]) -> bool:
    """Doubt a header only if it holds data in columns whose other cells are data too."""
    columns = len(first.cells)
    same = [r for r in rows if len(r.cells) == columns]
    if len(same) < _MIN_ROWS:
        return True
    names = against = 0
    for column in _columns_of_data(same, columns):
        cell = first.cells[column]
        if says_nothing(cell) or is_year(cell):
            continue
        if is_data(cell):
            against += 1
        else:
            names += 1
    return against <= names


def _header_rows(filled: Sequence[SampleRecord]) -> int:
    """Count the records that make up the header, the first of which is one."""
    height = 1
    while height < min(_MAX_HEADER_ROWS, len(filled) - 1):
        upper, lower = filled[height - 1], filled[height]
        is_repeated = lower.cells == filled[0].cells
        if not is_repeated and not _continues(upper, lower, filled[height + 1 :]):
            break
        height += 1
    return height


def _continues(upper: SampleRecord, lower: SampleRecord, rows: Sequence[SampleRecord]) -> bool:
    """Say whether `lower` names what merged cells of `upper` left open, over data."""
    columns = len(upper.cells)
    if len(lower.cells) != columns or upper.filled < 2:  # noqa: PLR2004  a title names nothing
        return False
    if any(is_data(cell) for cell in (*upper.cells, *lower.cells) if not is_year(cell)):
        return False
    named = {column for column in range(columns) if not says_nothing(lower.cells[column])}
    opened = {column for column in named if column and not upper.cells[column].strip()}
    return bool(opened and named & _columns_of_data(rows, columns))


def _joined(rows: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Join header rows column by column; a merged cell counts for all columns it spans."""
    names: list[list[str]] = [[] for _ in rows[0]]
    for place, cells in enumerate(rows):
        below = rows[place + 1 :]
        spanning = ""
        for column, cell in enumerate(cells):
            if cell.strip():
                spanning = cell
            elif not any(lower[column].strip() for lower in below):
                spanning = ""
            if spanning:
                names[column].append(spanning)
    return tuple(
        parts[0] if len(parts) == 1 else " ".join(part.strip() for part in parts) for parts in names
    )


def _has_trailing_delimiter(rows: Sequence[SampleRecord], wanted: int) -> bool:
    """Say whether every data row ends with a delimiter that begins no cell."""
    return bool(rows) and all(len(r.cells) == wanted + 1 and not r.cells[-1] for r in rows)
