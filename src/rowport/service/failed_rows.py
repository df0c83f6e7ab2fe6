"""The failed-rows file: the rows that failed, as they stood, with the reasons beside them.

Its columns are those of the imported file, in order, then MARKERS.  A file whose header ends in
MARKERS is one of ours: a later import knows by them which rows it mends, and that `unguard` is to
be applied to every cell of a CSV file.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from rowport.engine.formula_guard import MARKERS, guard, is_guarded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rowport.model.outcomes import RowError, RowOutcome

NEEDS_QUOTES: Final = frozenset('",\r\n')


def table(header: Sequence[str], rows: Iterable[RowOutcome]) -> Iterator[tuple[str, ...]]:
    """Give the header and then each failed row, all of the same width.

    Markers that the imported file itself had (it was such a file) are left out: the new ones
    take their place.
    """
    width = len(header)
    if is_guarded(header):
        width -= len(MARKERS)
    yield (*header[:width], *MARKERS)
    for row in rows:
        yield _line(row, width=width, file_width=len(header))


def csv_parts(header: Sequence[str], rows: Iterable[RowOutcome]) -> Iterator[bytes]:
    """Give the file as CSV: RFC 4180, UTF-8, CRLF, no cell that a spreadsheet would run."""
    for cells in table(header, rows):
        yield (",".join(_quoted(guard(cell)) for cell in cells) + "\r\n").encode()


def reasons(errors: Iterable[RowError]) -> str:
    """Say all that is wrong with a row in one cell."""
    return "; ".join(
        f"{error.field}: {error.message}" if error.field else error.message for error in errors
    )


def _line(row: RowOutcome, *, width: int, file_width: int) -> tuple[str, ...]:
    raw = [cell if cell is not None else "" for cell in row.raw or ()]
    cells = [*raw[:width], *[""] * (width - len(raw))]
    extra = json.dumps(raw[file_width:], ensure_ascii=False) if len(raw) > file_width else ""
    line = "" if row.line is None else str(row.line)
    return (*cells, str(row.row), line, reasons(row.errors), extra)


def _quoted(cell: str) -> str:
    if NEEDS_QUOTES.isdisjoint(cell) and cell == cell.strip():
        return cell
    return '"' + cell.replace('"', '""') + '"'
