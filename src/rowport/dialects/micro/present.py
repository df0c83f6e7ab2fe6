"""An import as Micro words it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal, assert_never

from rowport.dialects.micro.facets import NAME, object_type_of
from rowport.model.outcomes import Outcome
from rowport.model.states import ImportState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rowport.model.imports import Import
    from rowport.model.outcomes import RowOutcome

Document = dict[str, object]
Status = Literal["complete", "processing", "failed"]
RETENTION: Final = timedelta(days=7)
CANCELED: Final = {"code": "canceled", "message": "The import was canceled."}


def status_of(job: Import) -> Status:
    """Say an import's state; what failed is told by rows, not by the word."""
    match job.state:
        case (
            ImportState.DRAFT
            | ImportState.RECEIVING
            | ImportState.READING
            | ImportState.NEEDS_MAPPING
            | ImportState.READY
            | ImportState.QUEUED
            | ImportState.RUNNING
            | ImportState.PAUSING
            | ImportState.PAUSED
            | ImportState.CANCELING
        ):
            return "processing"
        case ImportState.COMPLETED:
            return "complete"
        case ImportState.FAILED | ImportState.CANCELED:
            return "failed"
        case _:
            assert_never(job.state)


def is_shown(job: Import, now: datetime) -> bool:
    """Whether a job can be asked for: not a synchronous one, and for seven days."""
    facet = job.attributes.get(NAME)
    is_inlined = isinstance(facet, dict) and facet.get("inlined") is True
    return (
        object_type_of(job.type_attributes) is not None
        and job.state is not ImportState.DRAFT
        and not is_inlined
        and now < job.created_at + RETENTION
    )


def job_document(
    job: Import, results: Iterable[RowOutcome] | None, *, is_inlined: bool = False
) -> Document:
    """Say a job; keys that have no value are left out.

    `results` are the rows in the order of the request; None while there are none to show.
    """
    document: Document = {
        "job_id": None if is_inlined else str(job.id),
        "status": status_of(job),
        "total": job.counts.total,
        "created_at": moment(job.created_at),
    }
    if job.error is not None:
        document["error"] = {"code": job.error.code, "message": job.error.message}
    elif job.state is ImportState.CANCELED:
        document["error"] = CANCELED
    if not is_inlined:
        document["expires_at"] = moment(job.created_at + RETENTION)
    document["failed"] = job.counts.failed
    document["processed"] = job.counts.processed
    if results is not None:
        document["results"] = [result(row) for row in results]
    document["succeeded"] = job.counts.processed - job.counts.failed
    document["updated_at"] = moment(job.updated_at)
    return document


def result(row: RowOutcome) -> Document:
    """Say what became of a row."""
    match row.outcome:
        case Outcome.CREATED:
            return {"id": str(row.record_id), "created": True, "existing": False}
        case Outcome.UPDATED | Outcome.UNCHANGED | Outcome.SKIPPED:
            return {"id": str(row.record_id), "created": False, "existing": True}
        case Outcome.FAILED | Outcome.PENDING:
            return {"id": None, "created": False, "error": _fault(row), "existing": False}
        case _:
            assert_never(row.outcome)


def _fault(row: RowOutcome) -> Document:
    """Say all errors of a row; the code is that of the first."""
    if not row.errors:
        return {"code": "pending", "message": "The row has not been processed."}
    return {
        "code": row.errors[0].code.value.replace("-", "_"),
        "message": "; ".join(error.message for error in row.errors),
    }


def moment(at: datetime) -> str:
    """Write a time in UTC with milliseconds, cut, not rounded."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
