"""What the records of a file have to look like, and what is said of one that does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rowport.model.outcomes import RowErrorCode
from rowport.ports import BrokenRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rowport.engine.delimited.encodings import Encoding
    from rowport.engine.delimited.grammar import Grammar

_NOTES: Final = {
    RowErrorCode.MISSING_CELL: "The row has {found} cells, the header has {wanted}.",
    RowErrorCode.EXTRA_CELL: "The row has {found} cells, the header has only {wanted}.",
    RowErrorCode.ENCODING: "The row holds bytes that are no text in {encoding}.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordShape:
    """What a record has to look like."""

    grammar: Grammar
    encoding: Encoding
    columns: int
    has_trailing_delimiter: bool = False
    """Every data row ends with a delimiter that begins no cell."""

    def ragged(self, cells: Sequence[str], *, row: int, line: int) -> BrokenRow:
        """Give the row of a record that has too few or too many cells."""
        is_short = len(cells) < self.columns
        code = RowErrorCode.MISSING_CELL if is_short else RowErrorCode.EXTRA_CELL
        place = min(len(cells), self.columns)
        return self.broken(code, cells, row=row, line=line, field_index=place)

    def broken(
        self,
        code: RowErrorCode,
        cells: Sequence[str],
        *,
        row: int,
        line: int,
        field_index: int | None = None,
    ) -> BrokenRow:
        """Give the row of a record that cannot be taken apart."""
        note = _NOTES[code].format(
            found=len(cells), wanted=self.columns, encoding=self.encoding.name
        )
        return BrokenRow(
            row=row, line=line, code=code, note=note, cells=tuple(cells), field_index=field_index
        )
