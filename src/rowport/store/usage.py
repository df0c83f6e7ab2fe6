"""What organizations use, summed up over their imports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rowport.model.counts import Counts
from rowport.model.imports import ChunkTally, ImportFile
from rowport.model.usage import FileUse, MonthOfUse
from rowport.store.saying import many

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from rowport.ports import Transaction


class PostgresUsage:
    """Sums over chunks, files and results, which are written once and never counted twice."""

    def months(
        self, tx: Transaction, organization_id: UUID | None, *, months: int
    ) -> Sequence[MonthOfUse]:
        """Give the newest months, this one first; None: of all organizations."""
        return [
            MonthOfUse(
                organization_id=row["organization_id"],
                slug=row["slug"],
                month=row["month"],
                imports=row["imports"],
                counts=_counts(row),
                received_bytes=row["received_bytes"],
                kept_upload_bytes=row["kept_upload_bytes"],
                kept_result_bytes=row["kept_result_bytes"],
            )
            for row in many(tx, "usage", organization_id=organization_id, months=months)
        ]

    def files(self, tx: Transaction, organization_id: UUID, import_id: UUID) -> Sequence[FileUse]:
        """Give the files of an import in their order, each with its own counts."""
        names = {"organization_id": organization_id, "import_id": import_id}
        return [
            FileUse(
                file=ImportFile(
                    id=row["id"],
                    oid=row["oid"],
                    name=row["name"],
                    size_bytes=row["size_bytes"],
                    sha256=row["sha256"],
                    blob=row["blob"],
                    media_type=row["media_type"],
                    rows=row["inline_rows"],
                    layout=row["layout"],
                ),
                counts=_counts(row),
                chunks=ChunkTally(total=row["chunks"], done=row["done"]),
            )
            for row in many(tx, "files_in_counts", **names)
        ]


def _counts(row: Mapping[str, Any]) -> Counts:
    words = ("created", "updated", "unchanged", "skipped", "failed")
    processed = {word: int(row[word]) for word in words}
    return Counts(**processed, pending=int(row["rows"]) - sum(processed.values()))
