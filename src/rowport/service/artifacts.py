"""Files made of what the ledger knows: failed rows and templates."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rowport.model.errors import NotFound
from rowport.service.failed_rows import csv_parts, table
from rowport.service.rows import header_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from uuid import UUID

    from rowport.model.imports import Import
    from rowport.model.outcomes import RowOutcome
    from rowport.model.record_types import RecordType
    from rowport.service.record_types import RecordTypes
    from rowport.service.rows import Rows

MEDIA_TYPES: Final = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
BLOCK_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifacts:
    """Makes files as streams of bytes; nothing is held whole in memory."""

    record_types: RecordTypes
    rows: Rows

    def failed_rows(self, organization_id: UUID, import_id: UUID, form: str) -> Iterator[bytes]:
        """Give the failed rows of an import with their reasons.

        Raises:
            ImportNotFound: this organization has none of this id (at once).
            NotFound: there is no such form.
        """
        _check(form)
        failed = self.rows.failed(organization_id, import_id)
        if form == "csv":
            return csv_parts(failed.header, failed.rows)
        return _workbook(failed.header, failed.rows)

    def failed_rows_sizes(
        self, organization_id: UUID, jobs: Sequence[Import]
    ) -> Mapping[UUID, int]:
        """Give how many bytes the failed-rows CSV of each import has; none for those without.

        It is written once to tell, so keep what you learn of imports that have ended.
        """
        headers = {job.id: header_of(job) for job in jobs}
        failed = self.rows.failed_of(organization_id, list(headers))
        return {
            import_id: sum(map(len, csv_parts(headers[import_id], rows)))
            for import_id, rows in failed
        }

    def template(self, organization_id: UUID, type_name: str, form: str) -> Iterator[bytes]:
        """Give an empty file of a record type for people to fill in.

        Raises:
            RecordTypeNotFound: this organization has none of this name.
            NotFound: there is no such form.
        """
        from rowport.service.templates import template_csv  # noqa: PLC0415  brings xlsxwriter in

        _check(form)
        record_type = self.record_types.get(organization_id, type_name)
        if form == "csv":
            return iter([template_csv(record_type)])
        return _template_workbook(record_type)


def _check(form: str) -> None:
    if form not in MEDIA_TYPES:
        raise NotFound(f"Files come as {' or '.join(MEDIA_TYPES)}, not as {form!r}.")


def _workbook(header: tuple[str, ...], rows: Iterator[RowOutcome]) -> Iterator[bytes]:
    from rowport.service.workbooks import write_workbook  # noqa: PLC0415  brings xlsxwriter in

    with tempfile.TemporaryDirectory(prefix="rowport-") as folder:
        path = Path(folder) / "rows.xlsx"
        write_workbook(path, table(header, rows), sheet="failed rows")
        yield from _blocks(path)


def _template_workbook(record_type: RecordType) -> Iterator[bytes]:
    from rowport.service.templates import write_template_workbook  # noqa: PLC0415  likewise

    with tempfile.TemporaryDirectory(prefix="rowport-") as folder:
        path = Path(folder) / "template.xlsx"
        write_template_workbook(path, record_type)
        yield from _blocks(path)


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            yield block
