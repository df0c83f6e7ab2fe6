"""The documents of the native API; the command line prints the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from rowport.wire.times import rfc3339

if TYPE_CHECKING:
    from rowport.engine.error_groups import ErrorGroup
    from rowport.model.counts import Counts
    from rowport.model.imports import Import, ImportFault, ImportFile, ImportOptions
    from rowport.model.outcomes import RowError, RowOutcome
    from rowport.model.record_types import RecordType
    from rowport.model.undo import RowUndo, Undo
    from rowport.model.uploads import Upload
    from rowport.model.waiting import Waiting
    from rowport.ports import StoredRecord

Document = dict[str, object]


def import_resource(imported: Import) -> Document:
    """Say an import."""
    return {
        "id": str(imported.id),
        "oid": imported.oid,
        "name": imported.name,
        "type": imported.type_name,
        "type_version": imported.type_version,
        "state": str(imported.state),
        "result": str(imported.result) if imported.result else None,
        "phase": str(imported.phase) if imported.phase else None,
        "priority": str(imported.priority),
        "counts": counts_resource(imported.counts),
        "files": [file_resource(file) for file in imported.files],
        "chunks": {"total": imported.chunks.total, "done": imported.chunks.done},
        "mapping": dict(imported.mapping) if imported.mapping is not None else None,
        "options": options_resource(imported.options),
        "error": fault_resource(imported.error) if imported.error else None,
        "waiting": waiting_resource(imported.waiting) if imported.waiting else None,
        "expired": {
            str(expiry.kind): {"at": rfc3339(expiry.at), "why": expiry.why}
            for expiry in imported.expired
        },
        "undo": undo_resource(imported.undo) if imported.undo else None,
        "created_at": rfc3339(imported.created_at),
        "started_at": rfc3339(imported.started_at),
        "finished_at": rfc3339(imported.finished_at),
        "updated_at": rfc3339(imported.updated_at),
    }


def counts_resource(counts: Counts) -> Document:
    """Say how many rows met which fate; `total` is the sum of the others."""
    return {
        "total": counts.total,
        "created": counts.created,
        "updated": counts.updated,
        "unchanged": counts.unchanged,
        "skipped": counts.skipped,
        "failed": counts.failed,
        "pending": counts.pending,
    }


def file_resource(file: ImportFile) -> Document:
    """Say a file of an import."""
    return {
        "id": str(file.id),
        "oid": file.oid,
        "name": file.name,
        "size_bytes": file.size_bytes,
        "sha256": file.sha256,
    }


def options_resource(options: ImportOptions) -> Document:
    """Say what the person who started an import asked for."""
    return {
        "key": list(options.key),
        "mode": str(options.mode),
        "on_match": str(options.on_match),
        "policy": options.policy.word,
        "mapping": dict(options.mapping),
        "format": dict(options.format),
    }


def fault_resource(fault: ImportFault) -> Document:
    """Say why an import as a whole failed."""
    return {"code": fault.code, "message": fault.message, "retryable": fault.retryable}


def waiting_resource(waiting: Waiting) -> Document:
    """Say what an import waits for."""
    return {"code": str(waiting.code), "message": waiting.message}


def undo_resource(undo: Undo) -> Document:
    """Say how far an import is taken back; the counts are of rows that had written records."""
    counts = undo.counts
    return {
        "state": str(undo.state),
        "asked_by": undo.asked_by,
        "counts": {
            "reversed": counts.reversed,
            "kept": counts.kept,
            "errored": counts.errored,
            "pending": counts.pending,
        },
        "error": {"code": undo.error.code, "message": undo.error.message} if undo.error else None,
        "created_at": rfc3339(undo.created_at),
        "finished_at": rfc3339(undo.finished_at),
    }


def row_resource(row: RowOutcome) -> Document:
    """Say what became of a row."""
    return {
        "row": row.row,
        "line": row.line,
        "outcome": row.outcome.word,
        "record_id": str(row.record_id) if row.record_id else None,
        "errors": [row_error_resource(error) for error in row.errors],
        "raw": list(row.raw) if row.raw is not None else None,
        "undo": row_undo_resource(row.undo) if row.undo else None,
    }


def row_undo_resource(undo: RowUndo) -> Document:
    """Say what undoing made of a row."""
    return {"outcome": undo.fate.word, "message": undo.message}


def error_group_resource(group: ErrorGroup) -> Document:
    """Say all errors of one kind."""
    return {
        "code": group.code,
        "field": group.field,
        "count": group.count,
        "examples": [dict(example) for example in group.examples],
    }


def row_error_resource(error: RowError) -> Document:
    """Say why a row failed."""
    return {
        "code": str(error.code),
        "field": error.field,
        "value": error.value,
        "message": error.message,
    }


def record_type_resource(record_type: RecordType) -> Document:
    """Say a record type; `schema` is the Table Schema document as it was put."""
    return {
        "id": str(record_type.id),
        "oid": record_type.oid,
        "name": record_type.name,
        "version": record_type.version,
        "key": list(record_type.key),
        "schema": dict(record_type.schema.document),
        "table": f"{record_type.table_schema}.{record_type.table_name}",
        "created_at": rfc3339(record_type.created_at),
        "updated_at": rfc3339(record_type.updated_at),
    }


def record_resource(record: StoredRecord) -> Document:
    """Say a record; its values are the JSON that the destination gave."""
    return {
        "id": str(record.id),
        "import_id": str(record.import_id),
        "row": record.row,
        "values": {name: msgspec.Raw(text.encode()) for name, text in record.values.items()},
    }


def upload_resource(upload: Upload) -> Document:
    """Say an upload."""
    return {
        "id": str(upload.id),
        "name": upload.name,
        "media_type": upload.media_type,
        "size_bytes": upload.size_bytes,
        "received_bytes": upload.received,
        "sha256": upload.sha256,
        "created_at": rfc3339(upload.created_at),
        "expires_at": rfc3339(upload.expires_at),
    }
