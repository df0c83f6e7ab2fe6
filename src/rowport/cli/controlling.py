"""`rowport pause`, `rowport resume`, `rowport priority` and `rowport cancel`."""

from __future__ import annotations

import getpass
import time
from typing import TYPE_CHECKING, Final

import click

from rowport.bootstrap import open_rowport
from rowport.cli.crew import Crew
from rowport.cli.exits import Exit
from rowport.cli.following import Follower
from rowport.cli.interrupts import Interrupts
from rowport.cli.outcome import follow, say_detached
from rowport.cli.progress import new_progress
from rowport.cli.settings import Command, Settings
from rowport.cli.speech import emit, say
from rowport.cli.summary import summary_lines
from rowport.model.imports import Priority
from rowport.model.states import ImportState
from rowport.wire.ids import import_id as read_id
from rowport.wire.resources import import_resource

if TYPE_CHECKING:
    from uuid import UUID

    from rowport.bootstrap import Rowport
    from rowport.model.imports import Import

POLL_S: Final = 0.1


def who() -> str:
    """Say who types."""
    try:
        return f"{getpass.getuser()} (command line)"
    except (KeyError, OSError):
        return "the command line"


@click.command("pause", cls=Command)
@click.argument("import_id", metavar="ID")
@click.pass_obj
def pause(settings: Settings, *, import_id: str) -> Exit:
    """Stop the import ID until it is resumed; what is loaded stays."""
    identity = read_id(import_id)
    with open_rowport(home=settings.home, database_url=settings.database_url) as rowport:
        imported = rowport.services.control.pause(rowport.organization.id, identity, by=who())
        imported = _until_paused(rowport, imported, identity)
    if settings.json:
        emit(import_resource(imported))
    else:
        for line in summary_lines(imported):
            say(line)
    return Exit.FINE


def _until_paused(rowport: Rowport, imported: Import, identity: UUID) -> Import:
    """Wait for the chunks in flight; each look ends those that take too long."""
    while imported.state is ImportState.PAUSING:
        time.sleep(POLL_S)
        imported = rowport.services.imports.look(rowport.organization.id, identity)
    return imported


@click.command("resume", cls=Command)
@click.argument("import_id", metavar="ID")
@click.option("--detach", is_flag=True, help="Print the id and leave; the import goes on.")
@click.pass_obj
def resume(settings: Settings, *, import_id: str, detach: bool) -> Exit:
    """Let the paused import ID go on, and follow it to its end."""
    identity = read_id(import_id)
    with (
        Interrupts() as interrupts,
        open_rowport(home=settings.home, database_url=settings.database_url) as rowport,
    ):
        imported = rowport.services.control.resume(rowport.organization.id, identity)
        crew = Crew(rowport)
        if detach:
            crew.ensure()
            return say_detached(settings, imported)
        return follow(settings, rowport, imported, crew, interrupts)


@click.command("priority", cls=Command)
@click.argument("import_id", metavar="ID")
@click.argument("word", type=click.Choice([str(word) for word in Priority]))
@click.pass_obj
def set_priority(settings: Settings, *, import_id: str, word: str) -> Exit:
    """Let the import ID have its turn more often than others, or less."""
    identity = read_id(import_id)
    with open_rowport(home=settings.home, database_url=settings.database_url) as rowport:
        control, organization_id = rowport.services.control, rowport.organization.id
        imported = control.set_priority(organization_id, identity, Priority(word))
    if settings.json:
        emit(import_resource(imported))
    else:
        for line in summary_lines(imported):
            say(line)
    return Exit.FINE


@click.command("cancel", cls=Command)
@click.argument("import_id", metavar="ID")
@click.pass_obj
def cancel(settings: Settings, *, import_id: str) -> Exit:
    """End the import ID; what is loaded stays."""
    identity = read_id(import_id)
    with (
        Interrupts() as interrupts,
        open_rowport(home=settings.home, database_url=settings.database_url) as rowport,
    ):
        imports = rowport.services.imports
        imported = imports.cancel(rowport.organization.id, identity, by=who())
        interrupts.was_asked = True  # it is canceled already: Ctrl-C leaves at once
        follower = Follower(
            rowport,
            crew=Crew(rowport),
            progress=new_progress(),
            interrupts=interrupts,
            is_canceling=True,
        )
        imported = follower.until_final(imported)
    if settings.json:
        emit(import_resource(imported))
    else:
        for line in summary_lines(imported):
            say(line)
    return Exit.FINE
