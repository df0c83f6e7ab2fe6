"""Imports, files and pages as MoEngage shows them: pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rowport.dialects.moengage.asking import PAGE
from rowport.dialects.moengage.facets import Facet, Workspace, segment_of
from rowport.dialects.moengage.words import (
    FileStatus,
    ImportStatus,
    ImportType,
    file_status,
    import_source,
    import_status,
    schedule_type,
)
from rowport.model.counts import Counts
from rowport.model.feeds import ScheduleKind, SourceKind
from rowport.model.states import ImportState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, tzinfo

    from rowport.model.feeds import Definition, FileRun
    from rowport.model.imports import Import
    from rowport.model.states import Result


def naive(moment: datetime | None, zone: tzinfo) -> str | None:
    """Write a moment in a zone, with six digits after the second and without the zone."""
    if moment is None:
        return None
    return moment.astimezone(zone).replace(tzinfo=None).isoformat(timespec="microseconds")


def page(items: Sequence[dict[str, object]], *, total: int, offset: int) -> dict[str, object]:
    """Say a page; `offset` is its number, from 1."""
    return {
        "status": "success",
        "total_count": total,
        "data": list(items),
        "offset": offset,
        "more_files": offset * PAGE < total,
    }


def import_item(definition: Definition, facet: Facet, workspace: Workspace) -> dict[str, object]:
    """Say an import: a feed, or an import that was sent once."""
    feed, run = definition.feed, definition.last_run
    shown = feed or definition.own
    begun = run if run is not None and has_begun(run) else None
    counts = run.counts if run else Counts()
    files = len(run.files) if run else 0
    due = feed.next_run_at if feed else definition.own.scheduled_for
    return {
        "import_id": shown.oid,
        "import_name": definition.name,
        "last_run_status": _run_status(begun) if begun else None,
        "import_type": facet.type.value,
        "schedule_type": schedule_type(feed.schedule_kind if feed else ScheduleKind.ONCE).value,
        "import_source": import_source(feed.source_kind if feed else SourceKind.UPLOAD).value,
        "custom_segment_config": segment_of(shown.attributes),
        "aux_data_config": aux_data_config(facet),
        "total_files": files,
        "processed_files": files if run and run.state.is_final else 0,
        "total_rows": counts.total,
        "processed_rows": counts.processed,
        "created_at": naive(shown.created_at, workspace.zone),
        "last_run_at": naive(begun.started_at or begun.created_at, workspace.zone)
        if begun
        else None,
        "next_scheduled_at": naive(due, workspace.next_zone),
        "created_by_email": shown.created_by_email or "",
        "status": status_of(definition).value,
        "time_zone": workspace.zone_name,
    }


def status_of(definition: Definition) -> ImportStatus:
    """Say how an import stands: archived, or as its newest run does."""
    archived_at = (definition.feed or definition.own).archived_at
    if archived_at is not None:
        return ImportStatus.ARCHIVED
    if definition.last_run is None:
        return ImportStatus.SCHEDULED
    return _run_status(definition.last_run)


def _run_status(run: Import) -> ImportStatus:
    return import_status(run.state, run.result)


def has_begun(run: Import) -> bool:
    """Tell whether anything was done with a run's rows yet."""
    return import_status(run.state, run.result) is not ImportStatus.SCHEDULED


def aux_data_config(facet: Facet) -> dict[str, object]:
    """Say how auxiliary data is kept; empty for users and events."""
    if facet.type is not ImportType.AUX_DATA:
        return {}
    config: dict[str, object] = {"primary_key": facet.primary_key}
    if facet.retention is not None:
        config["retention_period"] = facet.retention.period
        config["retention_type"] = facet.retention.type
    return config


def file_item(file: FileRun, facet: Facet, workspace: Workspace) -> dict[str, object]:
    """Say a file of an import."""
    counts = file.counts
    is_aux = facet.type is ImportType.AUX_DATA
    return {
        "id": file.oid,
        "file_name": file.name,
        "scheduled_at": naive(file.scheduled_at, workspace.zone),
        "completed_at": naive(file.finished_at, workspace.zone),
        "type": facet.type.value,
        "file_size": str(file.size_bytes),
        "file_status": file_status(file.state, _file_result(file)).value,
        "status_msg": status_message(file),
        "total_rows": counts.total,
        "skipped_rows": counts.skipped + counts.unchanged,
        "updated_rows": counts.updated,
        "failed_rows": counts.failed,
        "aux_data_added_count": counts.created if is_aux else 0,
        "aux_data_failed_count": counts.failed if is_aux else 0,
        "added_rows": counts.created,
    }


def _file_result(file: FileRun) -> Result | None:
    return file.counts.result if file.state is ImportState.COMPLETED else None


def status_message(file: FileRun) -> str:
    """Say why a file failed, wholly or in part; empty when it is fine."""
    match file_status(file.state, _file_result(file)):
        case FileStatus.FAILED | FileStatus.PARTIAL_SUCCESS:
            if file.error:
                return file.error
            if file.state is ImportState.CANCELED:
                return "Import canceled"
            return f"{file.counts.failed} of {file.counts.total} rows failed"
        case _:
            return ""
