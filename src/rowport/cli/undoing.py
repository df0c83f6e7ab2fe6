"""`rowport undo`."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import click

from rowport.bootstrap import open_rowport
from rowport.cli.controlling import who
from rowport.cli.crew import Crew
from rowport.cli.exits import Exit
from rowport.cli.outcome import say_detached
from rowport.cli.settings import Command, Settings
from rowport.cli.speech import emit, say
from rowport.cli.summary import summary_lines
from rowport.model.errors import Unavailable
from rowport.model.undo import UndoState
from rowport.wire.ids import import_id as read_id
from rowport.wire.resources import import_resource

if TYPE_CHECKING:
    from rowport.bootstrap import Rowport
    from rowport.model.imports import Import

POLL_S: Final = 0.1
OUTAGE_S: Final = 30.0
"""How long the database may be away before nobody waits here any more; the undo itself goes on."""


@click.command("undo", cls=Command)
@click.argument("import_id", metavar="ID")
@click.option("--detach", is_flag=True, help="Print the id and leave; the undo goes on.")
@click.pass_obj
def undo(settings: Settings, *, import_id: str, detach: bool) -> Exit:
    """Give back what was before the import ID, and wait for it; what was changed since is kept."""
    identity = read_id(import_id)
    with open_rowport(home=settings.home, database_url=settings.database_url) as rowport:
        imported = rowport.services.undos.undo(rowport.organization.id, identity, by=who())
        crew = Crew(rowport)
        if detach:
            crew.ensure()
            return say_detached(settings, imported)
        imported = _until_done(rowport, imported, crew)
    if settings.json:
        emit(import_resource(imported))
    else:
        for line in summary_lines(imported):
            say(line)
        _say_how_to_see(settings, imported)
    return exit_of_undo(imported)


def exit_of_undo(imported: Import) -> Exit:
    """Give the exit status that says how it went."""
    undo = imported.undo
    if undo is None or undo.state is not UndoState.COMPLETED:
        return Exit.FAILED
    return Exit.ROWS_FAILED if undo.counts.kept + undo.counts.errored else Exit.FINE


def _say_how_to_see(settings: Settings, imported: Import) -> None:
    if imported.undo and imported.undo.counts.kept + imported.undo.counts.errored:
        say()
        say("What became of each row, and why:")
        say(f"  rowport rows{settings.repeat()} {imported.id}")


def _until_done(rowport: Rowport, imported: Import, crew: Crew) -> Import:
    """Wait for the end of the undo, and see to it that somebody works on it.

    Raises:
        Unavailable: the database stays away; the undo is not lost.
    """
    seen_at = time.monotonic()
    while imported.undo is not None and imported.undo.state is UndoState.RUNNING:
        try:
            imported = rowport.services.imports.look(imported.organization_id, imported.id)
            crew.ensure()
            seen_at = time.monotonic()
        except Unavailable:
            if time.monotonic() - seen_at > OUTAGE_S:
                raise
            with suppress(Unavailable):  # it may be that nobody else is left to bring it back
                rowport.ensure_database()
        time.sleep(POLL_S)
    return imported
