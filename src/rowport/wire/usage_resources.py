"""The documents of usage and of an import's files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rowport.wire.resources import counts_resource, file_resource

if TYPE_CHECKING:
    from rowport.model.usage import FileUse, MonthOfUse

Document = dict[str, object]


def month_resource(use: MonthOfUse) -> Document:
    """Say what an organization used in a month."""
    return {
        "organization": {"id": str(use.organization_id), "slug": use.slug},
        "month": use.month,
        "imports": use.imports,
        "rows": counts_resource(use.counts),
        "received_bytes": use.received_bytes,
        "kept_bytes": {"uploads": use.kept_upload_bytes, "results": use.kept_result_bytes},
    }


def file_use_resource(use: FileUse) -> Document:
    """Say a file of an import with its own counts."""
    return {
        **file_resource(use.file),
        "media_type": use.file.media_type,
        "layout": dict(use.file.layout) if use.file.layout is not None else None,
        "counts": counts_resource(use.counts),
        "chunks": {"total": use.chunks.total, "done": use.chunks.done},
    }
