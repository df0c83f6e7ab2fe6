"""`rowport status` and `rowport list`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from rowport.bootstrap import open_rowport
from rowport.cli.exits import Exit
from rowport.cli.pace import doing
from rowport.cli.settings import Command, Settings
from rowport.cli.speech import emit, note, printable, say
from rowport.cli.summary import summary_lines
from rowport.model.errors import ImportNotFound
from rowport.wire.ids import import_id as read_id
from rowport.wire.resources import import_resource

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from uuid import UUID

    from rowport.bootstrap import Rowport
    from rowport.model.imports import Import

PAGE: Final = 200
DEFAULT_LIMIT: Final = 20


@click.command("status", cls=Command)
@click.argument("import_id", metavar="[ID]", required=False)
@click.pass_obj
def status(settings: Settings, *, import_id: str | None) -> Exit:
    """Show the import ID, or the newest one."""
    identity = read_id(import_id) if import_id is not None else None
    with open_rowport(home=settings.home, database_url=settings.database_url) as rowport:
        imported = _newest(rowport) if identity is None else _one(rowport, identity)
        [imported] = rowport.services.waits.explain(rowport.organization.id, [imported])
    if settings.json:
        emit(import_resource(imported))
        return Exit.FINE
    for line in summary_lines(imported):
        say(line)
    if imported.waiting:
        say(f"it waits: {printable(imported.waiting.message)}")
    for expiry in imported.expired:
        say(f"its {expiry.kind} expired on {expiry.at:%Y-%m-%d}: {expiry.why}")
    return Exit.FINE


def _one(rowport: Rowport, identity: UUID) -> Import:
    return rowport.services.imports.look(rowport.organization.id, identity)


def _newest(rowport: Rowport) -> Import:
    for imported in rowport.services.imports.list(rowport.organization.id, limit=1):
        return imported
    raise ImportNotFound("there is no import yet; `rowport import FILE --type NAME` makes one")


@click.command("list", cls=Command)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=DEFAULT_LIMIT,
    show_default=True,
    help="How many at most.",
)
@click.pass_obj
def list_imports(settings: Settings, *, limit: int) -> Exit:
    """List imports, the newest first; with --json one document a line."""
    with open_rowport(home=settings.home, database_url=settings.database_url) as rowport:
        any_was = False
        for imported in newest_first(rowport, limit=limit):
            if settings.json:
                emit(import_resource(imported))
            else:
                say(list_line(imported))
            any_was = True
    if not any_was and not settings.json:
        note("rowport: there is no import yet")
    return Exit.FINE


def newest_first(rowport: Rowport, *, limit: int) -> Iterator[Import]:
    """Give up to `limit` imports, a page at a time."""
    after: tuple[datetime, UUID] | None = None
    while limit > 0:
        page = rowport.services.imports.list(
            rowport.organization.id, limit=min(PAGE, limit), after=after
        )
        yield from rowport.services.waits.explain(rowport.organization.id, page)
        if len(page) < min(PAGE, limit):
            return
        limit -= len(page)
        after = (page[-1].created_at, page[-1].id)


def list_line(imported: Import) -> str:
    """Say an import on one line."""
    counts = imported.counts
    names = ", ".join(printable(file.name) for file in imported.files)
    went = str(imported.result) if imported.result else doing(imported)
    return (
        f"{imported.id}  {imported.created_at:%Y-%m-%d %H:%M:%S}  {went:<13}  "
        f"{counts.total:>10,} rows  {counts.failed:>8,} failed  {imported.type_name}  {names}"
    )
