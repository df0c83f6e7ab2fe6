"""The failed-rows file, and the guard against live formulas in it."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import fastexcel
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rowport.engine.formula_guard import LIVE, MARKERS, guard, is_guarded, unguard, unguard_table
from rowport.model.errors import InvalidOptions
from rowport.model.outcomes import Outcome, RowError, RowErrorCode, RowOutcome
from rowport.service.failed_rows import csv_parts, reasons, table
from rowport.service.workbooks import LONGEST_CELL, write_workbook

if TYPE_CHECKING:
    from pathlib import Path

cells = st.text(
    st.one_of(st.sampled_from("'=+-@\t\r\n\x00\",; a1\uff1d"), st.characters(codec="utf-8")),
    max_size=12,
)
lines = st.lists(cells, min_size=1, max_size=4)


def failed(row: int, *raw: str | None, errors: tuple[RowError, ...] = ()) -> RowOutcome:
    """Make a failed row."""
    return RowOutcome(
        row=row, line=row + 1, outcome=Outcome.FAILED, record_id=None, errors=errors, raw=raw
    )


def read_csv(parts: list[bytes]) -> list[list[str]]:
    """Read a CSV file as any reader does."""
    return list(csv.reader(io.StringIO(b"".join(parts).decode(), newline="")))


@given(cells)
@example("'=1")
@example("''=1")
@example("'")
def test_the_guard_is_taken_off_exactly(cell: str) -> None:
    assert unguard(guard(cell)) == cell


@given(cells)
def test_no_guarded_cell_is_live(cell: str) -> None:
    assert not guard(cell).startswith(tuple(LIVE))


@given(st.text("abcdefgh 0123456789.,:/()", max_size=12))
def test_what_is_not_live_stays_as_it_is(cell: str) -> None:
    assert guard(cell) == cell


@given(st.lists(st.one_of(st.none(), cells), max_size=20))
def test_a_column_is_unguarded_as_its_cells_are(column: list[str | None]) -> None:
    found = unguard_table(pa.table({"0": pa.array(column, pa.string())}))["0"].to_pylist()
    assert found == [None if cell is None else unguard(cell) for cell in column]


@given(header=lines, raw=st.lists(lines, max_size=5))
def test_a_file_comes_back_cell_for_cell(header: list[str], raw: list[list[str]]) -> None:
    rows = [failed(number, *line) for number, line in enumerate(raw, start=1)]
    written = read_csv(list(csv_parts(header, rows)))
    assert all(not cell.startswith(tuple(LIVE)) for line in written for cell in line)
    plain = [[unguard(cell) for cell in line] for line in written]
    assert plain[0] == [*header, *MARKERS]
    assert is_guarded(plain[0])
    for line, found in zip(raw, plain[1:], strict=True):
        width = len(header)
        extra = json.loads(found[-1]) if found[-1] else []
        assert [*found[:width], *extra] == [*line, *[""] * (width - len(line))]


def test_the_reasons_stand_beside_the_row() -> None:
    errors = (
        RowError(code=RowErrorCode.TYPE, field="age", value="x", message="no integer"),
        RowError(code=RowErrorCode.MISSING_CELL, field=None, value=None, message="too short"),
    )
    assert read_csv(list(csv_parts(["name", "age"], [failed(7, "Ann", "x", errors=errors)]))) == [
        ["name", "age", *MARKERS],
        ["Ann", "x", "7", "8", "age: no integer; too short", ""],
    ]
    assert reasons(()) == ""


def test_lines_end_as_the_standard_says() -> None:
    assert b"".join(csv_parts(["a"], [failed(1, 'x"\ny')])).endswith(b'"x""\ny",1,2,,\r\n')


def test_a_failed_rows_file_of_a_failed_rows_file_has_its_markers_once() -> None:
    row = failed(1, "x", "9", "10", "old reason", "", "beyond")
    assert list(table(["a", *MARKERS], [row])) == [
        ("a", *MARKERS),
        ("x", "1", "2", "", '["beyond"]'),
    ]


def test_a_cell_that_did_not_exist_is_empty() -> None:
    assert list(table(["a", "b"], [failed(1, None, "y")]))[1][:2] == ("", "y")


def test_a_spreadsheet_holds_text_and_no_formula(tmp_path: Path) -> None:
    rows = [failed(1, "=1+1", "007"), failed(2, "@SUM(A1)", "2026-01-31"), failed(3, "é\n\x01", "")]
    path = tmp_path / "failed.xlsx"
    assert write_workbook(path, table(["=a", "b"], rows), sheet="failed rows") == 4
    found = fastexcel.read_excel(path).load_sheet(0, dtypes="string").to_polars()
    assert found.columns == ["=a", "b", *MARKERS]
    assert found["=a"].to_list() == ["=1+1", "@SUM(A1)", "é\n\x01"]
    assert found["b"].to_list() == ["007", "2026-01-31", None]


@pytest.mark.parametrize(
    ("line", "said"),
    [(["x" * (LONGEST_CELL + 1)], "characters"), (["x"] * 16_385, "columns")],
    ids=["cell", "columns"],
)
def test_what_a_spreadsheet_cannot_hold_is_refused(
    tmp_path: Path, line: list[str], said: str
) -> None:
    with pytest.raises(InvalidOptions, match=said):
        write_workbook(tmp_path / "x.xlsx", [line], sheet="x")


def test_a_folder_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        write_workbook(tmp_path / "no" / "x.xlsx", [["a"]], sheet="x")
