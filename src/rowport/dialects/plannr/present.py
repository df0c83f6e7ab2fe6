"""An import as Plannr's clients see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid5

from rowport.dialects.plannr.facets import Facet, facet_of
from rowport.dialects.plannr.words import mode_of, status_of
from rowport.service.rows import header_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from rowport.model.access import User
    from rowport.model.imports import Import
    from rowport.model.outcomes import RowOutcome

Document = dict[str, object]
MOST_ERRORS: Final = 25
REPORTS: Final = UUID("8b6f4c3e-7f0a-5d0e-9a51-3f1f6f0f1d2c")
"""The name space of the ids of error reports: an import has one, the same whenever it is told."""
WHOLE_ROW: Final = "row"
"""The key of errors that no single field is to blame for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The file of failed rows."""

    size_bytes: int
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An import with what belongs to it."""

    job: Import
    failed: Sequence[RowOutcome] = ()
    """The first failed rows."""
    report: Report | None = None
    """None: there is none, or not yet."""
    account: User | None = None
    """Who asked for it; None: nobody of this account."""


def import_document(shown: Shown, zone: ZoneInfo) -> Document:
    """Say an import in full."""
    job = shown.job
    whole = {**_index(shown, zone), "account": None}
    if shown.account is not None:
        whole["account"] = account_document(shown.account, zone)
    told: Document = {}
    for name, value in whole.items():
        if name == "status":
            told["headers"] = list(header_of(job))
            told["mapping"] = dict(job.mapping or {})
        told[name] = value
    return told


def index_document(shown: Shown, zone: ZoneInfo, *, with_account: bool) -> Document:
    """Say an import on a page: without headers and mapping, and the account only if asked for."""
    told = _index(shown, zone)
    if with_account:
        account = shown.account
        told["account"] = None if account is None else account_document(account, zone)
    return told


def _index(shown: Shown, zone: ZoneInfo) -> Document:
    job = shown.job
    facet = _facet(job)
    return {
        "uuid": str(job.id),
        "created_at": moment(job.created_at, zone),
        "updated_at": moment(job.updated_at, zone),
        "type": facet.type,
        "mode": mode_of(job.options.mode),
        "status": status_of(job),
        "total_jobs": job.counts.total,
        "progress": progress(job),
        "jobs_remaining": job.counts.pending,
        "failed_jobs": job.counts.failed,
        "error_report": report_document(job, shown.report, zone) if shown.report else None,
        "errors": [failed_row(job, row, facet.singular) for row in shown.failed[:MOST_ERRORS]],
    }


def progress(job: Import) -> int:
    """Say how far an import is in percent, cut; 100 only once it has ended."""
    counts = job.counts
    if not counts.total:
        return 100 if job.state.is_final else 0
    done = 100 * counts.processed // counts.total
    return done if job.state.is_final else min(done, 99)


def has_report(job: Import) -> bool:
    """Whether there is a file of failed rows to be had."""
    return job.state.is_final and job.counts.failed > 0


def report_name(job: Import) -> str:
    """Give the name of the file of failed rows."""
    return f"errors_{job.id}.csv"


def report_document(job: Import, report: Report, zone: ZoneInfo) -> Document:
    """Say the file of failed rows; `size` and `progress` are texts in Plannr's files."""
    made_at = moment(job.finished_at or job.updated_at, zone)
    return {
        "uuid": str(uuid5(REPORTS, str(job.id))),
        "created_at": made_at,
        "original_created_at": made_at,
        "updated_at": made_at,
        "uploaded_at": made_at,
        "last_modified": made_at,
        "status": "uploaded",
        "filename": report_name(job),
        "name": report_name(job),
        "extension": "csv",
        "type": "text/csv",
        "size": str(report.size_bytes),
        "progress": "100",
        "download_url": report.url,
        "folder_name": None,
    }


def failed_row(job: Import, row: RowOutcome, singular: str) -> Document:
    """Say a failed row: its cells by field, and what is wrong with each field."""
    errors: dict[str, list[str]] = {}
    for error in row.errors:
        errors.setdefault(error.field or WHOLE_ROW, []).append(error.message)
    return {singular: _mapped(job, row), "errors": errors}


def _mapped(job: Import, row: RowOutcome) -> Document:
    """Give the cells of the mapped columns; null where the row is too short to have one."""
    cells = row.raw or ()
    mapping = job.mapping or {}
    mapped: Document = {}
    for index, header in enumerate(header_of(job)):
        field = mapping.get(header)
        if field is not None and field not in mapped:
            mapped[field] = cells[index] if index < len(cells) else None
    return mapped


def account_document(user: User, zone: ZoneInfo) -> Document:
    """Say who asked for an import."""
    return {
        "uuid": str(user.id),
        "type": str(user.role),
        "role": str(user.role),
        "name": f"{user.first_name} {user.last_name}".strip(),
        "first_name": user.first_name,
        "last_name": user.last_name,
        "email": user.email,
        "with_login": True,
        "created_at": moment(user.created_at, zone),
        "updated_at": moment(user.updated_at, zone),
    }


def moment(at: datetime, zone: ZoneInfo) -> str:
    """Write a time with its offset, to the second, cut."""
    return at.astimezone(zone).isoformat(timespec="seconds")


def _facet(job: Import) -> Facet:
    facet = facet_of(job.type_attributes, job.type_name)
    return facet or Facet(type=job.type_name, singular=job.type_name)
