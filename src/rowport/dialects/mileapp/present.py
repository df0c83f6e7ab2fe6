"""An import as MileApp's import-monitoring record: a pure projection."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Final, Literal, assert_never

from rowport.dialects.mileapp.facets import FACET, KINDS, Facet, facet_of
from rowport.model.errors import ImportNotFound
from rowport.model.states import ImportState, Result
from rowport.ports.queries import FATES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from rowport.model.imports import Import

Status = Literal["onprocess", "success", "partially", "failed"]
Document = dict[str, object]

SYSTEM: Final = "system"
ALL_ROWS_FAILED: Final = "All rows failed"
CANCELED: Final = "Import canceled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloads:
    """Where the files of a record can be had."""

    template: str
    failed: str | None
    """None: no row failed."""


def word_of(state: ImportState, result: Result | None) -> Status | None:
    """Say a state; None: it is not shown at all."""
    match state:
        case ImportState.DRAFT:
            return None
        case (
            ImportState.RECEIVING
            | ImportState.READING
            | ImportState.NEEDS_MAPPING
            | ImportState.READY
            | ImportState.QUEUED
            | ImportState.RUNNING
            | ImportState.PAUSING
            | ImportState.PAUSED
            | ImportState.CANCELING
        ):
            return "onprocess"
        case ImportState.COMPLETED:
            return _word_of_result(result or Result.SUCCEEDED)
        case ImportState.FAILED | ImportState.CANCELED:
            return "failed"
        case _:
            assert_never(state)


def _word_of_result(result: Result) -> Status:
    match result:
        case Result.SUCCEEDED:
            return "success"
        case Result.PARTIAL:
            return "partially"
        case Result.FAILED:
            return "failed"
        case _:
            assert_never(result)


def _words() -> dict[str, Status]:
    states = {
        str(state): word_of(state, None)
        for state in ImportState
        if state is not ImportState.COMPLETED
    }
    results = {FATES[result]: word_of(ImportState.COMPLETED, result) for result in Result}
    return {fate: word for fate, word in {**states, **results}.items() if word is not None}


STATUS_OF_FATE: Final[Mapping[str, Status]] = _words()
"""What each fate of an import is called; the fates that are not shown are missing."""
STATUSES: Final = frozenset(STATUS_OF_FATE.values())


def fates_of(statuses: frozenset[str]) -> frozenset[str]:
    """Give the fates that these statuses mean."""
    return frozenset(fate for fate, word in STATUS_OF_FATE.items() if word in statuses)


def has_failed_file(job: Import) -> bool:
    """Tell whether there is a file of failed rows: at the end, if any row failed."""
    word = word_of(job.state, job.result)
    return word in {"partially", "failed"} and job.counts.failed > 0


def record(
    job: Import, *, organization_oid: str, downloads: Downloads, is_detail: bool = False
) -> Document:
    """Say an import.

    `errorMessage` is there in a detail always (null unless it failed), in a list only then.
    """
    facet = _facet(job)
    counts = job.counts
    word = word_of(job.state, job.result)
    return {
        "_id": job.oid,
        "organizationId": organization_oid,
        "type": facet.kind,
        **_hub(job),
        "filename": file_name(job),
        "totalRows": counts.total,
        "totalValid": counts.processed - counts.failed,
        "totalInvalid": counts.failed,
        "status": word,
        **_reference(job, facet),
        "fileTemplate": downloads.template,
        **({"fileFailedImported": downloads.failed} if downloads.failed else {}),
        **({"errorMessage": error_message(job)} if is_detail or word == "failed" else {}),
        **_processing(job),
        "totalChunks": job.chunks.total,
        "processedChunks": job.chunks.done,
        "createdBy": job.created_by_email or SYSTEM,
        "updatedBy": SYSTEM,
        "createdTime": moment(job.created_at),
        "updatedTime": moment(job.updated_at),
    }


def queued_record(job: Import, *, organization_oid: str, downloads: Downloads) -> Document:
    """Say an import as the answer to its upload does: counted, and nothing done yet.

    Workers may be quicker than the answer; that is for the next look at it to tell.
    """
    facet = _facet(job)
    return {
        "_id": job.oid,
        "organizationId": organization_oid,
        "type": facet.kind,
        **_hub(job),
        "filename": file_name(job),
        "totalRows": job.counts.total,
        "totalValid": 0,
        "totalInvalid": 0,
        "status": "onprocess",
        **_reference(job, facet),
        "fileTemplate": downloads.template,
        "totalChunks": job.chunks.total,
        "processedChunks": 0,
        "createdBy": job.created_by_email or SYSTEM,
        "createdTime": moment(job.created_at),
        "updatedTime": moment(job.created_at),
    }


def error_message(job: Import) -> str | None:
    """Say why it failed; None unless it did."""
    match job.state:
        case ImportState.FAILED:
            return _fault(job)
        case ImportState.CANCELED:
            return CANCELED
        case _:
            return ALL_ROWS_FAILED if job.result is Result.FAILED else None


def _fault(job: Import) -> str:
    message = job.error.message if job.error else "Import failed"
    # What goes wrong before the first chunk is the file's fault.
    return f"File validation failed: {message}" if job.started_at is None else message


def moment(when: datetime) -> str:
    """Write a moment as `Y-m-d H:i:s` in UTC; what is less than a second is cut off."""
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def file_name(job: Import) -> str:
    """Give the name of the file as its sender called it."""
    return job.files[0].name if job.files else job.name or ""


def _facet(job: Import) -> Facet:
    facet = facet_of(job.type_attributes, job.type_name)
    if facet is None:
        raise ImportNotFound
    return facet


def _hub(job: Import) -> Document:
    said = job.attributes.get(FACET)
    hub = said.get("hubId") if isinstance(said, dict) else None
    return {"hubId": hub} if hub else {}


def _reference(job: Import, facet: Facet) -> Document:
    naming = KINDS[facet.kind]
    return {naming.id: job.type_oid, naming.name: facet.name}


def _processing(job: Import) -> Document:
    if job.finished_at is None:
        return {}
    created, ended = (
        when.astimezone(UTC).replace(microsecond=0) for when in (job.created_at, job.finished_at)
    )
    return {
        "processedAt": moment(ended),
        "processingDuration": int((ended - created).total_seconds()),
    }
