"""Rows of the ledger to values, and values to JSON columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from rowport.engine.schema_reading import read
from rowport.model.counts import Counts
from rowport.model.imports import (
    ChunkTally,
    Import,
    ImportFault,
    ImportFile,
    ImportOptions,
    KeyRules,
    Mode,
    OnMatch,
    Policy,
    Priority,
)
from rowport.model.organizations import Organization
from rowport.model.record_types import RecordType
from rowport.model.retention import Expiry, RetentionKind
from rowport.model.states import ImportState, Phase
from rowport.model.undo import Undo, UndoCounts, UndoFault
from rowport.ports import ChunkSpan, FormatLayout
from rowport.ports.ledger import PlannedChunk
from rowport.ports.rounds import Again, WaitingFacts

Row = Mapping[str, Any]
PRIORITIES: Final = {Priority.LOW: -1, Priority.NORMAL: 0, Priority.HIGH: 1}
PRIORITY_OF: Final = {number: priority for priority, number in PRIORITIES.items()}


def to_organization(row: Row) -> Organization:
    """Give the organization of a row."""
    return Organization(
        id=row["id"],
        oid=row["oid"],
        slug=row["slug"],
        name=row["name"],
        time_zone=row["time_zone"],
        running_limit=row["running_limit"],
        weight=row["weight"],
        attributes=row["attributes"],
    )


def to_record_type(row: Row) -> RecordType:
    """Give the record type of a row."""
    return RecordType(
        id=row["id"],
        oid=row["oid"],
        organization_id=row["organization_id"],
        name=row["name"],
        version=row["version"],
        schema=read(row["schema_document"]),
        key=tuple(row["key"]),
        table_schema=row["table_schema"],
        table_name=row["table_name"],
        attributes=row["attributes"],
        archived_at=row["archived_at"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def to_import(row: Row) -> Import:
    """Give the import of a row of `import_by_id` or `list_imports`."""
    processed = {n: int(row[n]) for n in ("created", "updated", "unchanged", "skipped", "failed")}
    rows = int(row["rows"]) if row["chunks"] else int(row["inline_rows"])
    counts = Counts(**processed, pending=rows - sum(processed.values()))
    return Import(
        id=row["id"],
        oid=row["oid"],
        organization_id=row["organization_id"],
        type_name=row["type_name"],
        type_version=row["type_version"],
        state=ImportState(row["state"]),
        phase=Phase(row["phase"]) if row["phase"] else None,
        options=to_options(row["options"]),
        mapping=row["mapping"],
        counts=counts,
        chunks=ChunkTally(total=row["chunks"], done=row["chunks_done"]),
        files=tuple(_to_file(file) for file in row["files"]),
        type_oid=row["type_oid"],
        type_attributes=row["type_attributes"],
        name=row["name"],
        created_by=row["created_by"],
        created_by_email=row["created_by_email"],
        feed_oid=row["feed_oid"],
        starts_by_itself=row["starts_by_itself"],
        attributes=row["attributes"],
        scheduled_for=row["scheduled_for"],
        archived_at=row["archived_at"],
        priority=PRIORITY_OF[row["priority"]],
        error=_to_fault(row),
        waiting=None,
        starts=row["starts"],
        state_since=row["state_since"],
        stopped_by=row["stopped_by"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        expired=_to_expired(row["expired"]),
        undo=_to_undo(row, written=counts.created + counts.updated),
    )


def _to_expired(document: Row) -> tuple[Expiry, ...]:
    return tuple(
        Expiry(kind=kind, at=datetime.fromisoformat(told["at"]), days=told["days"])
        for kind in RetentionKind
        if (told := document.get(kind)) is not None
    )


def _to_undo(row: Row, *, written: int) -> Undo | None:
    if row["undo"] is None:
        return None
    done = {name: int(row[name]) for name in ("reversed", "kept", "errored")}
    code, message = row["undo_error_code"], row["undo_error_message"]
    return Undo(
        asked_by=row["undo_asked_by"],
        counts=UndoCounts(**done, pending=written - sum(done.values())),
        error=UndoFault(code=code, message=message) if code else None,
        created_at=row["undo_created_at"],
        finished_at=row["undo_finished_at"],
    )


def _to_fault(row: Row) -> ImportFault | None:
    if row["error_code"] is None:
        return None
    return ImportFault(
        code=row["error_code"], message=row["error_message"], retryable=row["error_retryable"]
    )


def _to_file(file: Row) -> ImportFile:
    return ImportFile(
        id=UUID(file["id"]),
        oid=file["oid"],
        name=file["name"],
        size_bytes=file["size_bytes"],
        sha256=file["sha256"],
        blob=file["blob"],
        media_type=file["media_type"],
        rows=file["rows"],
        layout=file["layout"],
    )


def from_options(options: ImportOptions) -> dict[str, object]:
    """Give the JSON of the options."""
    percent = options.policy.max_errors_percent
    return {
        "key": list(options.key),
        "mode": options.mode,
        "on_match": options.on_match,
        "all_or_nothing": options.policy.all_or_nothing,
        "max_errors": options.policy.max_errors,
        "max_errors_percent": percent if percent is None else str(percent),
        "mapping": dict(options.mapping),
        "format": dict(options.format),
        "key_rules": asdict(options.key_rules),
        "waits_for_mapping": options.waits_for_mapping,
        "matches_by_name": options.matches_by_name,
    }


def to_options(document: Row) -> ImportOptions:
    """Give the options of their JSON."""
    percent = document.get("max_errors_percent")  # imports of before have none
    policy = Policy(
        all_or_nothing=document["all_or_nothing"],
        max_errors=document["max_errors"],
        max_errors_percent=percent if percent is None else Decimal(percent),
    )
    return ImportOptions(
        key=tuple(document["key"]),
        mode=Mode(document["mode"]),
        on_match=OnMatch(document["on_match"]),
        policy=policy,
        mapping=document["mapping"],
        format=document["format"],
        # Imports of before have none of these.
        key_rules=KeyRules(**document.get("key_rules", {})),
        waits_for_mapping=document.get("waits_for_mapping", True),
        matches_by_name=document.get("matches_by_name", True),
    )


def from_layout(layout: FormatLayout) -> dict[str, object]:
    """Give the JSON of a layout."""
    return {
        "format": layout.format,
        "header": list(layout.header),
        "options": dict(layout.options),
        "evidence": dict(layout.evidence),
        "confidence": layout.confidence,
    }


def to_planned_chunk(row: Row) -> PlannedChunk:
    """Give the planned chunk of a row of `claim_chunk` or `chunks_of_import`."""
    span = ChunkSpan(
        first_row=row["first_row"],
        rows=row["rows"],
        first_line=row["first_line"],
        begin=row["begin_byte"],
        end=row["end_byte"],
        hints=row["hints"],
    )
    return PlannedChunk(
        number=row["number"],
        file_id=row["file_id"],
        span=span,
        staged=row["staged"],
        again=Again(row["again"]) if row["again"] else None,
        mended=tuple(row["mended"]),
        tried=tuple(row["tried"]),
        is_undone=row["state"] == "undoing",
    )


def to_waiting_facts(row: Row) -> WaitingFacts:
    """Give the facts of a row of `waiting_facts`."""
    return WaitingFacts(**{name: value for name, value in row.items() if name != "id"})
