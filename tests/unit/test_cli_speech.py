"""What is said on the terminal: of an import, of a row, of an error."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowport.cli.exits import Exit, exit_of_error, exit_of_import
from rowport.cli.following import missing_words
from rowport.cli.pace import Rate, eta_s, progress_line
from rowport.cli.rows import row_line
from rowport.cli.serving import is_local, reachable, url_of
from rowport.cli.speech import printable
from rowport.cli.summary import Fault, count_lines, summary_lines, worst, worst_lines
from rowport.model.counts import Counts
from rowport.model.errors import (
    ImportNotFound,
    InvalidOptions,
    RecordTypeNotFound,
    RowportError,
    StorageFull,
    Unavailable,
    UnreadableFile,
)
from rowport.model.imports import ChunkTally, Import, ImportFault, ImportFile, ImportOptions
from rowport.model.outcomes import Outcome, RowError, RowErrorCode, RowOutcome
from rowport.model.states import ImportState, Phase

NOON: Final = datetime(2026, 1, 31, 12, tzinfo=UTC)
BLANK: Final[dict[str, Any]] = dict.fromkeys(each.name for each in fields(Import))
"""What these tests do not look at."""
IMPORT: Final = Import(
    **BLANK
    | {
        "id": UUID("01890a5d-ac96-774b-bcce-b302099a8057"),
        "oid": "1" * 24,
        "organization_id": UUID(int=1),
        "type_name": "contacts",
        "type_version": 1,
        "state": ImportState.COMPLETED,
        "phase": None,
        "options": ImportOptions(),
        "mapping": {},
        "counts": Counts(created=1998, failed=2),
        "chunks": ChunkTally(total=1, done=1),
        "files": (
            ImportFile(
                id=UUID(int=2), oid="2" * 24, name="c.csv", size_bytes=9, sha256="", blob="b"
            ),
        ),
        "error": None,
        "waiting": None,
        "created_at": NOON,
        "updated_at": NOON,
        "started_at": NOON,
        "finished_at": NOON + timedelta(seconds=4),
    }
)
RUNNING: Final = replace(
    IMPORT,
    state=ImportState.RUNNING,
    phase=Phase.LOADING,
    counts=Counts(created=100, failed=50, pending=850),
    finished_at=None,
)


def row_with(*errors: tuple[str | None, RowErrorCode, str]) -> RowOutcome:
    """Make a failed row with these errors."""
    return RowOutcome(
        row=1,
        line=2,
        outcome=Outcome.FAILED,
        record_id=None,
        errors=tuple(
            RowError(code=code, field=field, value=None, message=message)
            for field, code, message in errors
        ),
        raw=None,
    )


def test_a_summary_adds_up() -> None:
    assert summary_lines(IMPORT) == [
        "c.csv -> contacts: completed, 2 of 2,000 rows failed",
        "import 01890a5d-ac96-774b-bcce-b302099a8057",
        "",
        "  created      1,998",
        "  updated          0",
        "  unchanged        0",
        "  skipped          0",
        "  failed           2",
        "  total        2,000   in 4.00 s (500 rows/s)",
    ]


def test_rows_that_nobody_came_to_are_called_so() -> None:
    counts = Counts(created=1, pending=2)
    assert "  unprocessed  2" in count_lines(counts, is_final=True)
    assert "  pending      2" in count_lines(counts, is_final=False)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"counts": Counts(created=1)}, "all rows are fine"),
        ({"counts": Counts(failed=1)}, "every row failed"),
        ({"counts": Counts()}, "no data rows"),
        ({"state": ImportState.CANCELED}, "canceled"),
        (
            {
                "state": ImportState.FAILED,
                "error": ImportFault(code="x", message="no table", retryable=False),
            },
            "failed: no table",
        ),
    ],
)
def test_each_end_is_said_in_words(changes: dict[str, object], said: str) -> None:
    assert said in summary_lines(replace(IMPORT, **changes))[0]  # type: ignore[arg-type]  # a table


def test_the_worst_columns_come_first_with_one_example() -> None:
    rows = [
        row_with(("a", RowErrorCode.TYPE, "first"), ("b", RowErrorCode.TYPE, "other")),
        row_with(("a", RowErrorCode.TYPE, "second")),
        row_with((None, RowErrorCode.MISSING_CELL, "short")),
    ]
    assert worst(rows) == [
        Fault(field="a", code="type-error", count=2, message="first"),
        Fault(field="(row)", code="missing-cell", count=1, message="short"),
        Fault(field="b", code="type-error", count=1, message="other"),
    ]
    assert worst_lines(worst(rows), failed=3)[:2] == [
        "Worst columns",
        "  a      type-error    2  first",
    ]
    assert worst_lines([], failed=0) == []


def test_the_worst_columns_say_when_they_are_of_a_part_only() -> None:
    fault = Fault(field="a", code="c", count=1, message="m" * 200)
    lines = worst_lines([fault] * 10, failed=1_000_000)
    assert lines[0] == "Worst columns (of the first 100,000 failed rows)"
    assert lines[-1] == "  and 2 more kinds"
    assert len(lines[1]) < 120


@pytest.mark.parametrize(
    ("imported", "status"),
    [
        (replace(IMPORT, counts=Counts(created=1)), Exit.FINE),
        (replace(IMPORT, counts=Counts()), Exit.FINE),
        (IMPORT, Exit.ROWS_FAILED),
        (replace(IMPORT, counts=Counts(failed=1)), Exit.ROWS_FAILED),
        (replace(IMPORT, state=ImportState.FAILED), Exit.FAILED),
        (replace(IMPORT, state=ImportState.CANCELED), Exit.CANCELED),
    ],
)
def test_the_exit_status_tells_the_end(imported: Import, status: Exit) -> None:
    assert exit_of_import(imported) == status


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidOptions(), 2),
        (RecordTypeNotFound(), 2),
        (ImportNotFound(), 2),
        (UnreadableFile(), 4),
        (StorageFull(), 4),
        (Unavailable(), 4),
        (RowportError(), 4),
    ],
)
def test_every_error_has_its_exit_status(error: RowportError, status: int) -> None:
    assert exit_of_error(error) == status


def test_no_time_left_is_told_before_the_total_is_known() -> None:
    reading = replace(RUNNING, state=ImportState.READING, phase=Phase.READING)
    assert eta_s(reading, 100.0) is None
    assert eta_s(RUNNING, None) is None
    assert eta_s(RUNNING, 85.0) == 10.0


def test_progress_is_one_line() -> None:
    assert (
        progress_line(RUNNING, 85.0)
        == "loading: 150 of 1,000 rows, 85 rows/s, 50 failed, about 10 s left"
    )
    unknown = replace(RUNNING, state=ImportState.READING, counts=Counts())
    assert progress_line(unknown, None) == "reading"


def test_the_rate_is_of_the_last_seconds() -> None:
    rate = Rate()
    assert rate.after(0, now=0.0) is None
    assert rate.after(100, now=1.0) == 100.0
    assert rate.after(100, now=20.0) is None
    assert rate.after(200, now=21.0) == 5.0


def test_a_row_is_one_line() -> None:
    failed = row_with(("age", RowErrorCode.TYPE, "no\ninteger"), (None, RowErrorCode.SOURCE, "cut"))
    assert row_line(failed) == (
        r"row 1 line 2  failed     age: no\ninteger [type-error]; (row): cut [source-error]"
    )
    made = replace(failed, outcome=Outcome.CREATED, errors=(), record_id=UUID(int=1))
    assert row_line(made) == f"row 1 line 2  created    {UUID(int=1)}"


@given(st.text(st.characters(codec=None)))
def test_no_text_can_command_the_terminal(text: str) -> None:
    shown = printable(text)
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in shown)
    shown.encode("utf-8")


def test_escapes_and_turned_text_are_shown() -> None:
    assert printable("a\x1b[2Jb\u202ec") == r"a\x1b[2Jb\u202ec"
    assert printable("Þóra 株式会社 🙂") == "Þóra 株式会社 🙂"


def test_missing_columns_are_told_with_what_to_type() -> None:
    said = missing_words(["email", "name"], ["Mail", "Who"])
    assert "fields email, name" in said
    assert "--map 'HEADER=email' --map 'HEADER=name'" in said
    assert said.endswith("the file's columns are: Mail, Who")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_this_machine_is_known(host: str) -> None:
    assert is_local(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.org"])  # noqa: S104  read
def test_what_others_can_reach_is_known(host: str) -> None:
    assert not is_local(host)


def test_the_address_is_one_that_can_be_asked() -> None:
    assert url_of("::1", 80) == "http://[::1]:80"
    assert url_of("127.0.0.1", 80) == "http://127.0.0.1:80"
    assert reachable("::") == "::1"
