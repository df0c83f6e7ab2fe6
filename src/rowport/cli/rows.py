"""`rowport rows`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from rowport.bootstrap import open_rowport
from rowport.cli.exits import Exit
from rowport.cli.settings import Command, Settings
from rowport.cli.speech import emit, printable, say
from rowport.model.outcomes import Outcome
from rowport.wire.ids import import_id as read_id
from rowport.wire.resources import row_resource

if TYPE_CHECKING:
    from rowport.model.outcomes import RowOutcome

OUTCOMES: Final = {outcome.word: outcome for outcome in Outcome}
NO_RECORD: Final = "-"


@click.command("rows", cls=Command)
@click.argument("import_id", metavar="ID")
@click.option("--outcome", type=click.Choice(list(OUTCOMES)), help="Only rows with this outcome.")
@click.pass_obj
def rows(settings: Settings, *, import_id: str, outcome: str | None) -> Exit:
    """Tell what became of each row of the import ID; with --json one document a line."""
    identity = read_id(import_id)
    with open_rowport(home=settings.home, database_url=settings.database_url) as rowport:
        found = rowport.services.rows.outcomes(
            rowport.organization.id, identity, outcome=OUTCOMES[outcome] if outcome else None
        )
        for row in found:
            if settings.json:
                emit(row_resource(row))
            else:
                say(row_line(row))
    return Exit.FINE


def row_line(row: RowOutcome) -> str:
    """Say a row on one line."""
    reasons = "; ".join(
        f"{error.field or '(row)'}: {error.message} [{error.code}]" for error in row.errors
    )
    record = str(row.record_id) if row.record_id else NO_RECORD
    where = f"row {row.row}" if row.line is None else f"row {row.row} line {row.line}"
    return f"{where}  {row.outcome.word:<9}  {printable(reasons) or record}"
