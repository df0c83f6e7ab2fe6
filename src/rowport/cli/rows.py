"""`rowport rows` and `rowport errors`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import click

from rowport.bootstrap import open_rowport
from rowport.cli.exits import Exit
from rowport.cli.settings import Command, Settings
from rowport.cli.speech import emit, note, printable, say
from rowport.model.outcomes import Outcome
from rowport.wire.ids import import_id as read_id
from rowport.wire.resources import error_group_resource, row_resource

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from rowport.bootstrap import Rowport
    from rowport.engine.error_groups import ErrorGroup
    from rowport.model.outcomes import RowOutcome

OUTCOMES: Final = {outcome.word: outcome for outcome in Outcome}
NO_RECORD: Final = "-"
MOST: Final = 10_000
"""Rows that are asked for at once."""


@click.command("rows", cls=Command)
@click.argument("import_id", metavar="ID")
@click.option("--outcome", type=click.Choice(list(OUTCOMES)), help="Only rows with this outcome.")
@click.option("--after", type=click.IntRange(min=0), help="Only rows behind this one.")
@click.option("--limit", type=click.IntRange(min=1), help="How many at most.")
@click.pass_obj
def rows(
    settings: Settings,
    *,
    import_id: str,
    outcome: str | None,
    after: int | None,
    limit: int | None,
) -> Exit:
    """Tell what became of each row of the import ID; with --json one document a line."""
    identity = read_id(import_id)
    with open_rowport(home=settings.home, database_url=settings.database_url) as rowport:
        page = Page(after=after or 0, limit=limit, outcome=OUTCOMES[outcome] if outcome else None)
        for row in page.rows(rowport, identity):
            if settings.json:
                emit(row_resource(row))
            else:
                say(row_line(row))
    return Exit.FINE


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which rows are asked for."""

    after: int
    limit: int | None
    outcome: Outcome | None

    def rows(self, rowport: Rowport, import_id: UUID) -> Iterator[RowOutcome]:
        """Give them, some at a time unless all are asked for."""
        asked = rowport.services.rows
        organization = rowport.organization.id
        if not self.after and self.limit is None:
            yield from asked.outcomes(organization, import_id, outcome=self.outcome)
            return
        after, left = self.after, self.limit
        while left is None or left > 0:
            most = MOST if left is None else min(MOST, left)
            found = asked.page(
                organization, import_id, after=after, limit=most, outcome=self.outcome
            )
            yield from found
            if len(found) < most:
                return
            after, left = found[-1].row, None if left is None else left - most


@click.command("errors", cls=Command)
@click.argument("import_id", metavar="ID")
@click.pass_obj
def errors(settings: Settings, *, import_id: str) -> Exit:
    """Tell all errors of the import ID by code and field; with --json one document a line."""
    identity = read_id(import_id)
    with open_rowport(home=settings.home, database_url=settings.database_url) as rowport:
        groups = rowport.services.rows.error_groups(rowport.organization.id, identity)
    for group in groups:
        if settings.json:
            emit(error_group_resource(group))
        else:
            for line in group_lines(group):
                say(line)
    if not groups and not settings.json:
        note("rowport: no row has an error")
    return Exit.FINE


def group_lines(group: ErrorGroup) -> list[str]:
    """Say a kind of errors: how often, and the first ones."""
    kind = printable(f"{group.field or '(row)'} [{group.code}]")
    return [
        f"{group.count:>10,}  {kind}",
        *(
            f"{'':>10}  row {example['row']}: {printable(example['message'])}"
            for example in group.examples
        ),
    ]


def row_line(row: RowOutcome) -> str:
    """Say a row on one line."""
    reasons = "; ".join(
        f"{error.field or '(row)'}: {error.message} [{error.code}]" for error in row.errors
    )
    record = str(row.record_id) if row.record_id else NO_RECORD
    where = f"row {row.row}" if row.line is None else f"row {row.row} line {row.line}"
    line = f"{where}  {row.outcome.word:<9}  {printable(reasons) or record}"
    if row.undo is None:
        return line
    why = f": {printable(row.undo.message)}" if row.undo.message else ""
    return f"{line}  {row.undo.fate.word}{why}"
