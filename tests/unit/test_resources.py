"""The documents of the native API."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowport.model.counts import Counts
from rowport.model.errors import ImportNotFound, RowportError, Unavailable
from rowport.model.imports import (
    ChunkTally,
    Import,
    ImportFault,
    ImportFile,
    ImportOptions,
    Policy,
    Priority,
)
from rowport.model.outcomes import Outcome, RowError, RowErrorCode, RowOutcome
from rowport.model.record_types import RecordType
from rowport.model.states import ImportState, Phase
from rowport.model.table_schema import Field, TableSchema
from rowport.model.undo import RowUndo, Undo, UndoCounts, UndoFate, UndoFault, UndoState
from rowport.wire.problems import problem
from rowport.wire.resources import (
    counts_resource,
    import_resource,
    record_type_resource,
    row_resource,
)

NOON: Final = datetime(2026, 1, 31, 12, 0, 0, 5, tzinfo=UTC)
ID: Final = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
BLANK: Final[dict[str, Any]] = dict.fromkeys(each.name for each in fields(Import))
"""What these tests do not look at."""
IMPORT: Final = Import(
    **BLANK
    | {
        "id": ID,
        "oid": "65b9f0000000000000000001",
        "organization_id": UUID(int=1),
        "type_name": "contacts",
        "type_version": 2,
        "state": ImportState.COMPLETED,
        "phase": None,
        "options": ImportOptions(
            key=("email",), policy=Policy(max_errors=3), mapping={"E": "email"}
        ),
        "priority": Priority.HIGH,
        "mapping": {"E": "email"},
        "counts": Counts(created=3, failed=1),
        "chunks": ChunkTally(total=1, done=1),
        "files": (
            ImportFile(
                id=UUID(int=2),
                oid="2" * 24,
                name="c.csv",
                size_bytes=9,
                sha256="ab",
                blob="secret/1",
            ),
        ),
        "error": None,
        "waiting": None,
        "expired": (),
        "created_at": NOON,
        "updated_at": NOON,
        "started_at": NOON,
        "finished_at": None,
    }
)
STAMP: Final = "2026-01-31T12:00:00.000005Z"


def test_an_import_is_said_in_full() -> None:
    assert import_resource(IMPORT) == {
        "id": str(ID),
        "oid": "65b9f0000000000000000001",
        "name": None,
        "type": "contacts",
        "type_version": 2,
        "state": "completed",
        "result": "partial",
        "phase": None,
        "counts": {
            "total": 4,
            "created": 3,
            "updated": 0,
            "unchanged": 0,
            "skipped": 0,
            "failed": 1,
            "pending": 0,
        },
        "files": [
            {
                "id": str(UUID(int=2)),
                "oid": "2" * 24,
                "name": "c.csv",
                "size_bytes": 9,
                "sha256": "ab",
            }
        ],
        "chunks": {"total": 1, "done": 1},
        "mapping": {"E": "email"},
        "options": {
            "key": ["email"],
            "mode": "upsert",
            "on_match": "update",
            "policy": "max_errors=3",
            "mapping": {"E": "email"},
            "format": {},
        },
        "priority": "high",
        "error": None,
        "undo": None,
        "waiting": None,
        "expired": {},
        "created_at": STAMP,
        "started_at": STAMP,
        "finished_at": None,
        "updated_at": STAMP,
    }


def test_where_the_bytes_lie_is_nobodys_business() -> None:
    assert "secret" not in json.dumps(import_resource(IMPORT))


def test_the_fault_of_a_failed_import_is_said() -> None:
    fault = ImportFault(code="unreadable_file", message="It is a picture.", retryable=False)
    failed = import_resource(replace(IMPORT, state=ImportState.FAILED, error=fault))
    assert failed["error"] == {
        "code": "unreadable_file",
        "message": "It is a picture.",
        "retryable": False,
    }
    assert failed["result"] is None


@pytest.mark.parametrize("state", list(ImportState))
@pytest.mark.parametrize("phase", [None, *Phase])
def test_every_state_and_phase_is_plain_json(state: ImportState, phase: Phase | None) -> None:
    document = import_resource(replace(IMPORT, state=state, phase=phase))
    assert json.loads(json.dumps(document)) == document
    assert (document["state"], document["phase"]) == (state.value, phase and phase.value)


@given(
    st.builds(
        Counts,
        created=st.integers(0, 2**40),
        updated=st.integers(0, 2**40),
        unchanged=st.integers(0, 2**40),
        skipped=st.integers(0, 2**40),
        failed=st.integers(0, 2**40),
        pending=st.integers(0, 2**40),
    )
)
def test_the_counts_add_up_to_the_total(counts: Counts) -> None:
    document = counts_resource(counts)
    parts = [value for name, value in document.items() if name != "total"]
    assert document["total"] == sum(part for part in parts if isinstance(part, int))


def test_a_failed_row_says_why_and_what_stood_there() -> None:
    error = RowError(code=RowErrorCode.TYPE, field="age", value="x", message='"x" is no integer')
    row = RowOutcome(
        row=3, line=5, outcome=Outcome.FAILED, record_id=None, errors=(error,), raw=("x", None)
    )
    assert row_resource(row) == {
        "row": 3,
        "line": 5,
        "outcome": "failed",
        "record_id": None,
        "errors": [
            {"code": "type-error", "field": "age", "value": "x", "message": '"x" is no integer'}
        ],
        "raw": ["x", None],
        "undo": None,
    }


def test_an_undo_says_how_far_it_is_and_what_it_made_of_a_row() -> None:
    undo = Undo(
        asked_by="ann",
        counts=UndoCounts(reversed=3, kept=2, errored=1, pending=4),
        error=None,
        created_at=NOON,
        finished_at=None,
    )
    document = import_resource(replace(IMPORT, undo=undo))["undo"]
    assert isinstance(document, dict)
    assert (document["state"], document["asked_by"], document["error"]) == ("running", "ann", None)
    assert document["counts"] == {"reversed": 3, "kept": 2, "errored": 1, "pending": 4}
    assert replace(undo, finished_at=NOON).state is UndoState.COMPLETED
    failed = replace(undo, finished_at=NOON, error=UndoFault(code="c", message="m"))
    document = import_resource(replace(IMPORT, undo=failed))["undo"]
    assert isinstance(document, dict)
    assert (document["state"], document["error"]) == ("failed", {"code": "c", "message": "m"})
    kept = RowUndo(fate=UndoFate.KEPT, message="why")
    row = RowOutcome(
        row=1, line=2, outcome=Outcome.CREATED, record_id=ID, errors=(), raw=None, undo=kept
    )
    assert row_resource(row)["undo"] == {"outcome": "kept", "message": "why"}


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_has_its_word(outcome: Outcome) -> None:
    row = RowOutcome(row=1, line=2, outcome=outcome, record_id=ID, errors=(), raw=None)
    document = row_resource(row)
    assert document["outcome"] == outcome.name.lower()
    assert (document["record_id"], document["raw"]) == (str(ID), None)


def test_a_record_type_is_said_with_its_own_document() -> None:
    schema = TableSchema(fields=(Field(name="a"),), document={"fields": [{"name": "a"}]})
    record_type = RecordType(
        id=ID,
        oid="1" * 24,
        organization_id=UUID(int=1),
        name="things",
        version=3,
        schema=schema,
        key=("a",),
        table_schema="data_default",
        table_name="things",
        created_at=NOON,
        updated_at=NOON,
    )
    assert record_type_resource(record_type) == {
        "id": str(ID),
        "oid": "1" * 24,
        "name": "things",
        "version": 3,
        "key": ["a"],
        "schema": {"fields": [{"name": "a"}]},
        "table": "data_default.things",
        "created_at": STAMP,
        "updated_at": STAMP,
    }


def test_an_error_is_a_problem_document() -> None:
    assert problem(ImportNotFound("There is no import 1.")) == {
        "type": "urn:rowport:problem:import_not_found",
        "title": "No import has this id, or its retention has ended.",
        "status": 404,
        "detail": "There is no import 1.",
        "code": "import_not_found",
        "retryable": False,
    }
    assert problem(Unavailable())["retryable"] is True


def errors(kind: type[RowportError]) -> list[type[RowportError]]:
    """Give a class of errors and all below it; dialects say theirs in their own way."""
    below = [c for c in kind.__subclasses__() if not c.__module__.startswith("rowport.dialects.")]
    return [kind, *(found for child in below for found in errors(child))]


@pytest.mark.parametrize("kind", errors(RowportError))
def test_every_error_can_be_said(kind: type[RowportError]) -> None:
    said = problem(kind())
    assert said["title"]
    assert said["detail"]
    assert isinstance(said["status"], int)
