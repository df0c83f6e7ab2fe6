"""`rowport failed-rows`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rowport.bootstrap import open_rowport
from rowport.cli.exits import Exit
from rowport.cli.outputs import replaced, suffix_of
from rowport.cli.settings import Command, Settings
from rowport.cli.speech import emit, say
from rowport.service.failed_rows import csv_parts, table
from rowport.wire.ids import import_id as read_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rowport.model.outcomes import RowOutcome
    from rowport.service.rows import FailedRows


@click.command("failed-rows", cls=Command)
@click.argument("import_id", metavar="ID")
@click.option(
    "--out",
    type=click.Path(path_type=Path, readable=False),
    required=True,
    metavar="FILE.{csv,xlsx}",
    help="Where to write them; an old file of this name is replaced.",
)
@click.pass_obj
def failed_rows(settings: Settings, *, import_id: str, out: Path) -> Exit:
    """Write the failed rows of the import ID, as they stood, with the reasons beside them."""
    identity, suffix = read_id(import_id), suffix_of(out)
    with open_rowport(home=settings.home, database_url=settings.database_url) as rowport:
        failed = rowport.services.rows.failed(rowport.organization.id, identity)
        counted = Counted(failed.rows)
        with replaced(out) as beside:
            write(beside, suffix, failed, counted)
    if settings.json:
        emit({"import_id": str(identity), "path": str(out), "rows": counted.rows})
    else:
        say(f"{counted.rows:,} failed rows written to {out}")
    return Exit.FINE


class Counted:
    """Rows that are counted as they pass."""

    def __init__(self, rows: Iterator[RowOutcome]) -> None:
        self._left = rows
        self.rows = 0

    def __iter__(self) -> Iterator[RowOutcome]:
        for row in self._left:
            self.rows += 1
            yield row


def write(path: Path, suffix: str, failed: FailedRows, rows: Counted) -> None:
    """Write the file."""
    if suffix == ".xlsx":
        from rowport.service.workbooks import write_workbook  # noqa: PLC0415  only for spreadsheets

        write_workbook(path, table(failed.header, rows), sheet="failed rows")
        return
    with path.open("wb") as out:
        for part in csv_parts(failed.header, rows):
            out.write(part)
